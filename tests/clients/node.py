"""Node, and the npm packages that `make` installs beside this file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
PACKAGES = FOLDER / "node_modules"


def node(folder: Path = FOLDER) -> str:
    """The node program. Without it, or without the packages in `folder`, the test is skipped; in CI it fails."""
    program = shutil.which("node")
    if program is None:
        return _absent("node is not installed")
    if not (folder / "node_modules" / ".ready").exists():
        return _absent(f"the npm packages are not installed: run npm ci in {folder}, or make test")
    return program


def _absent(reason: str) -> str:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
