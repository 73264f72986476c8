"""The Chat Completions part of the benchmarks' server: streams of text, by the name of the request's model.

It takes exported traces too, and drops them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    """One event as OpenAI's server sends it."""
    event = {
        "id": "chatcmpl-Bench0123456789abcdefghijklmn",
        "object": "chat.completion.chunk",
        "created": 1795382302,
        "model": "bench",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
    }
    return b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/traces/ingest"):
            self.send_response(204)
            self.end_headers()
            return
        kind, _, count = body["model"].partition("-")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.end_headers()
        per_write, pause_s = (1, 0.001) if kind == "single" else (32, 0.0)
        events = [chunk({"role": "assistant", "content": ""})]
        events += [chunk({"content": "token "})] * int(count)
        events += [chunk({}, "stop"), b"data: [DONE]\n\n"]
        for start in range(0, len(events), per_write):
            self.wfile.write(b"".join(events[start : start + per_write]))
            if pause_s:
                time.sleep(pause_s)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def chat_answers() -> Iterator[str]:
    """The base URL, while the server runs in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
