from __future__ import annotations

import pytest

from agents._core import facts as f
from agents._core.decide import Perform, Record, decide
from agents._core.effects import CallModel
from agents._core.evolve import evolve, fold
from agents._core.state import IllegalFact

A = f.AgentKey("a")


def test_calls_of_a_response_that_was_cut_off_are_not_started_by_who_resumes() -> None:
    reader = f.Call(f.CallId("c1"), "function", "look", "{}", read_only=True)
    state = fold(
        [
            f.RunStarted(A, "hi", start_tools_early=True),
            f.TurnStarted(1, A),
            f.ModelRequested(1, 1),
            f.CallProposed(1, reader),
            f.RunResumed(1),
        ]
    )
    assert decide(state) == Perform((CallModel("t1/model", 1, 2),))


def test_a_model_may_be_told_that_a_call_in_doubt_failed() -> None:
    once = f.Call(f.CallId("c1"), "function", "pay", "{}", on_in_doubt="fail")
    state = fold(
        [
            f.RunStarted(A, "hi"),
            f.TurnStarted(1, A),
            f.ModelRequested(1, 1),
            f.ModelResponded(1, [], (once,)),
            f.ToolClaimed(once.id, "pay"),
            f.RunResumed(1),
            f.ToolFailed(once.id, "pay", f.ErrorData("Broken", "unknown"), {"call_id": "c1"}),
        ]
    )
    assert decide(state) == Record(f.TurnStarted(2, A))


def test_no_turn_starts_while_hooks_of_the_one_before_are_due() -> None:
    state = fold(
        [
            f.RunStarted(A, "hi"),
            f.TurnStarted(1, A),
            f.ModelRequested(1, 1),
            f.ModelResponded(1, [], end_hook=True),
            f.OutputDeferred(1),
        ]
    )
    with pytest.raises(IllegalFact, match="hooks are due"):
        evolve(state, f.TurnStarted(2, A))


def test_an_addition_in_doubt_stays_so_over_a_life_that_did_not_look() -> None:
    begun = [
        f.RunStarted(A, "hi", session=True),
        f.SessionLoaded([], [{"role": "user", "content": "hi"}]),
        f.SessionSaveBegun(1),
        f.RunResumed(1, session=True),
        f.RunResumed(2, session=True),
    ]
    assert fold(begun).is_save_in_doubt
    assert not fold([*begun, f.SessionSaveBegun(2), f.SessionSaved(2, 1)]).is_save_in_doubt


def test_a_history_that_was_not_there_for_the_first_turn_stays_out() -> None:
    state = fold([f.RunStarted(A, "hi", session=True), f.RunResumed(1), f.TurnStarted(1, A)])
    assert not state.is_load_due
    assert state.unsaved == [{"role": "user", "content": "hi"}]
