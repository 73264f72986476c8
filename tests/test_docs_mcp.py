"""Every Python block of the page on MCP servers runs: the server, and the programs that start it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.testing import ResponsesServer, Step
from program import PROJECT, start

PAGE = (PROJECT / "docs" / "mcp.md").read_text(encoding="utf-8")
SERVER, *PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PROGRESS = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]


PRINTED = [f"{PROGRESS}On page 2.\n", "failed: ['absent']\nOn page 2.\n"]


@pytest.mark.parametrize(("code", "printed"), list(zip(PROGRAMS, PRINTED, strict=True)))
def test_each_program_prints_what_the_page_says(code: str, printed: str, tmp_path: Path) -> None:
    server = tmp_path / "notes_server.py"
    server.write_text(SERVER, encoding="utf-8")
    # A loaded machine takes longer than five seconds to start a process.
    program = code.replace('"notes_server.py"', repr(str(server))).replace(
        'name="notes")', 'name="notes", client_session_timeout_seconds=60)'
    )
    script = [Step().function_call("search", {"word": "headrace"}), "On page 2."]
    with ResponsesServer(script) as api:
        process = start("-c", program, base_url=api.base_url)
        with process:
            output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (0, printed), errors
        assert list(api.requests[1].function_outputs.values()) == [
            [{"type": "input_text", "text": "headrace: seen on page 2"}]
        ]
    api.assert_complete()
