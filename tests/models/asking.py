"""Ask a model without a run around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.responses import ResponseStreamEvent

from agents.items import ModelResponse
from agents.model_settings import ModelSettings
from agents.models.interface import Model, ModelTracing
from agents.models.openai_responses import OpenAIResponsesModel
from agents.retry import ModelRetryAdvice, ModelRetryAdviceRequest
from agents.testing import ResponsesServer


def arguments(**given: Any) -> dict[str, Any]:
    """All arguments of a model call, most of them empty."""
    return {
        "system_instructions": None,
        "input": "Hi",
        "model_settings": ModelSettings(),
        "tools": [],
        "output_schema": None,
        "handoffs": [],
        "tracing": ModelTracing.DISABLED,
        "previous_response_id": None,
        "conversation_id": None,
        "prompt": None,
        **given,
    }


def advice(model: OpenAIResponsesModel, error: Exception | None, **asked: Any) -> ModelRetryAdvice:
    """What the model says about repeating a streamed call that raised the error."""
    assert error is not None
    told = model.get_retry_advice(ModelRetryAdviceRequest(error=error, attempt=1, stream=True, **asked))
    assert told is not None
    return told


@asynccontextmanager
async def model_of(server: ResponsesServer, **client: Any) -> AsyncGenerator[OpenAIResponsesModel]:
    """The model at the server, with a client that does not try again."""
    options: dict[str, Any] = {"max_retries": 0, **client}
    async with AsyncOpenAI(base_url=server.base_url, api_key="x", **options) as openai_client:
        yield OpenAIResponsesModel("m", openai_client)


async def respond(model: Model, **given: Any) -> ModelResponse:
    return await model.get_response(**arguments(**given))


async def stream(model: Model, **given: Any) -> list[ResponseStreamEvent]:
    return [event async for event in model.stream_response(**arguments(**given))]


async def stream_until_it_breaks(
    model: Model, **given: Any
) -> tuple[list[ResponseStreamEvent], Exception | None]:
    """The events before the error, and the error."""
    events: list[ResponseStreamEvent] = []
    generator: Any = model.stream_response(**arguments(**given))
    try:
        async with aclosing(generator):
            async for event in generator:
                events.append(event)  # noqa: PERF401 (the events before the error count)
    except Exception as error:
        return events, error
    return events, None


async def cancel_after(model: Model, count: int, asked: asyncio.Event) -> list[str]:
    """Cancel a call after so many events, or with none once the server was asked; the types that came."""
    seen: list[str] = []
    begun = asyncio.Event()

    async def read() -> None:
        async for event in model.stream_response(**arguments()):
            seen.append(event.type)
            if len(seen) == count:
                begun.set()

    task = asyncio.create_task(read())
    await (begun.wait() if count else asked.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return seen
