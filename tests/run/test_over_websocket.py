"""Whole runs over WebSockets: the same as over HTTP, on few connections, and none is left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import ResponseStreamEvent

from agents import (
    Agent,
    FunctionTool,
    Model,
    ModelBehaviorError,
    ModelRetryBackoffSettings,
    ModelRetrySettings,
    ModelSettings,
    ModelTimeoutError,
    OpenAIProvider,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    RunConfig,
    Runner,
    RunResultStreaming,
    function_tool,
    retry_policies,
)
from agents.model_timeouts import ModelTimeouts
from agents.models._sse import EventFramer
from agents.models._websocket_errors import ResponsesWebSocketError
from agents.testing import ResponsesRequest, ResponsesServer, Step
from agents.testing.responses_script import Script
from models.recorded import stream_bytes, stream_cases
from models.sockets import answer_events
from run.scripts import AnyResult, RunIt, both_ways, raw_events, run_drained


@function_tool
def add_one(number: int) -> int:
    """Add one."""
    return number + 1


@asynccontextmanager
async def over_websocket(script: Script, **options: Any) -> AsyncGenerator[tuple[ResponsesServer, RunConfig]]:
    """A server, and a config whose runs reach it over WebSockets. Afterwards nothing is open on either side."""
    before = asyncio.all_tasks()
    async with ResponsesServer(script) as server:
        provider = OpenAIProvider(
            api_key="x",
            base_url=server.base_url,
            use_responses_websocket=True,
            responses_websocket_options=options or None,  # pyright: ignore[reportArgumentType]  # options of any test
        )
        try:
            yield server, RunConfig(model_provider=provider, tracing_disabled=True)
        finally:
            await provider.aclose()
        await server.disconnected()
    assert asyncio.all_tasks() == before


def connections(server: ResponsesServer) -> set[int]:
    """The connections that requests came over."""
    assert {request.transport for request in server.requests} == {"websocket"}
    return {request.connection for request in server.requests}


def counting_to(last: int) -> Script:
    """The model adds one until it has `last`."""

    def answer(request: ResponsesRequest) -> Step:
        number = len(request.function_outputs)
        if number == last:
            return Step().text(f"It is {number}.")
        return Step().function_call("add_one", {"number": number}, call_id=f"call_{number}")

    return answer


@both_ways
async def test_a_hundred_turns_share_one_connection(run: RunIt) -> None:
    agent = Agent(name="counter", model="m", tools=[add_one])
    async with over_websocket(counting_to(99)) as (server, config):
        result = await run(agent, "Count", run_config=config, max_turns=100)
        assert result.final_output == "It is 99."
        assert len(server.requests) == 100
        assert connections(server) == {1}
        # Nothing is left out where nobody keeps it.
        assert [len(request.input) for request in server.requests] == list(range(1, 201, 2))


@both_ways
async def test_runs_and_nested_agents_share_the_connection_of_their_parent(run: RunIt) -> None:
    def answer(request: ResponsesRequest) -> Step:
        instructions = request.body.get("instructions")
        if instructions == "inner":
            return Step().text("inside")
        if request.function_outputs:
            return Step().text(f"outside with {request.function_outputs['c']}")
        return Step().function_call("ask_inner", {"input": "x"}, call_id="c")

    inner = Agent(name="inner", instructions="inner", model="m")
    outer = Agent(
        name="outer",
        instructions="outer",
        model="m",
        tools=[inner.as_tool("ask_inner", "Ask the inner one.")],
    )
    async with over_websocket(answer) as (server, config):
        for _ in range(2):
            result = await run(outer, "Go", run_config=config)
            assert result.final_output == "outside with inside"
        assert len(server.requests) == 6
        assert connections(server) == {1}


@both_ways
async def test_a_thousand_concurrent_runs_share_few_connections(run: RunIt) -> None:
    agent = Agent(name="counter", model="m", tools=[add_one])
    async with over_websocket(counting_to(1)) as (server, config):
        results = await asyncio.gather(*(run(agent, "Count", run_config=config) for _ in range(1000)))
        assert {result.final_output for result in results} == {"It is 1."}
        assert len(server.requests) == 2000
        assert len(connections(server)) == 16


# Chains that the server keeps


@both_ways
@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("store", [None, False])
async def test_a_chain_sends_what_is_new_and_survives_its_connection(
    run: RunIt, is_cut: bool, store: bool | None
) -> None:
    async def answer(request: ResponsesRequest) -> Step:
        number = request.index
        if number == 3:
            return Step().text("done")
        return Step().function_call("cut", {"number": number}, call_id=f"call_{number}")

    @function_tool
    async def cut(number: int) -> int:
        if is_cut and number == 1:
            server.drop_connections()
            await server.disconnected()
        return number

    agent = Agent(name="a", model="m", tools=[cut], model_settings=ModelSettings(store=store))
    async with over_websocket(answer) as (server, config):
        result = await run(agent, "Go", run_config=config, auto_previous_response_id=True)
        assert result.final_output == "done"
        assert [len(request.input) for request in server.requests] == (
            [1, 1, 5, 1] if is_cut and store is False else [1, 1, 1, 1]
        )
        assert connections(server) == ({1, 2} if is_cut else {1})
        kinds = [item.get("type", "message") for item in server.requests[2].input]
        if len(kinds) == 5:
            assert kinds == ["message", *["function_call", "function_call_output"] * 2]


async def test_runs_that_come_one_after_another_continue_by_response_id() -> None:
    agent = Agent(name="a", model="m", model_settings=ModelSettings(store=False))
    async with over_websocket(["one", "two"]) as (server, config):
        first = await Runner.run(agent, "1", run_config=config)
        second = await Runner.run(agent, "2", run_config=config, previous_response_id=first.last_response_id)
        assert second.final_output == "two"
        assert [len(request.input) for request in server.requests] == [1, 1]


# Faults


FAULTS: list[tuple[Step, type[Exception]]] = [
    (Step().text("a b c").drop(after_events=5), openai.APIConnectionError),
    (Step().text("a b c").truncate(), openai.APIConnectionError),
    (Step().text("a b c").stall(after_events=5), openai.APITimeoutError),
    (Step().text("a b c").garbage(after_events=5), ModelBehaviorError),
    (Step().text("a b c").invalid_json(after_events=5), ModelBehaviorError),
    (Step().text("a b c").fail(after_events=5), ResponsesWebSocketError),
    (Step().text("a b c").fail(after_events=5, error_event=False), ModelBehaviorError),
    (Step().text("a b c").incomplete(), ModelBehaviorError),
    (Step.http_error(400, "No."), ResponsesWebSocketError),
]


@both_ways
@pytest.mark.parametrize(("step", "kind"), FAULTS)
async def test_a_fault_is_a_typed_error_and_the_next_run_works(
    run: RunIt, step: Step, kind: type[Exception]
) -> None:
    before = asyncio.all_tasks()
    steps = [Step().function_call("add_one", {"number": 1}), step, Step().text("fine")]
    limit_s = 1 if kind is openai.APITimeoutError else 60
    async with (
        ResponsesServer(steps) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", timeout=limit_s, max_retries=0) as client,
    ):
        model = OpenAIResponsesWSModel("m", client)
        agent = Agent(name="a", model=model, tools=[add_one])
        config = RunConfig(tracing_disabled=True)
        with pytest.raises(kind):
            await run(agent, run_config=config)
        assert (await run(agent, run_config=config)).final_output == "fine"
        await model.close()
        await server.disconnected()
        server.assert_complete()
    assert asyncio.all_tasks() == before


async def test_what_came_before_a_fault_is_kept() -> None:
    step = Step().text("a b c").drop(after_events=6)
    async with over_websocket([Step().function_call("add_one", {"number": 1}), step]) as (_, config):
        result = Runner.run_streamed(Agent(name="a", model="m", tools=[add_one]), "Hi", run_config=config)
        events, error = await raw_events(result)
        assert isinstance(error, openai.APIConnectionError)
        assert events[-1].type == "response.output_text.delta"
        assert [item.type for item in result.new_items] == ["tool_call_item", "tool_call_output_item"]


async def test_a_cancelled_run_leaves_the_next_one_alone() -> None:
    steps = [Step().text("a b c").stall(after_events=5), Step().text("fine")]
    async with over_websocket(steps) as (server, config):
        agent = Agent(name="a", model="m")
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                result.cancel()
        assert result.run_loop_task is not None
        await asyncio.wait([result.run_loop_task])
        # The server need not go on with what nobody reads.
        await server.settled()
        assert (await Runner.run(agent, "Hi", run_config=config)).final_output == "fine"


# The same as over HTTP


def tools_of(events: list[dict[str, Any]]) -> list[FunctionTool]:
    """A tool for each function that a recorded response calls."""

    async def invoke(*_: object) -> str:
        return "ok"

    items = [event["item"] for event in events if event.get("type") == "response.output_item.done"]
    names = {item["name"] for item in items if item["type"] == "function_call"}
    return [FunctionTool(name, "", {}, invoke, strict_json_schema=False) for name in sorted(names)]


def told(result: AnyResult) -> dict[str, Any]:
    """What a run tells of itself, less what is new in each run."""
    return {
        "output": result.final_output,
        "items": [item.type for item in result.new_items],
        "input": result.to_input_list(),
        "responses": [(response.response_id, response.usage) for response in result.raw_responses],
        "usage": result.context_wrapper.usage,
    }


async def outcome(
    run: RunIt, model: Model, tools: list[FunctionTool]
) -> tuple[Any, list[ResponseStreamEvent]]:
    """How a run ends: what it tells, or its error; and its raw events, where it has some."""
    agent = Agent(name="a", model=model, tools=list(tools))
    config = RunConfig(tracing_disabled=True)
    if run is not run_drained:
        try:
            return told(await run(agent, run_config=config)), []
        except Exception as error:
            return error, []
    result: RunResultStreaming = Runner.run_streamed(agent, "Hi", run_config=config)
    events, error = await raw_events(result)
    return error or told(result), events


@both_ways
@pytest.mark.parametrize("path", stream_cases())
async def test_a_recorded_stream_gives_the_same_over_both_transports(path: Path, run: RunIt) -> None:
    recording = [json.loads(data) for data in EventFramer().feed(stream_bytes(path)) if data != b"[DONE]"]
    steps = [Step.recorded(path), Step.recorded(answer_events("done", response_id="resp_done"))]

    async def result_over(kind: type[OpenAIResponsesModel]) -> tuple[Any, list[ResponseStreamEvent]]:
        server = ResponsesServer(steps, chunk_size=lambda index: 1 + index * 7919 % 311)
        async with server, AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client:
            model = kind("m", client)
            result = await outcome(run, model, tools_of(recording))
            await model.close()
        return result

    http, http_events = await result_over(OpenAIResponsesModel)
    own, own_events = await result_over(OpenAIResponsesWSModel)
    if isinstance(own, ResponsesWebSocketError):
        # The error event is the failure here, and an event and a failure there.
        # (Of a stream without an end, a server can make no document.)
        assert isinstance(http, ModelBehaviorError | openai.InternalServerError)
        assert own_events == http_events[: len(own_events)]
        return
    assert own_events == http_events
    assert (type(own), str(own)) == (type(http), str(http))
    if not isinstance(own, Exception):
        assert own == http


# Retries and time limits of the run


def retrying(**settings: Any) -> ModelSettings:
    """Settings that repeat a call once, without waiting, when the provider or the kind of failure suggests it."""
    policy = retry_policies.any(retry_policies.provider_suggested(), retry_policies.network_error())
    backoff = ModelRetryBackoffSettings(initial_delay=0, jitter=False)
    return ModelSettings(retry=ModelRetrySettings(max_retries=1, policy=policy, backoff=backoff, **settings))


@both_ways
async def test_a_policy_repeats_a_call_that_was_refused_for_now(run: RunIt) -> None:
    steps = [Step.http_error(429, retry_after_s=0), Step().text("fine")]
    async with over_websocket(steps) as (server, config):
        agent = Agent(name="a", model="m", model_settings=retrying())
        assert (await run(agent, run_config=config)).final_output == "fine"
        assert connections(server) == {1}


@both_ways
@pytest.mark.parametrize("state", [{"conversation_id": "conv"}, {"auto_previous_response_id": True}])
async def test_a_policy_does_not_repeat_what_may_have_been_carried_out_on_stored_state(
    run: RunIt, state: dict[str, Any]
) -> None:
    call = Step().function_call("add_one", {"number": 1}, call_id="c")
    steps = [call, Step().text("a b c").drop(after_events=2), Step().text("fine")]
    async with over_websocket(steps) as (server, config):
        agent = Agent(name="a", model="m", tools=[add_one], model_settings=retrying(after_output=True))
        with pytest.raises(openai.APIConnectionError):
            await run(agent, run_config=config, **state)
        assert server.remaining_steps == 1


async def test_a_policy_repeats_a_response_that_broke_off_where_that_is_allowed() -> None:
    steps = [Step().text("a b c").drop(after_events=5), Step().text("fine")]
    async with over_websocket(steps) as (server, config):
        agent = Agent(name="a", model="m", model_settings=retrying(after_output=True))
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        kinds = [record.kind async for record in result.records()]
        assert result.final_output == "fine"
        assert kinds.count("attempt_reset") == 1
        assert connections(server) == {1, 2}


async def test_a_runs_limit_on_the_first_event_ends_the_call_and_spares_the_next_one() -> None:
    async with over_websocket([Step().stall(), Step().text("fine")]) as (server, config):
        limited = ModelSettings(timeouts=ModelTimeouts(first_event=0.05))
        agent = Agent(name="a", model="m", model_settings=limited)
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        _, error = await raw_events(result)
        assert isinstance(error, ModelTimeoutError)
        await server.settled()
        assert (await Runner.run(agent, "Hi", run_config=config)).final_output == "fine"
