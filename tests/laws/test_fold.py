"""Law 1, Fold: the fold of a log is the state of its run; the driver holds nothing that the facts do not."""

from __future__ import annotations

from hypothesis import given

from agents._core.evolve import fold
from laws.playing import MISMATCHES, Cancel, Played, play
from laws.strategies import any_cases, cancels
from laws.world import Case


def assert_folded(played: Played) -> None:
    # After every fact, and once more from what the log keeps.
    assert MISMATCHES == []
    for run in played.runs:
        assert fold(played.facts(run)) == run.state
        assert run.state.is_closed


@given(any_cases)
def test_a_run_is_the_fold_of_its_log_after_every_fact(case: Case) -> None:
    assert_folded(play(case, is_streamed=False))


@given(any_cases)
def test_a_streamed_run_is_the_fold_of_its_log_after_every_fact(case: Case) -> None:
    assert_folded(play(case, is_streamed=True))


@given(any_cases, cancels)
def test_a_cancelled_run_is_the_fold_of_its_log_after_every_fact(case: Case, cancel: Cancel) -> None:
    assert_folded(play(case, is_streamed=True, cancel=cancel))
