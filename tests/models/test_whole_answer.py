"""Answers that are one document: whatever comes in its place, the error is a typed one and shows it."""

from __future__ import annotations

import json

import pytest
from openai import AsyncOpenAI

from agents import Model, OpenAIChatCompletionsModel, OpenAIResponsesModel
from agents.exceptions import ModelBehaviorError, ModelResponseFailed, ModelStreamBroken
from models.asking import respond
from models.chat_server import Answer, ChatServer

both_models = pytest.mark.parametrize("kind", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
ModelKind = type[OpenAIResponsesModel] | type[OpenAIChatCompletionsModel]


async def ask(kind: ModelKind, body: bytes, content_type: str = "application/json") -> None:
    """Ask a model whose server answers so."""
    async with (
        ChatServer([Answer(writes=(body,) if body else (), content_type=content_type)]) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        model: Model = kind("m", client)
        await respond(model)


@both_models
@pytest.mark.parametrize("body", [b"", b'{"id": "resp_1", "outp'])
async def test_one_that_is_cut_may_be_asked_for_again(kind: ModelKind, body: bytes) -> None:
    with pytest.raises(ModelStreamBroken, match="ended too early"):
        await ask(kind, body)


@both_models
@pytest.mark.parametrize("body", [b"\x00\xff\xfe garbage", b"Hello", b"[1, 2"])
async def test_garbage_is_shown(kind: ModelKind, body: bytes) -> None:
    with pytest.raises(ModelBehaviorError, match="is no response: ") as caught:
        await ask(kind, body)
    assert type(caught.value) is ModelBehaviorError


@both_models
async def test_a_web_page_is_no_answer(kind: ModelKind) -> None:
    with pytest.raises(ModelBehaviorError, match="<title>Sign in") as caught:
        await ask(kind, b"<title>Sign in</title>", "text/html")
    assert "speaks the" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "code"),
    [({"code": "overloaded", "message": "Busy."}, "overloaded"), ({"message": "Busy."}, None)],
)
async def test_an_error_in_place_of_a_response_fails_it(error: dict[str, str], code: str | None) -> None:
    with pytest.raises(ModelResponseFailed, match="Busy") as caught:
        await ask(OpenAIResponsesModel, json.dumps({"error": error}).encode())
    assert caught.value.code == code


async def test_an_error_that_is_a_text_fails_it_too() -> None:
    with pytest.raises(ModelResponseFailed, match="Busy"):
        await ask(OpenAIResponsesModel, b'{"error": "Busy."}')
