"""Whatever bytes come for a Chat Completions stream, cut anywhere: legal events, then an end or a documented error.

Large: `HEADRACE_FULL=1`. By hand, for so many inputs: `python tests/fuzz/test_chat_decoder.py 1000000 [seed]`.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import openai

sys.path.insert(0, str(Path(__file__).parents[1]))

from agents.exceptions import AgentsException
from fuzz.changing import changed, in_pieces, with_junk
from models.chats import USAGE, Json, broken_rules, call, chunk, decoded, kinds, sse, text

INPUTS = 100_000 if os.environ.get("HEADRACE_FULL") else 2_000

DOCUMENTED = (AgentsException, openai.APIError)

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**70, 1.5, 1e308, "", "x", "stop", "length", "content_filter", "\ud800", "{}", "{",
    [], [[]], [None], {}, {"index": 1}, {"content": "A"}, {"error": "x"}, [{"index": 0}], "thinking", {"thinking": 1},
)  # fmt: skip

NAMES = (
    "choices", "delta", "content", "index", "id", "function", "name", "arguments", "tool_calls", "finish_reason",
    "error", "object", "message", "usage", "prompt_tokens", "prompt_tokens_details", "logprobs", "token", "logprob",
    "top_logprobs", "refusal", "reasoning", "reasoning_content", "thinking_blocks", "type", "signature",
    "annotations", "url_citation", "url", "custom", "audio", "x",
)  # fmt: skip

_LOGPROBS: Json = {
    "content": [
        {"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": [{"token": "B", "logprob": -1}]}
    ]
}
_CITED: Json = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"},
}

PIECES: tuple[Json, ...] = (
    chunk({"role": "assistant", "content": None}),
    text("A"),
    text("é😀"),
    chunk({"content": "B"}, logprobs=_LOGPROBS),
    chunk({"content": [{"type": "text", "text": "C"}]}),
    chunk({"refusal": "no"}),
    chunk({"reasoning_content": "r"}),
    chunk({"reasoning": "r"}),
    chunk({"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}),
    chunk({"thinking_blocks": [{"type": "redacted_thinking", "data": "z"}]}),
    chunk({"annotations": [_CITED]}),
    call(0, "a", "f", ""),
    call(0, None, None, '{"x":'),
    call(0, None, None, "1}"),
    call(1, "b", "g", "{}"),
    call(0, "c", "h", "[]"),
    call(None, "d", "i", "{}"),
    call(None, None, "j"),
    call(None, None, None, "{"),
    call(2, None, None, {"x": 1}),
    chunk({}, "stop"),
    chunk({}, "tool_calls"),
    chunk({}, "length"),
    chunk({}, "content_filter"),
    chunk(usage=USAGE),
    {"choices": [{"index": 1, "delta": {"content": "Z"}}]},
    {"error": {"message": "boo"}},
    chunk({"audio": {"data": "x"}}),
)  # fmt: skip


def stream(rng: random.Random) -> bytes:
    """The bytes of a stream: mostly pieces in any order, some of them changed, some bytes changed."""
    pieces = [rng.choice(PIECES) for _ in range(rng.randrange(9))]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        if pieces:
            place = rng.randrange(len(pieces))
            pieces[place] = changed(rng, pieces[place], NAMES, VALUES)
    body = sse((one for one in pieces), done=rng.random() < 0.5)
    body = with_junk(rng, body)
    if rng.random() < 0.05:
        # A server that does not stream.
        body = json.dumps(changed(rng, {"choices": [{"message": {"content": "A"}}]}, NAMES, VALUES)).encode()
    return body


def rules(rng: random.Random) -> dict[str, bool]:
    names = ("is_strict", "needs_finish_reason", "refuses_empty_length", "buffers_calls")
    return {name: rng.random() < 0.2 for name in names}


def check(rng: random.Random) -> str:
    """Decode one input in pieces; how it ended."""
    body, asked = stream(rng), rules(rng)
    pieces = in_pieces(rng, body)
    events, error = decoded(*pieces, **asked)
    assert error is None or isinstance(error, DOCUMENTED), (error, body, asked)
    assert not events or broken_rules(events) == [], (broken_rules(events), body, asked)
    assert (error is None) == (kinds(events)[-1:] == ["completed"]), (error, kinds(events), body, asked)
    if len(pieces) > 1 and rng.random() < 0.1:
        again, same = decoded(body, **asked)
        assert (again, repr(same)) == (events, repr(error)), (body, pieces, asked)
    return "completed" if error is None else type(error).__name__


def test_any_bytes_give_legal_events_and_a_documented_end() -> None:
    rng = random.Random(30)
    outcomes = Counter(check(rng) for _ in range(INPUTS))
    assert min(outcomes["completed"], outcomes["ModelBehaviorError"], outcomes["APIError"]) > INPUTS / 50


if __name__ == "__main__":
    logging.disable()
    wanted, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 31
    generator, began = random.Random(seed), time.monotonic()
    ends = Counter(check(generator) for _ in range(wanted))
    print(f"{wanted} inputs in {time.monotonic() - began:.0f} s, seed {seed}: {dict(ends)}")
