"""The port to a conversation's memory: what a run asks of a session, and how one is set.

Rules for implementations; `agents.testing.session_conformance` checks them:

1. Items are JSON objects in the form of the Responses API. They come back equal, oldest first; from a server of that
   API they come as it keeps them, and say the same (`plain_item`).
2. `add_items` stores a batch together and in its order, or nothing of it; batches of others stand before or behind it.
3. What was stored is a copy: changing what was given, or what is returned, changes nothing.
4. Nothing blocks the event loop. A call that is cancelled did all it was asked for or nothing.
"""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeGuard, cast, runtime_checkable

from typing_extensions import TypedDict

from agents._lazy import lazy_module
from agents.util._field_values import check_known_keys, validated_value

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

__all__ = [
    "OpenAIResponsesCompactionArgs",
    "OpenAIResponsesCompactionAwareSession",
    "PartwiseSession",
    "RewritingSession",
    "Session",
    "SessionABC",
    "SessionInputCallback",
    "SessionSettings",
    "coerce_session_settings",
    "has_rewriting",
    "is_openai_responses_compaction_aware_session",
    "plain_item",
    "resolve_session_limit",
    "takes_keyword",
    "takes_wrapper",
]

SessionInputCallback: TypeAlias = Callable[
    ["list[_items.TResponseInputItem]", "list[_items.TResponseInputItem]"],
    "list[_items.TResponseInputItem] | Awaitable[list[_items.TResponseInputItem]]",
]
"""Makes the model's input from the session's history and the run's new input, in this order."""


@dataclass
class SessionSettings:
    """What a session does unless a call says otherwise.

    Raises:
        pydantic.ValidationError: `limit` is no integer.
    """

    limit: int | None = None
    """How many items `get_items` gives, the latest ones; None is all."""

    def __post_init__(self) -> None:
        if self.limit is not None and type(self.limit) is not int:
            self.limit = validated_value("SessionSettings", "limit", self.limit, int | None)

    def resolve(self, override: SessionSettings | dict[str, Any] | None) -> SessionSettings:
        """These settings, with what `override` sets laid over them; both stay as they are.

        Raises:
            TypeError: a dict with a key that does not exist.
        """
        told = {} if override is None else coerce_session_settings(override).to_dict()
        return dataclasses.replace(self, **{name: value for name, value in told.items() if value is not None})

    def to_dict(self) -> dict[str, Any]:
        """The settings as a plain dict."""
        return dataclasses.asdict(self)


def coerce_session_settings(value: SessionSettings | dict[str, Any]) -> SessionSettings:
    """Settings from settings or from a plain dict.

    Raises:
        TypeError: something else, or a dict with a key that does not exist.
    """
    if isinstance(value, SessionSettings):
        return value
    if not isinstance(cast("object", value), dict):
        kind = type(value).__name__
        raise TypeError(f"session must be a SessionSettings instance or a dict, got {kind}")
    check_known_keys(value, SessionSettings, what="session settings", path="")
    return SessionSettings(**value)


def resolve_session_limit(
    explicit_limit: int | None, settings: SessionSettings | dict[str, Any] | None
) -> int | None:
    """How many items to give: as the call says, else as the settings say; None is all."""
    if explicit_limit is not None or settings is None:
        return explicit_limit
    return coerce_session_settings(settings).limit


@runtime_checkable
class Session(Protocol):
    """The memory of one conversation. Any object with these members is one."""

    session_id: str
    """Which conversation this is."""

    session_settings: SessionSettings | None = None
    """What holds for calls that do not say otherwise."""

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""
        ...

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items, all or none of them."""
        ...

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""
        ...

    async def clear_session(self) -> None:
        """Remove all items. The session can be used further."""
        ...


class SessionABC(ABC):
    """A base class for sessions, for whoever likes to be told of a method that is missing."""

    session_id: str
    session_settings: SessionSettings | None = None

    @abstractmethod
    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""

    @abstractmethod
    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items, all or none of them."""

    @abstractmethod
    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""

    @abstractmethod
    async def clear_session(self) -> None:
        """Remove all items. The session can be used further."""


@runtime_checkable
class PartwiseSession(Protocol):
    """A session whose store takes a large batch in parts: dying between them leaves a beginning of it behind."""

    items_per_write: int
    """How many items each part has, but for the last."""


@runtime_checkable
class RewritingSession(Protocol):
    """A session that can put other items in the place of its oldest ones, all at once."""

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Replace the oldest items by `after`, if they are `before`; those behind them stay. Whether it was done."""
        ...


def has_rewriting(session: Session) -> TypeGuard[RewritingSession]:
    """Whether a session rewrites its items itself, and knows how they are kept.

    Not where a subclass, or a session around it, keeps them in another way than the class that rewrites them.
    """
    for kind in type(session).__mro__:
        if "rewrite_items" in vars(kind):
            return True
        if not vars(kind).keys().isdisjoint(("get_items", "add_items", "clear_session")):
            return False
    return False


class OpenAIResponsesCompactionArgs(TypedDict, total=False):
    """What a session is told when it may compact its history."""

    response_id: str
    """The response that was stored last."""

    compaction_mode: Literal["previous_response_id", "input", "auto"]
    """What is compacted: the chain behind the response, the items of the session, or whichever is there."""

    store: bool
    """Whether the last response was stored by the server; None is not known."""

    force: bool
    """Compact, also where there is little to gain."""


@runtime_checkable
class OpenAIResponsesCompactionAwareSession(Session, Protocol):
    """A session that can replace its history by a shorter one that means the same."""

    async def run_compaction(self, args: OpenAIResponsesCompactionArgs | None = None) -> None:
        """Compact the history, if it is worth it."""
        ...


def is_openai_responses_compaction_aware_session(
    session: Session | None,
) -> TypeGuard[OpenAIResponsesCompactionAwareSession]:
    """Whether the session can compact itself: it has a method `run_compaction`.

    One that only passes on what it does not know is asked for nothing: it may keep its items in another form than the
    session behind it knows.
    """
    return callable(inspect.getattr_static(session, "run_compaction", None))


def takes_wrapper(session: Session) -> bool:
    """Whether a session is to be given the run's context.

    It is where `get_items`, `add_items` and `pop_item` all have a parameter named `wrapper` that can be passed by
    its name; one that takes just any name (`**kwargs`) did not ask for it. Looks at signatures: ask once a run.
    """
    return all(
        takes_keyword(way, "wrapper") for way in (session.get_items, session.add_items, session.pop_item)
    )


def takes_keyword(method: Callable[..., Any], name: str) -> bool:
    """Whether a method has a parameter of that name that can be passed by it."""
    try:
        parameter = inspect.signature(method).parameters.get(name)
    except (TypeError, ValueError):  # callables of C without a signature
        return False
    return parameter is not None and parameter.kind in {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }


def plain_item(item: Any) -> Any:
    """What an item says, without what a server of the API adds to it: its id, its status, parts around a text."""
    if not isinstance(item, dict):
        return item
    fields = cast("dict[str, Any]", item)
    plain = {
        name: value
        for name, value in fields.items()
        if value is not None and name != "id" and (name, value) not in _IMPLIED
    }
    content = plain.get("content")
    if isinstance(content, list):
        parts = [_plain_part(part) for part in cast("list[Any]", content)]
        plain["content"] = parts[0]["text"] if len(parts) == 1 and _is_text(parts[0]) else parts
    return plain


_IMPLIED = [("type", "message"), ("status", "completed")]


def _plain_part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {
        name: value
        for name, value in cast("dict[str, Any]", part).items()
        if value is not None and value != []
    }


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] in _TEXTS


_TEXTS = {"input_text", "output_text"}
