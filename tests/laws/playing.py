"""Playing a case: in virtual time, streamed or not, with everything written down that can be compared."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents._core import facts as f
from agents._core.evolve import evolve
from agents._core.state import State
from agents.log import Record, RecordsExpired, decode_record, encode_record
from agents.run_internal.run_loop import Run
from agents.tracing import Span, get_trace_provider, set_trace_provider
from agents.tracing.provider import DefaultTraceProvider
from laws.virtual_time import run_in_virtual_time
from laws.world import Case, Seen, World
from tracing.trace_recorder import Recorder


class Spans(Recorder):
    """Keeps spans alone, as they start and as they end."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Span[Any]] = []

    def on_span_start(self, span: Span[Any]) -> None:
        self.started.append(span)

    def on_span_end(self, span: Span[Any]) -> None:
        self.spans.append(span)


@dataclass(slots=True)
class Cancel:
    """When to cancel: after this many records of a run."""

    after: int
    mode: f.CancelMode


@dataclass(slots=True)
class Played:
    """What a playing came to."""

    runs: list[Run]
    """The runs, the outermost first, nested ones in the order in which they began."""

    seen: Seen
    result: Any = None
    error: BaseException | None = None
    events: list[Any] = field(default_factory=list[Any])
    records: list[Record] = field(default_factory=list[Record])
    spans: Spans = field(default_factory=Spans)

    @property
    def run(self) -> Run:
        return self.runs[0]

    @property
    def log(self) -> list[Record]:
        """Every record of the log, nested runs included."""
        run = self.run
        return [Record.of(entry, run.log.run_id) for entry in run.log.entries_after(0)]

    def facts(self, run: Run | None = None) -> list[f.Fact]:
        """The facts of one run, after a JSON round trip of their records, without the ephemeral ones."""
        path = (self.run if run is None else run).path
        facts = [through_json(record).fact for record in self.log if record.path == path]
        return [fact for fact in facts if type(fact) not in f.EPHEMERAL]


def through_json(record: Record) -> Record:
    """The record, as it comes out of its JSON form."""
    return decode_record(encode_record(record))


@contextmanager
def noted_runs() -> Generator[list[Run]]:
    """The runs that are made meanwhile, each holding the state that its facts alone add up to against its own."""
    made: list[Run] = []

    class NotedRun(Run):
        __slots__ = ("shadow",)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.shadow = State()
            made.append(self)

        def record(self, fact: f.Fact, live: Any = None) -> None:
            super().record(fact, live)
            entry = self.log.entries_after(self.log.last_seq - 1)[0]
            evolve(self.shadow, through_json(Record.of(entry, self.log.run_id)).fact)
            if self.shadow != self.state:
                MISMATCHES.append((self.shadow, self.state))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.run_internal.begin.Run", NotedRun)
        yield made


MISMATCHES: list[tuple[State, State]] = []
"""States that were not the fold of their log, as they were found; tests ask for it to be empty."""


@contextmanager
def recorded_spans() -> Generator[Spans]:
    """A trace provider of its own, and what it is told."""
    before, recorder, provider = get_trace_provider(), Spans(), DefaultTraceProvider()
    provider.set_processors([recorder])
    set_trace_provider(provider)
    try:
        yield recorder
    finally:
        set_trace_provider(before)


def play(case: Case, *, is_streamed: bool, cancel: Cancel | None = None) -> Played:
    """Run a case to its end, and drain it where it is streamed.

    Raises:
        Deadlock: the run hangs.
    """
    MISMATCHES.clear()
    world = World(case)
    with noted_runs() as runs, recorded_spans() as spans:
        played = Played(runs, world.seen, spans=spans)
        run_in_virtual_time(_streamed(world, played, cancel) if is_streamed else _plain(world, played))
    return played


async def _plain(world: World, played: Played) -> None:
    try:
        played.result = await world.run()
    except Exception as error:
        played.error = error


async def _streamed(world: World, played: Played, cancel: Cancel | None) -> None:
    played.result = result = world.run_streamed()
    reader = asyncio.create_task(_read(result, played, cancel))
    try:
        async for event in result.stream_events():
            played.events.append(event)
    except Exception as error:
        played.error = error
    await asyncio.wait([result.run_loop_task])
    # A log that keeps next to nothing may be ahead of its readers.
    with contextlib.suppress(RecordsExpired):
        await reader


async def _read(result: Any, played: Played, cancel: Cancel | None) -> None:
    async for record in result.records():
        played.records.append(record)
        if cancel is not None and len(played.records) == cancel.after:
            result.cancel(cancel.mode)


# --- what can be compared


def without_partials(end: dict[str, Any]) -> dict[str, Any]:
    """The end without the text of a response that was cut short: only a stream has it, while its log keeps it."""
    if "items" not in end:
        return end
    return {**end, "items": [item for item in end["items"] if item[2].get("status") != "incomplete"]}


_MADE_ID = re.compile(r"^msg_[0-9a-f]{32}$")


def plain(value: Any) -> Any:
    """JSON-shaped data without what is different each time: made ids, durations."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items() if key != "duration_ms"}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] (JSON of any shape)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType] (JSON of any shape)
    return "made" if isinstance(value, str) and _MADE_ID.match(value) else value


def plain_fact(fact: f.Fact) -> tuple[str, Any]:
    """A fact in that form."""
    return type(fact).__name__, plain(dataclasses.asdict(fact))


def item_forms(items: list[Any]) -> list[Any]:
    """Run items as type, agent and input form."""
    return [(item.type, item.agent.name, plain(item.to_input_item())) for item in items]


def end_of(played: Played) -> dict[str, Any]:
    """Everything that a caller of `Runner` is told about how a run ended."""
    source: Any = played.result
    error = played.error
    if error is not None:
        source = getattr(error, "run_data", None)
    ended: dict[str, Any] = {"error": None if error is None else (type(error).__name__, str(error))}
    if source is not None:
        ended |= {
            "input": plain(source.input),
            "agent": source.last_agent.name,
            "items": item_forms(source.new_items),
            "responses": [response.response_id for response in source.raw_responses],
            "input guardrails": _verdicts(source.input_guardrail_results),
            "output guardrails": _verdicts(source.output_guardrail_results),
            "tool input guardrails": len(source.tool_input_guardrail_results),
            "tool output guardrails": len(source.tool_output_guardrail_results),
            "usage": _usage(source.context_wrapper.usage),
        }
    if error is None:
        ended["output"] = played.result.final_output
        ended["interruptions"] = len(played.result.interruptions)
        ended["last response"] = played.result.last_response_id
        ended["next input"] = plain(played.result.to_input_list())
        ended["next input, normalized"] = plain(played.result.to_input_list(mode="normalized"))
    return ended


def _verdicts(results: list[Any]) -> list[Any]:
    return [(result.guardrail.get_name(), result.output.tripwire_triggered) for result in results]


def _usage(usage: Any) -> tuple[int, ...]:
    return (
        usage.requests,
        usage.input_tokens,
        usage.output_tokens,
        usage.total_tokens,
        len(usage.request_usage_entries),
    )


def span_forms(recorder: Spans) -> list[Any]:
    """Ended spans in order: what they are, under what, with what, and with which error."""
    names = {span.span_id: span.span_data.type for span in recorder.spans}
    return [
        (
            span.span_data.type,
            names.get(span.parent_id or ""),
            plain(_exported(span.span_data)),
            plain(span.error),
        )
        for span in recorder.spans
    ]


def _exported(data: Any) -> Any:
    exported = dict(data.export())
    exported.pop("usage", None)
    return exported
