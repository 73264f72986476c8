"""Scripted agents, and both ways of running them to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from openai.types import responses as rt

from agents import Agent, RunConfig, Runner, function_tool
from agents.items import RunItem
from agents.result import RunResult, RunResultStreaming
from agents.stream_events import RawResponsesStreamEvent, RunItemStreamEvent, StreamEvent
from agents.testing import ModelCall, ModelStep, ScriptedModel, assistant_message, function_call

UNTRACED = RunConfig(tracing_disabled=True)
AnyResult = RunResult | RunResultStreaming
RunIt = Callable[..., Awaitable[AnyResult]]


@function_tool
def look() -> str:
    return "seen"


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    return f"paid {amount}"


async def run_plain(agent: Agent[Any], input: Any = "Hi", **options: Any) -> RunResult:
    return await Runner.run(agent, input, **options)


async def run_drained(agent: Agent[Any], input: Any = "Hi", **options: Any) -> RunResultStreaming:
    result = Runner.run_streamed(agent, input, **options)
    async for _ in result.stream_events():
        pass
    return result


both_ways = pytest.mark.parametrize("run", [run_plain, run_drained], ids=["run", "run_streamed"])


def scripted(*steps: Any, name: str = "a", **fields: Any) -> tuple[Agent[Any], ScriptedModel]:
    """An agent and the model that plays its steps."""
    model = ScriptedModel(steps)
    return Agent(name=name, model=model, **fields), model


def text(words: str = "done") -> list[Any]:
    return [assistant_message(words)]


def calls(*wanted: tuple[str, Any] | tuple[str, Any, str]) -> list[Any]:
    """A response of calls: `(tool, arguments)` or `(tool, arguments, call id)`."""
    return [
        function_call(call[0], call[1], call_id=call[2] if len(call) == 3 else f"c{index}")
        for index, call in enumerate(wanted, 1)
    ]


def reasoning(item_id: str = "rs") -> rt.ResponseReasoningItem:
    return rt.ResponseReasoningItem(id=item_id, type="reasoning", summary=[])


def refusal(words: str = "No.") -> list[Any]:
    part = rt.ResponseOutputRefusal(type="refusal", refusal=words)
    return [
        rt.ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[part])
    ]


def gated(gate: asyncio.Event, step: Any, asked: asyncio.Event | None = None) -> ModelStep:
    """A step that is given when the gate opens."""

    async def answer(call: ModelCall) -> Any:
        if asked is not None:
            asked.set()
        await gate.wait()
        return step

    return ModelStep.respond(answer)


def always(value: Any) -> Callable[..., Any]:
    """A function of anything that returns one value."""

    def give(*args: Any) -> Any:
        return value

    return give


def types(items: list[RunItem]) -> list[str]:
    return [item.type for item in items]


def label(event: StreamEvent) -> str:
    """What an event is, in one word."""
    if isinstance(event, RawResponsesStreamEvent):
        return event.data.type
    if isinstance(event, RunItemStreamEvent):
        return event.name
    return f"agent:{event.new_agent.name}"


def without_raw(events: list[StreamEvent]) -> list[str]:
    return [label(event) for event in events if not isinstance(event, RawResponsesStreamEvent)]


async def collect(stream: AsyncIterator[Any], into: list[Any] | None = None) -> list[Any]:
    kept = [] if into is None else into
    async for event in stream:
        kept.append(event)
    return kept


async def raw_events(result: RunResultStreaming) -> tuple[list[rt.ResponseStreamEvent], Exception | None]:
    """The model's events of a run, and the error that ends it."""
    events: list[rt.ResponseStreamEvent] = []
    try:
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                events.append(event.data)  # noqa: PERF401 (the events before the error count)
    except Exception as error:
        return events, error
    return events, None
