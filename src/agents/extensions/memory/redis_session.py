"""A session in Redis: a list of items and a hash about them, under the keys that `openai-agents` uses."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self, cast

from agents._lazy import lazy_module
from agents._ports.session import (
    SessionABC,
    SessionSettings,
    coerce_session_settings,
    resolve_session_limit,
)
from agents.memory._item_json import decode_item, decode_items, encode_items, rewritten
from agents.util.settled import settled

from ._extras import missing_extra

try:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster
    from redis.exceptions import RedisError, WatchError
except ImportError as error:
    raise missing_extra("RedisSession", "redis") from error

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

__all__ = ["RedisSession"]

_LONGEST_TTL_S = (2**63 - 1) // 1000 - 2**40
"""Redis keeps times in milliseconds since 1970, in 64 bits."""


class RedisSession(SessionABC):
    """The memory of one conversation, in one Redis server, for any number of processes.

    A batch and its time to live are one transaction. A call that is cancelled is done to its end first, so that no
    connection goes back to its pool in the middle of an answer.
    """

    def __init__(
        self,
        session_id: str,
        *,
        redis_client: Redis | RedisCluster,
        key_prefix: str = "agents:session",
        ttl: int | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        """A session over a client of yours, which you close.

        Args:
            session_id: Which conversation this is.
            redis_client: A client of `redis.asyncio`; one of a cluster is refused at the first use.
            key_prefix: What all keys of the session begin with.
            ttl: After how many seconds without a new item the conversation goes; None is never.
            session_settings: What holds for calls that do not say otherwise.
        """
        self.session_id = session_id
        self.session_settings: SessionSettings | None = (
            SessionSettings() if session_settings is None else coerce_session_settings(session_settings)
        )
        self._redis = redis_client
        self._owns_client = False
        self._ttl = ttl
        self._session_key = f"{key_prefix}:{session_id}"
        self._messages_key = f"{self._session_key}:messages"
        self._closed = False

    @classmethod
    def from_url(
        cls,
        session_id: str,
        *,
        url: str,
        redis_kwargs: dict[str, Any] | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """A session with a client of its own, for the server at `url`; `close` closes the client.

        Args:
            session_id: Which conversation this is.
            url: `redis://host:port/number`, `rediss://` or `unix://`.
            redis_kwargs: For the client, as `redis.asyncio.Redis.from_url` takes them.
            session_settings: What holds for calls that do not say otherwise.
            kwargs: For the session: `key_prefix`, `ttl`.
        """
        client: Redis = Redis.from_url(url, **(redis_kwargs or {}))  # pyright: ignore[reportUnknownMemberType] (redis says nothing about its keywords)
        session = cls(session_id, redis_client=client, session_settings=session_settings, **kwargs)
        session._owns_client = True
        return session

    async def get_items(self, limit: int | None = None) -> list[_items.TResponseInputItem]:
        """The latest `limit` items, oldest first; by default as `session_settings` say, else all. 0 is none."""
        client = self._client()
        count = resolve_session_limit(limit, self.session_settings)
        if count is not None and count <= 0:
            return []
        texts = await settled(_await(client.lrange(self._messages_key, 0 if count is None else -count, -1)))
        return decode_items(cast("list[bytes]", texts), self._where)

    async def add_items(self, items: list[_items.TResponseInputItem]) -> None:
        """Append a batch of items in one transaction.

        Raises:
            TypeError: an item holds something that is not JSON; nothing is stored.
            ValueError: the session's `ttl` is more than Redis can keep.
        """
        client = self._client()
        if not items:
            return
        if self._ttl is not None and self._ttl > _LONGEST_TTL_S:
            raise ValueError(
                f"ttl is outside Redis's supported expiration range: {self._ttl} seconds, of {_LONGEST_TTL_S} at most."
                " Give less, or None to keep the conversation."
            )
        await settled(self._add(client, encode_items(items)))

    async def _add(self, client: Redis, texts: list[str]) -> None:
        now = int(time.time())
        async with client.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(self._session_key, "session_id", self.session_id)
            pipeline.hsetnx(self._session_key, "created_at", str(now))
            pipeline.hset(self._session_key, "updated_at", str(now))
            pipeline.rpush(self._messages_key, *texts)
            if self._ttl is not None:
                pipeline.expire(self._session_key, self._ttl)
                pipeline.expire(self._messages_key, self._ttl)
            await pipeline.execute()

    async def pop_item(self) -> _items.TResponseInputItem | None:
        """Remove the latest item and return it; None where there is none."""
        client = self._client()
        while True:
            text = cast("bytes | None", await settled(_await(client.rpop(self._messages_key))))
            if text is None:
                return None
            item = decode_item(text, self._where)
            if item is not None:
                return item

    async def clear_session(self) -> None:
        """Remove all items, and what is known about the conversation."""
        await settled(_await(self._client().delete(self._messages_key, self._session_key)))

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """Replace the oldest items by `after` in one transaction, if they are `before`; those behind them stay.

        Returns whether it was done. When the conversation goes stays as it is.

        Raises:
            TypeError: an item of `after` holds something that is not JSON; nothing is changed.
        """
        return await settled(self._rewrite(self._client(), before, encode_items(after)))

    async def _rewrite(
        self, client: Redis, before: list[_items.TResponseInputItem], after: list[str]
    ) -> bool:
        async with client.pipeline(transaction=True) as pipeline:
            while True:
                await pipeline.watch(self._messages_key)
                texts = cast("list[bytes]", await _await(pipeline.lrange(self._messages_key, 0, -1)))
                kept = rewritten(texts, before, after, self._where)
                if kept is None:
                    return False
                pipeline.multi()
                # The key stays, and with it the time that it has left.
                if kept:
                    pipeline.rpush(self._messages_key, *kept)
                pipeline.ltrim(self._messages_key, len(texts), -1)
                try:
                    await pipeline.execute()
                except WatchError:
                    # Somebody else changed the list meanwhile.
                    continue
                return True

    async def ping(self) -> bool:
        """Whether the server answers."""
        try:
            return bool(await settled(_await(self._client().ping())))  # pyright: ignore[reportUnknownMemberType] (redis says nothing about its keywords)
        except RedisError:
            return False

    async def close(self) -> None:
        """Let go of the client for good, and close it if it is the session's own; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._owns_client:
            await self._redis.aclose()

    @property
    def _where(self) -> str:
        return f"session {self.session_id!r} in {self._messages_key} of Redis"

    def _client(self) -> Redis:
        """The client.

        Raises:
            RuntimeError: the session is closed.
            TypeError: it is a cluster's, where the keys of a session may be on different servers.
        """
        if self._closed:
            raise RuntimeError("RedisSession is closed")
        if isinstance(self._redis, RedisCluster):
            raise TypeError(
                "RedisSession does not support transactions with RedisCluster clients. Use redis.asyncio.Redis"
                " connected to a standalone Redis server, or write a session of your own for the cluster."
            )
        return self._redis


async def _await(answer: Any) -> object:
    """The answer to a command, which redis types as perhaps not to be awaited."""
    return await answer
