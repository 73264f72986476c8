"""Takes a request of either transport to its answer: refuses it, or asks the script and starts a response."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ._responses_checks import refusal, refused_body
from ._responses_performance import CALL_OUTPUTS, Performance
from ._responses_plan import Frame, Pace, Plan, response_frames
from ._responses_playbook import Playbook
from .responses_script import HttpError, ResponsesRequest, Step

Planner = Callable[[Step, tuple[Frame, ...], Pace], Plan]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that has begun, and how the connection that asked for it gets it."""

    performance: Performance
    plan: Plan
    pace: Pace


class Desk:
    """Answers requests, and keeps the responses that were to be stored."""

    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self._stored: dict[str, Performance] = {}
        self._background: dict[str, asyncio.Task[None]] = {}

    async def answer(
        self, request: ResponsesRequest, remembered: Mapping[str, Performance], planner: Planner
    ) -> Answer | HttpError:
        """Refuse the request, or begin its response. `remembered` are responses that the connection itself knows."""
        refused = refused_body(request.body)
        if refused is not None:
            return refused
        parent = self._parent(request, remembered)
        if isinstance(parent, HttpError):
            return parent
        step = Step() if request.is_warm_up else await self.playbook.step_for(request)
        if step.error is not None:
            return step.error
        pace = Pace.of(step, self.playbook.defaults)
        try:
            frames = response_frames(step, request, created_at=int(time.time()))
            performance = Performance(request, frames, parent)
            plan = planner(step, frames, pace)
        except (ValueError, LookupError, TypeError) as error:
            # An item or a fault that does not fit together is the script's mistake, and is told as one.
            message = f"The answer to request {request.index + 1} cannot be built: {error!r}"
            return self.playbook.complain(message)
        if request.body.get("store") is not False:
            self._stored[performance.id] = performance
        if request.is_background:
            self._begin(performance, pace)
        return Answer(performance, plan, pace)

    def _begin(self, performance: Performance, pace: Pace) -> None:
        task = asyncio.create_task(performance.run(pace))
        self._background[performance.id] = task
        task.add_done_callback(lambda _: self._background.pop(performance.id, None))

    def stored(self, response_id: str) -> Performance | None:
        """The stored response with this id."""
        return self._stored.get(response_id)

    def forget(self, response_id: str) -> None:
        """Delete a stored response; what is left of it does not happen."""
        self._stored.pop(response_id).cancel()

    async def close(self) -> None:
        """End every response in the background."""
        tasks = list(self._background.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _parent(
        self, request: ResponsesRequest, remembered: Mapping[str, Performance]
    ) -> Performance | HttpError | None:
        parent_id: str | None = request.body.get("previous_response_id")
        parent = None
        if parent_id is not None:
            parent = remembered.get(parent_id) or self._stored.get(parent_id)
            if parent is None:
                return refusal(
                    f"Previous response with id '{parent_id}' not found.",
                    code="previous_response_not_found",
                    param="previous_response_id",
                )
        if request.body.get("conversation") is not None:
            # The server does not know what stands in the conversation.
            return parent
        known = set[str]() if parent is None else parent.calls()
        for item in request.input:
            if item.get("type") in CALL_OUTPUTS:
                if item.get("call_id") not in known:
                    return refusal(
                        f"No tool call found for call output with call_id {item.get('call_id')}.",
                        param="input",
                    )
            elif "call_id" in item:
                known.add(item["call_id"])
        return parent
