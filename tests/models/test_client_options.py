"""What the settings of one call mean for the client that makes it, over a real server."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner
from agents.model_timeouts import ModelTimeouts
from agents.models._client_options import call_options, calling_client
from agents.retry import ModelRetrySettings, RetryPolicyContext, retry_policies
from agents.testing import ResponsesServer, Step

WITH_POLICY = ModelSettings(retry=ModelRetrySettings(policy=retry_policies.never()))


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

    def test_one_client_like_it_is_made_and_kept(self, client: openai.AsyncOpenAI):
        patient = calling_client(client, WITH_POLICY)
        assert (patient.max_retries, client.max_retries) == (0, 2)
        assert calling_client(client, WITH_POLICY) is patient
        assert calling_client(client, ModelSettings()) is client

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
