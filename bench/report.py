"""The table, and the file that is kept."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peer import PACKAGE, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figures import Figure, Measurement

    from run import Side

HERE = Path(__file__).parent


def print_title(peer: str) -> None:
    """The head of the table."""
    print(f"\n{'best of the repetitions':40} {'budget':>10} {'ours':>12} {peer:>14} {'ratio':>7}")
    print("-" * 87)


def print_row(figure: Figure, ours: float | None, peer: float | None = None) -> None:
    """One figure; `!` behind a figure of ours that is over its budget."""
    budget = "" if figure.budget is None else f"{figure.budget:g} {figure.unit}"
    is_over = figure.budget is not None and ours is not None and ours > figure.budget
    ratio = f"{peer / ours:.1f}x" if ours and peer else ""
    print(
        f"{figure.label:40} {budget:>10} {_shown(ours, figure.unit) + ('!' if is_over else ' '):>13}"
        f"{_shown(peer, figure.unit):>14} {ratio:>7}",
        flush=True,
    )


def _shown(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}".strip()


def save(sides: Sequence[Side], measurements: Sequence[Measurement]) -> str:
    """Write bench/results/<date>-<revision>.json; returns its name within the project."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    revision = _git("rev-parse", "--short", "HEAD") or "none"
    document = {
        "date": today,
        "revision": revision,
        "has_uncommitted_changes": bool(_git("status", "--porcelain", "--", ":/src")),
        "machine": _machine(sides),
        "figures": [row for one in measurements for row in _rows(one, sides)],
    }
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{today}-{revision}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"bench/results/{path.name}"


def _rows(measurement: Measurement, sides: Sequence[Side]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for figure in measurement.figures:
        row: dict[str, Any] = {
            "measurement": measurement.name,
            "figure": figure.key,
            "label": figure.label.strip(),
            "unit": figure.unit,
            "budget": figure.budget,
        }
        for side in sides:
            samples = side.figures(measurement.name, figure.key)
            row[side.name] = {
                "best": min(samples),
                "median": statistics.median(samples),
                "samples": samples,
            }
        row["ratio"] = row["peer"]["best"] / row["ours"]["best"]
        if "heavy" in sides[0].samples[measurement.name][-1]:
            row["heavy_modules"] = {side.name: side.samples[measurement.name][-1]["heavy"] for side in sides}
        rows.append(row)
    return rows


def _machine(sides: Sequence[Side]) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cpu_count": os.cpu_count(),
        PACKAGE: version_of(sides[1].python, PACKAGE),
        "openai": {side.name: version_of(side.python, "openai") for side in sides},
        "pydantic": {side.name: version_of(side.python, "pydantic") for side in sides},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
