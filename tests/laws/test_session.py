"""Law 9, Session: whatever dies when, a session holds each settled item once, in order, and no half of a pair.

For the core with a session that keeps what it is given: killed after any fact, also between an addition and its
acknowledgement, and started again.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.evolve import evolve, fold
from agents._core.state import Phase, State
from laws.core_runs import OLD, Core, RunPlan, through_log
from laws.strategies import run_plans, schedules
from laws.test_prefix import without_lives

_plans = run_plans.map(lambda plan: replace(plan, has_session=True))


def kept_at(facts: list[f.Fact], *, was_added: bool) -> list[f.Json]:
    """What a session held when a run died behind these facts: with what was being added then, or without it."""
    state, notebook, batch = State(), [OLD], list[f.Json]()
    for fact in facts:
        if isinstance(fact, f.SessionSaveBegun):
            batch = list(state.unsaved)
        elif isinstance(fact, f.SessionSaved):
            notebook.extend(batch)
        evolve(state, fact)
    return [*notebook, *batch] if was_added and state.is_saving else notebook


def check(notebook: list[f.Json], state: State) -> None:
    calls = [item["call_id"] for item in notebook if item.get("type") == "function_call"]
    outputs = [item["call_id"] for item in notebook if item.get("type") == "function_call_output"]
    assert len(calls) == len(set(calls)), "no call twice"
    assert sorted(calls) == sorted(outputs), "no half of a pair"
    if state.phase is Phase.FINISHED:
        assert without_lives(notebook) == without_lives(state.history)


@given(_plans, schedules, schedules, st.booleans())
def test_it_holds_each_item_once_whenever_the_run_died(
    plan: RunPlan, first: list[int], second: list[int], was_added: bool
) -> None:
    whole = Core(plan, first)
    whole.drive()
    check(whole.notebook, whole.state)
    for cut in range(1, len(whole.facts)):
        prefix = through_log(whole.facts[:cut])
        again = Core(plan, second, prefix, life=2, notebook=kept_at(prefix, was_added=was_added))
        if not again.state.is_closed:
            again.drive()
            check(again.notebook, again.state)


@given(_plans.map(lambda plan: replace(plan, compacts=True)), schedules)
def test_it_is_compacted_only_where_it_ends_with_a_response(plan: RunPlan, schedule: list[int]) -> None:
    core = Core(plan, schedule)
    core.drive()
    compacted = [index for index, fact in enumerate(core.facts) if isinstance(fact, f.SessionCompacted)]
    for index in compacted:
        before = fold(core.facts[:index])
        assert not before.unsaved
        assert not before.calls
        assert before.history[-1] == before.turn_output[-1]
    if core.state.phase is Phase.FINISHED and not core.state.calls and core.state.proposed is not None:
        assert compacted or core.state.proposed.source == "handler"


@given(_plans, schedules, schedules, st.integers(2, 30), st.sampled_from(["immediate", "after_turn"]))
def test_it_does_when_the_run_was_cancelled_and_taken_up_again(
    plan: RunPlan, first: list[int], second: list[int], at: int, mode: f.CancelMode
) -> None:
    cancelled = Core(plan, first, cancel=(at, mode))
    cancelled.drive()
    check(cancelled.notebook, cancelled.state)
    again = Core(plan, second, through_log(cancelled.facts), life=2, notebook=cancelled.notebook)
    again.drive()
    check(again.notebook, again.state)
