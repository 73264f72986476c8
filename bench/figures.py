"""What is measured: one row a program, with its arguments, how often it runs, and the budget of each figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a program prints: under which key, what it is, and what it may be at most."""

    key: str
    label: str
    unit: str
    budget: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One program, run alternately on both sides, `repetitions` times each."""

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    quick_arguments: tuple[str, ...] | None = None
    repetitions: int = 3
    figures: tuple[Figure, ...]


_FROM_IMPORT = "from agents import Agent, Runner, RunConfig, function_tool"

MEASUREMENTS = (
    Measurement(
        name="import",
        program="import_time.py",
        arguments=("import agents",),
        repetitions=7,
        figures=(
            Figure("cpu_s", "import agents", "s", 0.1),
            Figure("modules", "  modules loaded", "", None),
        ),
    ),
    Measurement(
        name="from_import",
        program="import_time.py",
        arguments=(_FROM_IMPORT,),
        repetitions=7,
        figures=(
            Figure("cpu_s", "from agents import Agent, Runner, ...", "s", 0.35),
            Figure("modules", "  modules loaded", "", None),
        ),
    ),
    Measurement(
        name="first_event",
        program="first_event.py",
        repetitions=5,
        figures=(
            Figure("cpu_s", "process start to first event", "s", 1.6),
            Figure("wall_s", "  the same on the clock", "s", None),
        ),
    ),
    Measurement(
        name="wire",
        program="wire_events.py",
        arguments=("batched", "20000"),
        quick_arguments=("batched", "5000"),
        figures=(Figure("cpu_us", "event on the wire, 32 a write", "µs", 12.0),),
    ),
    Measurement(
        name="wire_single",
        program="wire_events.py",
        arguments=("single", "2000"),
        quick_arguments=("single", "500"),
        figures=(Figure("cpu_us", "event on the wire, 1 a write", "µs", None),),
    ),
    Measurement(
        name="chat",
        program="chat_events.py",
        arguments=("batched", "20000"),
        quick_arguments=("batched", "5000"),
        figures=(Figure("cpu_us", "chat event on the wire, 32 a write", "µs", 15.0),),
    ),
    Measurement(
        name="chat_single",
        program="chat_events.py",
        arguments=("single", "2000"),
        quick_arguments=("single", "500"),
        figures=(Figure("cpu_us", "chat event on the wire, 1 a write", "µs", None),),
    ),
    Measurement(
        name="socket",
        program="wire_events.py",
        arguments=("batched", "20000", "websocket"),
        quick_arguments=("batched", "5000", "websocket"),
        figures=(Figure("cpu_us", "event over a WebSocket, 32 a write", "µs", 15.0),),
    ),
    Measurement(
        name="socket_single",
        program="wire_events.py",
        arguments=("single", "2000", "websocket"),
        quick_arguments=("single", "500", "websocket"),
        figures=(Figure("cpu_us", "event over a WebSocket, 1 a write", "µs", None),),
    ),
    Measurement(
        name="socket_turns",
        program="wire_turns.py",
        arguments=("websocket", "100"),
        quick_arguments=("websocket", "20"),
        repetitions=2,
        figures=(
            Figure("cpu_s", "100 turns over one WebSocket", "s", None),
            Figure("wall_s", "  the same on the clock", "s", None),
        ),
    ),
    Measurement(
        name="http_turns",
        program="wire_turns.py",
        arguments=("http", "100"),
        quick_arguments=("http", "20"),
        repetitions=2,
        figures=(
            Figure("cpu_s", "100 turns by 100 HTTP requests", "s", None),
            Figure("wall_s", "  the same on the clock", "s", None),
        ),
    ),
    Measurement(
        name="in_process",
        program="model_events.py",
        arguments=("50000",),
        quick_arguments=("10000",),
        figures=(Figure("cpu_us", "event of a model in process", "µs", 4.0),),
    ),
    Measurement(
        name="turn",
        program="turns.py",
        figures=(
            Figure("turn_1_ms", "turn with one tool, turn 1", "ms", 0.3),
            Figure("turn_100_ms", "turn with one tool, turn 100", "ms", 0.3),
            Figure("turn_400_ms", "turn with one tool, turn 400", "ms", 0.3),
        ),
    ),
    Measurement(
        name="turn_session",
        program="turns.py",
        arguments=("session",),
        figures=(
            Figure("turn_1_ms", "  with a SQLite session, turn 1", "ms", None),
            Figure("turn_100_ms", "  with a SQLite session, turn 100", "ms", None),
            Figure("turn_400_ms", "  with a SQLite session, turn 400", "ms", None),
        ),
    ),
    Measurement(
        name="run_state",
        program="run_state.py",
        arguments=("400",),
        quick_arguments=("100",),
        figures=(
            Figure("to_json_ms", "RunState of 400 turns to JSON", "ms", 10.0),
            Figure("from_json_ms", "RunState of 400 turns from JSON", "ms", 20.0),
            Figure("kilobytes", "  its text", "kB", None),
        ),
    ),
    Measurement(
        name="concurrent",
        program="concurrent_runs.py",
        arguments=("1000",),
        quick_arguments=("100",),
        repetitions=2,
        figures=(Figure("cpu_s", "1,000 runs x 3 turns x 100 deltas", "s", 2.5),),
    ),
    Measurement(
        name="asleep_reader",
        program="asleep_reader.py",
        arguments=("100000",),
        quick_arguments=("30000",),
        repetitions=1,
        figures=(
            Figure("held_mb", "asleep reader, 100,000 events (held)", "MB", 10.0),
            Figure("peak_mb", "  at most, meanwhile", "MB", None),
        ),
    ),
    Measurement(
        name="tracing",
        program="tracing.py",
        arguments=("wire", "10"),
        quick_arguments=("wire", "5"),
        figures=(
            Figure("percent", "traced and exported, over HTTP: more CPU", "%", 20.0),
            Figure("disabled_us", "  a call's span where tracing is off", "µs", None),
        ),
    ),
    Measurement(
        name="tracing_in_process",
        program="tracing.py",
        arguments=("in_process", "20"),
        figures=(Figure("percent", "  the same, a model in process", "%", None),),
    ),
)
