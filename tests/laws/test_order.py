"""Law 6, Order: history is in call order whatever order tools finish in; `seq` orders everything, clocks nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents.items.run_items import raw_field
from agents.stream_events import (
    AgentUpdatedStreamEvent,
    RawResponsesStreamEvent,
    RunItemStreamEvent,
)
from laws.core_runs import Core, RunPlan
from laws.playing import Played, plain, play
from laws.strategies import any_cases, calm_cases, run_plans, schedules
from laws.world import Case, ToolPlan

OUTPUTS = {"tool_call_output_item", "handoff_output_item"}


def call_of(item: Any) -> str:
    """The call id of an item that asks for a call, or answers it."""
    call_id: str = raw_field(item.raw_item, "call_id")
    return call_id


def items_of(played: Played) -> list[Any]:
    """The items that the classic events told of."""
    return [event.item for event in played.events if isinstance(event, RunItemStreamEvent)]


def with_times(case: Case, times: list[int]) -> Case:
    tools = [dataclasses.replace(tool, takes=time) for tool, time in zip(case.tools, times, strict=False)]
    return dataclasses.replace(case, tools=tuple(_unhurried(tool) for tool in tools))


def _unhurried(tool: ToolPlan) -> ToolPlan:
    # What such a tool reports follows from how long it takes.
    return tool if tool.does != "progress" else dataclasses.replace(tool, does="return")


@given(calm_cases, *[st.lists(st.integers(0, 9), min_size=3, max_size=3)] * 2)
def test_history_does_not_depend_on_who_finishes_first(
    case: Case, first: list[int], second: list[int]
) -> None:
    one, other = (play(with_times(case, times), is_streamed=True) for times in (first, second))
    assert plain(one.run.state.history) == plain(other.run.state.history)
    assert plain(one.result.to_input_list()) == plain(other.result.to_input_list())
    assert one.result.final_output == other.result.final_output


@given(run_plans, schedules)
def test_outputs_join_the_history_in_call_order(plan: RunPlan, schedule: list[int]) -> None:
    core = Core(plan, schedule)
    core.drive()
    asked: list[str] = []
    answered: list[str] = []
    for item in core.state.history:
        if item.get("type") == "function_call":
            asked.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            answered.append(item["call_id"])
    # A turn that did not settle has no outputs at all.
    assert answered == asked[: len(answered)]


@given(run_plans, schedules, st.integers(0, 60), schedules)
def test_calls_that_act_on_a_machine_run_one_after_the_other(
    plan: RunPlan, schedule: list[int], killed_after: int, again: list[int]
) -> None:
    first = Core(plan, schedule)
    first.drive()
    second = Core(plan, again, first.facts[:killed_after], life=2)
    second.drive()
    for facts in (first.facts, second.facts):
        ahead: list[f.CallId] = []
        for fact in facts:
            match fact:
                case f.ModelResponded(calls=calls):
                    ahead = [call.id for call in calls if call.form in f.IN_SEQUENCE]
                case f.ToolClaimed(call=claimed) if claimed in ahead:
                    assert claimed == ahead[0]
                case f.ToolReturned(call=settled) | f.ToolFailed(call=settled) | f.CallAnswered(call=settled):
                    ahead = [call_id for call_id in ahead if call_id != settled]
                case _:
                    pass


@given(any_cases)
def test_seq_counts_every_record_whatever_the_clock_says(case: Case) -> None:
    played = play(case, is_streamed=True)
    assert [record.seq for record in played.records] == list(range(1, len(played.records) + 1))
    assert played.records == played.log


# --- classic events


@given(any_cases)
def test_classic_events_come_in_their_order(case: Case) -> None:
    played = play(case, is_streamed=True)
    assert isinstance(played.events[0], AgentUpdatedStreamEvent)
    called: list[str] = []
    is_raw_allowed = True
    for event in played.events:
        if isinstance(event, RawResponsesStreamEvent):
            if event.data.type == "response.created":
                is_raw_allowed = True
            # A turn's raw events first: none comes between the items of its response.
            assert is_raw_allowed
        elif isinstance(event, RunItemStreamEvent):
            is_raw_allowed = False
            if event.name in {"tool_called", "handoff_requested"}:
                called.append(call_of(event.item))
            elif event.item.type in OUTPUTS:
                assert call_of(event.item) in called


@given(any_cases)
def test_items_are_announced_once_in_model_order_and_outputs_as_they_come(case: Case) -> None:
    played = play(case, is_streamed=True)
    told, items = items_of(played), new_items(played)
    told_ids, item_ids = set(map(id, told)), set(map(id, items))
    if played.error is None:
        assert told_ids == item_ids
    assert len(told_ids) == len(told)
    # A run that failed keeps no call without its output.
    assert [id(item) for item in told if item.type not in OUTPUTS and id(item) in item_ids] == [
        id(item) for item in items if item.type not in OUTPUTS and id(item) in told_ids
    ]
    assert [call_of(item) for item in told if item.type in OUTPUTS] == settled_calls(played)


def new_items(played: Played) -> list[Any]:
    return played.result.new_items


def settled_calls(played: Played) -> list[str]:
    """Calls in the order in which they were settled; an early one after its response."""
    settled: list[str] = []
    early: list[str] = []
    is_open = False
    for fact in played.facts():
        match fact:
            case f.TurnStarted():
                is_open, early = True, []
            case f.ModelResponded():
                is_open = False
                settled += early
            case f.ToolReturned() | f.CallAnswered() | f.HandedOff():
                (early if is_open else settled).append(fact.call)
            case f.ToolFailed() if fact.output is not None:
                (early if is_open else settled).append(fact.call)
            case _:
                pass
    return settled


@given(any_cases)
def test_a_tool_shows_its_output_when_it_is_done_not_when_all_are(case: Case) -> None:
    played = play(case, is_streamed=True)
    outputs = [
        record.data["call"] for record in played.records if record.kind == "tool_returned" and not record.path
    ]
    shown = [call_of(item) for item in items_of(played) if item.type in OUTPUTS]
    assert [call for call in shown if call in outputs] == [call for call in outputs if call in shown]
