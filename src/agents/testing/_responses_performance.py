"""One response as it happens, and the one way to play it to a connection.

All events of a response are known before it starts. What a test sees of it (a stream, a stream that another
connection takes up again, the response as JSON) depends only on how many of them have happened.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

from ._responses_plan import TERMINAL, Ending, Frame, Pace, Plan
from .responses_script import ResponsesRequest, Step

_WITH_RESPONSE = TERMINAL | {"response.created", "response.queued", "response.in_progress"}


class Channel(Protocol):
    """Where an answer goes."""

    async def send(self, parts: Sequence[bytes]) -> None:
        """Send chunks of an HTTP body, or messages."""
        ...

    async def finish(self) -> None:
        """The answer is whole."""
        ...

    async def end_early(self) -> None:
        """End properly, though the answer is not whole."""
        ...

    async def cut(self) -> None:
        """Close the connection as it is. Nothing is sent after this."""
        ...


class Performance:
    """A response: its request, all of its events, and how many of these have happened.

    The connection that asked moves it on, and when that goes away the response is cancelled. A response in the
    background moves on by itself (`run`), and its connections wait for it.

    Recorded events may lack anything. A response that none of them names is called after its request.
    """

    def __init__(
        self,
        request: ResponsesRequest,
        frames: Sequence[Frame],
        parent: Performance | None,
        pace: Pace,
        reattachments: Iterable[Step],
    ) -> None:
        self.request = request
        self.frames = frames
        self.pace = pace
        self.parent = parent
        self._reattachments = deque(reattachments)
        self.position = 0
        self.is_cancelled = False
        self._unopened: dict[str, Any] = {
            "id": f"resp_{request.index + 1}",
            "object": "response",
            "status": "in_progress",
        }
        self.id = self._response_at(len(frames))["id"]
        self._news = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.is_cancelled or self.position >= len(self.frames)

    async def reached(self, events: int, pause_s: float | None) -> bool:
        """Return when so many events have happened: True, or False when they never will.

        A response that does not move by itself is moved on here, after `pause_s` (None: at once).
        """
        if pause_s is not None:
            # Unpaced writes let the loop run too: a client on the same loop must be able to read and to leave.
            await asyncio.sleep(0 if self.request.is_background else pause_s)
        if not self.request.is_background:
            self._move(max(events, self.position))
        while self.position < events and not self.is_over:
            await self._news.wait()
        return self.position >= events

    async def run(self) -> None:
        """Let it happen in the background, at its pace."""
        while not self.is_over:
            self._move(min(self.position + self.pace.events_per_write, len(self.frames)))
            await asyncio.sleep(self.pace.pause_s)

    def next_reattachment(self) -> Step:
        """What the script has for the next connection that takes the stream up again."""
        return self._reattachments.popleft() if self._reattachments else Step()

    def cancel(self) -> None:
        """Nothing more happens. What is over stays as it is."""
        if not self.is_over:
            self.is_cancelled = True
            self._move(self.position)

    def index_after(self, sequence_number: int) -> int:
        """The index of the first event with a larger number than this. An event without one has its index."""
        for index, frame in enumerate(self.frames):
            number = _fields(frame).get("sequence_number")
            if (number if isinstance(number, int) else index) > sequence_number:
                return index
        return len(self.frames)

    def snapshot(self) -> dict[str, Any]:
        """The response as it stands: that of the last event that has one, with the items that are done."""
        response = self._response_at(self.position)
        if self.is_over and not self.is_cancelled:
            return response
        response["output"] = self.done_items()
        if self.is_cancelled:
            response["status"] = "cancelled"
        return response

    def _response_at(self, position: int) -> dict[str, Any]:
        """The response as the last event before `position` shows it, or, where none does, the first one after it."""
        for frame in (*reversed(self.frames[:position]), *self.frames[position:]):
            if frame.type in _WITH_RESPONSE:
                response = _fields(frame).get("response")
                if isinstance(response, dict):
                    return {**self._unopened, **cast("dict[str, Any]", response)}
        return dict(self._unopened)

    def calls(self) -> set[str]:
        """The ids of all calls in this conversation so far, for which an output may be sent."""
        known = set[str]()
        performance: Performance | None = self
        while performance is not None:
            items = [*performance.request.input, *performance.done_items()]
            known |= {item["call_id"] for item in items if isinstance(item.get("call_id"), str)}
            performance = performance.parent
        return known

    def done_items(self) -> list[dict[str, Any]]:
        """The items of this response that are done so far."""
        done = [frame for frame in self.frames[: self.position] if frame.type == "response.output_item.done"]
        items: list[Any] = [_fields(frame).get("item") for frame in done]
        return [item for item in items if isinstance(item, dict)]

    def _move(self, position: int) -> None:
        self.position = position
        news, self._news = self._news, asyncio.Event()
        news.set()


def _fields(frame: Frame) -> dict[str, Any]:
    return json.loads(frame.json)


async def play(plan: Plan, channel: Channel, performance: Performance) -> None:
    """Send the answer as it happens. Being cancelled is how a client that has gone stops it."""
    try:
        for index, write in enumerate(plan.writes):
            if not await performance.reached(write.events, plan.pause_s if index else None):
                await channel.finish()
                return
            await channel.send(write.parts)
        match plan.ending:
            case Ending.FINISH:
                await channel.finish()
            case Ending.EARLY:
                await channel.end_early()
            case Ending.CUT:
                await channel.cut()
            case Ending.STALL:
                await asyncio.Event().wait()
    finally:
        if not performance.request.is_background:
            performance.cancel()
