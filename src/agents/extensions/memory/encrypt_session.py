"""A session whose items another session keeps, encrypted.

The envelopes are those of `openai-agents`: Fernet tokens under a key that HKDF derives from yours and the session id.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from typing_extensions import TypedDict

from agents._lazy import lazy_module
from agents._ports.session import Session, SessionABC, SessionSettings, resolve_session_limit, takes_wrapper
from agents.memory._rewriting import all_items, rewrite

from ._extras import missing_extra

try:
    from cryptography.fernet import Fernet, InvalidToken
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as error:
    raise missing_extra("EncryptedSession", "encrypt") from error

if TYPE_CHECKING:
    from agents import items as _items
    from agents import run_context as _run_context
else:
    _items = lazy_module("agents.items")
    _run_context = lazy_module("agents.run_context")

__all__ = ["EncryptedEnvelope", "EncryptedSession"]

logger = logging.getLogger("openai.agents")

_KEY_BYTES = 32
_VERSION = 1
_DERIVATION = "hkdf-v1"
_DERIVATION_INFO = b"agents.session-store.hkdf.v1"


class EncryptedEnvelope(TypedDict):
    """How the wrapped session sees an item."""

    __enc__: Literal[1]
    v: int
    kid: str
    payload: str
    """The item's JSON as a Fernet token."""


class EncryptedSession(SessionABC):
    """Encrypts what another session keeps, and forgets it after a time.

    Items that are too old, that are no envelopes, or that another key encrypted are left out of what `get_items` gives.
    Attributes that it does not have are those of the wrapped session.
    """

    def __init__(
        self,
        session_id: str,
        underlying_session: SessionABC,
        encryption_key: str,
        ttl: int = 600,
        max_scan_items: int | None = None,
    ) -> None:
        """Wrap a session.

        Args:
            session_id: Which conversation this is; it is part of the key.
            underlying_session: Keeps the envelopes.
            encryption_key: A Fernet key, or any text.
            ttl: After how many seconds an item is not given any more.
            max_scan_items: How many envelopes `get_items` looks at, at most; None is all.

        Raises:
            ValueError: no key, or a `max_scan_items` below 1.
        """
        if not encryption_key:
            raise ValueError("encryption_key not set; required for EncryptedSession.")
        if max_scan_items is not None and max_scan_items < 1:
            raise ValueError(f"max_scan_items must be positive or None, got {max_scan_items}")
        self.session_id = session_id
        self.underlying_session = underlying_session
        self.ttl = ttl
        self.max_scan_items = max_scan_items
        self.cipher = _cipher(encryption_key, session_id)
        self._passes_wrapper = takes_wrapper(cast("Session", underlying_session))

    def __getattr__(self, name: str) -> Any:
        # Until it is set, nothing can be asked of it: copying and unpickling look here first.
        underlying = self.__dict__.get("underlying_session")
        if underlying is None:
            raise AttributeError(name)
        return getattr(underlying, name)

    if TYPE_CHECKING:
        # To a checker a property is no attribute, and so the class no `Session`.
        session_settings: SessionSettings | None
    else:

        @property
        def session_settings(self) -> SessionSettings | None:
            """The settings of the wrapped session; there are no others."""
            return self.underlying_session.session_settings

        @session_settings.setter
        def session_settings(self, value: SessionSettings | None) -> None:
            self.underlying_session.session_settings = value

    async def get_items(
        self, limit: int | None = None, *, wrapper: _run_context.RunContextWrapper[Any] | None = None
    ) -> list[_items.TResponseInputItem]:
        """The latest `limit` items that can be read, oldest first; by default as the settings say, else all.

        Raises:
            RuntimeError: `max_scan_items` envelopes were not enough to find so many.
            ValueError: a negative limit where there is `max_scan_items`.
        """
        limit = resolve_session_limit(limit, self.session_settings)
        if limit is not None and limit < 0:
            if self.max_scan_items is not None:
                raise ValueError(f"limit must be non-negative when max_scan_items is set, got {limit}")
            limit = None
        if limit == 0:
            return []
        return await self._scan(limit, wrapper)

    async def _scan(
        self, limit: int | None, wrapper: _run_context.RunContextWrapper[Any] | None
    ) -> list[_items.TResponseInputItem]:
        if limit is None and self.max_scan_items is None:
            return self._readable_of(await self.underlying_session.get_items(**self._passed(wrapper)))
        # One more than may be looked at: only so is it known whether there are more.
        most = sys.maxsize if self.max_scan_items is None else self.max_scan_items + 1
        window = most if limit is None else min(limit, most)
        while True:
            envelopes = await self.underlying_session.get_items(window, **self._passed(wrapper))
            items = self._readable_of(envelopes[-(self.max_scan_items or 0) :])
            if len(envelopes) < window or (limit is not None and len(items) >= limit):
                return items if limit is None else items[-limit:]
            if window == most:
                raise RuntimeError(
                    "EncryptedSession max_scan_items exhausted before a complete history result could be established:"
                    f" {self.max_scan_items} were looked at, {len(items)} can be read. Increase max_scan_items, or keep"
                    " less history."
                )
            window = min(window * 2, most)

    def _readable_of(self, envelopes: Sequence[object]) -> list[_items.TResponseInputItem]:
        return [item for item in map(self._readable, envelopes) if item is not None]

    async def add_items(
        self,
        items: list[_items.TResponseInputItem],
        *,
        wrapper: _run_context.RunContextWrapper[Any] | None = None,
    ) -> None:
        """Append a batch of items.

        Raises:
            TypeError: an item holds something that is not JSON; nothing is stored.
        """
        envelopes = cast("list[_items.TResponseInputItem]", [self._wrapped(item) for item in items])
        await self.underlying_session.add_items(envelopes, **self._passed(wrapper))

    async def pop_item(
        self, *, wrapper: _run_context.RunContextWrapper[Any] | None = None
    ) -> _items.TResponseInputItem | None:
        """Remove the latest item that can be read and return it; what is too old or no envelope goes with it.

        Raises:
            cryptography.fernet.InvalidToken: the latest was encrypted with another key; nothing is removed.
        """
        passed = self._passed(wrapper)
        while True:
            for envelope in await self.underlying_session.get_items(1, **passed):
                self._decrypted(envelope)
            envelope = await self.underlying_session.pop_item(**passed)
            if envelope is None:
                return None
            try:
                self._decrypted(envelope)
            except InvalidToken:
                # Somebody with another key has added it between the look and the removal.
                await self.underlying_session.add_items([envelope], **passed)
                raise
            item = self._readable(envelope)
            if item is not None:
                return item

    async def clear_session(self, *, wrapper: _run_context.RunContextWrapper[Any] | None = None) -> None:
        """Remove all items, those that cannot be read too."""
        await self.underlying_session.clear_session(**self._passed(wrapper))

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Replace the oldest items that can be read by `after`, if they are `before`; all others stay.

        Returns whether it was done.

        Raises:
            TypeError: an item of `after` holds something that is not JSON; nothing is changed.
        """
        envelopes = await all_items(cast("Session", self.underlying_session))
        kept: list[Any] = []
        read: list[_items.TResponseInputItem] = []
        for envelope in envelopes:
            if len(read) == len(before):
                break
            item = self._readable(envelope)
            if item is None:
                kept.append(envelope)
            else:
                read.append(item)
        if read != before:
            return False
        replaced = envelopes[: len(kept) + len(read)]
        kept.extend(map(self._wrapped, after))
        return await rewrite(cast("Session", self.underlying_session), replaced, kept)

    def _passed(self, wrapper: _run_context.RunContextWrapper[Any] | None) -> dict[str, Any]:
        return {"wrapper": wrapper} if self._passes_wrapper else {}

    def _wrapped(self, item: _items.TResponseInputItem) -> EncryptedEnvelope:
        text = json.dumps(item, separators=(",", ":"))
        payload = self.cipher.encrypt(text.encode()).decode()
        return {"__enc__": 1, "v": _VERSION, "kid": _DERIVATION, "payload": payload}

    def _decrypted(self, envelope: object) -> bytes | None:
        """The JSON in an envelope of any age; None where it is no envelope.

        Raises:
            InvalidToken: another key encrypted it, or somebody changed it.
        """
        token = _token(envelope)
        return None if token is None else self.cipher.decrypt(token)

    def _readable(self, envelope: object) -> _items.TResponseInputItem | None:
        """The item in an envelope; None where there is none to be had, which is logged."""
        token = _token(envelope)
        if token is None:
            logger.debug("Session %r keeps an item that is no envelope; it is left out", self.session_id)
            return None
        try:
            text = self.cipher.decrypt(token, ttl=self.ttl)
        except InvalidToken:
            logger.debug("Session %r keeps an item that is too old or of another key", self.session_id)
            return None
        return cast("_items.TResponseInputItem", json.loads(text))


def _token(envelope: object) -> bytes | None:
    if not isinstance(envelope, dict):
        return None
    fields = cast("dict[str, object]", envelope)
    payload = fields.get("payload")
    return payload.encode() if fields.get("__enc__") == 1 and isinstance(payload, str) else None


def _cipher(encryption_key: str, session_id: str) -> Fernet:
    """What encrypts for one session: items moved to another cannot be read there."""
    derivation = HKDF(
        algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=session_id.encode(), info=_DERIVATION_INFO
    )
    return Fernet(base64.urlsafe_b64encode(derivation.derive(_master_key(encryption_key))))


def _master_key(encryption_key: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(encryption_key)
    except (binascii.Error, ValueError):
        key = b""
    return key if len(key) == _KEY_BYTES else encryption_key.encode()
