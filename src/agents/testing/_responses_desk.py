"""Takes a request of either transport to its answer: refuses it, or asks the script and starts a response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._responses_checks import refusal, refused_body, refused_outputs
from ._responses_performance import Performance
from ._responses_plan import Frame, Pace, Plan, response_frames
from ._responses_playbook import Playbook
from .responses_script import HttpError, ResponsesRequest, Step

Planner = Callable[[Step, tuple[Frame, ...], Pace], Plan]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that has begun, and how the connection that asked for it gets it."""

    performance: Performance
    plan: Plan


class Desk:
    """Answers requests, and keeps the responses that were to be stored."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self._stored: dict[str, Performance] = {}
        self._background: set[asyncio.Task[None]] = set()

    async def answer(
        self, request: ResponsesRequest, remembered: Mapping[str, Performance], planner: Planner
    ) -> Answer | HttpError:
        """Refuse the request, or begin its response. `remembered` are responses that the connection itself knows."""
        refused = self.refused(request, remembered)
        if refused is not None:
            return refused
        step = Step() if request.is_warm_up else await self.playbook.step_for(request)
        if step.error is not None:
            return step.error
        pace = Pace.of(step, self.playbook.defaults)
        try:
            frames = response_frames(step, request, created_at=int(time.time()))
            parent = self._parent(request, remembered)
            performance = Performance(request, frames, parent, pace, step.reattachments)
            plan = planner(step, frames, pace)
        except (ValueError, LookupError, TypeError) as error:
            # An item or a fault that does not fit together is the script's mistake, and is told as one.
            message = f"The answer to request {request.index + 1} cannot be built: {error!r}"
            return self.playbook.complain(message)
        if request.body.get("store") is not False:
            self._stored[performance.id] = performance
        if request.is_background:
            task = asyncio.create_task(performance.run())
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        return Answer(performance, plan)

    def stored(self, response_id: str) -> Performance | None:
        """The stored response with this id."""
        return self._stored.get(response_id)

    def forget(self, performance: Performance) -> None:
        """Delete a stored response; what is left of it does not happen."""
        del self._stored[performance.id]
        performance.cancel()

    async def close(self) -> None:
        """End every response in the background."""
        tasks = list(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refused(self, request: ResponsesRequest, remembered: Mapping[str, Performance]) -> HttpError | None:
        """Why the API would not even ask a model, or None."""
        refused = refused_body(request)
        if refused is not None:
            return refused
        parent = self._parent(request, remembered)
        parent_id: str | None = request.body.get("previous_response_id")
        if parent is None and parent_id is not None:
            return refusal(
                f"Previous response with id '{parent_id}' not found.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        if request.body.get("conversation") is not None:
            # The server does not know what stands in the conversation.
            return None
        return refused_outputs(request.input, set() if parent is None else parent.calls())

    def _parent(self, request: ResponsesRequest, remembered: Mapping[str, Performance]) -> Performance | None:
        parent_id: str | None = request.body.get("previous_response_id")
        return None if parent_id is None else remembered.get(parent_id) or self._stored.get(parent_id)
