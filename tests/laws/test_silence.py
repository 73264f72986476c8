"""Law 7, Silence: nothing is observable, be it event, span, hook, tool or model call, that no fact accounts for.

Session rows join this law when sessions exist.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from hypothesis import given

from agents._core import facts as f
from agents.stream_events import AgentUpdatedStreamEvent, RawResponsesStreamEvent, RunItemStreamEvent
from agents.tracing import (
    AgentSpanData,
    FunctionSpanData,
    GuardrailSpanData,
    SpanData,
    TaskSpanData,
    TurnSpanData,
)
from laws.playing import Cancel, Played, play
from laws.strategies import any_cases, cancels
from laws.world import Case

Sight: TypeAlias = tuple[str, str]
"""Something observable: what it is, and its name."""


def accounted(played: Played) -> Counter[Sight]:
    """What the records of a playing allow to be seen, and how often."""
    seen: Counter[Sight] = Counter()
    agents: dict[tuple[str, ...], str] = {}
    for record in played.log:
        fact, path = record.fact, record.path
        match fact:
            case f.RunStarted() | f.HandedOff():
                agents[path] = fact.agent
            case _:
                pass
        where = "".join(f"{part}/" for part in path)
        seen.update(_of_a_run(fact, agents[path]))
        seen.update(_of_a_call(fact, where))
    return seen


def _of_a_run(fact: f.Fact, agent: str) -> Iterator[Sight]:
    match fact:
        case f.RunStarted():
            yield "task span", ""
            yield from [("start hook", agent)] if fact.start_hook else []
            yield from [("guardrail span", guard.name) for guard in fact.guards]
        case f.TurnStarted():
            yield "turn span", str(fact.turn)
            yield "agent span", fact.agent
            yield "model start hook", fact.agent
        case f.ModelRequested():
            yield "model call", ""
        case f.ModelResponded():
            yield from [("model end hook", agent)] if fact.end_hook else []
            yield from [("handoff span", "")] if any(call.kind == "handoff" for call in fact.calls) else []
        case f.OutputProposed():
            yield from [("end hook", agent)] if fact.end_hook else []
            yield from [("guardrail span", guard.name) for guard in fact.guards]
        case _:
            pass


def _of_a_call(fact: f.Fact, where: str) -> Iterator[Sight]:
    match fact:
        case f.ToolClaimed():
            yield "tool", f"{where}{fact.call}"
            yield "tool span", fact.name
            yield "tool start hook", fact.call
        case f.ToolReturned() | f.ToolFailed():
            yield from [("tool end hook", fact.call)] if fact.end_hook else []
        case f.HandedOff():
            yield from [("handoff hook", fact.source)] if fact.hook else []
            yield from [("start hook", fact.agent)] if fact.start_hook else []
        case _:
            pass


def assert_silent(played: Played) -> None:
    seen = hooks_of(played) + spans_of(played)
    seen["model call", ""] = len(played.seen.asked)
    seen.update(("tool", key) for key in played.seen.tools)
    assert seen - accounted(played) == Counter()


def hooks_of(played: Played) -> Counter[Sight]:
    """Hook calls by moment. The run's and the agent's are told of one moment: each counts alone."""
    moments = {
        "on_agent_start": ("start hook", 1),
        "on_start": ("start hook", 1),
        "on_llm_start": ("model start hook", 1),
        "on_llm_end": ("model end hook", 1),
        "on_tool_start": ("tool start hook", 2),
        "on_tool_end": ("tool end hook", 2),
        "on_handoff": ("handoff hook", 1),
        "on_agent_end": ("end hook", 1),
        "on_end": ("end hook", 1),
    }
    found: Counter[Sight] = Counter()
    for prefix in ("run:", "agent:"):
        told: Counter[Sight] = Counter()
        for call in played.seen.hooks:
            if call[0].startswith(prefix):
                what, named_by = moments[call[0].removeprefix(prefix)]
                told[what, call[named_by]] += 1
        found |= told
    return found


def spans_of(played: Played) -> Counter[Sight]:
    """Spans that were started."""
    return Counter(_span(span.span_data) for span in played.spans.started)


def _span(data: SpanData) -> Sight:
    match data:
        case TaskSpanData():
            return "task span", ""
        case TurnSpanData():
            return "turn span", str(data.turn)
        case AgentSpanData():
            return "agent span", data.name
        case FunctionSpanData():
            return "tool span", data.name
        case GuardrailSpanData():
            return "guardrail span", data.name
        case _:
            return f"{data.type} span", ""


@given(any_cases)
def test_a_run_shows_nothing_without_a_fact(case: Case) -> None:
    assert_silent(play(case, is_streamed=False))


@given(any_cases)
def test_a_streamed_run_shows_nothing_without_a_fact(case: Case) -> None:
    played = play(case, is_streamed=True)
    assert_silent(played)
    assert_events_are_a_projection(played)


@given(any_cases, cancels)
def test_a_cancelled_run_shows_nothing_without_a_fact(case: Case, cancel: Cancel) -> None:
    assert_silent(play(case, is_streamed=True, cancel=cancel))


def assert_events_are_a_projection(played: Played) -> None:
    """Each classic event is owed to one record of the outermost run, and each such record has its events."""
    told = Counter(_name(event) for event in played.events)
    owed: Counter[str] = Counter()
    early: list[str] = []
    is_open = False
    for record in played.log:
        if record.path:
            continue
        fact = record.fact
        if isinstance(fact, f.TurnStarted):
            is_open, early = True, []
        elif isinstance(fact, f.ModelResponded):
            is_open = False
            owed.update(early)
        # What an early tool gave is shown after its response, or not at all.
        early += _events_of(fact) if is_open and _is_output(fact) else []
        owed.update([] if is_open and _is_output(fact) else _events_of(fact))
    assert told == owed


def _is_output(fact: f.Fact) -> bool:
    return isinstance(fact, f.ToolReturned | f.ToolFailed)


def _events_of(fact: f.Fact) -> list[str]:
    match fact:
        case f.RunStarted():
            return ["agent"]
        case f.ModelDelta():
            return ["raw"]
        case f.ModelResponded():
            return [_item_name(item, fact) for item in fact.output]
        case f.ToolReturned() | f.CallAnswered():
            return ["tool_output"]
        case f.ToolFailed() if fact.output is not None:
            return ["tool_output"]
        case f.HandedOff():
            return ["handoff_occured", "agent"]
        case f.OutputProposed() if fact.item is not None:
            return ["message_output_created"]
        case _:
            return []


def _name(event: Any) -> str:
    if isinstance(event, RunItemStreamEvent):
        return event.name
    kinds = {AgentUpdatedStreamEvent: "agent", RawResponsesStreamEvent: "raw"}
    return kinds[type(event)]


def _item_name(item: Any, fact: f.ModelResponded) -> str:
    if item["type"] != "function_call":
        return {"message": "message_output_created", "reasoning": "reasoning_item_created"}[item["type"]]
    kinds = {call.id: call.kind for call in fact.calls}
    return "handoff_requested" if kinds[item["call_id"]] == "handoff" else "tool_called"
