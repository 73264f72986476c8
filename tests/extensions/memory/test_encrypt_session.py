"""Encrypted sessions: envelopes, keys, time to live, and how far they look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken

from agents import RunContextWrapper, SessionSettings, SQLiteSession
from agents._ports.session import takes_wrapper
from agents.extensions.memory import EncryptedSession
from agents.extensions.memory.encrypt_session import EncryptedEnvelope


@pytest.fixture
def underlying() -> Iterator[SQLiteSession]:
    session = SQLiteSession("s")
    yield session
    session.close()


def said(text: str) -> Any:
    return {"role": "user", "content": text}


async def age(underlying: SQLiteSession, key: str, *words: str) -> None:
    """Add what was said long ago."""
    cipher = EncryptedSession("s", underlying, key).cipher
    for word in words:
        payload = cipher.encrypt_at_time(
            f'{{"role":"user","content":"{word}"}}'.encode(), int(time.time()) - 3600
        )
        envelope: Any = EncryptedEnvelope(__enc__=1, v=1, kid="hkdf-v1", payload=payload.decode())
        await underlying.add_items([envelope])


@pytest.mark.parametrize("key", ["just words", Fernet.generate_key().decode()])
async def test_the_wrapped_session_sees_envelopes_only(underlying: SQLiteSession, key: str) -> None:
    await EncryptedSession("s", underlying, key).add_items([said("secret")])
    (envelope,) = [dict(item) for item in await underlying.get_items()]
    assert {**envelope, "payload": ""} == {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": ""}
    assert "secret" not in str(envelope)
    assert await EncryptedSession("s", underlying, key).get_items() == [said("secret")]


async def test_envelopes_of_openai_agents_are_read(underlying: SQLiteSession) -> None:
    # Written by openai-agents 0.24.0: session id "sid", key "key".
    payload = (
        "gAAAAABrCfLfcqHN7WVzCvueVacqfItDoOViE26idrp0eWe9KtZhv-V_umpqDZYC295rUYj5TX7bXUhb5YLzYCfwdkZMcqBU3At3vuCUx4yG"
        "bwEN04At-FU="
    )
    envelope: Any = {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": payload}
    await underlying.add_items([envelope])
    session = EncryptedSession("sid", underlying, "key", ttl=10**10)
    assert await session.get_items() == [said("é")]


async def test_another_key_or_another_session_reads_nothing(underlying: SQLiteSession) -> None:
    await EncryptedSession("s", underlying, "key").add_items([said("secret")])
    assert await EncryptedSession("s", underlying, "other").get_items() == []
    assert await EncryptedSession("other", underlying, "key").get_items() == []


async def test_popping_with_another_key_raises_and_changes_nothing(underlying: SQLiteSession) -> None:
    await EncryptedSession("s", underlying, "key").add_items([said("1"), said("2")])
    before = await underlying.get_items()
    with pytest.raises(InvalidToken):
        await EncryptedSession("s", underlying, "other").pop_item()
    assert await underlying.get_items() == before


async def test_a_limit_counts_what_can_be_read(underlying: SQLiteSession) -> None:
    session = EncryptedSession("s", underlying, "key")
    await session.add_items([said("1"), said("2"), said("3")])
    await age(underlying, "key", *"abcde")
    await underlying.add_items([said("not encrypted")])
    assert await session.get_items(2) == [said("2"), said("3")]
    assert await session.get_items(9) == await session.get_items() == [said("1"), said("2"), said("3")]
    session.session_settings = SessionSettings(limit=1)
    assert await session.get_items() == [said("3")]
    assert underlying.session_settings == SessionSettings(limit=1)


async def test_popping_takes_what_is_too_old_with_it(underlying: SQLiteSession) -> None:
    session = EncryptedSession("s", underlying, "key")
    await session.add_items([said("1"), said("2")])
    await age(underlying, "key", "a")
    await underlying.add_items([said("not encrypted")])
    assert await session.pop_item() == said("2")
    assert len(await underlying.get_items()) == 1


@pytest.mark.parametrize(("limit", "found"), [(0, []), (1, [said("2")]), (None, [said("1"), said("2")])])
async def test_as_many_are_looked_at_as_there_are(
    underlying: SQLiteSession, limit: int | None, found: list[Any]
) -> None:
    session = EncryptedSession("s", underlying, "key", max_scan_items=2)
    await session.add_items([said("1"), said("2")])
    assert await session.get_items(limit) == found


@pytest.mark.parametrize("limit", [1, 3, None])
async def test_no_more_are_looked_at_than_allowed(underlying: SQLiteSession, limit: int | None) -> None:
    session = EncryptedSession("s", underlying, "key", max_scan_items=2)
    await session.add_items([said("1")])
    await age(underlying, "key", "a", "b")
    with pytest.raises(RuntimeError, match="max_scan_items exhausted"):
        await session.get_items(limit)


async def test_wrong_arguments_are_refused(underlying: SQLiteSession) -> None:
    with pytest.raises(ValueError, match="max_scan_items must be positive"):
        EncryptedSession("s", underlying, "key", max_scan_items=0)
    with pytest.raises(ValueError, match="encryption_key not set"):
        EncryptedSession("s", underlying, "")
    with pytest.raises(ValueError, match=r"limit must be non-negative.*max_scan_items"):
        await EncryptedSession("s", underlying, "key", max_scan_items=1).get_items(-1)


def test_attributes_of_the_wrapped_session_can_be_had(underlying: SQLiteSession) -> None:
    session = EncryptedSession("s", underlying, "key")
    assert session.messages_table == "agent_messages"
    with pytest.raises(AttributeError, match="nothing"):
        _ = session.nothing


class Curious(SQLiteSession):
    """Notes the contexts that it is given."""

    def __init__(self) -> None:
        super().__init__("s")
        self.seen: list[Any] = []

    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Any]:
        self.seen.append(wrapper)
        return await super().get_items(limit)

    async def add_items(self, items: list[Any], *, wrapper: Any = None) -> None:
        self.seen.append(wrapper)
        await super().add_items(items)

    async def pop_item(self, *, wrapper: Any = None) -> Any:
        self.seen.append(wrapper)
        return await super().pop_item()

    async def clear_session(self, *, wrapper: Any = None) -> None:
        self.seen.append(wrapper)
        await super().clear_session()


async def test_the_context_is_handed_on_to_a_session_that_takes_it(underlying: SQLiteSession) -> None:
    context = RunContextWrapper[Any]("mine")
    curious = Curious()
    for wrapped in (underlying, curious):
        session = EncryptedSession("s", wrapped, "key")
        assert takes_wrapper(session)
        await session.add_items([said("1")], wrapper=context)
        assert await session.get_items(wrapper=context) == [said("1")]
        assert await session.pop_item(wrapper=context) == said("1")
        await session.clear_session(wrapper=context)
    assert len(curious.seen) == 5
    assert all(seen is context for seen in curious.seen)
    curious.close()


async def test_what_another_key_encrypted_stays_where_the_rest_is_rewritten(
    underlying: SQLiteSession,
) -> None:
    old, new = (EncryptedSession("s", underlying, key) for key in ("old key", "new key"))
    await old.add_items([said("secret")])
    await new.add_items([said("one"), said("two"), said("three")])
    assert not await new.rewrite_items([said("two")], [])
    assert await new.rewrite_items([said("one"), said("two")], [said("both")])
    assert await new.get_items() == [said("both"), said("three")]
    assert await old.get_items() == [said("secret")]
