"""The recorded streams, and what the `openai` client makes of them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openai
import pytest
from openai.types.responses import ResponseStreamEvent

DATA = Path(__file__).parents[3] / "shared" / "data"
LLAMA_CPP_STREAMS = Path(__file__).parent / "llama_cpp_streams"


def recorded_streams() -> list[Path]:
    """Every recorded Responses stream: raw where it was kept, else one event a line."""
    folder = DATA / "responses_streams"
    raw = {path.stem: path for path in folder.glob("*.sse")}
    lines = {path.stem: path for path in folder.glob("*.jsonl")}
    return [*({**lines, **raw}).values(), *LLAMA_CPP_STREAMS.glob("responses_*.sse")]


def stream_cases() -> list[object]:
    """Parameters for a test over every recorded stream; one that is skipped stands for those that are not here."""
    cases: list[object] = [pytest.param(path, id=path.stem) for path in sorted(recorded_streams())]
    if not (DATA / "responses_streams").is_dir():
        reason = f"the recorded streams are not at {DATA}"
        cases.append(pytest.param(Path(), marks=pytest.mark.skip(reason=reason), id="none"))
    return cases


def stream_bytes(path: Path) -> bytes:
    """The stream as a server sends it."""
    if path.suffix == ".sse":
        return path.read_bytes()
    return b"".join(b"data: " + line + b"\n\n" for line in path.read_bytes().splitlines() if line)


@contextmanager
def serving(body: bytes, content_type: str = "text/event-stream") -> Generator[str]:
    """The base URL of a loopback server that answers every request with `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client_events(body: bytes) -> tuple[list[ResponseStreamEvent], openai.APIError | None]:
    """What the `openai` client itself gives for this stream, and the error that ends it."""
    events: list[ResponseStreamEvent] = []
    with serving(body) as url, openai.OpenAI(api_key="x", base_url=url, max_retries=0) as client:
        try:
            with client.responses.create(model="m", input="x", stream=True) as stream:
                events.extend(stream)
        except openai.APIError as error:
            return events, error
    return events, None
