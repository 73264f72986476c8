"""The contexts in which processors are told of spans: OpenTelemetry's and others make theirs current there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Any

import pytest

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    OutputGuardrail,
    RunHooks,
    Runner,
    function_tool,
    handoff,
)
from agents.testing import ModelCall, ModelStep, ScriptedModel
from agents.tracing import Span, Trace, TracingProcessor
from run.notes import named, processing
from run.scripts import RunIt, both_ways, calls, scripted, text

current: ContextVar[tuple[str, ...]] = ContextVar("current", default=())
"""The names of what has started here and not ended, outermost first."""


class Marking(TracingProcessor):
    """Makes what starts current, and takes that back at its end, as instrumentors do."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token[tuple[str, ...]]] = {}
        self.ended: list[str] = []
        self.ended_elsewhere: list[str] = []

    def start(self, key: str, name: str) -> None:
        self.tokens[key] = current.set((*current.get(), name))

    def end(self, key: str, name: str) -> None:
        self.ended.append(name)
        try:
            current.reset(self.tokens.pop(key))
        except ValueError:
            self.ended_elsewhere.append(name)

    def on_trace_start(self, trace: Trace) -> None:
        self.start(trace.trace_id, "trace")

    def on_trace_end(self, trace: Trace) -> None:
        self.end(trace.trace_id, "trace")

    def on_span_start(self, span: Span[Any]) -> None:
        self.start(span.span_id, named(span))

    def on_span_end(self, span: Span[Any]) -> None:
        self.end(span.span_id, named(span))

    def shutdown(self) -> None:
        pass

    def force_flush(self) -> None:
        pass


@pytest.fixture(autouse=True)
def marking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Marking]:
    """The only processor; however a test ends its runs, each span has to end where it started."""
    marking = Marking()
    with processing(marking, monkeypatch):
        yield marking
    assert (marking.ended_elsewhere, marking.tokens) == ([], {})
    assert current.get() == ()


Seen = dict[str, tuple[str, ...]]


def looking(seen: Seen) -> Agent[Any]:
    """An agent each of whose callbacks notes what is current in it."""

    def verdict(name: str) -> Any:
        def check(context: Any, agent: Any, subject: Any) -> GuardrailFunctionOutput:
            seen[name] = current.get()
            return GuardrailFunctionOutput(None, False)

        check.__name__ = name
        return check

    @function_tool
    def look() -> str:
        seen["look"] = current.get()
        return "seen"

    @function_tool
    async def wait() -> str:
        seen["wait"] = current.get()
        await asyncio.sleep(0)
        return "waited"

    def hand(context: Any) -> None:
        seen["handoff"] = current.get()

    def answer(call: ModelCall) -> Any:
        seen["model"] = current.get()
        return text("hello")

    steps = [calls(("look", {}), ("wait", {})), calls(("transfer_to_b", {}, "h")), ModelStep.respond(answer)]
    model = ScriptedModel(steps, emit_traces=True)
    b: Agent[Any] = Agent(name="b", model=model, output_guardrails=[OutputGuardrail(verdict("judge"))])
    return Agent(
        name="a",
        model=model,
        tools=[look, wait],
        handoffs=[handoff(b, on_handoff=hand)],
        input_guardrails=[InputGuardrail(verdict("guard"))],
    )


class Hooks(RunHooks[Any]):
    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    async def on_llm_start(self, *args: Any, **named: Any) -> None:
        self.seen["hook"] = current.get()


@both_ways
async def test_what_a_processor_makes_current_is_current_in_what_the_span_is_about(run: RunIt) -> None:
    seen: Seen = {}
    await run(looking(seen), hooks=Hooks(seen))
    a, b = ("trace", "task", "agent a"), ("trace", "task", "agent b")
    assert seen == {
        "guard": (*a, "turn", "guardrail guard"),
        "look": (*a, "turn", "function look"),
        "wait": (*a, "turn", "function wait"),
        # Its target is not known yet.
        "handoff": (*a, "turn", "handoff None"),
        "model": (*b, "turn", "generation"),
        "hook": (*b, "turn"),
        "judge": (*b, "guardrail judge"),
    }


@both_ways
async def test_runs_in_one_context_do_not_hang_under_each_other(run: RunIt) -> None:
    seen: Seen = {}
    for _ in range(2):
        await run(looking(seen))
        assert current.get() == ()
        assert seen["model"][0] == "trace"
        assert seen["model"].count("trace") == 1


@both_ways
async def test_a_run_in_a_tool_is_below_the_call(run: RunIt) -> None:
    seen: Seen = {}
    inner = looking(seen)
    agent, _ = scripted(
        calls(("ask", {"input": "Hi"})), text(), tools=[inner.as_tool("ask", "Ask it.")], name="outer"
    )
    await run(agent)
    call = ("trace", "task", "agent outer", "turn", "function ask")
    assert seen["look"] == (*call, "task", "agent a", "turn", "function look")


async def test_a_streamed_run_leaves_its_callers_context_alone_also_while_it_goes_on() -> None:
    result = Runner.run_streamed(looking({}), "Hi")
    assert current.get() == ()
    async for _ in result.stream_events():
        assert current.get() == ()


async def test_what_a_cancelled_run_was_about_ends_where_it_started(marking: Marking) -> None:
    called = asyncio.Event()

    @function_tool
    async def hang() -> str:
        called.set()
        await asyncio.Event().wait()
        return "never"

    agent, _ = scripted(calls(("hang", {})), tools=[hang])
    result = Runner.run_streamed(agent, "Hi")
    await called.wait()
    result.cancel()
    assert result.run_loop_task is not None
    await asyncio.wait([result.run_loop_task])
    assert marking.ended == ["function hang", "turn", "agent a", "task", "trace"]


@both_ways
async def test_what_a_paused_and_resumed_run_was_about_ends_where_it_started(
    run: RunIt, marking: Marking
) -> None:
    @function_tool(needs_approval=True)
    def look() -> str:
        return "seen"

    agent, _ = scripted(calls(("look", {})), text(), tools=[look])
    paused = await run(agent)
    state = paused.to_state()
    state.approve(paused.interruptions[0])
    await run(agent, state)
    # The resumed run goes on in the trace that it had.
    assert marking.ended == [
        *("turn", "agent a", "task", "trace"),
        *("function look", "turn", "agent a", "task"),
    ]
