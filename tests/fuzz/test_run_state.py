"""Whatever a run state was changed to on its way, reading it gives a state or a typed error, and nothing else.

What still loads is resumed, or refused with a typed error; no approved call runs twice.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from agents import Agent, AgentsException, RunConfig, Runner, RunState
from corpus.program import AGENTS, Office

IS_FULL = bool(os.environ.get("HEADRACE_FULL"))
INPUTS = 100_000 if IS_FULL else 2_000
RESUMED = 2_000 if IS_FULL else 300

CORPUS = {
    f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).parents[1].glob("corpus/format_*/*.json"))
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 1.5, -0.0, "", "x", "clerk", "clerk_0", [], [[]], {}, {"type": "x"}, [None],
    "\ud800", {"": ""}, "run_started", "1.21", "99", 10**30, ["clerk_0"], {"call": "clerk_0"},
)  # fmt: skip


def agent_of(name: str, office: Office) -> Agent[Any]:
    return AGENTS[name.partition("/")[2]](office)


Place = tuple[Any, Any]
"""A container, and the key or index of one of its values."""


def places(value: Any) -> list[Place]:
    """Every place of a JSON value."""
    found: list[Place] = []
    waiting: list[Any] = [value]
    for container in waiting:
        keys: Any = range(len(container)) if type(container).__name__ == "list" else list(container)
        for key in keys:
            found.append((container, key))
            below: Any = container[key]
            if type(below).__name__ in {"dict", "list"}:
                waiting.append(below)
    return found


def mutated(rng: random.Random, name: str) -> Any:
    """A state of the corpus with a few changes of any kind; most of them where the facts are."""
    payload: Any = copy.deepcopy(CORPUS[name])
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        part: Any = payload.get("headrace")
        inside = type(part) is dict and rng.random() < 0.75
        root = cast("Any", part if inside else payload)
        if not root:
            break
        change(rng, *rng.choice(places(root)), places(CORPUS[rng.choice(list(CORPUS))]))
    return payload


def any_value(rng: random.Random) -> Any:
    # A copy: what is put into one payload is changed in it, and must not come into the next.
    return copy.deepcopy(rng.choice(VALUES))


def change(rng: random.Random, container: Any, key: Any, others: list[Place]) -> None:
    """One change of one place."""
    is_list, is_object = isinstance(container, list), isinstance(container, dict)
    match rng.randrange(7):
        case 0:
            container[key] = any_value(rng)
        case 1:
            del container[key]
        case 2:
            other, there = rng.choice(others)
            container[key] = copy.deepcopy(other[there])
        case 3 if is_list:
            container.insert(rng.randrange(len(container) + 1), copy.deepcopy(container[key]))
        case 4 if is_list:
            rng.shuffle(container)
        case 5 if is_object:
            container[rng.choice(("x", "path", "call", "format", "kind", "data"))] = any_value(rng)
        case _:
            value = container[key]
            if isinstance(value, bool) or value is None:
                container[key] = not value
            elif isinstance(value, int | float):
                container[key] = value + rng.choice((-1, 1, 0.5, 2**31))
            elif isinstance(value, str):
                container[key] = value[: rng.randrange(len(value) + 1)] + rng.choice(("", "x", "#2", "/"))
            else:
                container[key] = any_value(rng)


async def read(name: str, payload: Any, office: Office) -> RunState[Any] | None:
    """The state, or None where it was refused."""
    try:
        return await RunState.from_json(agent_of(name, office), payload)
    except AgentsException:
        return None


async def test_a_mutated_state_is_read_or_refused_with_a_typed_error() -> None:
    rng, agents = random.Random(20), {name: agent_of(name, Office()) for name in CORPUS}
    outcomes: Counter[str] = Counter()
    for number in range(INPUTS):
        name = rng.choice(list(CORPUS))
        payload = mutated(rng, name)
        try:
            state = await RunState.from_json(agents[name], payload)
        except AgentsException:
            outcomes["refused"] += 1
            continue
        except Exception as error:
            pytest.fail(f"input {number}, of {name}: {error!r} for {json.dumps(payload)[:4000]}")
        outcomes["read"] += 1
        # A state that was read can be looked at and written.
        try:
            state.get_interruptions()
            json.dumps(state.to_json())
        except AgentsException:
            outcomes["not written"] += 1
        except Exception as error:
            pytest.fail(f"input {number}, of {name}, was read: {error!r} for {json.dumps(payload)[:4000]}")
    assert min(outcomes["read"], outcomes["refused"]) > INPUTS / 20


async def test_a_mutated_text_is_read_or_refused_with_a_typed_error() -> None:
    rng, agents = random.Random(21), {name: agent_of(name, Office()) for name in CORPUS}
    texts = {name: json.dumps(payload) for name, payload in CORPUS.items()}
    for _ in range(INPUTS // 10):
        name = rng.choice(list(CORPUS))
        text = texts[name]
        start = rng.randrange(len(text))
        junk = rng.choice(("", "[" * 3000, '{"a":' * 3000, "\x00", "\ud800", "}", '"', "1e999", "NaN"))
        try:
            await RunState.from_string(agents[name], text[:start] + junk + text[start + rng.randrange(40) :])
        except AgentsException:
            continue


async def test_what_still_loads_ends_or_is_refused_and_runs_no_call_twice() -> None:
    rng, config = random.Random(22), RunConfig(tracing_disabled=True)
    done = 0
    for number in range(20 * RESUMED):
        if done >= RESUMED:
            break
        name, office = rng.choice(list(CORPUS)), Office()
        payload = mutated(rng, name)
        state = await read(name, payload, office)
        if state is None:
            continue
        done += 1
        try:
            for item in state.get_interruptions():
                state.approve(item)
            await Runner.run(agent_of(name, office), state, run_config=config)
        except AgentsException:
            pass
        except Exception as error:
            pytest.fail(f"input {number}, of {name}: {error!r} for {json.dumps(payload)[:4000]}")
        # Two clerks may make the same payment; nobody else makes any twice.
        most = 2 if name.endswith("paused_nested") else 1
        assert all(times <= most for times in Counter(office.done).values()), json.dumps(payload)[:4000]
    assert done >= RESUMED / 2
