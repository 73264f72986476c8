"""The tables of the core: what they say together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agents._core import facts as f
from agents._core.state import (
    CALL_DECISIONS,
    CALL_FAILURES,
    CALL_MOVES,
    CALL_RESUMPTIONS,
    CALL_STARTS,
    CLOSED,
    LEGAL,
    RUN_MOVES,
    CallPhase,
    Phase,
)

ROOT = Path(__file__).parents[2]


def test_every_phase_has_its_row_and_every_fact_is_legal_somewhere() -> None:
    assert set(LEGAL) == set(Phase)
    assert frozenset[type]().union(*LEGAL.values()) == set(f.KINDS.by_type)


def test_a_run_that_has_ended_accepts_nothing_but_that_a_cancelled_one_is_decided_and_goes_on() -> None:
    cancelled = {f.RunResumed, f.ApprovalDecided, f.RuleStated}
    assert {phase for phase in Phase if LEGAL[phase] <= cancelled} == CLOSED
    assert {phase for phase in CLOSED if LEGAL[phase]} == {Phase.CANCELLED}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in CLOSED | {Phase.NEW}])
def test_an_open_run_can_be_ended_cancelled_and_resumed(phase: Phase) -> None:
    assert {f.RunFailed, f.RunCancelled, f.CancelRequested, f.RunResumed} <= LEGAL[phase]


def test_a_fact_that_moves_the_run_is_legal_where_it_does() -> None:
    moved = [(source, fact) for fact, moves in RUN_MOVES.items() for source in moves]
    assert [(source, fact) for source, fact in moved if fact not in LEGAL[source]] == []


def test_every_phase_of_a_run_can_be_reached() -> None:
    targets = {target for moves in RUN_MOVES.values() for each in moves.values() for target in each}
    assert targets | {Phase.NEW, Phase.FAILED, Phase.CANCELLED} == set(Phase)


def test_facts_about_calls_are_legal_where_there_are_calls() -> None:
    only_whole = {f.CallAnswered, f.HandedOff}
    for fact in CALL_MOVES:
        legal = {phase for phase in Phase if fact in LEGAL[phase]}
        assert legal == ({Phase.CALLS} if fact in only_whole else {Phase.MODEL, Phase.CALLS})


def test_every_phase_of_a_call_can_be_reached() -> None:
    tables = [*CALL_MOVES.values(), *CALL_DECISIONS.values(), CALL_FAILURES, CALL_RESUMPTIONS]
    targets = {target for moves in tables for target in moves.values()}
    assert targets | set(CALL_STARTS.values()) == set(CallPhase)


def test_a_settled_or_failed_call_moves_no_more() -> None:
    tables = [*CALL_MOVES.values(), *CALL_DECISIONS.values(), CALL_FAILURES, CALL_RESUMPTIONS]
    assert {CallPhase.SETTLED, CallPhase.FAILED}.isdisjoint({source for moves in tables for source in moves})


def test_a_decision_is_consumed_by_the_claim() -> None:
    for moves in CALL_DECISIONS.values():
        assert {CallPhase.CLAIMED, CallPhase.IN_DOUBT}.isdisjoint(moves)


def test_a_kind_of_fact_is_known_by_its_name_in_snake_case() -> None:
    assert f.KINDS.by_kind["tool_returned"] is f.ToolReturned
    assert {kind: fact for fact, kind in f.KINDS.by_type.items()} == f.KINDS.by_kind


def test_the_diagrams_in_the_docs_are_drawn_from_the_tables() -> None:
    if not (ROOT / "tools" / "draw_states.py").exists():
        pytest.skip("tools/ is not part of a source distribution")
    done = subprocess.run(
        [sys.executable, "tools/draw_states.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
