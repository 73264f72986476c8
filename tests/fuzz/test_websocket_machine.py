"""Whatever frames come over a WebSocket, the machine gives events or a typed error, and loses no count of its lanes.

One execution is one frame; most are good frames with changes. A million of them:

    HEADRACE_FUZZ_FRAMES=1000000 .venv/bin/python -m pytest tests/fuzz/test_websocket_machine.py --timeout 7200
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from typing import Any

import pytest

from agents.exceptions import ModelBehaviorError
from agents.models._websocket_errors import LIMIT_REACHED, ResponsesWebSocketError
from agents.models._websocket_machine import Exchange, WebSocketMachine
from models.sockets import Event, answer_events, error_frame

IS_FULL = bool(os.environ.get("HEADRACE_FULL"))
FRAMES = int(os.environ.get("HEADRACE_FUZZ_FRAMES", "200000" if IS_FULL else "5000"))

LANES = (None, "a", "b", "lane_1")
CALL: Event = {"type": "function_call", "name": "f", "arguments": '{"a": 1}', "call_id": "c"}
REASONING: Event = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
GOOD: list[Event] = [
    *answer_events("Hello there.", CALL, REASONING),
    error_frame("server_error", status=500),
    error_frame(LIMIT_REACHED),
    {"type": "error", "code": "boo", "message": "Boo.", "param": None, "sequence_number": 3},
    {"error": {"message": "bare"}},
    {"type": "response.steer.accepted", "steer": {"id": "s"}, "sequence_number": 4},
    {"type": "response.steer.failed", "error": {"code": "response_not_found"}, "steer": {"input": []}},
]
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 10**30, 1.5, "", "x", "a", "error", "response.completed", "response.created",
    [], [[]], {}, {"id": "resp_1"}, {"id": 3}, {"id": None}, [None], "\ud800", {"": ""},
)  # fmt: skip
KEYS = ("response", "type", "id", "_fields_set", "_BaseModel__cls", "stream_id")
JUNK = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"[DONE]",
    b"\xff\xfe",
    b'{"type":',
    b'{"a":' * 3000,
    b"NaN",
    b'{"type": 1e999}',
)


def changed(rng: random.Random, event: Event) -> Event:
    """The event with a change somewhere."""
    event = copy.deepcopy(event)
    holder: Any = event
    while True:
        is_object = type(holder) is dict
        keys: list[Any] = list(holder) if is_object else list(range(len(holder)))
        if not keys:
            return event
        key = rng.choice(keys)
        if type(holder[key]) in {dict, list} and rng.random() < 0.7:
            holder = holder[key]
            continue
        match rng.randrange(4):
            case 0:
                del holder[key]
            case 1 if is_object:
                holder[rng.choice(KEYS)] = rng.choice(VALUES)
            case _:
                holder[key] = rng.choice(VALUES)
        return event


def frame(rng: random.Random, number: int) -> bytes:
    """A frame: good, changed, cut, with a byte of chance, or nothing at all."""
    roll = rng.random()
    if roll < 0.01:
        return rng.choice(JUNK)
    event = dict(rng.choice(GOOD))
    if "response" in event:
        # Few ids, so that late ones occur.
        event["response"] = {**event["response"], "id": f"resp_{number // 20 % 50}"}
    lane = rng.choice(LANES)
    if lane is not None and roll < 0.6:
        event["stream_id"] = lane
    if roll < 0.3:
        event = changed(rng, event)
    data = bytearray(json.dumps(event).encode())
    if roll < 0.02:
        del data[rng.randrange(len(data) + 1) :]
    elif roll < 0.03:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def test_whatever_frames_come_the_machine_gives_events_or_a_typed_error() -> None:
    rng = random.Random(23)
    outcomes: Counter[str] = Counter()
    machine, exchanges = WebSocketMachine(0.0), list[Exchange]()
    for number in range(FRAMES):
        if not machine.is_open:
            outcomes["connections"] += 1
            machine, exchanges = WebSocketMachine(0.0), []
        for lane in LANES:
            if machine.accepts(lane, 0.0) and rng.random() < 0.5:
                parent = f"resp_{rng.randrange(50)}" if rng.random() < 0.5 else None
                exchanges.append(machine.ask(lane, previous_response_id=parent))
        data = frame(rng, number)
        try:
            touched = machine.feed(data)
            if exchanges and rng.random() < 0.02:
                machine.leave(rng.choice(exchanges))
        except Exception as error:
            pytest.fail(f"frame {number}: {error!r} for {data[:2000]!r}")
        open_now = machine.open_exchanges
        for exchange in exchanges:
            outcomes["events"] += len(exchange.take())
            assert exchange.is_over == (exchange not in open_now)
            assert isinstance(exchange.failure, ResponsesWebSocketError | ModelBehaviorError | None)
            outcomes[type(exchange.failure).__name__] += exchange.is_over
        assert all(exchange in exchanges for exchange in touched)
        exchanges = open_now
    assert min(outcomes.values()) > FRAMES / 500, outcomes
    print(outcomes)
