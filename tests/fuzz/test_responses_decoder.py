"""Whatever bytes come for a Responses stream, cut anywhere: events, then an end or a documented error.

Large: `HEADRACE_FULL=1`. By hand, for so many inputs: `python tests/fuzz/test_responses_decoder.py 1000000 [seed]`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from agents.exceptions import ModelBehaviorError
from agents.models._responses_decoder import TERMINAL_TYPES, ResponsesDecoder
from agents.testing.response_events import response_events
from fuzz.changing import changed, in_pieces, with_junk

INPUTS = 100_000 if os.environ.get("HEADRACE_FULL") else 2_000

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**70, 1.5, 1e308, "", "x", "error", "response.completed", "response.created", "\ud800",
    [], [[]], [None], {}, {"id": "resp_1"}, {"id": 3}, {"message": "boo"}, [{"index": 0}],
)  # fmt: skip

NAMES = (
    "type", "response", "item", "part", "delta", "text", "error", "code", "message", "param", "sequence_number", "id",
    "output", "output_index", "item_id", "content_index", "usage", "status", "logprobs", "_fields_set", "x",
)  # fmt: skip

OUTPUT: tuple[dict[str, Any], ...] = (
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Let me see."}]},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "One, two: é😀.", "annotations": [], "logprobs": []}],
    },
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}', "status": "completed"},
)  # fmt: skip

RESPONSE: dict[str, Any] = {"id": "resp_1", "object": "response", "status": "completed", "output": [*OUTPUT]}
OPENED: dict[str, Any] = {**RESPONSE, "status": "in_progress", "output": []}
FAILED: dict[str, Any] = {"type": "response.failed", "response": {**RESPONSE, "status": "failed"}}


def events_of() -> list[dict[str, Any]]:
    """The events of a whole response."""
    return [json.loads(json.dumps(event)) for event in response_events(OPENED, OUTPUT, RESPONSE)]


EVENTS = events_of()
OTHERS: tuple[dict[str, Any], ...] = (
    {"type": "error", "code": "server_error", "message": "boo", "param": None, "sequence_number": 3},
    {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "boo"}},
    {"error": {"message": "bare"}},
    FAILED,
    {"type": "response.incomplete", "response": {**RESPONSE, "status": "incomplete"}},
    {"type": "response.unheard_of", "x": [1]},
)


def stream(rng: random.Random) -> bytes:
    """The bytes of a stream: whole, or with events changed, lost, added, and bytes changed."""
    events: list[Any] = [*EVENTS]
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        place = rng.randrange(len(events))
        match rng.randrange(4):
            case 0:
                del events[place]
            case 1:
                events.insert(place, rng.choice(OTHERS))
            case _:
                events[place] = changed(rng, events[place], NAMES, VALUES)
    end = "\r\n" if rng.random() < 0.1 else "\n"
    frames = [f"event: e{end}data: {json.dumps(event)}{end}{end}" for event in events]
    if rng.random() < 0.5:
        frames.append(f"data: [DONE]{end}{end}")
    body = with_junk(rng, "".join(frames).encode("utf-8", "surrogatepass"))
    return body[: rng.randrange(len(body))] if rng.random() < 0.1 else body


def decoded(pieces: list[bytes]) -> tuple[list[Any], Exception | None]:
    """The events, and what broke the stream."""
    decoder, events = ResponsesDecoder(), list[Any]()
    try:
        for piece in pieces:
            events.extend(decoder.feed(piece))
            if decoder.failure is not None:
                raise decoder.failure
        events.extend(decoder.finish())
        if decoder.failure is not None:
            raise decoder.failure
    except ModelBehaviorError as error:
        return events, error
    return events, None


def check(rng: random.Random) -> str:
    """Decode one input in pieces; how it ended."""
    body = stream(rng)
    pieces = in_pieces(rng, body)
    events, error = decoded(pieces)
    ended = [event.type for event in events if event.type in TERMINAL_TYPES]
    assert error is not None or ended or b"[DONE]" in body, body
    if len(pieces) > 1 and rng.random() < 0.1:
        again, same = decoded([body])
        assert ([event.type for event in again], repr(same)) == (
            [event.type for event in events],
            repr(error),
        )
    return "completed" if error is None else type(error).__name__


def test_any_bytes_give_events_and_a_documented_end() -> None:
    rng = random.Random(40)
    outcomes = Counter(check(rng) for _ in range(INPUTS))
    assert (
        min(outcomes["completed"], outcomes["ModelBehaviorError"], outcomes["ModelStreamBroken"])
        > INPUTS / 100
    )


if __name__ == "__main__":
    wanted, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 41
    generator, began = random.Random(seed), time.monotonic()
    ends = Counter(check(generator) for _ in range(wanted))
    print(f"{wanted} inputs in {time.monotonic() - began:.0f} s, seed {seed}: {dict(ends)}")
