"""The endpoint of a service that collects traces, on loopback: it keeps what it is sent."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose body is JSON."""

    path: str
    body: Any


@dataclass(slots=True)
class Collector:
    """Where it is, and what came, in order."""

    url: str = ""
    received: list[Received] = field(default_factory=list[Received])


@contextmanager
def collecting(answers: Mapping[str, Any]) -> Generator[Collector]:
    """A collector that answers with JSON by path, `{}` at others; `URL` in an answer is its own address."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            path = self.path.partition("?")[0]
            if body:
                collector.received.append(Received(path, json.loads(body)))
            answer = json.dumps(answers.get(path, {})).replace("URL", collector.url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PATCH(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()
