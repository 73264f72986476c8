"""Sessions in Redis: keys, time to live, whose client it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from agents.extensions.memory import RedisSession


@pytest_asyncio.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    # Redis says nothing about the keywords of its methods.
    redis: Any = Redis
    client = redis.from_url(redis_url, decode_responses=True)
    await client.flushdb()
    yield client
    await client.aclose()


def said(text: str) -> Any:
    return {"role": "user", "content": text}


async def test_items_are_a_list_beside_a_hash(client: Any) -> None:
    session = RedisSession("a", redis_client=client)
    await session.add_items([said("é")])
    assert sorted(await client.keys()) == ["agents:session:a", "agents:session:a:messages"]
    assert await client.lrange("agents:session:a:messages", 0, -1) == ['{"role":"user","content":"\\u00e9"}']
    assert set(await client.hgetall("agents:session:a")) == {"session_id", "created_at", "updated_at"}
    await session.clear_session()
    assert await client.keys() == []


async def test_a_conversation_goes_when_nothing_was_added_for_so_long(client: Any) -> None:
    session = RedisSession("a", redis_client=client, ttl=100, key_prefix="mine")
    await session.add_items([said("1")])
    for key in ("mine:a", "mine:a:messages"):
        assert 90 < await client.ttl(key) <= 100
        await client.expire(key, 5)
    await session.add_items([said("2")])
    assert min([await client.ttl(key) for key in ("mine:a", "mine:a:messages")]) > 90


async def test_a_time_that_redis_cannot_keep_is_refused_before_anything_is_stored(client: Any) -> None:
    session = RedisSession("a", redis_client=client, ttl=2**60)
    with pytest.raises(ValueError, match="outside Redis's supported expiration range"):
        await session.add_items([said("1")])
    assert await client.keys() == []


async def test_a_damaged_entry_is_left_out_and_told_of(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    session = RedisSession("a", redis_client=client)
    await session.add_items([said("1")])
    await client.rpush("agents:session:a:messages", "{not json")
    assert await session.get_items() == [said("1")]
    assert await session.pop_item() == said("1")
    assert "session 'a' in agents:session:a:messages of Redis is left out" in caplog.text


async def test_a_client_of_yours_stays_open_and_one_of_its_own_is_closed(client: Any, redis_url: str) -> None:
    session = RedisSession("a", redis_client=client)
    await session.close()
    await session.close()
    assert await client.ping()
    own = RedisSession.from_url("a", url=redis_url, ttl=10, session_settings={"limit": 1})
    await own.add_items([said("1"), said("2")])
    assert (await own.get_items(), await own.ping()) == ([said("2")], True)
    await own.close()
    for call in (own.get_items, own.ping, own.pop_item, own.clear_session, lambda: own.add_items([])):
        with pytest.raises(RuntimeError, match="RedisSession is closed"):
            await call()


async def test_no_answer_is_told_by_ping(tmp_path: Any) -> None:
    session = RedisSession.from_url("a", url=f"unix://{tmp_path}/nobody.sock")
    assert await session.ping() is False
    await session.close()


async def test_a_cluster_is_refused_with_what_to_do() -> None:
    # Never initialized: a cluster is not needed to see that it is one.
    session = RedisSession("a", redis_client=RedisCluster(host="localhost"))
    with pytest.raises(TypeError, match="RedisSession does not support transactions with RedisCluster"):
        await session.add_items([said("1")])
