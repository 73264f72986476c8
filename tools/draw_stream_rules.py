"""Writes `docs/check_stream.md` from the table of rules itself."""

from __future__ import annotations

import sys
from pathlib import Path

from agents.testing.check_stream import RULES

TARGET = Path(__file__).parent.parent / "docs" / "check_stream.md"

HEAD = """# Checking event streams

Every client of the Responses API trusts another copy of a text: the deltas, the finished item, the final response. A
server that gets one of them wrong works with one client and fails with the next, and the public conformance suites
look at few of them. `check_stream` looks at all: numbers, order, indexes, ids, and that every copy agrees.

```sh
python -m agents.testing.check_stream recording.jsonl stream.sse
curl -sN "$OPENAI_BASE_URL/responses" … | python -m agents.testing.check_stream -
```

A file is an event stream as the server sent it, or JSON with one event a line, of one response. A violation is one
line: where, which rule, what was expected and what was found. The exit status is 0 where every stream keeps the rules,
1 where one does not, 2 where one cannot be read. `--off RULE[,RULE]` leaves rules out, `--rules` lists them, and
`--tail` is for the rest of a stream that was resumed with `starting_after`: it begins at a number above 0, perhaps in
the middle of an item, of which only what can be seen is checked.

## In tests

Give it a list of events, as JSON or as objects of the `openai` client:

```python
from openai import OpenAI

from agents.testing import ResponsesServer, Step, check_stream


def events_of(step: Step) -> list[object]:
    with ResponsesServer([step]) as server, OpenAI(base_url=server.base_url, api_key="x") as client:
        return list(client.responses.create(model="any-model", input="Hi", stream=True))


def test_a_server_keeps_the_rules() -> None:
    assert check_stream(events_of(Step().text("Hello there."))) == []


def test_a_stream_that_breaks_off_is_named() -> None:
    violations = check_stream(events_of(Step().text("Hello there.").truncate()))
    assert [violation.rule for violation in violations] == ["terminal-missing"]
```

`StreamChecker` does the same event by event: `feed(event)` gives what is wrong with it, `finish()` what is missing at
the end. Frames of a WebSocket that belong to no response (steering, errors of the connection) are not for it.

## The rules

Streams that were recorded from OpenAI's servers keep all of them, but for two old ones without numbers, one of them
without log probabilities too. Ids of rules stay what they are. This page is drawn from
`src/agents/testing/_stream_rules.py` by `tools/draw_stream_rules.py`.

| rule | what must be true | what real servers do |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = (f"| `{name}` | {rule.says} | {rule.note} |" for name, rule in RULES.items())
    return HEAD + "\n".join(rows).replace("|  |", "| |") + "\n"


def main() -> int:
    """Write the page; with `--check` only say whether it is up to date."""
    if "--check" in sys.argv:
        return 0 if TARGET.read_text(encoding="utf-8") == page() else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
