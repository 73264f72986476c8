"""What must be true of a session, as functions that try it. The first line of each says it; its name is the check's.

Rules:

1. Nothing waits for time to pass.
2. A check leaves no task behind, and uses ids of its own only.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, cast

from agents._ports.session import SessionABC, SessionSettings, plain_item

if TYPE_CHECKING:
    from agents._ports.session import Session
    from agents.items import TResponseInputItem


class Opener(Protocol):
    """Opens the session of a check; `part` makes it another conversation."""

    async def __call__(self, part: str = "") -> Session: ...


class SessionCheckFailed(AssertionError):
    """A session does not do what it must; the message says what was expected and what was found."""


class PlainSession(SessionABC):
    """A session whose items are seen without what a server adds to them."""

    def __init__(self, session: Session) -> None:
        self.session_id = "of the session itself"
        self._session = session

    def _settings(self) -> SessionSettings | None:
        return self._session.session_settings

    def _set_settings(self, value: SessionSettings | None) -> None:
        self._session.session_settings = value

    # To type checkers a plain attribute, as the protocol has it.
    session_settings: SessionSettings | None = cast("Any", property(_settings, _set_settings))

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, plain."""
        return [plain_item(item) for item in await self._session.get_items(limit)]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add items as they are."""
        await self._session.add_items(items)

    async def pop_item(self) -> TResponseInputItem | None:
        """The latest item, plain."""
        return plain_item(await self._session.pop_item())

    async def clear_session(self) -> None:
        """Clear the session itself."""
        await self._session.clear_session()


WRITERS = 10
BATCHES = 4
BATCH = 3
LARGE_CHARACTERS = 1_000_000


def said(text: str) -> TResponseInputItem:
    """An item: the user says something."""
    return {"role": "user", "content": text}


def numbered(numbers: range) -> list[TResponseInputItem]:
    """Items that say their numbers."""
    return [said(f"item {number}") for number in numbers]


def expect(what: str, actual: object, expected: object) -> None:
    """Raise unless both are equal.

    Raises:
        SessionCheckFailed: they are not.
    """
    if actual != expected:
        raise SessionCheckFailed(f"{what}: expected {_shortly(expected)}, found {_shortly(actual)}")


def _shortly(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:200]} … {text[-80:]} ({len(text)} characters)"


async def order(opener: Opener) -> None:
    """Items come back equal and in the order in which they were added, over several batches."""
    session = await opener()
    expect("A new session's items", await session.get_items(), [])
    items = numbered(range(7))
    for batch in (items[:1], items[1:5], items[5:]):
        await session.add_items(batch)
    expect("The items", await session.get_items(), items)


async def nothing_added(opener: Opener) -> None:
    """Adding no items changes nothing."""
    session = await opener()
    await session.add_items([])
    expect("The items", await session.get_items(), [])
    await session.add_items(numbered(range(2)))
    await session.add_items([])
    expect("The items", await session.get_items(), numbered(range(2)))


async def latest_items(opener: Opener) -> None:
    """A limit gives the latest items, oldest first; 0 gives none, and one above their number all."""
    session = await opener()
    items = numbered(range(5))
    await session.add_items(items)
    for limit in (0, 1, 3, 5, 6):
        expect(f"get_items({limit})", await session.get_items(limit), items[len(items) - min(limit, 5) :])
    expect("get_items(limit=2)", await session.get_items(limit=2), items[3:])


async def limit_in_settings(opener: Opener) -> None:
    """`session_settings.limit` is the limit of calls that give none."""
    session = await opener()
    items = numbered(range(5))
    await session.add_items(items)
    session.session_settings = SessionSettings(limit=2)
    expect("get_items() with limit 2 in the settings", await session.get_items(), items[3:])
    expect("get_items(4) with limit 2 in the settings", await session.get_items(4), items[1:])
    session.session_settings = SessionSettings(limit=0)
    expect("get_items() with limit 0 in the settings", await session.get_items(), [])
    session.session_settings = SessionSettings()
    expect("get_items() without a limit in the settings", await session.get_items(), items)


async def pop(opener: Opener) -> None:
    """`pop_item` removes the latest item and returns it; on an empty session it returns None."""
    session = await opener()
    items = numbered(range(3))
    expect("pop_item() of a new session", await session.pop_item(), None)
    await session.add_items(items)
    expect("pop_item()", await session.pop_item(), items[2])
    expect("The items after it", await session.get_items(), items[:2])
    await session.add_items([said("another")])
    expect("pop_item() after one was added", await session.pop_item(), said("another"))
    expect("The rest", [await session.pop_item() for _ in range(3)], [items[1], items[0], None])
    expect("The items at the end", await session.get_items(), [])


async def pops_at_once(opener: Opener) -> None:
    """Each item is popped once, however many ask at the same time."""
    session = await opener()
    items = numbered(range(WRITERS))
    await session.add_items(items)
    popped = await asyncio.gather(*(session.pop_item() for _ in range(WRITERS + 2)))
    texts = sorted(str(item["content"]) for item in cast("list[Any]", popped) if item is not None)
    expect("What was popped", texts, sorted(str(cast("Any", item)["content"]) for item in items))
    expect("The items after it", await session.get_items(), [])


async def clear(opener: Opener) -> None:
    """`clear_session` removes all items, and the session can be used further."""
    session = await opener()
    await session.clear_session()
    await session.add_items(numbered(range(3)))
    await session.clear_session()
    expect("The items after clearing", await session.get_items(), [])
    await session.add_items(numbered(range(2)))
    expect("The items added after clearing", await session.get_items(), numbered(range(2)))


async def isolation(opener: Opener) -> None:
    """Conversations with different ids know nothing of each other."""
    one, other = await opener(), await opener("-2")
    await one.add_items([said("one")])
    await other.add_items([said("other")])
    expect("The items of the first", await one.get_items(), [said("one")])
    await one.clear_session()
    expect("The items of the second after the first was cleared", await other.get_items(), [said("other")])
    expect("pop_item() of the first", await one.pop_item(), None)
    expect("pop_item() of the second", await other.pop_item(), said("other"))


async def content(opener: Opener) -> None:
    """Any JSON comes back equal: every script, quotes, control characters, nested objects, a megabyte of text."""
    session = await opener()
    text = "žluťoučký 日本語 🦜 \u202e \" ' \\ \n\r\t \x00 \x7f %s ? :x {} </script> ; DROP TABLE agent_messages; --"
    call: Any = {
        "type": "function_call",
        "call_id": "call_1",
        "name": "look",
        "arguments": '{"at": "\\u00e9"}',
    }
    output: Any = {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": [
            {"type": "input_text", "text": ""},
            {"deep": [[[{"er": None}]], True, -1.5e-9, 2**53]},
        ],
    }
    items = [said(text), call, output, said("x" * LARGE_CHARACTERS), said("")]
    await session.add_items(items)
    expect("The items", await session.get_items(), items)


async def copies(opener: Opener) -> None:
    """Changing what was given, or what was returned, changes nothing that is stored."""
    session = await opener()
    parts = [{"type": "input_text", "text": text} for text in ("as it was", "and stays")]
    given: list[Any] = [{"role": "user", "content": parts}]
    before = copy.deepcopy(given)
    await session.add_items(given)
    given[0]["content"][0]["text"] = "changed"
    given.append(said("more"))
    returned: list[Any] = list(await session.get_items())
    expect("The items after the given ones were changed", returned, before)
    returned[0]["content"][0]["text"] = "changed"
    returned[0]["role"] = "assistant"
    expect("The items after the returned ones were changed", await session.get_items(), before)


async def whole_batches(opener: Opener) -> None:
    """Of a batch that cannot be stored nothing is stored, and the next one is."""
    session = await opener()
    await session.add_items(numbered(range(2)))
    unstorable = cast("TResponseInputItem", {"role": "user", "content": {"a set"}})
    batch = [said("before"), unstorable, said("behind")]
    # Which error it raises, or whether it can keep what is no JSON, is the session's affair.
    (error,) = await asyncio.gather(session.add_items(batch), return_exceptions=True)
    stored = [*numbered(range(2)), *(batch if error is None else [])]
    expect("The items after a batch with a set in it", await session.get_items(), stored)
    await session.add_items([said("next")])
    expect("The items after the next batch", await session.get_items(), [*stored, said("next")])


async def writers(opener: Opener) -> None:
    """Of batches that are added at once none is lost, and none comes between the items of another."""
    session = await opener()
    await _write_at_once(session, [session] * WRITERS)


async def writers_of_their_own(opener: Opener) -> None:
    """Batches are whole and none is lost, also when each writer has opened the conversation for itself."""
    await _write_at_once(await opener(), [await opener() for _ in range(WRITERS)])


async def reopened(opener: Opener) -> None:
    """A conversation that is opened again has its items, and sees what others add and remove."""
    first = await opener()
    await first.add_items(numbered(range(3)))
    second = await opener()
    expect("The items of the session opened again", await second.get_items(), numbered(range(3)))
    await second.add_items([said("more")])
    expect("pop_item() of the first", await first.pop_item(), said("more"))
    await first.clear_session()
    expect("The items after the first was cleared", await second.get_items(), [])


async def cancelled(opener: Opener) -> None:
    """A cancelled `add_items` has stored all of its batch or nothing, and the session can be used further."""
    session = await opener()
    stored: list[TResponseInputItem] = []
    for steps in range(8):
        batch = [said(f"{steps} {part}") for part in range(BATCH)]
        adding = asyncio.ensure_future(session.add_items(batch))
        for _ in range(steps):
            await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)
        found = await session.get_items()
        if found != stored:
            expect(f"The items after a batch was cancelled in step {steps}", found, [*stored, *batch])
            stored = list(found)
    await session.add_items([said("next")])
    expect("The items at the end", await session.get_items(), [*stored, said("next")])


async def _write_at_once(reader: Session, sessions: list[Session]) -> None:
    async def write(name: int, session: Session) -> None:
        for batch in range(BATCHES):
            await session.add_items([said(f"{name} {batch} {part}") for part in range(BATCH)])

    await asyncio.gather(*(write(name, session) for name, session in enumerate(sessions)))
    texts = [str(cast("Any", item)["content"]) for item in await reader.get_items()]
    starts = [text.rpartition(" ")[0] for text in texts[::BATCH]]
    expect(
        "The batches",
        sorted(starts),
        sorted(f"{w} {b}" for w in range(len(sessions)) for b in range(BATCHES)),
    )
    expect("The items", texts, [f"{start} {part}" for start in starts for part in range(BATCH)])
    numbers = {name: count() for name in range(len(sessions))}
    in_order = [f"{start.split()[0]} {next(numbers[int(start.split()[0])])}" for start in starts]
    expect("The batches of each writer in its order", starts, in_order)


ALL: tuple[Callable[[Opener], Awaitable[None]], ...] = (
    order,
    nothing_added,
    latest_items,
    limit_in_settings,
    pop,
    pops_at_once,
    clear,
    isolation,
    content,
    copies,
    whole_batches,
    writers,
    writers_of_their_own,
    reopened,
    cancelled,
)
