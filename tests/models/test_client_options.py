"""What the settings of one call mean for the client that makes it, over a real server."""

from __future__ import annotations

import functools
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseOutputText

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
)
from agents.model_timeouts import ModelTimeouts
from agents.models._client_options import call_options, calling_client, handed_over
from agents.retry import ModelRetrySettings, RetryPolicyContext, retry_policies
from agents.testing import ResponsesServer, Step
from models.chat_server import ChatServer, document
from models.chats import answer

WITH_POLICY = ModelSettings(retry=ModelRetrySettings(max_retries=1, policy=retry_policies.never()))


@pytest.fixture
def client() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url="http://127.0.0.1:1/v1", api_key="x")


class TestRetries:
    @pytest.mark.parametrize(("settings", "requests"), [(ModelSettings(), 3), (WITH_POLICY, 1)])
    async def test_a_policy_alone_decides_what_is_repeated(self, settings: ModelSettings, requests: int):
        async with (
            ResponsesServer([Step.http_error(503, headers={"retry-after-ms": "1"})] * 3) as server,
            openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
        ):
            agent = Agent(name="a", model=OpenAIResponsesModel("m", client), model_settings=settings)
            with pytest.raises(openai.InternalServerError):
                await Runner.run(agent, "Hi")
            assert len(server.requests) == requests

    async def test_attempts_are_counted_once(self):
        seen: list[int] = []

        def policy(context: RetryPolicyContext) -> bool:
            seen.append(context.attempt)
            return True

        retry = ModelRetrySettings(max_retries=2, policy=policy, backoff={"initial_delay": 0})
        async with (
            ResponsesServer([Step.http_error(503)] * 3) as server,
            openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
        ):
            agent = Agent(
                name="a", model=OpenAIResponsesModel("m", client), model_settings=ModelSettings(retry=retry)
            )
            with pytest.raises(openai.InternalServerError):
                await Runner.run(agent, "Hi")
            assert (seen, len(server.requests)) == ([1, 2], 3)

    def test_a_client_like_it_is_called_with_the_key_of_the_moment(self, client: openai.AsyncOpenAI):
        patient = calling_client(client, WITH_POLICY)
        assert (patient.max_retries, client.max_retries) == (0, 2)
        client.api_key = "another"
        assert calling_client(client, WITH_POLICY).api_key == "another"

    @pytest.mark.parametrize(
        "settings",
        [ModelSettings(), ModelSettings(retry=ModelRetrySettings(policy=retry_policies.never()))],
    )
    def test_without_a_policy_and_a_count_the_client_repeats_as_it_does(
        self, client: openai.AsyncOpenAI, settings: ModelSettings
    ):
        assert calling_client(client, settings) is client

    def test_a_client_that_cannot_be_copied_is_called_itself(self):
        class Own(openai.AsyncOpenAI):
            def __init__(self, tenant: str) -> None:
                super().__init__(base_url="http://127.0.0.1:1/v1", api_key=tenant)

        own = Own("t")
        assert calling_client(own, WITH_POLICY) is own

    def test_a_client_that_was_patched_is_called_itself(self, client: openai.AsyncOpenAI):
        async def create(**_: Any) -> None:
            """Somebody's own."""

        client.responses.create = create  # pyright: ignore[reportAttributeAccessIssue]  # as tests do it
        assert calling_client(client, WITH_POLICY) is client


class TestConnecting:
    def test_the_limit_is_put_into_the_clients_own(self, client: openai.AsyncOpenAI):
        settings = ModelSettings(timeouts=ModelTimeouts(connect=0.25))
        made: Any = call_options(client, settings)["timeout"]
        own: Any = client.timeout
        assert (made.connect, made.read, made.write) == (0.25, own.read, own.write)
        single = client.with_options(timeout=7.0)
        made = call_options(single, settings)["timeout"]
        assert (made.connect, made.read) == (0.25, 7.0)

    @pytest.mark.parametrize("settings", [ModelSettings(), ModelSettings(timeouts={"first_event": 1})])  # pyright: ignore[reportArgumentType]
    def test_without_one_nothing_is_said(self, client: openai.AsyncOpenAI, settings: ModelSettings):
        assert call_options(client, settings) == {}

    @pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
    async def test_it_reaches_the_client(self, client: openai.AsyncOpenAI, kind: Any):
        given: list[Any] = []

        async def create(**named: Any) -> Any:
            given.append(named["timeout"])
            raise openai.APIConnectionError(request=None)  # pyright: ignore[reportArgumentType]

        client.responses.create = client.chat.completions.create = create
        settings = ModelSettings(timeouts=ModelTimeouts(connect=0.25))
        agent = Agent(name="a", model=kind("m", client), model_settings=settings)
        for run in (Runner.run, Runner.run):
            with pytest.raises(openai.APIConnectionError):
                await run(agent, "Hi")
        assert [each.connect for each in given] == [0.25, 0.25]


HISTORY: list[Any] = [
    {"role": "user", "content": "Hi"},
    {"role": "user", "content": [{"type": "input_image", "detail": "auto", "image_url": "data:,x"}]},
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}", "id": "fc", "status": "completed"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "é😀"}]},
    {"type": "message", "role": "assistant", "id": "m", "status": "completed", "content": []},
]  # fmt: skip


@function_tool
def look(where: str = "here") -> str:
    """Look."""
    return where


def instrumented(client: openai.AsyncOpenAI) -> list[dict[str, Any]]:
    """Have the client tell what its methods are called with, as instrumentations do."""
    seen: list[dict[str, Any]] = []
    for resource in (client.responses, client.chat.completions):
        original: Any = resource.create

        async def create(_original: Any = original, **named: Any) -> Any:
            seen.append(named)
            return await _original(**named)

        vars(resource)["create"] = create
    return seen


class TestHandingOver:
    """What is plain JSON goes into the body as it is; the client would take half a millisecond for each item of it."""

    @pytest.mark.parametrize("extra", [None, {"more": 1}, {"input": "mine"}])
    async def test_the_server_gets_the_same_body(self, extra: Any):
        bodies: list[Any] = []
        seen: list[Any] = []
        for is_instrumented in (False, True):
            async with (
                ResponsesServer(lambda _: "ok") as server,
                openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client,
            ):
                if is_instrumented:
                    seen = instrumented(client)
                model = OpenAIResponsesModel("m", client)
                settings = ModelSettings(extra_body=extra)
                agent = Agent(name="a", model=model, tools=[look], model_settings=settings)
                await Runner.run(agent, HISTORY)
                async for _ in Runner.run_streamed(agent, HISTORY).stream_events():
                    pass
                bodies.append([request.body for request in server.requests])
        assert bodies[0] == bodies[1]
        assert [named["input"] for named in seen] == [HISTORY, HISTORY]

    async def test_so_does_a_chat_server(self):
        bodies: list[Any] = []
        for is_instrumented in (False, True):
            async with ChatServer([document(answer({"content": "ok"}))]) as server:
                async with openai.AsyncOpenAI(base_url=server.base_url, api_key="x") as client:
                    if is_instrumented:
                        instrumented(client)
                    agent = Agent(name="a", model=OpenAIChatCompletionsModel("m", client), tools=[look])
                    await Runner.run(agent, HISTORY[:1])
                bodies.append([request.body for request in server.requests])
        assert bodies[0] == bodies[1]
        assert bodies[0][0]["messages"][-1]["content"] == "Hi"

    def test_what_is_no_plain_json_is_left_to_the_client(self, client: openai.AsyncOpenAI):
        plain: dict[str, Any] = {"input": [{"role": "user", "content": "Hi"}], "extra_body": None}
        moved = handed_over(client.responses, plain, {"input": openai.omit})
        assert (moved["input"], moved["extra_body"]) == (openai.omit, {"input": plain["input"]})
        part = ResponseOutputText(type="output_text", text="x", annotations=[])
        odd: dict[str, Any] = {"input": [{"role": "assistant", "content": [part]}], "extra_body": None}
        assert handed_over(client.responses, odd, {"input": openai.omit})["input"] is odd["input"]

    def test_a_wrapped_method_gets_everything_by_name(
        self, client: openai.AsyncOpenAI, monkeypatch: pytest.MonkeyPatch
    ):
        original: Any = type(client.responses).create

        @functools.wraps(original)
        def create(*args: Any, **named: Any) -> Any:
            return original(*args, **named)

        monkeypatch.setattr(type(client.responses), "create", create)
        plain: dict[str, Any] = {"input": [{"role": "user", "content": "Hi"}]}
        assert handed_over(client.responses, plain, {"input": openai.omit}) is plain
