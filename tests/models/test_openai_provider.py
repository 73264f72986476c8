from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from agents._openai_defaults import (
    OpenAIDefaults,
    set_default_openai_api,
    set_default_openai_client,
    set_default_openai_key,
)
from agents.exceptions import UserError
from agents.models.interface import Model
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_provider import OpenAIProvider, shared_http_client
from agents.models.openai_responses import OpenAIResponsesModel
from agents.testing import ResponsesServer
from agents.tracing.processors import default_exporter
from models.asking import respond, stream


@pytest.fixture(autouse=True)
def fresh_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL", "OPENAI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("agents._openai_defaults._defaults", OpenAIDefaults())
    monkeypatch.setattr("agents.tracing.processors._default_exporter", None)


def client_of(model: Model) -> openai.AsyncOpenAI:
    inside: Any = model
    return inside._client


@pytest.mark.parametrize("name", ["api_key", "base_url", "websocket_base_url", "organization", "project"])
def test_a_client_and_something_to_make_one_of_are_too_much(name: str) -> None:
    client = openai.AsyncOpenAI(api_key="x")
    with pytest.raises(UserError, match="Don't provide"):
        OpenAIProvider(openai_client=client, **{name: "x"})  # pyright: ignore[reportArgumentType]  # one of several names


def test_a_missing_key_is_noticed_when_a_model_is_asked_for() -> None:
    provider = OpenAIProvider()
    with pytest.raises(openai.OpenAIError, match="api_key"):
        provider.get_model("m")


def test_no_name_means_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = OpenAIProvider(api_key="x")
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "GPT-9")
    model = provider.get_model(None)
    assert isinstance(model, OpenAIResponsesModel)
    assert model.model == "gpt-9"


def test_models_of_one_provider_share_a_client_but_are_not_shared() -> None:
    provider = OpenAIProvider(api_key="x")
    first, second = provider.get_model("m"), provider.get_model("m")
    assert first is not second
    assert client_of(first) is client_of(second)


def test_the_default_key_is_used_unless_another_is_given() -> None:
    set_default_openai_key("default", use_for_tracing=False)
    assert client_of(OpenAIProvider().get_model("m")).api_key == "default"
    assert client_of(OpenAIProvider(api_key="own").get_model("m")).api_key == "own"
    assert default_exporter().api_key is None


def test_the_default_client_is_used_unless_something_is_given() -> None:
    client = openai.AsyncOpenAI(api_key="default")
    set_default_openai_client(client)
    assert client_of(OpenAIProvider().get_model("m")) is client
    assert client_of(OpenAIProvider(api_key="own").get_model("m")) is not client
    own = client_of(OpenAIProvider(base_url="http://127.0.0.1:1/v1", api_key="own").get_model("m"))
    assert str(own.base_url) == "http://127.0.0.1:1/v1/"
    assert default_exporter().api_key == "default"


def test_the_api_is_settled_when_the_provider_is_made() -> None:
    client = openai.AsyncOpenAI(api_key="x")
    before = OpenAIProvider(openai_client=client)
    set_default_openai_api("chat_completions")
    assert isinstance(before.get_model("m"), OpenAIResponsesModel)
    assert isinstance(
        OpenAIProvider(openai_client=client, use_responses=True).get_model("m"), OpenAIResponsesModel
    )
    assert isinstance(OpenAIProvider(openai_client=client).get_model("m"), OpenAIChatCompletionsModel)


def test_chat_models_get_the_providers_options() -> None:
    provider = OpenAIProvider(
        api_key="x", use_responses=False, strict_feature_validation=True, buffer_streamed_tool_calls=True
    )
    model: Any = provider.get_model("m")
    assert (model.model, model._strict_feature_validation, model._buffer_streamed_tool_calls) == (
        "m",
        True,
        True,
    )


def test_an_unknown_api_is_refused() -> None:
    with pytest.raises(UserError, match="Unknown OpenAI API 'soap'"):
        set_default_openai_api("soap")  # pyright: ignore[reportArgumentType]  # that is the point


def test_there_is_one_http_client_without_a_loop() -> None:
    assert shared_http_client() is shared_http_client()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_provider_works_in_one_event_loop_after_another() -> None:
    # Each loop leaves its idle connection behind, unclosed: nobody may close it any more.
    with ResponsesServer(lambda _: "Hello.") as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url)

        async def ask() -> None:
            model = provider.get_model("m")
            assert (await respond(model)).response_id is not None
            assert (await stream(model))[-1].type == "response.completed"
            assert shared_http_client() is shared_http_client()
            await shared_http_client().aclose()

        asyncio.run(ask())
        asyncio.run(ask())
