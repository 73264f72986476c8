"""The Responses API over a WebSocket.

1. One JSON object a text frame, either way. What cannot be understood or done is answered with an error frame, and
   the connection stays open.
2. Requests with one `stream_id` are answered in turn, those of different lanes at the same time; at most
   `ACTIVE_LANES` of them, and a connection has at most `NAMED_LANES` names.
3. The connection remembers its responses, also those that are not stored. A continuation that is refused makes it
   forget the parent, if that came on the same lane.
4. A connection ends at its time limit, with an error frame.
"""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Coroutine, Sequence
from typing import Any, cast

from starlette.types import Receive, Scope, Send

from ._responses_checks import refusal, refused_lane
from ._responses_desk import Answer, Desk
from ._responses_listener import FRAGMENTS, TEXTS
from ._responses_performance import Performance, play
from ._responses_plan import chunks, encode, plan_messages
from ._responses_steering import Steer, Steering
from .responses_script import ChunkSize, HttpError

ACTIVE_LANES = 16
NAMED_LANES = 32


class End(enum.Enum):
    """Why a connection ends, other than with a close code."""

    CUT = "the connection is closed as it is"
    EXPIRED = "it has reached its time limit"


class ResponsesSocket:
    """One WebSocket, from its handshake to its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, desk: Desk, steering: Steering) -> None:
        self._path: str = scope["path"]
        self._headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._number: int = scope["state"]["connection"]
        self._receive = receive
        self._send = send
        self._desk = desk
        self._steering = steering
        self._end: asyncio.Future[End | int] = asyncio.get_running_loop().create_future()
        self._lanes: dict[str | None, _Lane] = {}
        self._places = asyncio.Semaphore(ACTIVE_LANES)
        self._remembered: dict[str, Performance] = {}

    async def serve(self, limit_s: float) -> None:
        """Answer until the client leaves, `limit_s` have passed, or `end` is called."""
        headers = [(b"x-request-id", f"req_ws_{self._number}".encode())]
        await self._send({"type": "websocket.accept", "headers": headers})
        reader = self.started(self._read())
        end: End | int = End.CUT
        try:
            async with asyncio.timeout(limit_s):
                end = await self._end
        except TimeoutError:
            end = End.EXPIRED
        finally:
            tasks = [reader, *(lane.task for lane in self._lanes.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if end is End.EXPIRED:
            await self._refuse(_EXPIRED, None)
            end = 1000
        if isinstance(end, int):
            await self._send({"type": "websocket.close", "code": end})

    def end(self, end: End | int) -> None:
        """End the connection: with this close code, or in one of the other ways."""
        if not self._end.done():
            self._end.set_result(end)

    def started(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of this connection. If it breaks, that is a bug of the server: the test and the client are told."""
        task = asyncio.create_task(work)
        task.add_done_callback(self._after)
        return task

    def _after(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._desk.playbook.complain(f"The server broke on connection {self._number}: {error!r}")
            self.end(1011)

    async def send(self, message: bytes, fragments: list[bytes] | None = None) -> None:
        """Send a text frame, or a binary one if the message is not UTF-8. A client that has gone ends the connection."""
        try:
            if fragments is not None:
                await self._send({"type": "websocket.send", FRAGMENTS: fragments})
                return
            try:
                await self._send({"type": "websocket.send", "text": message.decode()})
            except UnicodeDecodeError:
                await self._send({"type": "websocket.send", "bytes": message})
        except OSError:
            self.end(End.CUT)

    async def send_together(self, texts: Sequence[bytes]) -> None:
        """Send text frames in one write. A client that has gone ends the connection."""
        try:
            await self._send({"type": "websocket.send", TEXTS: list(texts)})
        except OSError:
            self.end(End.CUT)

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self.end(End.CUT)
                return
            if message["type"] == "websocket.receive":
                await self._take(message.get("text"))

    async def _take(self, text: str | None) -> None:
        try:
            frame = json.loads(text or "")
        except (ValueError, RecursionError) as error:
            await self._refuse(
                refusal(f"The frame is not JSON in a text frame: {error}", code="invalid_json"), None
            )
            return
        match frame:
            case {"type": "response.create"}:
                await self._enqueue(cast("dict[str, Any]", frame))
            case {"type": "response.steer"}:
                steer = cast("dict[str, Any]", frame)
                target = self._remembered.get(str(steer.get("previous_response_id")))
                await self.send(encode(self._steering.take(steer, target)))
            case {"type": kind}:
                message = f"Unknown frame type {kind!r}: use 'response.create' or 'response.steer'."
                await self._refuse(refusal(message, code="unknown_type", param="type"), None)
            case _:
                message = "A frame is a JSON object with a 'type'."
                await self._refuse(refusal(message, code="missing_required_parameter", param="type"), None)

    async def _enqueue(self, frame: dict[str, Any]) -> None:
        name = frame.get("stream_id")
        refused = refused_lane(name)
        if refused is None and name not in self._lanes:
            if name is not None and len(self._lanes.keys() - {None}) >= NAMED_LANES:
                refused = _LANE_LIMIT
            else:
                self._lanes[name] = _Lane(self, name)
        if refused is not None:
            await self._refuse(refused, None)
            return
        self._lanes[name].requests.put_nowait(frame)

    async def answer(self, frame: dict[str, Any], lane: _Lane) -> None:
        """Answer a request on its lane."""
        async with self._places:
            with self._desk.playbook.exchanges.one():
                await self._answer(frame, lane)

    async def _answer(self, frame: dict[str, Any], lane: _Lane) -> None:
        """Answer a request, and go on with what was steered meanwhile."""
        steered: list[Steer] = []
        done: Performance | None = None
        while done is None or steered:
            answer = await self._begin(self._steering.with_waiting(frame), lane)
            if isinstance(answer, HttpError) and done is None:
                await self._refuse(answer, lane.name)
                return
            if isinstance(answer, HttpError):
                assert done is not None
                message = f"The next response could not be made: {answer.body!r}"
                for steer in steered:
                    failed = self._steering.give_back(steer, "successor_creation_failed", message, done)
                    await self.send(encode(failed))
                return
            done = answer.performance
            await play(answer.plan, _Messages(self, done.pace.chunk_size), done)
            told, steered = self._steering.after(done)
            for event in told:
                await self.send(encode(event))
            added = [item for steer in steered for item in steer.items]
            frame = {**frame, "input": added, "previous_response_id": done.id}

    async def _begin(self, frame: dict[str, Any], lane: _Lane) -> Answer | HttpError:
        request = self._desk.playbook.record(
            frame, self._headers, self._path, transport="websocket", connection=self._number
        )
        answer = await self._desk.answer(
            request,
            self._remembered,
            lambda step, frames, pace: plan_messages(frames, step.fault, pace, stream_id=lane.name),
        )
        if isinstance(answer, HttpError):
            parent_id = frame.get("previous_response_id")
            if isinstance(parent_id, str) and self._is_of(parent_id, lane):
                del self._remembered[parent_id]
        else:
            self._remembered[answer.performance.id] = answer.performance
        return answer

    def _is_of(self, response_id: str, lane: _Lane) -> bool:
        remembered = self._remembered.get(response_id)
        return remembered is not None and remembered.request.stream_id == lane.name

    async def _refuse(self, error: HttpError, stream_id: str | None) -> None:
        if isinstance(error.body, bytes):
            await self.send(error.body)
            return
        told: dict[str, Any] = dict(error.body["error"])
        if error.headers:
            told["headers"] = dict(error.headers)
        frame: dict[str, Any] = {"type": "error", "status": error.status, "error": told}
        if stream_id is not None:
            frame["stream_id"] = stream_id
        await self.send(encode(frame))


class _Lane:
    """Requests that are answered one after another."""

    def __init__(self, socket: ResponsesSocket, name: str | None) -> None:
        self.name = name
        self.requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.task = socket.started(self._run(socket))

    async def _run(self, socket: ResponsesSocket) -> None:
        while True:
            await socket.answer(await self.requests.get(), self)


class _Messages:
    """The channel of one answer: its parts are messages."""

    def __init__(self, socket: ResponsesSocket, chunk_size: ChunkSize | None) -> None:
        self._socket = socket
        self._chunk_size = chunk_size
        self._chunk_count = 0

    async def send(self, parts: Sequence[bytes]) -> None:
        if self._chunk_size is None and len(parts) > 1 and all(map(_is_text, parts)):
            await self._socket.send_together(parts)
            return
        for part in parts:
            fragments = None
            if self._chunk_size is not None:
                fragments = list(chunks(part, self._chunk_size, self._chunk_count))
                self._chunk_count += len(fragments)
            await self._socket.send(part, fragments)

    async def finish(self) -> None:
        """Nothing marks the end of an answer; the connection waits for the next request."""

    async def end_early(self) -> None:
        await self._end(1000)

    async def cut(self) -> None:
        await self._end(End.CUT)

    async def _end(self, end: End | int) -> None:
        self._socket.end(end)
        # The end of the connection cancels this lane: no request behind this one is answered.
        await asyncio.Event().wait()


def _is_text(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True


_EXPIRED = refusal(
    "The connection has reached its time limit (60 minutes on the real server). Open a new one and go on there.",
    code="websocket_connection_limit_reached",
)
_LANE_LIMIT = refusal(
    f"A connection has at most {NAMED_LANES} named lanes. Use one again, or open another connection.",
    code="websocket_stream_limit_reached",
    param="stream_id",
)
