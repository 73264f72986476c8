"""Law 2, Total: a fact folds, or raises `IllegalFact` and changes nothing; `decide` answers every state reached."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.decide import Close, Perform, Record, Stop, Suspend, decide
from agents._core.evolve import evolve
from agents._core.state import (
    CALL_DECISIONS,
    CALL_FAILURES,
    CALL_MOVES,
    CALL_RESUMPTIONS,
    CALL_STARTS,
    RUN_MOVES,
    CallPhase,
    IllegalFact,
    Phase,
    State,
)
from laws.core_runs import Core, RunPlan
from laws.strategies import fact_lists, facts, facts_for, run_plans, schedules


def assert_total(facts: list[f.Fact]) -> None:
    state = State()
    for fact in facts:
        before = copy.deepcopy(state)
        try:
            evolve(state, fact)
        except IllegalFact:
            assert state == before
        if state.start is not None:
            assert_answered(state)


def assert_answered(state: State) -> None:
    before = copy.deepcopy(state)
    decision = decide(state)
    assert state == before
    assert decide(state) == decision
    match decision:
        case Record(fact) | Close(fact):
            evolve(before, fact)
        case Perform(effects):
            assert effects
            assert len({effect.id for effect in effects}) == len(effects)
        case Suspend(calls):
            for call_id in calls:
                if before.calls[call_id].phase is CallPhase.ASKED:
                    evolve(before, f.ApprovalDecided(call_id, approved=True))
        case Stop():
            assert state.is_closed


@given(fact_lists)
def test_facts_of_any_kind_fold_or_are_refused(drawn: list[f.Fact]) -> None:
    assert_total(drawn)


@given(st.data())
def test_facts_that_a_state_may_accept_fold_or_are_refused(data: st.DataObject) -> None:
    state = State()
    for _ in range(40):
        if state.is_closed:
            break
        fact = data.draw(facts_for(state) if data.draw(st.integers(0, 19)) else facts)
        before = copy.deepcopy(state)
        try:
            evolve(state, fact)
        except IllegalFact:
            assert state == before
        else:
            assert_moved_by_the_tables(before, fact, state)
        if state.start is not None:
            assert_answered(state)


def assert_moved_by_the_tables(before: State, fact: f.Fact, after: State) -> None:
    if before.phase is not after.phase:
        anywhere: dict[type, Phase] = {f.RunFailed: Phase.FAILED, f.RunCancelled: Phase.CANCELLED}
        to = anywhere.get(type(fact))
        assert to is after.phase or after.phase in RUN_MOVES[type(fact)][before.phase]
    for call_id, call in after.calls.items():
        known = before.calls.get(call_id)
        if known is None or known.call != call.call:
            assert call.phase is CALL_STARTS[call.call.needs_approval]
        elif known.phase is not call.phase:
            assert call.phase in {moves.get(known.phase) for moves in call_tables(fact)}


def call_tables(fact: f.Fact) -> list[Mapping[CallPhase, CallPhase]]:
    if isinstance(fact, f.ApprovalDecided):
        return [CALL_DECISIONS[fact.approved and fact.output is None]]
    if isinstance(fact, f.RunResumed):
        return [CALL_RESUMPTIONS]
    if isinstance(fact, f.ToolFailed) and fact.output is None:
        return [CALL_FAILURES]
    return [CALL_MOVES[type(fact)]]


@given(
    run_plans, schedules, fact_lists, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)
)
def test_a_run_with_facts_lost_doubled_moved_and_foreign_folds_or_refuses(
    plan: RunPlan, schedule: list[int], foreign: list[f.Fact], moves: list[tuple[int, int]]
) -> None:
    whole = Core(plan, schedule)
    whole.drive()
    mixed = whole.facts
    for source, target in moves:
        # A third each: a fact in another place, a fact once more, a foreign fact.
        given_from = foreign if target % 3 == 2 else mixed
        fact = given_from[source % len(given_from)]
        if target % 3 == 0 and len(mixed) > 1:
            mixed.remove(mixed[source % len(mixed)])
        mixed.insert(1 + target % len(mixed), fact)
    assert_total(mixed)


@given(run_plans, schedules)
def test_every_state_of_a_run_is_answered(plan: RunPlan, schedule: list[int]) -> None:
    whole = Core(plan, schedule)
    whole.drive()
    assert_total(whole.facts)
    assert whole.state.is_closed
