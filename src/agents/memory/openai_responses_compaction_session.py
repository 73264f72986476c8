"""A session whose history OpenAI compacts: one item that only its models can read stands for most of what was said.

Rules:

1. Nothing of the session is changed before the server has answered.
2. What was added while the server worked stays, behind what the history was replaced by.
3. A history that is not any more what was compacted is left as it is.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from agents._lazy import lazy_module
from agents._ports.session import (
    OpenAIResponsesCompactionArgs,
    OpenAIResponsesCompactionAwareSession,
    Session,
    SessionABC,
    SessionSettings,
    plain_item,
)
from agents.models._foreign_items import own_items
from agents.util.settled import settled

from ._openai_client import SessionClient
from ._rewriting import all_items, rewrite
from ._server_items import item_from_server
from .openai_conversations_session import OpenAIConversationsSession

if TYPE_CHECKING:
    import openai as _openai

    from agents import items as _items
    from agents import run_context as _run_context
    from agents import usage as _usage
else:
    _openai = lazy_module("openai")
    _items = lazy_module("agents.items")
    _run_context = lazy_module("agents.run_context")
    _usage = lazy_module("agents.usage")

__all__ = [
    "DEFAULT_COMPACTION_THRESHOLD",
    "OpenAIResponsesCompactionMode",
    "OpenAIResponsesCompactionSession",
    "default_should_trigger_compaction",
    "is_openai_model_name",
    "select_compaction_candidate_items",
]

logger = logging.getLogger("openai.agents")

OpenAIResponsesCompactionMode: TypeAlias = Literal["previous_response_id", "input", "auto"]
"""What the server compacts: a stored response with all that it was shown, the session's items, or whichever is there."""

DEFAULT_COMPACTION_THRESHOLD = 10
"""From how many candidates on a history is compacted."""

_MODEL = re.compile(r"(ft:)?(gpt-|o\d)")


def select_compaction_candidate_items(
    items: list[_items.TResponseInputItem],
) -> list[_items.TResponseInputItem]:
    """The items that compacting makes fewer: all but what the user said and earlier compactions."""
    return [item for item in items if not _stays(cast("dict[str, Any]", item))]


def default_should_trigger_compaction(context: dict[str, Any]) -> bool:
    """Whether there are `DEFAULT_COMPACTION_THRESHOLD` candidates; see `OpenAIResponsesCompactionSession`."""
    return len(context["compaction_candidate_items"]) >= DEFAULT_COMPACTION_THRESHOLD


def is_openai_model_name(model: str) -> bool:
    """Whether a name is that of a model that compacts: `gpt-*`, `o*`, or one trained from it (`ft:`), behind any `/`."""
    return _MODEL.match(model.strip().rpartition("/")[2]) is not None


class OpenAIResponsesCompactionSession(SessionABC, OpenAIResponsesCompactionAwareSession):
    """Keeps its items in another session, and has the server compact them when they have become many.

    A run asks for it by itself, each time a response of the model has been added that calls no tool of ours.

    Where the other session can rewrite its items (those in SQLite, SQLAlchemy and Redis), the history is replaced at
    once, and dying in the middle leaves the old or the new one. Elsewhere it is cleared and added anew; when that
    fails, the old history is put back before the error is raised, with a note where even that failed.

    Raises:
        Exception: from any method, what the other session raises.
    """

    def __init__(
        self,
        session_id: str,
        underlying_session: Session,
        *,
        client: _openai.AsyncOpenAI | None = None,
        model: str = "gpt-4.1",
        compaction_mode: OpenAIResponsesCompactionMode = "auto",
        should_trigger_compaction: Callable[[dict[str, Any]], bool] | None = None,
        max_rollback_items: int | None = None,
    ) -> None:
        """A session around `underlying_session`.

        Args:
            session_id: Which conversation this is.
            underlying_session: Where the items are kept; not one that a server keeps.
            client: The client to compact with; by default that of the process.
            model: The model that compacts.
            compaction_mode: What is compacted. `auto`: the last response where the server has stored it and nothing
                was added behind it, else the items.
            should_trigger_compaction: Whether to compact now. It is given `response_id`, `compaction_mode`, which is
                not `auto` any more, `compaction_candidate_items` and `session_items`.
            max_rollback_items: Histories with more items are not compacted: so many have to be held to put them back.

        Raises:
            ValueError: the model, the mode, the limit or the other session is none that will do.
        """
        if isinstance(underlying_session, OpenAIConversationsSession):
            raise ValueError(  # noqa: TRY004 (as programs expect it)
                "OpenAIResponsesCompactionSession cannot wrap OpenAIConversationsSession because it manages its own"
                " history on the server."
            )
        if not is_openai_model_name(model):
            raise ValueError(f"Unsupported model for OpenAI responses compaction: {model}")
        _check_mode(compaction_mode)
        if max_rollback_items is not None and max_rollback_items < 1:
            raise ValueError(f"max_rollback_items must be positive or None, got {max_rollback_items}")
        self.session_id = session_id
        self.underlying_session = underlying_session
        self.model = model
        self.compaction_mode: OpenAIResponsesCompactionMode = compaction_mode
        self.should_trigger_compaction = should_trigger_compaction or default_should_trigger_compaction
        self._client = SessionClient(client)
        self._max_rollback_items = max_rollback_items
        self._response_id: str | None = None
        """The response that ends where the items end, as far as is known."""

        self._is_stored = True
        self._compacting = asyncio.Lock()
        self._changing = asyncio.Lock()

    @property
    def client(self) -> _openai.AsyncOpenAI:
        """The client that compacts.

        Raises:
            openai.OpenAIError: none was given or set, and there is no API key to make one with.
        """
        return self._client.current()

    def _settings(self) -> SessionSettings | None:
        """The settings of the other session."""
        return self.underlying_session.session_settings

    def _set_settings(self, value: SessionSettings | None) -> None:
        self.underlying_session.session_settings = value

    # To type checkers a plain attribute, as the protocol has it.
    session_settings: SessionSettings | None = cast("Any", property(_settings, _set_settings))

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""
        async with self._changing:
            return await self.underlying_session.get_items(limit)

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items, as the other session does."""
        async with self._changing:
            self._response_id = None
            await self.underlying_session.add_items(items)

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""
        async with self._changing:
            self._response_id = None
            return await self.underlying_session.pop_item()

    async def clear_session(self) -> None:
        """Remove all items."""
        async with self._changing:
            self._response_id = None
            await self.underlying_session.clear_session()

    async def run_compaction(
        self,
        args: OpenAIResponsesCompactionArgs | None = None,
        *,
        wrapper: _run_context.RunContextWrapper[Any] | None = None,
        shown: Sequence[_items.TResponseInputItem] | None = None,
    ) -> None:
        """Compact the history if it is time to, or if `force` says so; what it used is added to the wrapper's usage.

        Without a `response_id`, the last one that was told holds while nothing was added behind it. A run tells by
        `shown` what the response was shown and what it said: where the items say something else (others have added
        some, or the run began without them), it does not stand for them. Cancelled before the server has answered, it
        leaves everything as it was; after that it goes on to its end.

        Raises:
            ValueError: `previous_response_id` is the mode and there is no response, there are more items than
                `max_rollback_items`, or the server's answer cannot be replayed.
            openai.OpenAIError: the server refused, or could not be reached. The history stays as it was.
        """
        given: OpenAIResponsesCompactionArgs = {} if args is None else args
        async with self._compacting:
            self._learn(given.get("response_id"), given.get("store"))
            before = await all_items(self.underlying_session)
            if shown is not None and [*map(plain_item, before)] != [*map(plain_item, shown)]:
                self._response_id = None
            # What was added while they were read has made it None.
            response_id = self._response_id
            mode = self._mode_now(given.get("compaction_mode", self.compaction_mode), response_id)
            context = {
                "response_id": response_id,
                "compaction_mode": mode,
                "compaction_candidate_items": select_compaction_candidate_items(before),
                "session_items": before,
            }
            if not before or not (given.get("force") or self.should_trigger_compaction(context)):
                return
            self._refuse_long(before)
            after, usage = await self._compacted(mode, response_id, before)
            if wrapper is not None:
                wrapper.usage.add(usage)
            if not await settled(self._replace(before, after)):
                logger.warning(
                    "Session %r was changed while it was compacted. Session history was retained.",
                    self.session_id,
                )
            elif self._response_id == response_id:
                # It stands for the history as it was.
                self._response_id = None

    def _learn(self, response_id: str | None, is_stored: bool | None) -> None:
        if response_id:
            self._response_id, self._is_stored = response_id, True
        if is_stored is not None:
            self._is_stored = is_stored

    def _mode_now(self, mode: str, response_id: str | None) -> Literal["previous_response_id", "input"]:
        _check_mode(mode)
        if mode == "previous_response_id" and response_id is None:
            raise ValueError(
                "previous_response_id compaction needs a response_id, and no response that ends where the session's"
                " items end was told. Give run_compaction a response_id, or use compaction_mode='input'."
            )
        is_there = response_id is not None and self._is_stored
        return (
            "previous_response_id"
            if mode == "previous_response_id" or (mode == "auto" and is_there)
            else "input"
        )

    def _refuse_long(self, items: list[_items.TResponseInputItem]) -> None:
        limit = self._max_rollback_items
        if limit is not None and len(items) > limit:
            raise ValueError(
                f"The history of session {self.session_id!r} has {len(items)} items, which exceeds"
                f" max_rollback_items={limit}: it is not compacted. Raise the limit, or leave it out."
            )

    async def _compacted(
        self, mode: str, response_id: str | None, items: list[_items.TResponseInputItem]
    ) -> tuple[list[_items.TResponseInputItem], _usage.Usage]:
        """What the server makes of the history, as input items, and what it used for that."""
        given: dict[str, Any] = {"previous_response_id": response_id}
        if mode == "input":
            given = {"input": own_items(items)}
        compacted = await self.client.responses.compact(model=cast("Any", self.model), **given)
        output = [
            item_from_server(cast("dict[str, Any]", item.to_dict(mode="json", warnings=False)))
            for item in compacted.output
        ]
        if not output:
            raise ValueError(f"The compaction {compacted.id} has no items: the history stays as it is")
        for item in output:
            _refuse_missing_image(item)
        return cast("list[_items.TResponseInputItem]", output), _usage.usage_of_response(compacted)

    async def _replace(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Put `after` in the place of `before`; False where the history does not begin with that any more."""
        async with self._changing:
            return await rewrite(self.underlying_session, before, after)


def _stays(item: dict[str, Any]) -> bool:
    is_message = item.get("type", "message") == "message"
    return (is_message and item.get("role") == "user") or item.get("type") == "compaction"


def _check_mode(mode: str) -> None:
    if mode not in get_args(OpenAIResponsesCompactionMode):
        names = ", ".join(map(repr, get_args(OpenAIResponsesCompactionMode)))
        raise ValueError(f"Unknown compaction_mode {mode!r}. Use one of: {names}")


def _refuse_missing_image(item: dict[str, Any]) -> None:
    content = item.get("content")
    for part in cast("list[Any]", content) if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        image = cast("dict[str, Any]", part)
        if image.get("type") == "input_image" and not (image.get("image_url") or image.get("file_id")):
            raise ValueError("Compaction input_image item missing image_url or file_id.")
