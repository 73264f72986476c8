"""The trace processors of services tell their own endpoint, which is on loopback here, all of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from agents.testing import ResponsesServer, Step
from integrations.collector import Received, collecting
from integrations.packages import BRAINTRUST, LANGSMITH, POSTHOG, Package, run_with_packages

pytestmark = run_with_packages


@dataclass(frozen=True, slots=True)
class Told:
    """A trace or span as a service was told of it; `told` is all of that."""

    name: str
    id: str
    parent: str | None
    input_tokens: int | None
    has_failed: bool
    told: dict[str, Any]


def told_braintrust(received: list[Received]) -> list[Told]:
    """Its rows come in batches, those of a span to be merged. In the order of their end."""
    spans: dict[str, dict[str, Any]] = {}
    for row in (row for request in received if request.path == "/logs3" for row in request.body["rows"]):
        before = spans.setdefault(row["span_id"], {})
        metrics = {**before.get("metrics", {}), **row.get("metrics", {})}
        spans[row["span_id"]] = {**before, **row, "metrics": metrics}
    return [
        Told(
            row["span_attributes"]["name"],
            row["span_id"],
            (row.get("span_parents") or [None])[0],
            row["metrics"].get("prompt_tokens"),
            row.get("error") is not None,
            row,
        )
        for row in sorted(spans.values(), key=lambda row: row["metrics"]["end"])
    ]


def told_langsmith(received: list[Received]) -> list[Told]:
    """A run is posted, and patched where it was posted before its end. In the order of their end."""
    runs: dict[str, dict[str, Any]] = {}
    for run in (request.body for request in received if request.path.startswith("/runs")):
        # The key goes to its end with the last that is told.
        runs[run["id"]] = {**runs.pop(run["id"], {}), **run}
    return [
        Told(
            run["name"],
            run["id"],
            run.get("parent_run_id"),
            run["extra"]["metadata"].get("usage_metadata", {}).get("input_tokens"),
            run.get("error") is not None,
            run,
        )
        for run in runs.values()
    ]


def told_posthog(received: list[Received]) -> list[Told]:
    """An event tells all of a span when it has ended."""
    events = [event for request in received if request.path == "/batch/" for event in request.body["batch"]]
    told: list[Told] = []
    for event in events:
        properties = event["properties"]
        name = properties.get("$ai_trace_name") or properties.get("$ai_span_name") or event["event"]
        is_trace = event["event"] == "$ai_trace"
        trace_id = properties["$ai_trace_id"]
        told.append(
            Told(
                name,
                trace_id if is_trace else properties["$ai_span_id"],
                None if is_trace else properties["$ai_parent_id"] or trace_id,
                properties.get("$ai_input_tokens"),
                properties.get("$ai_is_error", False),
                properties,
            )
        )
    return told


@dataclass(frozen=True, slots=True)
class Service:
    """How a package's service answers, what it was told, and the names it is given for kinds of span."""

    package: Package
    read: Callable[[list[Received]], list[Told]]
    response: str
    turn: Callable[[int, str], str]
    task: str
    handoff: str
    answers: dict[str, Any]


SERVICES = (
    Service(
        package=BRAINTRUST,
        read=told_braintrust,
        response="Response",
        turn="Turn {} ({})".format,
        task="mill",
        handoff="Handoff",
        answers={
            "/api/apikey/login": {
                "org_info": [{"id": "o", "name": "o", "api_url": "URL", "proxy_url": "URL"}]
            },
            "/v1/project": {"id": "p", "name": "mill"},
        },
    ),
    Service(
        package=LANGSMITH,
        read=told_langsmith,
        response="Span Response",
        turn=lambda number, agent: "Span",
        task="mill",
        handoff="Handoff",
        answers={},
    ),
    Service(
        package=POSTHOG,
        read=told_posthog,
        response="$ai_generation",
        turn=lambda number, agent: "turn",
        task="task",
        handoff="asker -> heir",
        answers={},
    ),
)


Tree = tuple[str, list["Tree"]]
"""A name, and what is below it."""


def trees(told: list[Told], parent: str | None = None) -> list[Tree]:
    """The names below a parent, each with those below it, in the order of their end."""
    return [(span.name, trees(told, span.id)) for span in told if span.parent == parent]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.package.name)
def test_a_service_is_told_all_of_a_run(service: Service) -> None:
    steps = [
        Step().function_call("look", {"word": "it"}),
        Step().function_call("look", {"word": "nothing"}),
        Step().function_call("transfer_to_heir"),
        Step().text("Hello."),
    ]
    with (
        ResponsesServer([step.with_usage(7, 5) for step in steps]) as server,
        collecting(service.answers) as collector,
    ):
        service.package.run("processors.py", service.package.name, collector.url, server.base_url)
        server.assert_complete()
    told = service.read(collector.received)

    asked: Tree = (service.response, [])
    asker: list[Tree] = [
        (service.turn(1, "asker"), [asked, ("look", [])]),
        (service.turn(2, "asker"), [asked, ("look", [])]),
        (service.turn(3, "asker"), [asked, (service.handoff, [])]),
    ]
    agents: list[Tree] = [("asker", asker), ("heir", [(service.turn(4, "heir"), [asked])])]
    assert trees(told) == [("mill", [(service.task, agents)])]

    ended = [span.id for span in told]
    assert all(ended.index(span.id) < ended.index(span.parent) for span in told if span.parent)
    assert [span.input_tokens for span in told if span.name == service.response] == [7] * 4
    assert [span.has_failed for span in told if span.name == "look"] == [False, True]
    [seen, _] = [json.dumps(span.told) for span in told if span.name == "look"]
    assert "seen it" in seen
    assert "visitor 7" in json.dumps(told[-1].told)
