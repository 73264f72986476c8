"""Every public name of the contract is there, less those that are listed as still to come."""

from __future__ import annotations

import subprocess
import sys

import pytest

from program import PROJECT

CONTRACT = PROJECT.parent / "shared" / "contract" / "surface.json"


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract's surface.json is not beside this checkout")
def test_nothing_is_missing_that_is_not_listed() -> None:
    check = [sys.executable, str(PROJECT / "bench" / "check_surface.py")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
