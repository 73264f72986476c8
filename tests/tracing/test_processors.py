from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.tracing import CustomSpanData, Span, Trace
from agents.tracing.processor_interface import TracingExporter
from agents.tracing.processors import (
    BackendSpanExporter,
    BatchTraceProcessor,
    ConsoleSpanExporter,
    default_exporter,
    default_processor,
)
from agents.tracing.provider import DefaultTraceProvider
from tracing.ingest import traces_endpoint

WAIT_S = 20.0
NEVER_S = 3600.0


class Kept(TracingExporter):
    """Keeps its batches; with `gate`, holds its thread until that is set."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()
        self.began = threading.Event()
        self.came = threading.Event()
        self._gate = gate

    def export(self, items: list[Trace | Span[Any]]) -> None:
        self.threads.add(threading.get_ident())
        self.began.set()
        if self._gate is not None:
            assert self._gate.wait(WAIT_S)
        self.batches.append([name_of(item) for item in items])
        self.came.set()

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


class Failing(Kept):
    def export(self, items: list[Trace | Span[Any]]) -> None:
        super().export(items)
        if len(self.batches) == 1:
            raise RuntimeError("secret")


def name_of(item: Trace | Span[Any]) -> str:
    return item.name if isinstance(item, Trace) else item.span_data.name


def report(processor: BatchTraceProcessor, *names: str) -> None:
    """A trace with a span for each name."""
    provider = DefaultTraceProvider()
    provider.register_processor(processor)
    with provider.create_trace("trace"):
        for name in names:
            with provider.create_span(CustomSpanData(name, {})):
                pass


Make = Callable[..., BatchTraceProcessor]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes processors that are shut down after the test; batches never come due by time."""
    made: list[BatchTraceProcessor] = []

    def make(exporter: TracingExporter, **options: Any) -> BatchTraceProcessor:
        given: dict[str, Any] = {"schedule_delay": NEVER_S, **options}
        made.append(BatchTraceProcessor(exporter, **given))
        return made[-1]

    yield make
    for processor in made:
        processor.shutdown(WAIT_S)


def export_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "agents-trace-export"]


class TestBatches:
    def test_a_flush_returns_when_everything_went_out_in_order(self, make: Make):
        kept = Kept()
        processor = make(kept, max_batch_size=2)
        report(processor, "a", "b", "c", "d")
        assert kept.batches == []
        processor.force_flush()
        assert kept.batches == [["trace", "a"], ["b", "c"], ["d"]]
        processor.force_flush()
        report(processor, "e")
        processor.force_flush()
        assert kept.names == ["trace", "a", "b", "c", "d", "trace", "e"]

    def test_a_filled_queue_is_exported_at_once(self, make: Make):
        kept = Kept()
        processor = make(kept, max_queue_size=10, export_trigger_ratio=0.5)
        report(processor, "a", "b", "c")
        assert not kept.came.is_set()
        report(processor)
        assert kept.came.wait(WAIT_S)
        assert kept.names == ["trace", "a", "b", "c", "trace"]

    def test_what_is_queued_goes_out_after_a_time(self, make: Make):
        kept = Kept()
        report(make(kept, schedule_delay=0.02))
        assert kept.came.wait(WAIT_S)
        assert kept.names == ["trace"]

    def test_one_daemon_exports_and_none_before_there_is_something(self, make: Make):
        kept = Kept()
        processor = make(kept)
        before = export_threads()
        processor.force_flush()
        assert export_threads() == before
        report(processor, "a")
        [thread] = set(export_threads()) - set(before)
        assert thread.daemon
        processor.force_flush()
        report(processor, "b")
        processor.force_flush()
        assert kept.threads == {thread.ident}

    def test_spans_that_are_not_recorded_are_not_exported(self, make: Make):
        kept = Kept()
        processor = make(kept)
        provider = DefaultTraceProvider()
        provider.register_processor(processor)
        with provider.create_trace("off", disabled=True), provider.create_span(CustomSpanData("a", {})):
            pass
        processor.force_flush()
        assert kept.batches == []


class TestBounds:
    def test_a_full_queue_drops_counts_and_warns_once(self, make: Make, caplog: pytest.LogCaptureFixture):
        gate = threading.Event()
        kept = Kept(gate)
        processor = make(kept, max_queue_size=2, max_batch_size=2, export_trigger_ratio=1.0)
        report(processor, "a")
        assert kept.began.wait(WAIT_S)
        # The exporter holds two. Two more have room.
        report(processor, "b", "lost", "lost too")
        gate.set()
        processor.force_flush()
        assert kept.names == ["trace", "a", "trace", "b"]
        assert processor.dropped == 2
        assert [record.message for record in caplog.records if "queue is full" in record.message] != []
        assert len(caplog.records) == 1

    def test_what_an_exporter_raises_costs_its_batch_and_is_not_quoted(
        self, make: Make, caplog: pytest.LogCaptureFixture
    ):
        caplog.set_level(logging.INFO)
        failing = Failing()
        processor = make(failing)
        report(processor, "a")
        processor.force_flush()
        report(processor, "b")
        processor.force_flush()
        assert failing.batches == [["trace", "a"], ["trace", "b"]]
        assert [record.message for record in caplog.records] == [
            "2 traces and spans are lost: Failing raised RuntimeError"
        ]

    def test_an_exporter_that_flushes_does_not_wait_for_itself(self, make: Make):
        class Flushing(Kept):
            def export(self, items: list[Trace | Span[Any]]) -> None:
                processor.force_flush()
                super().export(items)

        kept = Flushing()
        processor = make(kept)
        report(processor)
        processor.force_flush()
        assert kept.names == ["trace"]


class TestShutdown:
    def test_it_exports_what_is_queued_and_takes_nothing_more(self, make: Make):
        kept = Kept()
        processor = make(kept)
        report(processor, "a")
        processor.shutdown()
        assert kept.names == ["trace", "a"]
        report(processor, "b")
        processor.shutdown()
        assert (kept.names, processor.dropped) == (["trace", "a"], 2)

    def test_it_waits_no_longer_than_told_and_says_what_is_left(
        self, make: Make, caplog: pytest.LogCaptureFixture
    ):
        gate = threading.Event()
        processor = make(Kept(gate))
        report(processor, "a")
        processor.shutdown(timeout=0.01)
        assert [record.message for record in caplog.records] == [
            "2 traces and spans were not exported before the end"
        ]
        gate.set()

    def test_without_anything_queued_there_is_nothing_to_end(self, make: Make):
        make(Kept()).shutdown()


def run_program(program: str, **variables: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTHON"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**environment, "NO_PROXY": "127.0.0.1", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


TRACED = "from agents.tracing import *\nwith trace('work'), custom_span('step'): pass\n"


class TestProcesses:
    def test_what_is_queued_at_the_end_of_a_process_still_goes_out(self):
        with traces_endpoint() as ingest:
            program = TRACED.replace(
                "*\n", "*\nfrom agents.tracing.processors import default_exporter as e\n", 1
            ).replace("with", f"e().endpoint = {ingest.url!r}\nwith", 1)
            assert run_program(program, OPENAI_API_KEY="sk-1") == ""
            assert [item["object"] for item in ingest.items] == ["trace", "trace.span"]
            assert ingest.headers[0]["authorization"] == "Bearer sk-1"

    def test_a_server_that_hangs_does_not_keep_a_process_from_ending(self):
        with traces_endpoint(hangs=True) as ingest:
            program = (
                "import agents.tracing.setup as setup\n"
                "from agents.tracing.processors import *\n"
                "setup._EXIT_TIMEOUT_S = 0.2\n"
                f"exporter = BackendSpanExporter('k', endpoint={ingest.url!r})\n"
                "setup.set_trace_processors([BatchTraceProcessor(exporter)])\n" + TRACED
            )
            assert "2 traces and spans were not exported before the end" in run_program(program)

    def test_without_a_key_nothing_is_kept_and_nobody_is_asked(self):
        program = (
            "import sys, threading, logging\n"
            "def refuse(event, arguments):\n"
            "    assert not event.startswith('socket.'), event\n"
            "sys.addaudithook(refuse)\n"
            "logging.basicConfig(level='DEBUG', format='%(message)s')\n"
            "logging.getLogger('asyncio').setLevel('ERROR')\n"
            + TRACED
            * 2
            + "from agents.tracing.processors import default_processor\n"
            "flush_traces()\n"
            "print(threading.active_count(), len(default_processor()._queue), 'urllib.request' in sys.modules)\n"
        )
        said = [
            line
            for line in run_program(program).splitlines()
            if "Traces" in line or "traces" in line or line[:1].isdigit()
        ]
        assert said == ["1 0 False", "OPENAI_API_KEY is not set, traces are not exported"]

    @pytest.mark.skipif(sys.platform == "win32", reason="no fork")
    def test_a_forked_child_exports_its_own_alone(self):
        with traces_endpoint() as ingest:
            program = (
                "import os, warnings\n"
                "from agents.tracing.processors import *\n"
                "from agents.tracing import *\n"
                f"exporter = BackendSpanExporter('k', endpoint={ingest.url!r})\n"
                "set_trace_processors([BatchTraceProcessor(exporter, schedule_delay=3600)])\n"
                "with trace('parent'): pass\n"
                "warnings.simplefilter('ignore')\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "    with trace('child'): pass\n"
                "    flush_traces()\n"
                "    os._exit(0)\n"
                "assert os.waitpid(child, 0)[1] == 0\n"
            )
            assert run_program(program) == ""
            assert [item["workflow_name"] for item in ingest.items] == ["child", "parent"]


class TestDefaults:
    def test_a_process_shares_one_exporter_and_one_processor(self):
        assert default_exporter() is default_exporter()
        assert default_processor() is default_processor()
        assert isinstance(default_exporter(), BackendSpanExporter)

    def test_the_console_shows_traces_and_spans(self, make: Make, capsys: pytest.CaptureFixture[str]):
        processor = make(ConsoleSpanExporter())
        report(processor, "a")
        processor.force_flush()
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("[Exporter] Export trace_id=trace_")
        assert first.endswith(", name=trace")
        assert second.startswith("[Exporter] Export span: {'object': 'trace.span', 'id': 'span_")
