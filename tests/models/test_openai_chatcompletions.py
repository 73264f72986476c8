"""The Chat Completions model as a run uses it: a real client, a real server, real faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from agents import Agent, RunConfig, Runner, RunState, function_tool
from agents.exceptions import AgentsException, ModelBehaviorError, ModelStreamBroken, UserError
from agents.model_settings import ModelSettings
from agents.models.chatcmpl_helpers import HEADERS_OVERRIDE
from agents.models.chatcmpl_stream_handler import ChatCmplStreamHandler
from agents.models.fake_id import FAKE_RESPONSES_ID
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.reasoning_content_replay import ReasoningContentReplayContext
from agents.retry import (
    ModelRetryAdviceRequest,
    ModelRetryBackoffSettings,
    ModelRetrySettings,
    retry_policies,
)
from agents.usage import Usage
from models.asking import arguments, respond, stream, stream_until_it_breaks
from models.chat_server import Answer, chat_model, document, failing, streaming
from models.chats import HELLO, USAGE, Json, answer, broken_rules, call, chunk, kinds, response_of, said, text

ASKING = [
    call(0, "call_1", "double", '{"number"'),
    call(0, arguments=": 4}"),
    chunk({}, "tool_calls"),
    chunk(usage=USAGE),
]
ANSWERING = [text("It is 8."), chunk({}, "stop"), chunk(usage=USAGE)]


@function_tool
def double(number: int) -> int:
    """Doubles."""
    return 2 * number


# What comes back


async def test_an_answer_has_output_usage_and_no_id_to_go_on_from() -> None:
    async with chat_model() as (model, _):
        response = await respond(model)
    assert [item.type for item in response.output] == ["message"]
    assert response.output[0].id == FAKE_RESPONSES_ID
    assert response.response_id is None
    assert response.request_id == "req_7"
    assert response.usage == Usage(requests=1, input_tokens=3, output_tokens=4, total_tokens=7)
    assert response.raw_usage is None


async def test_raw_usage_is_kept_when_asked_for() -> None:
    settings = ModelSettings(preserve_raw_usage=True)
    told = {**USAGE, "novel_tokens": 5}
    async with chat_model(document(answer({"content": "x"}, usage=told))) as (model, _):
        response = await respond(model, model_settings=settings)
    assert response.raw_usage is not None
    assert (response.raw_usage["prompt_tokens"], response.raw_usage["novel_tokens"]) == (3, 5)


async def test_an_answer_without_usage_counts_as_one_request() -> None:
    async with chat_model(document(answer({"content": "x"}, usage=None))) as (model, _):
        assert (await respond(model)).usage == Usage(requests=1)


@pytest.mark.parametrize("size", [1, 7, 100, 0])
async def test_a_stream_in_writes_of_any_size_gives_the_same_events(size: int) -> None:
    async with chat_model(streaming(HELLO, size=size)) as (model, _):
        events = await stream(model)
    assert broken_rules(events) == []
    assert said(response_of(events)) == ["Hello."]
    assert response_of(events)._request_id == "req_7"  # pyright: ignore[reportPrivateUsage]  # public by the client's documentation


async def test_one_connection_serves_many_streams() -> None:
    async with chat_model(streaming(HELLO)) as (model, server):
        for _ in range(3):
            events: Any = model.stream_response(**arguments())
            async for event in events:
                if event.type == "response.completed":
                    break
            # Reading stops at the last event, as a run does it.
            await events.aclose()
        assert server.open_connections == 1


async def test_a_run_with_a_tool_is_the_same_streamed_or_not() -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "double", "arguments": '{"number": 4}'}}
    ]
    answers = [
        document(answer({"content": None, "tool_calls": calls})),
        document(answer({"content": "It is 8."})),
    ]
    async with chat_model(*answers) as (model, server):
        asked = await Runner.run(Agent(name="a", model=model, tools=[double]), "Hi", run_config=QUIET)
        first = [request.body["messages"] for request in server.requests]
    async with chat_model(streaming(ASKING), streaming(ANSWERING)) as (model, server):
        result = Runner.run_streamed(Agent(name="a", model=model, tools=[double]), "Hi", run_config=QUIET)
        events = [event async for event in result.stream_events()]
        second = [request.body["messages"] for request in server.requests]
    assert asked.final_output == result.final_output == "It is 8."
    assert asked.to_input_list() == result.to_input_list()
    assert asked.context_wrapper.usage == result.context_wrapper.usage
    assert asked.raw_responses == result.raw_responses
    assert first == second
    assert second[1][1:] == [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "8"},
    ]
    assert [event.name for event in events if event.type == "run_item_stream_event"] == [
        *("tool_called", "tool_output", "message_output_created"),
    ]


QUIET = RunConfig(tracing_disabled=True)


async def test_a_run_that_waited_for_a_person_goes_on_with_the_same_conversation() -> None:
    @function_tool(needs_approval=True, name_override="double")
    def ask_first(number: int) -> int:
        return 2 * number

    reasoned = streaming([chunk({"reasoning": "Hm."}), *ASKING])
    async with chat_model(reasoned, streaming(ANSWERING)) as (model, server):
        agent = Agent(name="a", model=model, tools=[ask_first])
        first = Runner.run_streamed(agent, "Hi", run_config=QUIET)
        assert [piece async for piece in first.stream_text()] == []
        state = await RunState.from_string(agent, first.to_state().to_string())
        for item in state.get_interruptions():
            state.approve(item)
        second = Runner.run_streamed(agent, state, run_config=QUIET)
        assert [piece async for piece in second.stream_text()] == ["It is 8."]
    assert server.requests[1].body["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "double", "arguments": '{"number": 4}'},
                }
            ],
            "reasoning": "Hm.",
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "8"},
    ]


RECORDED = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parent / "llama_cpp_streams").glob("chat_*.sse"))
}


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recorded_stream_over_the_wire_ends_as_it_did(name: str) -> None:
    body = RECORDED[name]
    writes = tuple(body[at : at + 11] for at in range(0, len(body), 11))
    async with chat_model(Answer(writes=writes)) as (model, _):
        events, error = await stream_until_it_breaks(model)
    assert broken_rules(events) == []
    if name == "chat_required":
        assert error is None
    else:
        assert isinstance(error, openai.APIError)
        assert error.request.method == "POST"


# What is sent


async def test_settings_headers_and_tools_are_on_the_wire() -> None:
    settings = ModelSettings(
        temperature=0.5, include_usage=True, extra_headers={"X-Mine": "1"}, extra_body={"k": 2}
    )
    async with chat_model(streaming(HELLO)) as (model, server):
        await stream(model, model_settings=settings, tools=[double], system_instructions="Be nice.")
    [request] = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["x-mine"] == "1"
    assert request.headers["user-agent"].startswith("Agents/Python ")
    assert request.body["messages"][0] == {"role": "system", "content": "Be nice."}
    assert request.body["stream_options"] == {"include_usage": True}
    assert (request.body["stream"], request.body["temperature"], request.body["k"]) == (True, 0.5, 2)
    assert request.body["tools"][0]["function"]["name"] == "double"
    assert "store" not in request.body


async def test_headers_can_be_overridden_in_a_context() -> None:
    settings = ModelSettings(extra_headers={"User-Agent": "settings"})
    async with chat_model(document(answer({"content": "x"})), streaming(HELLO)) as (model, server):
        token = HEADERS_OVERRIDE.set({"User-Agent": "mine"})
        try:
            await respond(model, model_settings=settings)
            await stream(model)
        finally:
            HEADERS_OVERRIDE.reset(token)
        await stream(model, model_settings=settings)
    assert [request.headers["user-agent"] for request in server.requests] == ["mine", "mine", "settings"]


@pytest.mark.parametrize(
    "given", [{"previous_response_id": "r"}, {"conversation_id": "c"}, {"prompt": {"id": "p"}}]
)
async def test_state_of_the_server_is_left_out_or_refused(
    given: Json, caplog: pytest.LogCaptureFixture
) -> None:
    async with chat_model() as (model, server):
        await respond(model, **given)
        assert set(server.requests[0].body) == {"model", "messages"}
    assert "Leaving it out" in caplog.text
    async with chat_model(model={"strict_feature_validation": True}) as (model, server):
        with pytest.raises(UserError, match="support"):
            await respond(model, **given)
        with pytest.raises(UserError, match="support"):
            await stream(model, **given)
        assert server.requests == []


def always(_: ReasoningContentReplayContext) -> bool:
    return True


async def test_reasoning_goes_back_to_the_server_that_wants_it() -> None:
    replies = [
        streaming([chunk({"reasoning_content": "Hm."}), *ASKING]),
        streaming(ANSWERING),
    ]
    async with chat_model(*replies, model={"should_replay_reasoning_content": always}) as (
        model,
        server,
    ):
        result = Runner.run_streamed(Agent(name="a", model=model, tools=[double]), "Hi", run_config=QUIET)
        async for _ in result.stream_events():
            pass
    assert server.requests[1].body["messages"][1]["reasoning_content"] == "Hm."


# Faults


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, openai.RateLimitError), (500, openai.InternalServerError), (401, openai.AuthenticationError)],
)
async def test_an_http_error_is_the_clients_own(status: int, kind: type[Exception]) -> None:
    async with chat_model(failing(status)) as (model, _):
        with pytest.raises(kind):
            await respond(model)
        with pytest.raises(kind):
            await stream(model)


async def test_the_clients_retries_also_hold_for_streams() -> None:
    async with chat_model(failing(429, retry_after_ms="1"), streaming(HELLO), max_retries=1) as (
        model,
        server,
    ):
        assert kinds(await stream(model))[-1] == "completed"
        assert len(server.requests) == 2


async def test_an_error_says_whether_to_call_again() -> None:
    async with chat_model(failing(429, retry_after="3")) as (model, _):
        with pytest.raises(openai.RateLimitError) as caught:
            await respond(model)
        request = ModelRetryAdviceRequest(error=caught.value, attempt=1, stream=False)
        advice = model.get_retry_advice(request)
    assert advice is not None
    assert (advice.suggested, advice.retry_after) == (True, 3)


@pytest.mark.parametrize(
    "broken",
    [
        streaming(
            [chunk({"role": "assistant"}), {"error": {"code": 500, "message": "boo", "type": "server_error"}}]
        ),
        streaming([chunk({"role": "assistant"})], done=False, ending="cut"),
        failing(503),
    ],
    ids=["error in the stream", "cut", "status"],
)
async def test_a_run_asks_again_where_its_settings_say_so(broken: Answer) -> None:
    retry = ModelRetrySettings(
        max_retries=1,
        policy=retry_policies.provider_suggested(),
        backoff=ModelRetryBackoffSettings(initial_delay=0),
    )
    async with chat_model(broken, streaming(HELLO)) as (model, server):
        agent = Agent(name="a", model=model, model_settings=ModelSettings(retry=retry))
        result = Runner.run_streamed(agent, "Hi", run_config=QUIET)
        assert [piece async for piece in result.stream_text()] == ["Hel", "lo."]
        assert len(server.requests) == 2


async def test_an_error_in_the_stream_that_will_not_pass_is_no_reason_to_ask_again() -> None:
    async with chat_model(streaming([{"error": {"code": 400, "message": "boo"}}])) as (model, _):
        _, error = await stream_until_it_breaks(model)
        assert error is not None
        assert model.get_retry_advice(ModelRetryAdviceRequest(error=error, attempt=1, stream=True)) is None


BEGINNING = [text("Hel")]
FAULTS: list[tuple[str, Answer, type[Exception], str]] = [
    ("cut", streaming(BEGINNING, done=False, ending="cut"), openai.APIConnectionError, "Connection error"),
    ("error frame", streaming([*BEGINNING, {"error": {"message": "boo"}}]), openai.APIError, "boo"),
    ("garbage", Answer(writes=(streaming(BEGINNING, done=False).writes[0], b"data: oops\n\n")),
     ModelBehaviorError, "no JSON object"),
    ("error body", document({"error": {"message": "boo"}}), openai.APIError, "boo"),
    ("web page", Answer(writes=(b"<html>",), content_type="text/html"), ModelBehaviorError, "without any chunk"),
    ("nothing", Answer(writes=()), ModelStreamBroken, "began with nothing"),
    ("audio", streaming([*BEGINNING, chunk({"audio": {"data": "x"}})]), AgentsException, "Audio is not currently"),
    ("cut before anything", streaming([chunk({}, "length")]), ModelBehaviorError, "finish_reason='length'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kind", "message"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
async def test_a_fault_is_typed_and_comes_behind_the_events(
    given: Answer, kind: type[Exception], message: str
) -> None:
    async with chat_model(given) as (model, server):
        events, error = await stream_until_it_breaks(model)
        assert server.open_connections <= 1
    await server.left()
    assert server.open_connections == 0
    assert type(error) is kind
    assert message in str(error)
    if given.writes and given.writes[0].startswith(streaming(BEGINNING, done=False).writes[0]):
        assert kinds(events)[-1] == "output_text.delta"


@pytest.mark.parametrize(
    ("given", "kind", "message"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS]
)
async def test_a_run_fails_with_the_fault_and_keeps_what_there_was(
    given: Answer, kind: type[Exception], message: str
) -> None:
    async with chat_model(given) as (model, _):
        result = Runner.run_streamed(Agent(name="a", model=model), "Hi", run_config=QUIET)
        pieces: list[str] = []

        async def read() -> None:
            async for piece in result.stream_text():
                pieces.append(piece)  # noqa: PERF401 (those before the error count)

        with pytest.raises(kind, match=message):
            await read()
    assert pieces in ([], ["Hel"])


async def test_a_server_that_never_answers_ends_with_a_time_out() -> None:
    async with chat_model(streaming(BEGINNING, done=False, ending="stall"), timeout=0.2) as (model, server):
        events, error = await stream_until_it_breaks(model)
    await server.left()
    assert isinstance(error, openai.APITimeoutError)
    assert kinds(events)[-1] == "output_text.delta"


@pytest.mark.parametrize("ending", ["cut", "stall"])
async def test_a_connection_that_breaks_behind_the_answer_does_no_harm(ending: Any) -> None:
    whole = streaming(HELLO[:-1], done=False, ending=ending)
    async with chat_model(whole, timeout=0.2) as (model, _):
        assert said(response_of(await stream(model))) == ["Hello."]


async def test_a_reader_that_goes_away_closes_the_connection() -> None:
    async with chat_model(streaming(BEGINNING, done=False, ending="stall")) as (model, server):
        events: Any = model.stream_response(**arguments())
        async with aclosing(events):
            async for event in events:
                if event.type == "response.output_text.delta":
                    break
        await asyncio.wait_for(server.left(), 5)
        assert server.open_connections == 0


JSON_TYPE, PAGE_TYPE = "application/json", "text/html"


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "told"),
    [
        (b'{"error": {"message": "boo", "code": "server_error"}}', JSON_TYPE, openai.APIError, "boo"),
        (b'{"error": "boo"}', JSON_TYPE, openai.APIError, "boo"),
        (b'{"choices": null, "error": {"message": "boo"}}', JSON_TYPE, openai.APIError, "boo"),
        (b'{"object": "error", "message": "boo", "code": 400}', JSON_TYPE, openai.APIError, "boo"),
        (b'{"message": "boo"}', JSON_TYPE, openai.APIError, "boo"),
        (b'{"choices": []}', JSON_TYPE, ModelBehaviorError, "choices"),
        (b"{}", JSON_TYPE, ModelBehaviorError, "speaks"),
        (b"[1]", JSON_TYPE, ModelBehaviorError, r"\[1\]"),
        (b"3", JSON_TYPE, ModelBehaviorError, "3"),
        (b"<html>", PAGE_TYPE, ModelBehaviorError, "<html>"),
        (b"", JSON_TYPE, ModelStreamBroken, "nothing"),
        (b"<html>", JSON_TYPE, ModelBehaviorError, "<html>"),
        (b'{"\xff": 1}', JSON_TYPE, ModelBehaviorError, "xff"),
        (b"[" * 100_000, JSON_TYPE, ModelBehaviorError, "nested too deep"),
        (b'{"choices": "x"}', JSON_TYPE, ModelBehaviorError, "x"),
    ],
)
async def test_what_is_no_answer_is_the_same_error_streamed_or_not(
    body: bytes, content_type: str, kind: type[Exception], told: str
) -> None:
    async with chat_model(Answer(writes=(body,) if body else (), content_type=content_type)) as (model, _):
        with pytest.raises(kind, match=told) as whole:
            await respond(model)
        with pytest.raises(kind) as streamed:
            await stream(model)
    assert type(whole.value) is type(streamed.value)
    if isinstance(whole.value, openai.APIError) and isinstance(streamed.value, openai.APIError):
        assert (whole.value.message, whole.value.code) == (streamed.value.message, streamed.value.code)


@pytest.mark.parametrize(
    ("message", "reason", "kind", "told"),
    [
        ({"content": None}, "length", ModelBehaviorError, "finish_reason='length'"),
        (
            {"content": None, "audio": {"id": "a"}},
            "stop",
            AgentsException,
            "Audio is not currently supported",
        ),
    ],
)
async def test_an_answer_that_cannot_be_used_is_refused(
    message: Json, reason: str, kind: type[Exception], told: str
) -> None:
    async with chat_model(document(answer(message, reason))) as (model, _):
        with pytest.raises(kind, match=told):
            await respond(model)


# Clients of other makes


class OwnClient:
    """A client with an answer of its own, as tests and instrumentations have them."""

    def __init__(self, given: object, base_url: str = "https://api.openai.com/v1/") -> None:
        self.base_url = base_url
        self.asked: list[Json] = []
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))
        self._given = given

    async def create(self, **request: Any) -> object:
        self.asked.append(request)
        return self._given


def own_model(client: OwnClient, **options: Any) -> OpenAIChatCompletionsModel:
    openai_client: Any = client
    return OpenAIChatCompletionsModel("m", openai_client, **options)


async def iterated(chunks: list[Json]) -> AsyncIterator[ChatCompletionChunk]:
    for one in chunks:
        yield ChatCompletionChunk.construct(None, **one)


async def test_chunks_that_a_client_made_are_taken_as_they_are() -> None:
    events = await stream(own_model(OwnClient(iterated(HELLO))))
    assert broken_rules(events) == []
    assert said(response_of(events)) == ["Hello."]


async def test_an_answer_that_a_client_made_is_taken_as_it_is() -> None:
    client = OwnClient(
        ChatCompletion.construct(None, **answer({"content": "Hello.", "reasoning_content": "Hm."}))
    )
    assert [item.type for item in (await respond(own_model(client))).output] == ["reasoning", "message"]


async def test_openais_own_stream_must_have_a_finish_reason() -> None:
    events, error = await stream_until_it_breaks(own_model(OwnClient(iterated(BEGINNING))))
    assert isinstance(error, ModelBehaviorError)
    assert "before receiving a finish_reason" in str(error)
    assert kinds(events)[-1] == "output_text.delta"
    elsewhere = OwnClient(iterated(BEGINNING), "http://127.0.0.1/v1/")
    assert said(response_of(await stream(own_model(elsewhere)))) == ["Hel"]


async def test_openai_stores_and_tells_usage_unless_asked_not_to() -> None:
    client = OwnClient(iterated(HELLO))
    await stream(own_model(client))
    assert (client.asked[0]["store"], client.asked[0]["stream_options"]) == (True, {"include_usage": True})
    client = OwnClient(iterated(HELLO))
    await stream(own_model(client), model_settings=ModelSettings(store=False, include_usage=False))
    assert (client.asked[0]["store"], client.asked[0]["stream_options"]) == (False, {"include_usage": False})


async def test_an_answer_that_is_no_stream_is_refused() -> None:
    with pytest.raises(UserError, match="gave int, which is neither"):
        await stream(own_model(OwnClient(3)))


async def test_calls_come_whole_when_they_are_buffered() -> None:
    events = await stream(own_model(OwnClient(iterated(ASKING)), buffer_streamed_tool_calls=True))
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert deltas == ['{"number": 4}']


async def test_the_methods_can_be_replaced_on_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    async def replaced(self: OpenAIChatCompletionsModel, *args: Any, **kwargs: Any) -> str:
        return self.model

    monkeypatch.setattr(OpenAIChatCompletionsModel, "get_response", replaced)
    got: Any = await own_model(OwnClient(None)).get_response(**arguments())
    assert got == "m"


# The stream handler


async def test_the_handler_makes_events_of_any_stream() -> None:
    shown = response_of(await stream(own_model(OwnClient(iterated(HELLO))))).model_copy(update={"output": []})
    given: Any = iterated(HELLO)
    events = [event async for event in ChatCmplStreamHandler.handle_stream(shown, given, model="other")]
    assert said(response_of(events)) == ["Hello."]
    item: Any = response_of(events).output[0]
    assert item.provider_data["model"] == "other"
    cut: Any = iterated(BEGINNING)
    broken = ChatCmplStreamHandler.handle_stream(shown, cut, require_finish_reason=True)
    with pytest.raises(ModelBehaviorError, match="before receiving a finish_reason"):
        [event async for event in broken]


async def test_the_handler_closes_the_stream_with_its_own_iterator() -> None:
    closed_in: list[object] = []

    async def watched() -> AsyncIterator[ChatCompletionChunk]:
        try:
            async for one in iterated(HELLO):
                yield one
        finally:
            closed_in.append(asyncio.current_task())

    shown = response_of(await stream(own_model(OwnClient(iterated(HELLO)))))
    given: Any = watched()
    events: Any = ChatCmplStreamHandler.handle_stream(shown, given)
    async for _ in events:
        break
    await events.aclose()
    assert closed_in == [asyncio.current_task()]


async def test_the_handler_can_hold_calls_until_they_are_whole() -> None:
    chunks = [text("A"), *ASKING]
    held = [one async for one in ChatCmplStreamHandler.buffer_tool_call_stream(iterated(chunks))]
    told = [one.choices[0].delta.tool_calls for one in held if one.choices]
    whole = [calls for calls in told if calls]
    assert len(whole) == 1
    assert [(one.id, one.function and one.function.arguments) for one in whole[0]] == [
        ("call_1", '{"number": 4}')
    ]
    again: Any = iterated([one.model_dump() for one in held])
    assert response_of(await stream(own_model(OwnClient(again)))).output == (
        response_of(await stream(own_model(OwnClient(iterated(chunks))))).output
    )
