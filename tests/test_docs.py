"""What the documents say about the code is so."""

from __future__ import annotations

import re

import pytest

from agents._core import facts as f
from agents._core.state import (
    CALL_DECISIONS,
    CALL_FAILURES,
    CALL_MOVES,
    CALL_RESUMPTIONS,
    LEGAL,
    CallPhase,
    Phase,
)
from program import PROJECT

DOCUMENTS = sorted(
    path.relative_to(PROJECT)
    for pattern in ("*.md", "docs/**/*.md", "changelog.d/*.md")
    for path in PROJECT.glob(pattern)
)
ARCHITECTURE = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")

#: Moves that have a rule of their own in `_core.evolve` and no row in the table.
OTHER_MOVES = {
    (source, fact, target)
    for fact, moves in (
        ("ApprovalDecided", CALL_DECISIONS[True]),
        ("ApprovalDecided", CALL_DECISIONS[False]),
        ("RunResumed", CALL_RESUMPTIONS),
        ("ToolFailed", CALL_FAILURES),
    )
    for source, target in moves.items()
    if source is not target
}


def arrows(diagram: int) -> list[tuple[str, str, str]]:
    """Source, fact and target of each arrow of a diagram, one for each fact that an arrow names."""
    drawn = re.findall(r"^```mermaid\n(.*?)^```", ARCHITECTURE, re.DOTALL | re.MULTILINE)[diagram]
    found = re.findall(r"^\s*(\w+) --> (\w+): (.+)$", drawn, re.MULTILINE)
    return [(source, fact, target) for source, target, facts in found for fact in facts.split(", ")]


def test_the_diagram_of_a_call_is_the_table_of_its_moves() -> None:
    table = {
        (source, fact.__name__, target)
        for fact, moves in CALL_MOVES.items()
        for source, target in moves.items()
    }
    drawn = [(CallPhase[source], fact, CallPhase[target]) for source, fact, target in arrows(1)]

    assert len(drawn) == len(set(drawn))
    assert set(drawn) == table | OTHER_MOVES


def test_the_diagram_of_a_run_shows_legal_facts_and_every_phase() -> None:
    drawn = arrows(0)
    shown = {phase for source, _, target in drawn for phase in (source, target)}

    assert shown == {phase.name for phase in Phase} - {"FAILED", "CANCELLED"}
    for source, fact, _ in drawn:
        assert getattr(f, fact) in LEGAL[Phase[source]]
    for phase in Phase:
        ends = {f.RunFailed, f.RunCancelled} & LEGAL[phase]
        assert bool(ends) == (phase not in {Phase.NEW, Phase.FINISHED, Phase.FAILED, Phase.CANCELLED})


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: object) -> None:
    path = PROJECT / str(document)
    targets = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_modules_that_the_architecture_names_are_there() -> None:
    package = PROJECT / "src" / "agents"
    named = {
        name for name in re.findall(r"`([\w/]+(?:/|\.py))`", ARCHITECTURE) if not name.startswith("tests")
    }
    homes = (package, package / "run_internal", PROJECT / "src", PROJECT)

    assert len(named) > 20
    assert sorted(name for name in named if not any((home / name).exists() for home in homes)) == []
