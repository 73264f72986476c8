"""Every Python block of the page on tools runs, in a process of its own, against a loopback Responses server."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from agents.testing import ResponsesServer, Step
from program import PROJECT, output_of, start

PAGE = (PROJECT / "docs" / "tools.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]
BLOCKS = {
    section.partition("\n")[0]: code
    for section in SECTIONS
    for code in re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
}
"""By heading: the program below it."""

SEARCH: dict[str, Any] = {
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "streaming"},
}

APPROVAL: dict[str, Any] = {
    "type": "mcp_approval_request",
    "server_label": "links",
    "name": "shorten",
    "arguments": '{"url": "https://example.org"}',
}

QUERY: dict[str, Any] = {
    "type": "custom_tool_call",
    "call_id": "c1",
    "name": "run_query",
    "input": "SELECT count(*) FROM customers",
}

PATCH: dict[str, Any] = {
    "type": "apply_patch_call",
    "call_id": "p1",
    "status": "completed",
    "operation": {"type": "create_file", "path": "mill.txt", "diff": "+it grinds"},
}

COMMAND: dict[str, Any] = {
    "type": "shell_call",
    "call_id": "s1",
    "status": "completed",
    "action": {"commands": ["cat mill.txt", "ls mill"], "timeout_ms": 60000},
}

SCRIPTS: dict[str, tuple[list[Any], str]] = {
    "Tools that are no functions": (
        [Step().items(SEARCH).text("It flows.")],
        "tool_call_item web_search_call\nmessage_output_item message\n",
    ),
    "Tool search": ([Step().function_call("get_weather", {"city": "Bern"}), "It is mild."], "It is mild.\n"),
    "Hosted MCP, with approvals": (
        [Step().items(APPROVAL), "Here it is."],
        'asks: shorten {"url": "https://example.org"}\nHere it is.\n',
    ),
    "Custom tools": (
        [Step().items(QUERY), "Three."],
        "['3 rows for SELECT count(*) FROM customers'] Three.\n",
    ),
    "Shells, patches and computers": (
        [Step().items(PATCH, COMMAND), "It grinds."],
        """\
asks: shell {"commands": ["cat mill.txt", "ls mill"], "timeout_ms": 60000}
output: Created mill.txt
output: it grinds
stderr:
ls: cannot access 'mill': No such file or directory
exit code: 2
It grinds.
""",
    ),
}
"""By heading: what the server answers, and what the program prints."""


@pytest.mark.parametrize(("heading", "code"), BLOCKS.items(), ids=BLOCKS)
async def test_each_program_prints_what_the_page_promises(heading: str, code: str) -> None:
    script, printed = SCRIPTS[heading]
    async with ResponsesServer(script) as server:
        process = await asyncio.to_thread(start, "-c", code, base_url=server.base_url)
        assert await asyncio.to_thread(output_of, process) == printed


def test_every_program_of_the_page_has_a_script() -> None:
    assert len(BLOCKS) == PAGE.count("```python")
    assert list(BLOCKS) == list(SCRIPTS)
