"""The script of a `ResponsesServer` as it is played: what is left of it, what was asked, what went wrong."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any

from .response_object import error_body
from .responses_script import (
    Access,
    HttpError,
    OnAccess,
    Respond,
    ResponsesRequest,
    Script,
    Step,
    Transport,
    as_step,
)


class Tally:
    """How many of something are open: one thread counts, others may wait for none to be left."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._count

    def add(self, change: int) -> None:
        """Count one more, or one less."""
        with self._changed:
            self._count += change
            self._changed.notify_all()

    @contextlib.contextmanager
    def one(self) -> Generator[None]:
        """One more while the block runs."""
        self.add(1)
        try:
            yield
        finally:
            self.add(-1)

    def wait_for_none(self, timeout_s: float) -> bool:
        """Block until none is open, or so long; whether none is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout_s)


class Playbook:
    """Gives each request its step and keeps the record.

    The server's event loop writes; a test on another thread reads.

    Raises:
        TypeError: the script is neither a function nor a list of answers.
    """

    def __init__(self, script: Script, defaults: Step, on_access: OnAccess | None = None) -> None:
        self.defaults = defaults
        self.requests: list[ResponsesRequest] = []
        self.accesses: list[Access] = []
        if callable(script):
            self._respond: Respond | None = script
            self._steps: deque[Step] = deque()
        elif isinstance(script, (str, Mapping, Step)):
            raise TypeError(
                "A script is a list of answers or a function of the request; put a single answer into a list."
            )
        else:
            self._respond = None
            self._steps = deque(as_step(answer) for answer in script)
        self._on_access = on_access
        self._step_count = len(self._steps)
        self._complaints: list[str] = []
        self.exchanges = Tally()

    @property
    def remaining_steps(self) -> int:
        """Answers of the script that were not given yet; 0 for a function."""
        return len(self._steps)

    def complaints(self) -> list[str]:
        """What did not go as written, one sentence each."""
        found = list(self._complaints)
        if self._steps:
            given = self._step_count - len(self._steps)
            found.append(f"{given} of {self._step_count} scripted answers were asked for.")
        return found

    def record(
        self,
        body: dict[str, Any],
        headers: Mapping[str, str],
        path: str,
        *,
        transport: Transport,
        connection: int,
    ) -> ResponsesRequest:
        """Keep a request in the record."""
        request = ResponsesRequest(
            body=body,
            headers=headers,
            path=path,
            index=len(self.requests),
            transport=transport,
            connection=connection,
        )
        self.requests.append(request)
        return request

    async def step_for(self, request: ResponsesRequest) -> Step:
        """The script's answer to a request."""
        if self._respond is not None:
            return await self._ask(self._respond, request)
        if self._steps:
            return self._steps.popleft()
        message = f"Request {request.index + 1} is one too many: the script has {self._step_count} answers."
        return Step(error=self.complain(message))

    async def on_access(self, access: Access) -> Step:
        """Keep a request in the record, and ask what becomes of it: an empty step lets it go its way."""
        self.accesses.append(access)
        if self._on_access is None:
            return Step()
        # The user's code, as in `_ask`.
        try:
            step = self._on_access(access)
            return (await step if inspect.isawaitable(step) else step) or Step()
        except Exception as error:  # noqa: BLE001
            return Step(error=self.complain(f"on_access raised on {access.method} {access.path}: {error!r}"))

    def complain(self, message: str) -> HttpError:
        """Keep `message` for `complaints`; the error that tells it to the client."""
        self._complaints.append(message)
        # The client's own retries would only repeat the mistake, seconds later.
        return HttpError(
            status=500,
            body=error_body(message, type="server_error", code="script_error"),
            headers={"x-should-retry": "false"},
        )

    async def _ask(self, respond: Respond, request: ResponsesRequest) -> Step:
        # The script is the user's code: whatever it raises is told to the client and to assert_complete.
        try:
            answer = respond(request)
            return as_step(await answer if inspect.isawaitable(answer) else answer)
        except Exception as error:  # noqa: BLE001
            return Step(error=self.complain(f"The script raised on request {request.index + 1}: {error!r}"))
