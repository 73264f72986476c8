from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any

import openai
import pytest

from agents.models.openai_responses import OpenAIResponsesModel
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from agents.testing import ResponsesServer
from agents.testing.responses_script import Step
from models.asking import model_of, respond


async def advice_on(
    status: int, headers: Mapping[str, str] | None = None, **asked: Any
) -> ModelRetryAdvice | None:
    """The advice on a real error of the client."""
    server = ResponsesServer([Step.http_error(status, code="c", headers=headers)])
    async with server, model_of(server) as model:
        with pytest.raises(openai.APIStatusError) as caught:
            await respond(model)
        return model.get_retry_advice(
            ModelRetryAdviceRequest(error=caught.value, attempt=1, stream=False, **asked)
        )


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_what_may_pass_is_worth_another_try(status: int) -> None:
    advice = await advice_on(status)
    assert advice is not None
    assert (advice.suggested, advice.replay_safety) == (True, None)
    assert advice.normalized is not None
    assert (advice.normalized.status_code, advice.normalized.error_code) == (status, "c")
    assert advice.normalized.request_id is not None
    assert advice.reason == advice.normalized.message


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_what_will_not_change_is_told_without_an_opinion(status: int) -> None:
    advice = await advice_on(status)
    assert advice is not None
    assert (advice.suggested, advice.replay_safety) == (None, None)
    assert advice.normalized is not None
    assert advice.normalized.status_code == status


async def test_the_servers_word_wins() -> None:
    told = await advice_on(400, {"x-should-retry": "true"})
    assert told is not None
    assert (told.suggested, told.replay_safety) == (True, "safe")
    told = await advice_on(500, {"x-should-retry": "true"})
    assert told is not None
    assert (told.suggested, told.replay_safety) == (True, "safe")
    told = await advice_on(500, {"x-should-retry": "false", "retry-after": "2"})
    assert told is not None
    assert (told.suggested, told.replay_safety, told.retry_after) == (False, None, 2.0)


async def test_a_stateful_request_that_was_answered_is_safe_to_repeat() -> None:
    told = await advice_on(500, previous_response_id="r")
    assert told is not None
    assert told.replay_safety == "safe"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_the_servers_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    told = await advice_on(429, headers)
    assert told is not None
    assert told.retry_after == seconds
    assert told.normalized is not None
    assert told.normalized.retry_after == seconds


async def test_a_wait_until_a_date_is_counted_from_now() -> None:
    told = await advice_on(503, {"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})
    assert told is not None
    assert told.retry_after is not None
    assert 90 < told.retry_after <= 100


async def test_a_broken_connection_is_a_network_error() -> None:
    async with ResponsesServer([Step().text("x").stall()]) as server, model_of(server, timeout=0.05) as model:
        with pytest.raises(openai.APITimeoutError) as caught:
            await respond(model)
        told = advice_of(model, caught.value)
    assert told is not None
    assert told.normalized is not None
    assert (told.suggested, told.replay_safety) == (True, None)
    assert (told.normalized.is_network_error, told.normalized.is_timeout) == (True, True)


async def test_other_errors_get_no_advice() -> None:
    async with ResponsesServer([]) as server, model_of(server) as model:
        assert advice_of(model, RuntimeError("x")) is None


def advice_of(model: OpenAIResponsesModel, error: Exception) -> ModelRetryAdvice | None:
    return model.get_retry_advice(ModelRetryAdviceRequest(error=error, attempt=1, stream=False))
