"""A loopback server that speaks the OpenAI Responses API, for tests: real HTTP and WebSockets, scripted answers.

    async with ResponsesServer(["Hello there."]) as server:
        client = AsyncOpenAI(base_url=server.base_url, api_key="x")
        stream = await client.responses.create(model="m", input="Hi", stream=True)

It serves POST /v1/responses, as JSON and as an event stream, the WebSocket at the same path, and what may be asked
about stored responses: retrieve, stream again, cancel, delete, input items, compact. It keeps conversations too
(/v1/conversations and the items in them). See `responses_script` for what a script may be.
Needs `pip install 'headrace[testing]'`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ._responses_playbook import Playbook
from .responses_script import Access, ChunkSize, OnAccess, ResponsesRequest, Script, Step

if TYPE_CHECKING:
    from ._responses_app import Service

__all__ = ["Access", "ResponsesRequest", "ResponsesServer", "Step"]


class ResponsesServer:
    """A Responses API on 127.0.0.1 that plays a script.

    `script` is a list of answers, given in order, or a function from the request to an answer (plain or async). An
    answer is a `Step`, a text, an output item or a list of items. A request after the last answer gets HTTP 500
    and makes `assert_complete` fail; so does a function that raises.

    `pace_s` is the time between two events (0: as fast as possible). `events_per_write` is how many events share
    one write: by default 32, or 1 when paced. `chunk_size` cuts the stream into writes of so many bytes without
    regard to events (a number, or a function of the write's index), each its own HTTP chunk; the pace is then the
    time between writes. Each step can override the three: `Step().text("...").paced(0.01)`. Over a WebSocket
    `chunk_size` cuts each message into fragments of that size.

    A WebSocket is told so and closed when it is `websocket_limit_s` old. `refused_handshakes` are HTTP errors that the
    first attempts to open one get: `[Step.http_error(429)]`. With `steering` a response over a WebSocket takes more
    input while it is made (pace it), and a successor takes the script's next answer; without, it is refused.

    `on_access`, plain or async, is asked about each request to compact or about a conversation, before it is answered.
    What it gives happens in place of the answer: `Step.http_error(500)`, and nothing else is done; or
    `Step().drop(after_events=0)`, and what was asked for is done but the connection is lost. None changes nothing.

    `async with` serves on the running event loop; `with` serves from a background thread, for tests that are not
    async. Leaving the block closes every connection, streams in progress included. A server is used once.

    Raises:
        TypeError: the script is neither a function nor a list of answers.
        ValueError: a refused handshake is no `Step.http_error`.
        ImportError: the extra is not installed.
    """

    def __init__(
        self,
        script: Script,
        *,
        pace_s: float = 0.0,
        events_per_write: int | None = None,
        chunk_size: ChunkSize | None = None,
        websocket_limit_s: float = 3600.0,
        refused_handshakes: Sequence[Step] = (),
        steering: bool = False,
        on_access: OnAccess | None = None,
    ) -> None:
        defaults = Step(pace_s=pace_s, events_per_write=events_per_write, chunk_size=chunk_size)
        self._playbook = Playbook(script, defaults, on_access)
        self._port: int | None = None
        refusals = [step.error for step in refused_handshakes if step.error is not None]
        if len(refusals) < len(refused_handshakes):
            raise ValueError("refused_handshakes are HTTP errors: make them with Step.http_error(...).")
        self._service = _new_service(
            self._playbook, websocket_limit_s=websocket_limit_s, refusals=refusals, steering=steering
        )
        self._thread: _ServerThread | None = None

    @property
    def base_url(self) -> str:
        """What to pass as `base_url` to an OpenAI client: `http://127.0.0.1:<port>/v1`.

        Raises:
            RuntimeError: the server is not serving.
        """
        return f"http://{self._address()}/v1"

    @property
    def websocket_base_url(self) -> str:
        """The same for WebSockets: `ws://127.0.0.1:<port>/v1`.

        Raises:
            RuntimeError: the server is not serving.
        """
        return f"ws://{self._address()}/v1"

    def _address(self) -> str:
        if self._port is None:
            raise RuntimeError("The server is not serving yet: enter it with `with` or `async with` first.")
        return f"127.0.0.1:{self._port}"

    @property
    def requests(self) -> tuple[ResponsesRequest, ...]:
        """The requests so far, in order of arrival, unexpected ones included."""
        return tuple(self._playbook.requests)

    @property
    def accesses(self) -> tuple[Access, ...]:
        """The requests so far that no answer of the script was for.

        Those about stored responses (retrieve, stream again, cancel, delete, input items), about conversations, and
        those to compact; the latter are in `requests` too.
        """
        return tuple(self._playbook.accesses)

    @property
    def remaining_steps(self) -> int:
        """How many answers of the script have not been given; 0 for a function."""
        return self._playbook.remaining_steps

    @property
    def open_exchanges(self) -> int:
        """How many requests are being answered right now. A client that went away takes its exchange with it."""
        return self._playbook.exchanges.count

    @property
    def open_connections(self) -> int:
        """How many connections are open right now: WebSockets, and HTTP connections, which clients keep for later."""
        return self._service.connections.count

    def drop_connections(self, close_code: int | None = None) -> None:
        """Cut every open connection at once, as a broken network does; or close the WebSockets with a close code.

        May be called from any thread and from the script. What is being answered on a connection ends with it.
        """
        self._service.drop(close_code)

    def expire_connections(self) -> None:
        """Let every open WebSocket reach its time limit now. May be called from any thread and from the script."""
        self._service.expire()

    async def disconnected(self, timeout_s: float = 5.0) -> None:
        """Wait until no connection is open: use it to see that a client has closed all of its own.

        Raises:
            TimeoutError: some are still open after `timeout_s`.
        """
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self._service.connections.wait_for_none, timeout_s):
            raise TimeoutError(f"{self.open_connections} connections are still open after {timeout_s} s.")

    async def settled(self, timeout_s: float = 5.0) -> None:
        """Wait until no request is being answered: use it to see that the server noticed a client leaving.

        Raises:
            TimeoutError: some are still open after `timeout_s`.
        """
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self._playbook.exchanges.wait_for_none, timeout_s):
            raise TimeoutError(
                f"{self.open_exchanges} requests are still being answered after {timeout_s} s."
            )

    def assert_complete(self) -> None:
        """Check that every answer was asked for, nothing more was, and no function of the script raised.

        Raises:
            AssertionError: saying each thing that went otherwise.
        """
        complaints = self._playbook.complaints()
        if complaints:
            raise AssertionError("The script was not played as written:\n" + "\n".join(complaints))

    # The two ways to serve

    async def __aenter__(self) -> Self:
        self._port = await self._service.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._service.stop()

    def __enter__(self) -> Self:
        self._thread = _ServerThread(self._service)
        self._port = self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._thread.stop()


class _ServerThread:
    """Runs a server on an event loop of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ready: concurrent.futures.Future[int] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="headrace-responses-server", daemon=True)

    def start(self) -> int:
        """Start; returns the port once clients can connect."""
        self._thread.start()
        return self._ready.result()

    def stop(self) -> None:
        """Stop and wait for the thread's end."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            self._ready.set_result(await self._service.start())
        except Exception as error:  # noqa: BLE001 (whoever waits for the start is told, whatever it was)
            self._ready.set_exception(error)
            return
        await self._stop.wait()
        await self._service.stop()


def _new_service(playbook: Playbook, **options: Any) -> Service:
    try:
        from ._responses_app import Service
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] in {"starlette", "uvicorn", "websockets"}:
            raise ImportError(
                f"ResponsesServer needs {error.name}, which is not installed: run pip install 'headrace[testing]'"
            ) from error
        raise
    return Service(playbook, **options)
