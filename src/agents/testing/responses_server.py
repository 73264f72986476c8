"""A loopback server that speaks the OpenAI Responses API, for tests: real HTTP, scripted answers.

    async with ResponsesServer(["Hello there."]) as server:
        client = AsyncOpenAI(base_url=server.base_url, api_key="x")
        stream = await client.responses.create(model="m", input="Hi", stream=True)

It serves POST /v1/responses, as JSON and as an event stream. See `responses_script` for what a script may be.
Needs `pip install 'headrace[testing]'`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Self

from ._responses_playbook import Playbook
from .responses_script import ChunkSize, ResponsesRequest, Script, Step

if TYPE_CHECKING:
    from ._responses_app import Listener

__all__ = ["ResponsesRequest", "ResponsesServer", "Step"]


class ResponsesServer:
    """A Responses API on 127.0.0.1 that plays a script.

    `script` is a list of answers, given in order, or a function from the request to an answer (plain or async). An
    answer is a `Step`, a text, an output item or a list of items. A request after the last answer gets HTTP 500
    and makes `assert_complete` fail; so does a function that raises.

    `pace_s` is the time between two events (0: as fast as possible). `events_per_write` is how many events share
    one write: by default 32, or 1 when paced. `chunk_size` cuts the stream into writes of so many bytes without
    regard to events (a number, or a function of the write's index), each its own HTTP chunk; the pace is then the
    time between writes. Each step can override the three: `Step().text("...").paced(0.01)`.

    `async with` serves on the running event loop; `with` serves from a background thread, for tests that are not
    async. Leaving the block closes every connection, streams in progress included. A server is used once.

    Raises:
        TypeError: the script is neither a function nor a list of answers.
        ImportError: the extra is not installed.
    """

    def __init__(
        self,
        script: Script,
        *,
        pace_s: float = 0.0,
        events_per_write: int | None = None,
        chunk_size: ChunkSize | None = None,
    ) -> None:
        defaults = Step(pace_s=pace_s, events_per_write=events_per_write, chunk_size=chunk_size)
        self._playbook = Playbook(script, defaults)
        self._port: int | None = None
        self._listener = _new_listener(self._playbook)
        self._thread: _ServerThread | None = None

    @property
    def base_url(self) -> str:
        """What to pass as `base_url` to an OpenAI client: `http://127.0.0.1:<port>/v1`.

        Raises:
            RuntimeError: the server is not serving.
        """
        if self._port is None:
            raise RuntimeError("The server is not serving yet: enter it with `with` or `async with` first.")
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> tuple[ResponsesRequest, ...]:
        """The requests so far, in order of arrival, unexpected ones included."""
        return tuple(self._playbook.requests)

    @property
    def remaining_steps(self) -> int:
        """How many answers of the script have not been given; 0 for a function."""
        return self._playbook.remaining_steps

    @property
    def open_exchanges(self) -> int:
        """How many requests are being answered right now. A client that went away takes its exchange with it."""
        return self._playbook.open_exchanges

    async def settled(self, timeout_s: float = 5.0) -> None:
        """Wait until no request is being answered: use it to see that the server noticed a client leaving.

        Raises:
            TimeoutError: some are still open after `timeout_s`.
        """
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, self._playbook.wait_settled, timeout_s):
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
        self._port = await self._listener.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.stop()

    def __enter__(self) -> Self:
        self._thread = _ServerThread(self._listener)
        self._port = self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._thread.stop()


class _ServerThread:
    """Runs a listener on an event loop of its own."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
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
            self._ready.set_result(await self._listener.start())
        except Exception as error:  # noqa: BLE001 (whoever waits for the start is told, whatever it was)
            self._ready.set_exception(error)
            return
        await self._stop.wait()
        await self._listener.stop()


def _new_listener(playbook: Playbook) -> Listener:
    try:
        from ._responses_app import Listener
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] in {"starlette", "uvicorn"}:
            raise ImportError(
                f"ResponsesServer needs {error.name}, which is not installed: run pip install 'headrace[testing]'"
            ) from error
        raise
    return Listener(playbook)
