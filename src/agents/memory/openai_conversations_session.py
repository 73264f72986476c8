"""A session in a conversation that OpenAI's servers keep.

Rules:

1. What the session asks the server for, it asks for one thing at a time: a reader sees no half of a batch.
2. An addition is sent again only where it was refused for the moment: one whose answer was lost is looked for behind
   what stood there before.
3. What has begun is seen through to its end, whoever stops waiting for it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents._ports.session import (
    SessionABC,
    SessionSettings,
    coerce_session_settings,
    plain_item,
    resolve_session_limit,
)
from agents.models._retry_advice import retry_after_s
from agents.util.settled import settled

from ._openai_client import SessionClient
from ._server_items import item_for_server, item_from_server

if TYPE_CHECKING:
    import openai as _openai
    from openai.types.conversations import ConversationItemList

    from agents import items as _items
else:
    _openai = lazy_module("openai")
    _items = lazy_module("agents.items")

__all__ = ["OpenAIConversationsSession", "start_openai_conversations_session"]

_PAGE = 100
"""The most items that one request reads."""

_LONGEST_WAIT_S = 8.0
"""How long a busy server may have an addition wait."""

_INCLUDE: list[Any] = ["message.input_image.image_url", "computer_call_output.output.image_url"]
"""What a listing leaves out otherwise, and a model has to be shown again."""


async def start_openai_conversations_session(openai_client: _openai.AsyncOpenAI | None = None) -> str:
    """Begin a conversation on the server, and return its id.

    Raises:
        openai.OpenAIError: the server refused, or could not be reached.
    """
    return (await SessionClient(openai_client).current().conversations.create()).id


class OpenAIConversationsSession(SessionABC):
    """The memory of one conversation, kept by OpenAI's servers (the Conversations API).

    A batch of more than `items_per_write` items takes several requests. When one of them fails, what the others have
    stored is taken back before `add_items` raises; a note on the error says so where that failed too. A cancelled call
    goes on to its end and is cancelled then.

    Items come back as the API keeps them: a text as a part, with a status; ids that only the server knows are left out.

    Raises:
        openai.OpenAIError: from any method, when the server refuses, or cannot be reached.
    """

    items_per_write = 20
    """How many items the API takes at once."""

    def __init__(
        self,
        *,
        conversation_id: str | None = None,
        openai_client: _openai.AsyncOpenAI | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """A session; nothing is asked for before its first use.

        Args:
            conversation_id: The conversation to go on with; by default one is begun when it is first needed.
            openai_client: The client to use, which stays yours; by default that of the process.
            session_settings: What holds for calls that do not say otherwise.
        """
        self.session_settings: SessionSettings | None = (
            SessionSettings() if session_settings is None else coerce_session_settings(session_settings)
        )
        self._client = SessionClient(openai_client)
        self._id = conversation_id
        self._is_there = False
        """Whether the server has said that it has the conversation."""

        self._last: str | None = None
        """The id of the latest item, "" where there is none; None when that is not known."""

        self._one_at_a_time = asyncio.Lock()

    def _known_id(self) -> str:
        """The conversation's id.

        Raises:
            ValueError: no conversation has been begun yet.
        """
        if self._id is None:
            raise ValueError(
                "Session ID not yet available: the conversation is begun at the first use. Call get_items(), or"
                " add_items() with a non-empty list, or give conversation_id."
            )
        return self._id

    def _set_id(self, value: str) -> None:
        self._id, self._is_there, self._last = value, False, None

    # To type checkers a plain attribute, as the protocol has it.
    session_id: str = cast("Any", property(_known_id, _set_id))

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 asks nobody.

        A conversation that was there and that somebody has deleted has no items.
        """
        count = resolve_session_limit(limit, self.session_settings)
        if count == 0:
            return []
        async with self._one_at_a_time:
            conversation = await settled(self._begun())
            try:
                found = await self._latest(conversation, None if count is None or count < 0 else count)
            except _openai.NotFoundError:
                if not self._is_there:
                    raise
                return []
            self._is_there = True
            self._last = found[-1]["id"] if found else ""
            return cast("list[_items.TResponseInputItem]", [item_from_server(item) for item in found])

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items; see the class for what an error leaves behind.

        Raises:
            TypeError: an item holds something that is not JSON; nothing is stored.
        """
        if not items:
            return
        # Made now and whole: what the caller does with the items from now on is not stored.
        batch = [item_for_server(item) for item in cast("list[Any]", json.loads(json.dumps(items)))]
        async with self._one_at_a_time:
            await settled(self._add(batch))

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""
        async with self._one_at_a_time:
            return None if self._id is None else await settled(self._pop(self._id))

    async def clear_session(self) -> None:
        """Delete the conversation. The next use begins another one, with another id."""
        async with self._one_at_a_time:
            if self._id is not None:
                await settled(self._delete(self._id))

    # Each is called by one at a time, and goes on to its end.

    async def _begun(self) -> str:
        if self._id is None:
            self._id = (await self._client.current().conversations.create()).id
            self._is_there, self._last = True, ""
        return self._id

    async def _add(self, batch: list[dict[str, Any]]) -> None:
        conversation = await self._begun()
        after, stored = self._last, list[str]()
        if after is None:
            latest = await self._latest(conversation, 1)
            after = str(latest[-1]["id"]) if latest else ""
        for first in range(0, len(batch), self.items_per_write):
            part = batch[first : first + self.items_per_write]
            try:
                stored += await self._write(conversation, part, after)
            except _openai.OpenAIError as error:
                await self._take_back(conversation, stored, error)
                raise
            after = stored[-1]
        self._is_there, self._last = True, after

    async def _write(self, conversation: str, part: list[dict[str, Any]], after: str) -> list[str]:
        """Send a part; the ids of its items. Where nobody says whether it was stored, it is looked for."""
        try:
            answer = await self._send(conversation, part)
        except (_openai.APIConnectionError, _openai.InternalServerError) as error:
            self._last = None
            try:
                behind = await self._behind(conversation, after)
            except _openai.OpenAIError:
                error.add_note(
                    f"Whether the {len(part)} items of this request were stored in {conversation} is not known:"
                    " the server could not be asked."
                )
                raise error from None
            place = _place_of(part, behind)
            if place is None:
                raise
            return [item["id"] for item in behind[place : place + len(part)]]
        return [item.id for item in answer.data if item.id is not None]

    async def _send(self, conversation: str, part: list[dict[str, Any]]) -> ConversationItemList:
        """Send a part, again only where the server takes no requests at the moment: then nothing of it is stored."""
        client = self._client.current()
        added = client.with_options(max_retries=0).conversations.items
        items = cast("Any", part)
        for attempt in range(client.max_retries):
            try:
                return await added.create(conversation, items=items)
            except _openai.RateLimitError as error:
                asked_s = retry_after_s(error.response.headers)
                delay_s = min(0.5 * 2**attempt, _LONGEST_WAIT_S) if asked_s is None else asked_s
                if delay_s > _LONGEST_WAIT_S:
                    raise
                await asyncio.sleep(delay_s)
        return await added.create(conversation, items=items)

    async def _take_back(self, conversation: str, stored: list[str], error: _openai.OpenAIError) -> None:
        """Remove what parts of a failed batch have stored; the error is told where that fails."""
        self._last = None
        for count, item_id in zip(range(len(stored), 0, -1), reversed(stored), strict=True):
            try:
                await self._client.current().conversations.items.delete(item_id, conversation_id=conversation)
            except _openai.NotFoundError:
                continue
            except _openai.OpenAIError as failure:
                error.add_note(
                    f"The first {count} items of the batch stay in {conversation}: taking them back failed too"
                    f" ({failure})."
                )
                return

    async def _pop(self, conversation: str) -> _items.TResponseInputItem | None:
        while True:
            try:
                latest = await self._latest(conversation, 1)
            except _openai.NotFoundError:
                if not self._is_there:
                    raise
                return None
            self._is_there = True
            if not latest:
                return None
            self._last = None
            if await self._remove(conversation, latest[0]["id"]):
                return cast("_items.TResponseInputItem", item_from_server(latest[0]))

    async def _remove(self, conversation: str, item_id: str) -> bool:
        """Remove an item; False where somebody else has removed it before."""
        client = self._client.current()
        try:
            # Once: that a second try finds nothing would not say who removed it.
            once = client.with_options(max_retries=0)
            await once.conversations.items.delete(item_id, conversation_id=conversation)
        except _openai.NotFoundError:
            return False
        except (_openai.APIConnectionError, _openai.InternalServerError) as error:
            try:
                await client.conversations.items.retrieve(item_id, conversation_id=conversation)
            except _openai.NotFoundError:
                return True
            except _openai.OpenAIError:
                raise error from None
            raise
        return True

    async def _delete(self, conversation: str) -> None:
        try:
            await self._client.current().conversations.delete(conversation)
        except _openai.NotFoundError:
            # A repeated request finds it gone, and so does whoever comes second.
            if not self._is_there:
                raise
        self._id, self._is_there, self._last = None, False, None

    # What the server has, as it has it.

    async def _latest(self, conversation: str, count: int | None) -> list[dict[str, Any]]:
        """The latest items, oldest first; all of them for None."""
        listing = self._client.current().conversations.items.list(
            conversation,
            order="asc" if count is None else "desc",
            limit=_PAGE if count is None else min(count, _PAGE),
            include=_INCLUDE,
        )
        found: list[dict[str, Any]] = []
        async for item in listing:
            found.append(cast("dict[str, Any]", item.to_dict(mode="json", warnings=False)))
            if len(found) == count:
                break
        return found if count is None else found[::-1]

    async def _behind(self, conversation: str, after: str) -> list[dict[str, Any]]:
        """The items behind one, oldest first; all of them for ""."""
        place: dict[str, Any] = {"after": after} if after else {}
        listing = self._client.current().conversations.items.list(
            conversation, order="asc", limit=_PAGE, **place
        )
        return [cast("dict[str, Any]", item.to_dict(mode="json", warnings=False)) async for item in listing]


def _place_of(part: list[dict[str, Any]], items: list[dict[str, Any]]) -> int | None:
    """Where the items of a part stand, one behind the other; None where they do not."""
    wanted, there = [plain_item(item) for item in part], [plain_item(item) for item in items]
    starts = range(len(there) - len(wanted) + 1)
    return next((start for start in starts if there[start : start + len(wanted)] == wanted), None)
