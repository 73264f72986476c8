from __future__ import annotations

from agents._core import facts as f
from agents._core.decide import Perform, decide
from agents._core.effects import CallModel
from agents._core.evolve import fold

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
