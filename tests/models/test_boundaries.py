"""What these modules may load, and that their annotations can be read."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing

import pytest

PURE = [
    "_sse",
    "_responses_decoder",
    "_responses_events",
    "_responses_request",
    "_chat_decoder",
    "_chat_events",
    "_chat_messages",
    "_chat_request",
    "_websocket_errors",
    "_websocket_machine",
    "_websocket_request",
]
PUBLIC = [
    "agents.models.chatcmpl_converter",
    "agents.models.chatcmpl_helpers",
    "agents.models.chatcmpl_stream_handler",
    "agents.models.default_models",
    "agents.models.interface",
    "agents.models.multi_provider",
    "agents.models.openai_chatcompletions",
    "agents.models.openai_client_utils",
    "agents.models.openai_provider",
    "agents.models.openai_responses",
    "agents.models.reasoning_content_replay",
    "agents.model_settings",
    "agents.retry",
    "agents.usage",
]


def loaded_by(statement: str, *watched: str) -> list[str]:
    """Which of the watched modules a fresh process loads for the statement."""
    script = f"import sys; {statement}; print(*[name for name in {watched!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("module", PURE)
def test_decoders_and_request_builders_do_no_io(module: str) -> None:
    found = loaded_by(
        f"import agents.models.{module}", "asyncio", "anyio", "httpx", "httpx2", "openai", "ssl", "websockets"
    )
    assert found == []


@pytest.mark.parametrize("module", PUBLIC)
def test_importing_a_module_does_not_load_the_client(module: str) -> None:
    assert loaded_by(f"import {module}", "openai", "httpx", "httpx2", "pydantic", "websockets") == []


def test_making_a_provider_does_not_load_the_client() -> None:
    statement = "from agents.models.openai_provider import OpenAIProvider; OpenAIProvider(api_key='x')"
    assert loaded_by(statement, "openai") == []


@pytest.mark.parametrize("module", PUBLIC)
def test_annotations_can_be_read_at_run_time(module: str) -> None:
    names: list[str] = importlib.import_module(module).__all__
    for name in names:
        found = getattr(importlib.import_module(module), name)
        if inspect.isclass(found):
            typing.get_type_hints(found)
            for _, method in inspect.getmembers(found, inspect.isroutine):
                if inspect.isfunction(method) or inspect.ismethod(method):
                    typing.get_type_hints(method)
        elif inspect.isfunction(found):
            typing.get_type_hints(found)
