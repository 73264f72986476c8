from __future__ import annotations

import subprocess
import sys

import pytest

import agents.testing


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"openai", "pydantic", "starlette", "uvicorn"}
    program = f"import sys, agents.testing; print(sorted({heavy!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_server_is_made_without_openai():
    program = "import sys; from agents.testing import ResponsesServer as S; S(['Hi']); print('openai' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize("name", agents.testing.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(agents.testing, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = agents.testing.Nothing
