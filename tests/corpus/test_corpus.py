"""What was written once is read for ever: every kept state loads, is decided and comes to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents import RunConfig, Runner, RunState
from agents._core.history import made_call
from corpus.program import AGENTS, Office, approve_all

STATES = sorted(Path(__file__).parent.glob("format_*/*.json"))
CONFIG = RunConfig(tracing_disabled=True)

DONE = {
    "paused": ["pay 1", "pay 2"],
    "paused_with_context": ["pay 1", "pay 2"],
    "paused_nested": ["pay 3", "pay 3"],
    "paused_after_handoff": ["pay 4"],
    "partly_decided": ["pay 2"],
    "decided": ["pay 10"],
    "ruled": ["pay 1", "pay 2"],
    "cancelled": ["pay 6", "wait"],
    "claimed": ["wait"],
    "paused_on_a_machine": [
        "run rm a",
        "delete_file a",
        "run locally ls",
        "query select 1",
        "wait at the screen",
    ],
}
"""What the tools do in the process that goes on, when whatever is undecided is approved."""

ASKED = {
    "paused": 2,
    "paused_with_context": 2,
    "paused_nested": 2,
    "paused_after_handoff": 1,
    "partly_decided": 2,
    "decided": 3,
    "ruled": 2,
    "cancelled": 1,
    "claimed": 0,
    "paused_on_a_machine": 6,
}
"""How many calls each state lists: undecided, or decided and not run."""


LATER = {("format_1", "paused_on_a_machine")}
"""What there was not yet when a format was the newest."""


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def written(path: Path) -> str:
    return path.read_text(encoding="utf-8")


async def load(path: Path, office: Office) -> RunState[Any]:
    return await RunState.from_string(AGENTS[path.stem](office), written(path))


def test_every_format_has_every_state() -> None:
    formats = {path.parent.name for path in STATES}
    assert "format_1" in formats
    assert {named(path) for path in STATES} >= {
        f"{one}-{name}" for one in formats for name in DONE if (one, name) not in LATER
    }


@pytest.mark.parametrize("path", STATES, ids=named)
async def test_a_kept_state_says_what_it_asks(path: Path) -> None:
    state = await load(path, Office())
    assert len(state.get_interruptions()) == ASKED[path.stem]
    again = await RunState.from_string(AGENTS[path.stem](Office()), state.to_string())
    assert again.to_json() == state.to_json()
    assert again.resumption().moments == state.resumption().moments
    assert again.resumption().decisions == state.resumption().decisions


@pytest.mark.parametrize("path", STATES, ids=named)
async def test_a_kept_state_comes_to_its_end(path: Path) -> None:
    office = Office()
    state = await load(path, office)
    if path.stem not in {"decided", "partly_decided"}:
        await approve_all(state)
    elif path.stem == "partly_decided":
        state.approve(state.get_interruptions()[1])
    agent = AGENTS[path.stem](office)
    result = await Runner.run(agent, state, run_config=CONFIG)
    assert result.interruptions == []
    assert result.final_output == f"{result.last_agent.name} is done"
    assert sorted(office.done) == sorted(DONE[path.stem])
    history: Any = result.to_input_list()
    kinds = [str(item.get("type")) for item in history]
    ids = [made_call(item) for item in history]
    calls = [call for kind, call in zip(kinds, ids, strict=True) if kind.endswith(("_call", "_request"))]
    answers = [call for kind, call in zip(kinds, ids, strict=True) if kind.endswith(("_output", "_response"))]
    assert sorted(calls) == sorted(answers)


@pytest.mark.parametrize("path", STATES, ids=named)
async def test_a_kept_state_is_streamed_to_its_end(path: Path) -> None:
    office = Office()
    state = await load(path, office)
    await approve_all(state)
    result = Runner.run_streamed(AGENTS[path.stem](office), state, run_config=CONFIG)
    async for _ in result.stream_events():
        pass
    assert result.final_output == f"{result.last_agent.name} is done"


async def test_a_kept_context_comes_back() -> None:
    (path,) = [path for path in STATES if named(path) == "format_1-paused_with_context"]
    state = await load(path, Office())
    assert state.context.context == {"user": "ada"}


async def test_a_schema_in_a_call_that_is_no_functions_means_nothing() -> None:
    (path,) = [path for path in STATES if named(path) == "format_2-paused_on_a_machine"]
    payload: Any = json.loads(written(path))
    calls = [call for fact in payload["headrace"]["facts"] for call in fact["data"].get("calls", [])]
    for call in calls:
        call["schema"] = "of another tool"
    office = Office()
    state = await RunState.from_json(AGENTS[path.stem](office), payload)
    await approve_all(state)
    result = await Runner.run(AGENTS[path.stem](office), state, run_config=CONFIG)
    assert result.final_output == "mechanic is done"
    assert len(calls) == 8
