"""The page on sessions: its programs run, and its table is that of the checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agents.testing import session_checks
from program import PROJECT

PAGE = (PROJECT / "docs" / "sessions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PRINTED = [
    "[{'role': 'assistant', 'content': 'San Francisco.'}]\n{'role': 'assistant', 'content': 'San Francisco.'}\n1\n",
    "conv_1\n['user', 'assistant', 'user', 'assistant']\n",
    "['compaction']\n",
    f"{len(session_checks(reopens=False))} passed",
    "nothing is wrong\n",
]


@pytest.mark.parametrize(("code", "printed"), list(zip(BLOCKS, PRINTED, strict=True)))
def test_each_program_prints_what_it_should(code: str, printed: str, tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(code, encoding="utf-8")
    command = ["-W", "error", "test_page.py"]
    if "pytest" in code:
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"]
        command[3:3] = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert printed in done.stdout


def test_the_table_of_checks_is_that_of_the_kit() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(check.name, check.says) for check in session_checks()]
