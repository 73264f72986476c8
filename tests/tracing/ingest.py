"""A traces endpoint on loopback, for the tests of exporters."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Ingest:
    """What came in, and what is answered: `statuses` in turn, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list[int])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    bodies: list[Any] = field(default_factory=list[Any])
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in body["data"]]


@contextmanager
def traces_endpoint(statuses: Sequence[int] = (), *, hangs: bool = False) -> Generator[Ingest]:
    """A server that keeps what it is sent; one that `hangs` answers when its block is left."""
    ingest = Ingest(statuses=list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            ingest.headers.append({name.lower(): value for name, value in self.headers.items()})
            ingest.bodies.append(json.loads(self.rfile.read(size)))
            if hangs:
                ingest.released.wait(60)
            status = ingest.statuses.pop(0) if ingest.statuses else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", ingest.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        # An answer to a redirected request would show as a body that is none.
        def do_GET(self) -> None:
            ingest.bodies.append({"data": ["redirected"]})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        ingest.url = f"http://127.0.0.1:{server.server_port}/v1/traces/ingest"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield ingest
        finally:
            ingest.released.set()
            server.shutdown()
            serving.join()
