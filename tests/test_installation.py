"""Another distribution that provides `agents` must be pointed out, not suffered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agents._installation import find_rivals, warn_of_rivals


def test_a_rival_beside_us_is_found_by_name_and_version(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "openai_agents-0.24.0.dist-info").mkdir(parents=True)
    (site / "openai-3.54.0.dist-info").mkdir()
    assert find_rivals([str(site), str(tmp_path / "missing-packages")]) == ["openai_agents-0.24.0"]


def test_the_warning_says_what_to_uninstall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site-packages"
    (site / "openai_agents-0.24.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(site)])
    with pytest.warns(UserWarning, match=r"pip uninstall openai-agents\)"):
        warn_of_rivals()


def test_nothing_is_said_when_we_are_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    warn_of_rivals()
