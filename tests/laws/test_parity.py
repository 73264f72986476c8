"""Law 3, Parity: `Runner.run` and a drained `Runner.run_streamed` end alike: result, items, usage, spans, facts.

Time is virtual and no two things take equally long, so that races have one winner: the same in both.
Session rows join this law when sessions exist.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from hypothesis import given

from agents._core import facts as f
from agents.run_internal.run_loop import Run
from laws.playing import Played, end_of, plain_fact, play, span_forms, without_partials
from laws.strategies import any_cases, calm_cases
from laws.world import Case


@given(any_cases)
def test_run_and_run_streamed_give_the_same(case: Case) -> None:
    case = dataclasses.replace(case, starts_early=False)
    plain, streamed = play(case, is_streamed=False), play(case, is_streamed=True)
    assert without_partials(end_of(streamed)) == end_of(plain)
    assert span_forms(streamed.spans) == span_forms(plain.spans)
    assert streamed.seen == plain.seen
    for one, other in zip(streamed.runs, plain.runs, strict=True):
        assert _told(streamed, one) == _told(plain, other)


def _told(played: Played, run: Run) -> list[tuple[str, Any]]:
    # A stream shows its calls as they come, and what it had given when it was cut short: a whole answer cannot.
    only_streamed = (f.CallProposed, f.ModelInterrupted)
    return [plain_fact(fact) for fact in played.facts(run) if not isinstance(fact, only_streamed)]


@given(calm_cases)
def test_tools_that_start_early_change_nothing_but_time(case: Case) -> None:
    early = dataclasses.replace(case, starts_early=True)
    plain, streamed = play(early, is_streamed=False), play(early, is_streamed=True)
    assert end_of(streamed) == end_of(plain)
    assert without_usage(streamed) == without_usage(plain)
    assert sorted(streamed.seen.tools) == sorted(plain.seen.tools)
    assert sorted(streamed.seen.hooks) == sorted(plain.seen.hooks)


def without_usage(played: Played) -> list[str]:
    """Spans without the tokens so far, which a nested run shares with runs beside it."""
    return sorted(re.sub(r"'usage': \{[^}]*\}", "", str(span)) for span in span_forms(played.spans))
