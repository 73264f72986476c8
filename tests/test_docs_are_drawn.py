"""Pages that are drawn from the code must be what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("tool", ["draw_records.py", "draw_stream_rules.py"])
def test_a_drawn_page_is_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run: python tools/{tool}\n{done.stdout}{done.stderr}"
