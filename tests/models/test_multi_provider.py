from __future__ import annotations

from typing import Any

import openai
import pytest

from agents.exceptions import UserError
from agents.extensions.models.litellm_model import LitellmModel
from agents.models.interface import Model, ModelProvider
from agents.models.multi_provider import MultiProvider, MultiProviderMap
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel


class Recorder(ModelProvider):
    """Remembers which models were asked for."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.asked: list[str | None] = []
        self.closed = 0
        self.failure = failure

    def get_model(self, model_name: str | None) -> Model:
        self.asked.append(model_name)
        return OpenAIResponsesModel("x", openai.AsyncOpenAI(api_key="x"))

    async def aclose(self) -> None:
        self.closed += 1
        if self.failure is not None:
            raise self.failure


def provider(**options: Any) -> MultiProvider:
    return MultiProvider(openai_api_key="x", **options)


def name_of(model: Model) -> str:
    assert isinstance(model, OpenAIResponsesModel)
    return model.model


@pytest.mark.parametrize(
    ("asked", "options", "sent"),
    [
        ("gpt-5", {}, "gpt-5"),
        ("openai/gpt-5", {}, "gpt-5"),
        ("openai/a/b", {}, "a/b"),
        ("openai/gpt-5", {"openai_prefix_mode": "model_id"}, "openai/gpt-5"),
        ("foo/gpt", {"unknown_prefix_mode": "model_id"}, "foo/gpt"),
    ],
)
def test_a_name_without_another_prefix_goes_to_openai(asked: str, options: Any, sent: str) -> None:
    assert name_of(provider(**options).get_model(asked)) == sent


def test_openais_models_can_be_reached_over_chat_completions() -> None:
    multi = provider(
        openai_use_responses=False,
        openai_strict_feature_validation=True,
        openai_buffer_streamed_tool_calls=True,
    )
    assert isinstance(multi.get_model("openai/m"), OpenAIChatCompletionsModel)
    inside: Any = multi.get_model("openai/m")
    assert (inside.model, inside._strict_feature_validation, inside._buffer_streamed_tool_calls) == (
        "m",
        True,
        True,
    )


def test_no_name_means_openais_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "gpt-9")
    assert name_of(provider().get_model(None)) == "gpt-9"


@pytest.mark.parametrize("asked", ["foo/bar", "/x", "x/", "OpenAI/x"])
def test_an_unknown_prefix_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match=r"^Unknown prefix: "):
        provider().get_model(asked)


def test_a_prefix_that_is_not_there_yet_says_so() -> None:
    with pytest.raises(UserError, match="not available yet"):
        provider().get_model("any-llm/x")


def test_litellm_gets_its_own_names() -> None:
    model = provider().get_model("litellm/anthropic/claude")
    assert isinstance(model, LitellmModel)
    assert model.model == "anthropic/claude"


def test_a_mapped_prefix_wins_over_what_is_built_in() -> None:
    mine, other = Recorder(), Recorder()
    providers = MultiProviderMap()
    providers.add_provider("mine", mine)
    providers.add_provider("openai", other)
    multi = provider(provider_map=providers)
    multi.get_model("mine/a/b")
    multi.get_model("openai/c")
    assert (mine.asked, other.asked) == (["a/b"], ["c"])


def test_a_map_can_be_changed() -> None:
    providers, mine = MultiProviderMap(), Recorder()
    providers.add_provider("a", mine)
    assert providers.has_prefix("a")
    assert providers.get_provider("b") is None
    providers.get_mapping().clear()
    assert providers.get_mapping() == {"a": mine}
    providers.remove_provider("a")
    with pytest.raises(KeyError):
        providers.remove_provider("a")
    providers.set_mapping({"b": mine})
    assert providers.get_provider("b") is mine


@pytest.mark.parametrize("name", ["openai_prefix_mode", "unknown_prefix_mode"])
def test_a_mode_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"MultiProvider {name} must be one of: "):
        provider(**{name: "bad"})


async def test_every_provider_is_closed_once_even_when_one_fails() -> None:
    failing, good = Recorder(RuntimeError("no")), Recorder()
    providers = MultiProviderMap()
    providers.set_mapping({"a": failing, "b": good, "c": good})
    with pytest.raises(RuntimeError, match="no"):
        await provider(provider_map=providers).aclose()
    assert (failing.closed, good.closed) == (1, 1)
