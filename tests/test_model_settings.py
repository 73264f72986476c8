from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import openai
import pydantic
import pytest
from openai.types.shared import Reasoning

from agents.model_settings import MCPToolChoice, ModelSettings, model_settings_from
from agents.retry import ModelRetryBackoffSettings, ModelRetrySettings, retry_policies


def test_making_settings_loads_neither_openai_nor_pydantic() -> None:
    script = (
        "import sys; from agents.model_settings import ModelSettings; ModelSettings(temperature=0.5);"
        "print([m for m in ('openai', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("timeout", [0, -1.0, math.inf, math.nan, "soon"])
def test_a_timeout_that_is_no_positive_finite_number_is_refused(timeout: Any) -> None:
    with pytest.raises(pydantic.ValidationError, match=r"(?s)ModelSettings.*timeout"):
        ModelSettings(timeout=timeout)


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": "hot"},
        {"max_tokens": 1.5},
        {"verbosity": "loud"},
        {"metadata": {"a": 1}},
        {"tool_choice": 3},
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError, match=next(iter(values))):
        ModelSettings(**values)


def test_whole_numbers_become_floats() -> None:
    settings = ModelSettings(temperature=1, timeout=3)
    assert (type(settings.temperature), type(settings.timeout)) == (float, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperatur": 1}, "Unknown model settings: temperatur"),
        ({"b": 1, "a": 2}, "Unknown model settings: a, b"),
        ({"retry": {"max_retry": 1}}, "Unknown model settings in retry: max_retry"),
        (
            {"retry": {"backoff": {"initial_delai": 1}}},
            "Unknown model settings in retry.backoff: initial_delai",
        ),
        (
            {"context_management": [{"typo": "compaction"}]},
            r"Unknown model settings in context_management\[0\]: typo",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_path(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        model_settings_from(values)


def test_nested_dicts_become_their_objects() -> None:
    settings = model_settings_from(
        {
            "reasoning": {"effort": "low", "novel": 1},
            "retry": {"max_retries": 2, "backoff": {"initial_delay": 1}},
            "tool_choice": {"server_label": "x", "name": "y"},
        }
    )
    assert isinstance(settings.reasoning, Reasoning)
    assert settings.reasoning.model_extra == {"novel": 1}
    assert settings.retry == ModelRetrySettings(
        max_retries=2, backoff=ModelRetryBackoffSettings(initial_delay=1.0)
    )
    assert settings.tool_choice == MCPToolChoice("x", "y")


def test_resolve_without_an_override_is_the_same_object() -> None:
    settings = ModelSettings()
    assert settings.resolve(None) is settings


def test_resolve_lays_what_is_set_over_the_rest() -> None:
    policy = retry_policies.never()
    under = ModelSettings(
        temperature=0.5,
        metadata={"a": "1"},
        extra_args={"a": 1},
        retry=ModelRetrySettings(
            max_retries=2, backoff=ModelRetryBackoffSettings(initial_delay=1.0), policy=policy
        ),
    )
    over = ModelSettings(
        temperature=0.0,
        metadata={"b": "1"},
        extra_args={"b": 2},
        retry=ModelRetrySettings(backoff={"max_delay": 4}),
    )
    resolved = under.resolve(over)
    assert resolved.temperature == 0.0
    assert resolved.metadata == {"b": "1"}
    assert resolved.extra_args == {"a": 1, "b": 2}
    assert resolved.retry == ModelRetrySettings(
        max_retries=2,
        backoff=ModelRetryBackoffSettings(initial_delay=1.0, max_delay=4.0),
        policy=policy,
    )
    assert under.extra_args == {"a": 1}


def test_resolve_takes_a_dict_and_refuses_what_is_neither() -> None:
    assert ModelSettings().resolve({"top_p": 0.3}).top_p == 0.3
    with pytest.raises(TypeError, match="Unknown model settings: top"):
        ModelSettings().resolve({"top": 0.3})
    with pytest.raises(TypeError, match="must be a ModelSettings instance or a dict, got int"):
        ModelSettings().resolve(3)  # pyright: ignore[reportArgumentType]  # that is the point


def test_the_json_form_has_every_field_and_is_json() -> None:
    settings = ModelSettings(
        reasoning=Reasoning(effort="low"),
        tool_choice=MCPToolChoice("x", "y"),
        retry=ModelRetrySettings(max_retries=1, policy=retry_policies.never()),
        extra_headers={"a": "1", "gone": openai.Omit()},
    )
    data = json.loads(json.dumps(settings.to_json_dict()))
    assert data["tool_choice"] == {"server_label": "x", "name": "y"}
    assert data["reasoning"]["effort"] == "low"
    assert data["retry"] == {"max_retries": 1, "backoff": None}
    assert data["extra_headers"] == {"a": "1"}
    assert data["temperature"] is None
    # Ours come behind what programs know by position.
    assert list(data)[-3:] == ["timeout", "background", "timeouts"]
    assert model_settings_from(data).tool_choice == settings.tool_choice


def test_the_traceable_form_leaves_out_extras() -> None:
    settings = ModelSettings(
        extra_args={"a": 1},
        extra_body={"a": 1},
        extra_headers={"a": "1"},
        extra_query={"a": 1},
        preserve_raw_usage=True,
        top_p=0.5,
    )
    data = settings.to_traceable_dict()
    assert data["top_p"] == 0.5
    assert not {"extra_args", "extra_body", "extra_headers", "extra_query", "preserve_raw_usage"} & set(data)


def test_settings_can_be_a_field_of_a_pydantic_model() -> None:
    adapter = pydantic.TypeAdapter(ModelSettings)
    assert adapter.validate_python({"temperature": 0.5}) == ModelSettings(temperature=0.5)
