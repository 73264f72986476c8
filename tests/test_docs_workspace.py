"""Every program of the page on workspaces runs and prints what it should."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from program import PROJECT

PAGE = (PROJECT / "docs" / "workspace.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PRINTED = [
    """\
ApplyPatchResult(status='completed', output='Updated mill.py')
def mill():
    return "flour"

failed '../elsewhere.py' has '..' in it: give a path relative to the workspace, without
""",
    """\
the wheel
turns

the stone
grinds

one
two
Invalid Context 0:
the river
These lines are not in the text behind its line 0: read it again and give them as they are.
""",
    """\
CommandResult(stdout='GRAIN\\n', stderr='', exit_code=3, timed_out=False)
CommandResult(stdout='', stderr='', exit_code=1, timed_out=False)
True waiting

""",
]


@pytest.mark.parametrize(("code", "printed"), list(zip(BLOCKS, PRINTED, strict=True)))
def test_each_program_prints_what_it_should(
    code: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", printed)
