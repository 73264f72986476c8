"""The table of packages in the documentation names those that are run."""

from __future__ import annotations

import re

from integrations.packages import PACKAGES
from program import PROJECT


def test_the_table_names_the_packages_that_are_run_and_their_versions() -> None:
    page = (PROJECT / "docs" / "extensions.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w-]+)` (\S+) \|", page, re.MULTILINE)
    assert named == [(package.name, package.version) for package in PACKAGES]
