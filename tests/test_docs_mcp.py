"""Every Python block of the page on MCP servers runs: the server, and the programs that start it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agents.testing import ResponsesServer, Step
from program import PROJECT, start

PAGE = (PROJECT / "docs" / "mcp.md").read_text(encoding="utf-8")
SERVER, *PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PROGRESS = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]


SEARCH = (("search", {"word": "headrace"}), "On page 2.", "headrace: seen on page 2")
LEND = (("lend", {"book": "Headraces"}), "Here it is.", "Headraces: lent to card 7")
RUNS = [
    (SEARCH, f"{PROGRESS}On page 2.\n"),
    (SEARCH, "failed: ['absent']\nOn page 2.\n"),
    (LEND, "notes asks: Who reads it? ['card']\nHere it is.\n"),
]
"""For each program: the call that the model makes, what it says, what the server answers; and what is printed."""


@pytest.mark.parametrize(
    ("code", "run"), list(zip(PROGRAMS, RUNS, strict=True)), ids=["run", "manager", "elicitation"]
)
def test_each_program_prints_what_the_page_says(code: str, run: tuple[Any, str], tmp_path: Path) -> None:
    (call, said, answered), printed = run
    server = tmp_path / "notes_server.py"
    server.write_text(SERVER, encoding="utf-8")
    # A loaded machine takes longer than five seconds to start a process.
    program = code.replace('"notes_server.py"', repr(str(server))).replace(
        'name="notes"', 'name="notes", client_session_timeout_seconds=60'
    )
    with ResponsesServer([Step().function_call(*call), said]) as api:
        process = start("-c", program, base_url=api.base_url)
        with process:
            output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (0, printed), errors
        assert list(api.requests[1].function_outputs.values()) == [[{"type": "input_text", "text": answered}]]
    api.assert_complete()
