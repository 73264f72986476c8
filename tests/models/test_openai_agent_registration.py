"""A registered harness: which one holds, and that its id stands in traces and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agents import (
    Agent,
    MultiProvider,
    OpenAIAgentRegistrationConfig,
    OpenAIProvider,
    RunConfig,
    Runner,
    set_default_openai_agent_registration,
)
from agents.models.openai_agent_registration import resolve_openai_agent_registration_config
from agents.testing import ResponsesServer, ScriptedModel, assistant_message
from agents.tracing import TracingProcessor, set_trace_processors

VARIABLE = "OPENAI_AGENT_HARNESS_ID"


@pytest.fixture(autouse=True)
def nothing_by_default(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    set_default_openai_agent_registration(None)


def id_of(provider: OpenAIProvider) -> str | None:
    held = provider.agent_registration
    return None if held is None else held.harness_id


def test_what_is_given_nearest_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert id_of(OpenAIProvider(api_key="x")) is None
    monkeypatch.setenv(VARIABLE, " of the environment ")
    assert id_of(OpenAIProvider(api_key="x")) == "of the environment"
    set_default_openai_agent_registration(OpenAIAgentRegistrationConfig(harness_id="of the process"))
    assert id_of(OpenAIProvider(api_key="x")) == "of the process"
    own = {"harness_id": "of the provider"}
    assert id_of(OpenAIProvider(api_key="x", agent_registration=own)) == "of the provider"
    multi = MultiProvider(openai_api_key="x", openai_agent_registration=own)
    assert id_of(multi.openai_provider) == "of the provider"


@pytest.mark.parametrize("harness_id", [None, "", "  "])
def test_no_id_is_none(harness_id: str | None) -> None:
    assert resolve_openai_agent_registration_config({"harness_id": harness_id}) is None


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"harness_idd": "x"}, "Unknown OpenAI agent registration settings: harness_idd"),
        ({}, "needs harness_id"),
        ({"harness_id": 3}, "harness_id must be a string or None, got int"),
        (3, "must be a OpenAIAgentRegistrationConfig instance or a dict, got int"),
    ],
)
def test_what_is_none_is_refused(given: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        resolve_openai_agent_registration_config(given)
    with pytest.raises(TypeError, match=reason):
        set_default_openai_agent_registration(given)
    with pytest.raises(TypeError, match=reason):
        OpenAIProvider(api_key="x", agent_registration=given)


class Metadata(TracingProcessor):
    """Keeps the metadata of the traces that start."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_trace_start(self, trace: Any) -> None:
        self.seen.append(trace.export()["metadata"])

    def on_trace_end(self, trace: Any) -> None: ...
    def on_span_start(self, span: Any) -> None: ...
    def on_span_end(self, span: Any) -> None: ...
    def shutdown(self) -> None: ...
    def force_flush(self) -> None: ...


@pytest.fixture
def metadata() -> Iterator[list[Any]]:
    processor = Metadata()
    set_trace_processors([processor])
    yield processor.seen
    set_trace_processors([])


async def test_the_id_stands_in_traces_and_not_in_requests(metadata: list[Any]) -> None:
    async with ResponsesServer(lambda _: "Hello.") as server:
        provider = OpenAIProvider(
            api_key="x", base_url=server.base_url, agent_registration={"harness_id": "h 1"}
        )
        for given in (None, {"a": "b"}, {"agent_harness_id": "mine"}):
            config = RunConfig(model_provider=provider, trace_metadata=given)
            await Runner.run(Agent(name="a", model="m"), "Hi", run_config=config)
        assert metadata == [
            {"agent_harness_id": "h 1"},
            {"agent_harness_id": "h 1", "a": "b"},
            {"agent_harness_id": "mine"},
        ]
        assert not any("h 1" in str((request.headers, request.body)) for request in server.requests)


async def test_without_one_nothing_is_said(metadata: list[Any]) -> None:
    await Runner.run(Agent(name="a", model=ScriptedModel([[assistant_message("Hello.")]])), "Hi")
    assert metadata == [None]


async def test_a_provider_that_makes_nothing_of_ours_has_none(metadata: list[Any]) -> None:
    class Own(MultiProvider):
        def __init__(self) -> None:
            """Makes no provider of OpenAI's."""

        def get_model(self, model_name: str | None) -> ScriptedModel:
            return ScriptedModel([[assistant_message("Hello.")]])

    await Runner.run(Agent(name="a"), "Hi", run_config=RunConfig(model_provider=Own()))
    assert metadata == [None]
