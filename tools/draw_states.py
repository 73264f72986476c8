"""Draw `docs/state.md` from the tables in `agents._core.state`.

python tools/draw_states.py          write the file
python tools/draw_states.py --check  fail if it is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from pathlib import Path

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

TARGET = Path(__file__).parents[1] / "docs" / "state.md"

HEAD = """\
# States of a run and of its calls

Drawn by `python tools/draw_states.py` from the tables in `src/agents/_core/state.py`; a test holds this file to them.
An arrow is a fact. Facts that are legal somewhere and move nothing are in the table at the end.
"""

CALLS = """\
A call that may need somebody's approval begins as proposed, any other as allowed. `ToolFailed` with an output is told
to the model; without one it fails the run.
"""

Edge = tuple[str, str, str]
"""From, to, and the fact's name."""


def main() -> int:
    """Write the document, or compare it."""
    text = drawn()
    if "--check" in sys.argv[1:]:
        if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
            return 0
        print(f"{TARGET} is not what the tables say: run python tools/draw_states.py")
        return 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


def drawn() -> str:
    """The whole document."""
    parts = [
        HEAD,
        "## A run\n",
        _diagram(run_edges(), {phase.name for phase in _open_phases()}),
        "## A call\n",
        CALLS,
        _diagram(call_edges()),
        "## What is legal where\n",
        _table(),
    ]
    return "\n".join(parts)


def run_edges() -> list[Edge]:
    """The moves of a run."""
    edges = [("[*]", Phase.NEW.name, "")]
    for fact, moves in RUN_MOVES.items():
        edges += [
            (source.name, target.name, fact.__name__)
            for source, targets in moves.items()
            for target in targets
        ]
    edges += [("OPEN", Phase.FAILED.name, "RunFailed"), ("OPEN", Phase.CANCELLED.name, "RunCancelled")]
    edges += [(phase.name, "[*]", "") for phase in Phase if phase in CLOSED]
    return sorted(edges, key=_by_phase(Phase))


def call_edges() -> list[Edge]:
    """The moves of a call."""
    edges = [("[*]", phase.name, "") for phase in CALL_STARTS.values()]
    rows: list[tuple[str, Mapping[CallPhase, CallPhase]]] = [
        *((fact.__name__, moves) for fact, moves in CALL_MOVES.items()),
        (f"{f.ApprovalDecided.__name__} yes", CALL_DECISIONS[True]),
        (f"{f.ApprovalDecided.__name__} no", CALL_DECISIONS[False]),
        (f"{f.ToolFailed.__name__} for the run", CALL_FAILURES),
        (f.RunResumed.__name__, CALL_RESUMPTIONS),
    ]
    for name, moves in rows:
        edges += [(source.name, target.name, name) for source, target in moves.items()]
    ends = {CallPhase.SETTLED, CallPhase.FAILED}
    edges += [(phase.name, "[*]", "") for phase in CallPhase if phase in ends]
    return sorted(edges, key=_by_phase(CallPhase))


def _by_phase(phases: Iterable[Enum]) -> Callable[[Edge], tuple[int, int, str]]:
    order = {phase.name: index for index, phase in enumerate(phases)}

    def key(edge: Edge) -> tuple[int, int, str]:
        return order.get(edge[0], -1), order.get(edge[1], len(order)), edge[2]

    return key


def _diagram(edges: list[Edge], inner: Collection[str] = ()) -> str:
    """A Mermaid diagram, with the edges between inner states inside a state named OPEN."""
    together: dict[tuple[str, str], list[str]] = {}
    for source, target, name in edges:
        together.setdefault((source, target), []).append(name)
    inside: list[str] = []
    outside: list[str] = []
    for (source, target), names in together.items():
        label = ", ".join(name for name in names if name)
        line = f"    {source} --> {target}" + (f": {label}" if label else "")
        if source in inner and target in inner:
            inside.append(f"    {line}")
        else:
            outside.append(line)
    if inside:
        inside = ["    state OPEN {", *inside, "    }"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *inside, *outside, "```", ""])


def _table() -> str:
    anywhere = frozenset[type].intersection(*(LEGAL[phase] for phase in _open_phases()))
    lines = ["| phase | accepts beside the arrows that leave it |", "|---|---|"]
    lines.append(f"| every open one | {_names(anywhere - f.TERMINAL)} |")
    for phase in _open_phases():
        moving = {fact for fact, moves in RUN_MOVES.items() if phase in moves}
        # A settled call settles the turn only if it was the last one.
        others = LEGAL[phase] - anywhere - (moving - set(CALL_MOVES))
        lines.append(f"| {phase.name} | {_names(others)} |")
    return "\n".join([*lines, ""])


def _open_phases() -> list[Phase]:
    return [phase for phase in Phase if phase not in CLOSED and phase is not Phase.NEW]


def _names(facts: Iterable[type]) -> str:
    return ", ".join(sorted(f"`{fact.__name__}`" for fact in facts)) or "nothing"


if __name__ == "__main__":
    raise SystemExit(main())
