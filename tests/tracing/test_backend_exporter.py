from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import pytest

from agents.tracing import CustomSpanData, FunctionSpanData, GenerationSpanData, Span, SpanData, Trace
from agents.tracing.backend_exporter import OPENAI_ENDPOINT, BackendSpanExporter
from agents.tracing.provider import DefaultTraceProvider
from tracing.ingest import traces_endpoint


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def traced(*data: SpanData, key: str | None = None) -> list[Trace | Span[Any]]:
    """A trace and spans in it."""
    provider = DefaultTraceProvider()
    trace = provider.create_trace(
        "work", metadata={"a": 1}, group_id="group_1", tracing={"api_key": key} if key else None
    )
    items: list[Trace | Span[Any]] = [trace]
    for one in data:
        with provider.create_span(one, parent=trace) as span:
            items.append(span)
    return items


def exporter_to(url: str, **options: Any) -> BackendSpanExporter:
    given: dict[str, Any] = {"api_key": "sk-own", "endpoint": url, "base_delay": 0.001, **options}
    return BackendSpanExporter(**given)


class TestRequests:
    def test_what_is_sent_is_what_the_traces_endpoint_takes(self):
        with traces_endpoint() as ingest:
            items = traced(CustomSpanData("step", {"at": 1}))
            exporter_to(ingest.url, organization="org", project="proj").export(items)
            assert ingest.bodies == [{"data": [item.export() for item in items]}]
            assert ingest.items[0] == {
                "object": "trace",
                "id": items[0].trace_id,
                "workflow_name": "work",
                "group_id": "group_1",
                "metadata": {"a": 1},
            }
            wanted = {
                "authorization": "Bearer sk-own",
                "content-type": "application/json",
                "openai-beta": "traces=v1",
                "openai-organization": "org",
                "openai-project": "proj",
            }
            assert wanted.items() <= ingest.headers[0].items()

    def test_key_organization_and_project_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        with traces_endpoint() as ingest:
            exporter = exporter_to(ingest.url, api_key=None)
            monkeypatch.setenv("OPENAI_API_KEY", "sk-env\n")
            monkeypatch.setenv("OPENAI_ORG_ID", "org-env")
            monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-env")
            exporter.export(traced())
            exporter.set_api_key("sk-set")
            exporter.export(traced())
            assert [headers["authorization"] for headers in ingest.headers] == [
                "Bearer sk-env",
                "Bearer sk-set",
            ]
            assert ingest.headers[0]["openai-organization"] == "org-env"
            assert ingest.headers[0]["openai-project"] == "proj-env"

    def test_a_trace_with_a_key_of_its_own_is_sent_with_it(self):
        with traces_endpoint() as ingest:
            mixed = [
                item
                for pair in zip(
                    traced(CustomSpanData("a", {})),
                    traced(CustomSpanData("b", {}), key="sk-theirs"),
                    strict=True,
                )
                for item in pair
            ]
            exporter_to(ingest.url).export(mixed)
            assert [headers["authorization"] for headers in ingest.headers] == [
                "Bearer sk-own",
                "Bearer sk-theirs",
            ]
            assert [len(body["data"]) for body in ingest.bodies] == [2, 2]
            assert "sk-" not in str(ingest.bodies)

    def test_without_a_key_nothing_is_sent_and_it_is_said_once(self, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.DEBUG, "openai.agents.tracing")
        with traces_endpoint() as ingest:
            exporter = exporter_to(ingest.url, api_key=None)
            exporter.export(traced(CustomSpanData("a", {})))
            exporter.export(traced())
            assert ingest.bodies == []
        assert exporter.api_key is None
        assert [(one.levelname, one.message) for one in caplog.records if "KEY" in one.message] == [
            ("DEBUG", "OPENAI_API_KEY is not set, traces are not exported")
        ]

    def test_other_endpoints_get_everything(self):
        data = GenerationSpanData(
            output=[{"role": "assistant", "reasoning_content": "hm", "content": "x" * 200_000}],
            usage={"input_tokens": 1, "total_tokens": 2},
        )
        with traces_endpoint() as ingest:
            exporter_to(ingest.url).export(traced(data))
            assert ingest.items[1]["span_data"] == data.export()

    def test_openais_gets_no_more_than_it_takes(self, monkeypatch: pytest.MonkeyPatch):
        data = GenerationSpanData(output=[{"role": "assistant", "reasoning": "hm", "content": "x"}])
        with traces_endpoint() as ingest:
            exporter = BackendSpanExporter("sk")
            assert exporter.endpoint == OPENAI_ENDPOINT
            monkeypatch.setattr(exporter, "endpoint", ingest.url)
            exporter.export(traced(data))
            assert ingest.items[1]["span_data"]["output"] == [{"role": "assistant", "content": "x"}]

    def test_data_that_is_no_json_costs_no_span_beside_it(self, caplog: pytest.LogCaptureFixture):
        circle: dict[str, Any] = {}
        circle["self"] = circle
        with traces_endpoint() as ingest:
            data = [
                CustomSpanData("bad", circle),
                CustomSpanData("odd", {"it": object(), "nan": float("nan")}),
                FunctionSpanData("good", "in", "out"),
            ]
            exporter_to(ingest.url).export(traced(*data))
            assert [item["span_data"].get("data") for item in ingest.items[1:]] == [
                {"it": "<object>", "nan": None},
                None,
            ]
        assert [record.message for record in caplog.records] == ["1 spans are lost: their data is no JSON"]

    @pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "api.openai.com/v1/traces/ingest"])
    def test_an_endpoint_that_is_no_http_url_is_refused(self, endpoint: str):
        with pytest.raises(ValueError, match="no HTTP URL"):
            BackendSpanExporter(endpoint=endpoint)


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_busy_server_is_asked_again(self, status: int, caplog: pytest.LogCaptureFixture):
        with traces_endpoint([status, status]) as ingest:
            exporter_to(ingest.url).export(traced())
            assert len(ingest.bodies) == 3
            assert ingest.bodies[0] == ingest.bodies[2]
        assert caplog.records == []

    def test_the_number_of_tries_is_bounded(self, caplog: pytest.LogCaptureFixture):
        with traces_endpoint([500] * 9) as ingest:
            exporter_to(ingest.url, max_retries=2).export(traced())
            assert len(ingest.bodies) == 2
        assert [record.message for record in caplog.records] == [
            "Traces could not be exported (500), and are lost; the run goes on"
        ]

    @pytest.mark.parametrize("status", [400, 401, 404, 307])
    def test_a_refusal_is_final(self, status: int, caplog: pytest.LogCaptureFixture):
        with traces_endpoint([status]) as ingest:
            exporter_to(ingest.url).export(traced())
            assert len(ingest.bodies) == 1
        assert [record.message for record in caplog.records] == [
            f"Traces were refused with status {status}, and are lost; the run goes on"
        ]

    def test_a_redirect_is_not_followed(self):
        with traces_endpoint([302]) as ingest:
            exporter_to(ingest.url).export(traced())
            assert [item["object"] for item in ingest.items] == ["trace"]

    def test_a_network_that_is_not_there_is_tried_as_often(self, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.DEBUG, "openai.agents.tracing")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            exporter_to(f"http://127.0.0.1:{taken.getsockname()[1]}/").export(traced())
        said = [one.message for one in caplog.records if "xport" in one.message]
        assert said == [
            *["Exporting traces failed (ConnectionRefusedError), trying again"] * 2,
            "Traces could not be exported (ConnectionRefusedError), and are lost; the run goes on",
        ]

    def test_closing_ends_the_wait_between_tries(self):
        with traces_endpoint([500] * 9) as ingest:
            exporter = exporter_to(ingest.url, base_delay=3600.0, max_delay=3600.0)
            exporting = threading.Thread(target=exporter.export, args=(traced(),))
            exporting.start()
            exporter.close()
            exporting.join(20)
            assert not exporting.is_alive()
            assert len(ingest.bodies) == 1
