"""The fault matrix: whatever a server does, a run ends, says why, keeps its work, and leaves nothing behind.

Run this file to see the matrix: `.venv/bin/python tests/run/test_fault_matrix.py`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest

from run.fault_cells import cell
from run.fault_parts import COLUMNS, NONE, Column, Fault
from run.fault_table import FAULTS

CELLS = [
    pytest.param(fault, column, id=f"{fault.name} - {column}")
    for fault in FAULTS
    for column in COLUMNS
    if fault.outcome(column) != NONE
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("fault", "column"), CELLS)
async def test_a_run_that_meets_it_ends_as_the_table_says(fault: Fault, column: Column) -> None:
    assert await cell(fault, column) == fault.outcome(column)


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_run_and_run_streamed_end_alike_where_the_table_does_not_say_why_not(fault: Fault) -> None:
    pairs = [(fault.ends[at], fault.ends[at + 1]) for at in range(0, len(COLUMNS), 2)]
    differ = [pair for pair in pairs if NONE not in pair and pair[0] != pair[1]]
    assert bool(differ) == bool(fault.why)


async def matrix() -> list[str]:
    """The table in Markdown, from real runs."""
    lines = ["| Fault | " + " | ".join(COLUMNS) + " |", "|---" * (1 + len(COLUMNS)) + "|"]
    notes: list[str] = []
    for fault in FAULTS:
        cells = [
            NONE if fault.outcome(column) == NONE else f"`{await cell(fault, column)}`" for column in COLUMNS
        ]
        mark = ""
        if fault.why:
            notes.append(f"{len(notes) + 1}. {fault.why}.")
            mark = f" ({len(notes)})"
        lines.append(f"| {fault.name}{mark} | " + " | ".join(cells) + " |")
    return [*lines, "", *notes]


if __name__ == "__main__":
    print("\n".join(asyncio.run(matrix())))
