"""Every Python block of the page on models runs, in a process of its own, against a loopback server."""

from __future__ import annotations

import asyncio
import re

import pytest

from agents.testing import ResponsesServer
from models.chat_server import ChatServer, document, streaming
from models.chats import answer, chunk, text
from program import PROJECT, output_of, start

PAGE = (PROJECT / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

HAIKU = "Words before the end"


@pytest.mark.parametrize("code", BLOCKS)
async def test_each_program_prints_what_the_server_says(code: str) -> None:
    if "localhost" not in code:
        # The rest of the page is about any model: it speaks to OpenAI's own API.
        with ResponsesServer([HAIKU]) as responses:
            process = await asyncio.to_thread(start, "-c", code, base_url=responses.base_url)
            assert await asyncio.to_thread(output_of, process) == f"{HAIKU}\n"
        return
    told = streaming([text("Words before "), text("the end"), chunk({}, "stop")])
    answers = [told if "run_streamed" in code else document(answer({"content": HAIKU}))]
    async with ChatServer(answers) as server:
        # The page names the servers' own addresses.
        program, count = re.subn(r"http://localhost:\d+/v1", server.base_url, code)
        process = await asyncio.to_thread(start, "-c", program, base_url=server.base_url)
        assert await asyncio.to_thread(output_of, process) == f"{HAIKU}\n"
        assert [request.path for request in server.requests] == ["/v1/chat/completions"]
    assert count == 1
