"""Writes `docs/records.md` from the facts themselves: every kind of record, its fields, what it means."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path

from agents._core import facts as f

TARGET = Path(__file__).parent.parent / "docs" / "records.md"

HEAD = """# Records

`result.records(after=0)` gives every record of a run and of the runs nested in it: past ones first, then live ones,
to any number of readers. A record has `seq` (from 1, no gaps; `last_seq` is greater where old deltas were joined),
`at_ms`, `run_id`, `path` (the call ids under which a nested run runs; empty for the outermost), `kind` and `data`.
`agents.log.encode_record` and `decode_record` turn records into lines of JSON and back.

This page is drawn from `src/agents/_core/facts.py` by `tools/draw_records.py`.

| kind | what happened | data |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows: list[str] = []
    for kind, fact_type in f.KINDS.by_kind.items():
        meaning = " ".join((inspect.getdoc(fact_type) or "").split())
        fields = ", ".join(f"`{each.name}`" for each in dataclasses.fields(fact_type))
        rows.append(f"| `{kind}` | {meaning} | {fields} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page; with `--check` only say whether it is up to date."""
    if "--check" in sys.argv:
        return 0 if TARGET.read_text(encoding="utf-8") == page() else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
