"""Checks that every session must pass: those of this package do, and yours can be held against them.

    from agents.testing.session_conformance import SessionCheck, session_checks

    @pytest.mark.parametrize("check", session_checks(), ids=str)
    async def test_my_session(check: SessionCheck) -> None:
        await check(lambda session_id: MySession(session_id))

Each check makes ids of its own, so that all may use one store.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from . import _session_checks as checks

if TYPE_CHECKING:
    from agents._ports.session import Session

__all__ = ["OpenSession", "SessionCheck", "SessionCheckFailed", "check_session", "session_checks"]

OpenSession: TypeAlias = Callable[[str], "Session | Awaitable[Session]"]
"""Opens the session with the given id: called again with the same id, it opens the same conversation again."""

SessionCheckFailed = checks.SessionCheckFailed


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """One thing that must be true of a session; call it with what opens one."""

    name: str
    """Short, and stable: `latest-items`."""

    says: str
    """What must be true."""

    run: Callable[[checks.Opener], Awaitable[None]]
    reopens: bool = False
    """Whether it opens a conversation a second time, which only sessions that keep their items elsewhere can."""

    is_exact: bool = True
    """Whether items have to come back equal; else they have to say the same, as those that a server completes do."""

    def __str__(self) -> str:
        return self.name

    async def __call__(self, open_session: OpenSession) -> None:
        """Hold the sessions that `open_session` opens against this check.

        Raises:
            SessionCheckFailed: with what was expected and what was found.
            Exception: whatever the session raises where it should not.
        """
        name = f"{self.name}-{uuid.uuid4().hex}"

        async def opened(part: str = "") -> Session:
            given = open_session(name + part)
            session = await given if inspect.isawaitable(given) else given
            return session if self.is_exact else checks.PlainSession(session)

        await self.run(opened)


def _checks() -> tuple[SessionCheck, ...]:
    reopening = {checks.reopened, checks.writers_of_their_own}
    return tuple(
        SessionCheck(run.__name__.replace("_", "-"), (run.__doc__ or "").strip(), run, run in reopening)
        for run in checks.ALL
    )


def session_checks(*, reopens: bool = True, exact: bool = True) -> tuple[SessionCheck, ...]:
    """All checks.

    Without `reopens`, those for sessions whose items are gone with the object. Without `exact`, for sessions on a
    server that completes items: they need not come back equal, but have to say the same. Ids, statuses, and parts
    around a text are not looked at then.
    """
    return tuple(replace(check, is_exact=exact) for check in _checks() if reopens or not check.reopens)


async def check_session(
    open_session: OpenSession, *, reopens: bool = True, exact: bool = True
) -> Sequence[str]:
    """Hold the sessions that `open_session` opens against all checks, and return what is wrong with them.

    Each line names the check, what must be true, and what was found instead; none at all is a session that can be
    relied on. Errors that the session raises where it should not are among them.
    """
    wrong: list[str] = []
    for check in session_checks(reopens=reopens, exact=exact):
        try:
            await check(open_session)
        except Exception as error:  # noqa: BLE001 (what is not as it should be is what is looked for)
            found = str(error) if isinstance(error, SessionCheckFailed) else repr(error)
            wrong.append(f"{check.name}: {check.says} {found}")
    return wrong
