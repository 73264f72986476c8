from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from collections.abc import Callable
from typing import Any

import pytest

import agents

HEAVY = ["openai", "pydantic", "httpx", "mcp", "websockets", "sqlite3", "starlette", "uvicorn", "griffe"]


def loaded_after(program: str) -> set[str]:
    program += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def functions_of(cls: type[Any]) -> dict[str, Callable[..., Any]]:
    """The public functions that a class of ours defines, and its constructor."""
    found: dict[str, Callable[..., Any]] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("agents"):
            continue
        for name, member in vars(base).items():
            value: Any = member
            if type(member) in {classmethod, staticmethod}:
                value = value.__func__
            elif type(member) is property:
                value = value.fget
            if inspect.isfunction(value) and (name == "__init__" or not name.startswith("_")):
                found.setdefault(f"{base.__name__}.{name}", value)
    return found


@pytest.mark.parametrize("name", agents.__all__)
def test_every_public_name_can_be_had(name: str):
    assert getattr(agents, name) is not None or name == "__version__"


@pytest.mark.parametrize("name", agents.__all__)
def test_the_annotations_of_every_public_class_and_function_resolve(name: str):
    value = getattr(agents, name)
    if inspect.isclass(value):
        typing.get_type_hints(value, include_extras=True)
        for function in functions_of(value).values():
            typing.get_type_hints(function)
    elif inspect.isfunction(value):
        typing.get_type_hints(value)


def test_an_unknown_name_is_an_attribute_error():
    package: Any = agents
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing
    assert set(agents.__all__) <= set(dir(agents))


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_after("import agents")
    assert [name for name in HEAVY if name in loaded] == []


def test_the_usual_names_load_no_client_and_no_transport():
    loaded = loaded_after("from agents import Agent, Runner, RunConfig, function_tool")
    assert [name for name in HEAVY if name in loaded and name not in {"pydantic", "griffe"}] == []


def test_an_agent_with_settings_of_its_own_is_made_without_openai():
    loaded = loaded_after(
        "from agents import Agent, ModelSettings\nAgent(name='a', model_settings=ModelSettings(temperature=1))"
    )
    assert "openai" not in loaded


def test_the_function_that_applies_diffs_is_had_whatever_is_imported_first():
    for program in (
        "from agents import apply_diff; assert apply_diff('a', '-a') == ''",
        "import agents.apply_diff as function; assert function('a', '-a') == ''",
        "from agents.apply_diff import apply_diff; import agents; assert agents.apply_diff is apply_diff",
        "import agents; agents.apply_diff; import agents.apply_diff; assert agents.apply_diff('a', '-a') == ''",
    ):
        loaded_after(program)


def test_the_module_of_tools_stays_a_module_whatever_is_imported_first():
    for program in (
        "from agents import function_tool; import agents.tool; assert agents.tool.function_tool is function_tool",
        "import agents.tool; from agents import function_tool; assert agents.tool.function_tool is function_tool",
        "import agents.decorators as d, agents.tool; assert d.tool is agents.tool.function_tool",
    ):
        loaded_after(program)
