"""The server of the benchmarks: one process of its own, the same for both sides.

A request's model says what to stream: `batched-20000` is 20,000 deltas, 32 events a write; `single-2000` is
2,000 deltas, one event a write, a millisecond apart so that each comes alone; `turns-100` calls a function in 99
turns and answers in the last. Over WebSockets an event is a message, and "a write" is what is sent in one go. Prints
its base URL, and behind a blank that of its Chat Completions part; ends when its standard input does.
"""

from __future__ import annotations

import sys

from chat_answers import chat_answers

from agents.testing import ResponsesServer
from agents.testing.responses_server import ResponsesRequest, Step


def answer(request: ResponsesRequest) -> Step:
    kind, _, count = request.body["model"].partition("-")
    if kind == "turns":
        turn = len(request.function_outputs) + 1
        if turn == int(count):
            return Step().text(f"done after {turn}")
        return Step().function_call("add_one", {"number": turn}, call_id=f"call_{turn}")
    step = Step().text("token " * int(count))
    return step.paced(0.001, events_per_write=1) if kind == "single" else step.paced(events_per_write=32)


with ResponsesServer(answer) as server, chat_answers() as chat_url:
    print(server.base_url, chat_url, flush=True)
    sys.stdin.read()
