from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any, get_type_hints

import pytest

import agents.tracing

MODULES = [
    "backend_exporter",
    "config",
    "context",
    "create",
    "processor_interface",
    "processors",
    "provider",
    "scope",
    "setup",
    "span_data",
    "spans",
    "traces",
    "util",
]


def _loaded_after(program: str) -> set[str]:
    program += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_none_of_its_modules() -> None:
    loaded = _loaded_after("import agents.tracing")
    assert {name for name in loaded if name.startswith("agents.tracing.")} == set()


def test_tracing_a_workflow_loads_neither_openai_nor_asyncio() -> None:
    loaded = _loaded_after(
        "from agents.tracing import trace, response_span\nwith trace('workflow'), response_span(): pass"
    )
    assert {"openai", "pydantic", "asyncio", "httpx"} & loaded == set()


def test_every_public_name_can_be_had_and_is_listed() -> None:
    for name in agents.tracing.__all__:
        assert getattr(agents.tracing, name) is not None
    assert set(agents.tracing.__all__) <= set(dir(agents.tracing))
    missing: Any = agents.tracing
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = missing.nonsense


@pytest.mark.parametrize("module_name", MODULES)
def test_the_annotations_of_every_public_name_resolve(module_name: str) -> None:
    module = importlib.import_module(f"agents.tracing.{module_name}")
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            get_type_hints(value)
            for member in vars(value).values():
                function = inspect.unwrap(
                    getattr(member, "fget", None) or getattr(member, "__func__", member)
                )
                if inspect.isfunction(function):
                    get_type_hints(function)
        elif inspect.isfunction(value):
            get_type_hints(value)
