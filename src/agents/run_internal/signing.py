"""Signed payloads: HMAC-SHA256 over everything but the signature, in one canonical form of JSON."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from agents.approvals import StateTampered
from agents.exceptions import UserError

logger = logging.getLogger("openai.agents")

KEY = "signature"


def sign(payload: Mapping[str, Any], key: bytes | str) -> dict[str, Any]:
    """The payload with its signature in it.

    Raises:
        UserError: the key is empty, or the payload is nothing that has a canonical form.
    """
    try:
        signature = _signature(payload, key)
    except (TypeError, UnicodeError, RecursionError) as error:
        raise UserError(f"the run state cannot be signed: {error}") from error
    return {**payload, KEY: signature}


def verify_if_asked(payload: object, key: bytes | str | None) -> None:
    """Verify with a key; without one, say that nobody verifies a payload that is signed.

    Raises:
        StateTampered: as `verify`.
    """
    if key is not None:
        verify(payload, key)
    elif isinstance(payload, Mapping) and KEY in payload:
        logger.warning(
            "A signed run state is read without signing_key: nobody makes sure that it was not changed"
        )


def verify(payload: object, key: bytes | str) -> None:
    """Make sure that a payload is the one that was signed with this key.

    Raises:
        StateTampered: it is not signed, was changed, or was signed with another key.
    """
    signature: object = payload.get(KEY) if isinstance(payload, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(signature, str):
        raise StateTampered("the run state is not signed, and a signing key was given: do not resume it")
    try:
        expected = _signature(payload, key)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, RecursionError):
        expected = ""
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
        raise StateTampered(
            "the run state was changed on its way, or signed with another key: do not resume it"
        )


def _signature(payload: Mapping[str, Any], key: bytes | str) -> str:
    secret = key.encode() if isinstance(key, str) else key
    if not secret:
        raise UserError("a signing key must not be empty")
    signed = {name: value for name, value in payload.items() if name != KEY}
    # Through text and back: what is signed is what whoever reads the text will have.
    canonical = msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(signed)), order="sorted")
    return hmac.new(secret, canonical, hashlib.sha256).hexdigest()
