"""Names under which models call the tools of MCP servers, where the servers' names are part of them.

1. A name depends on server, tool and what it would collide with, never on the order of servers.
2. It is ASCII, at most 64 characters, and unique: hashes set apart what would be equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b

_LIMIT = 64
_HASH_DIGITS = 8


def prefixed_names(tools: Sequence[tuple[str, int, str]], reserved: Collection[str] = ()) -> list[str]:
    """A name for each of the tools: `mcp_<server>__<tool>`.

    Args:
        tools: Of each its server's name, its server's number among the servers, and its own name.
        reserved: Names that other tools and handoffs have.
    """
    plain = [_plain(server, tool) for server, _, tool in tools]
    shared = Counter(plain)
    named = [
        _hashed(name, f"{server}\0{tool}")
        if shared[name] > 1 or name in reserved or len(name) > _LIMIT
        else name
        for name, (server, _, tool) in zip(plain, tools, strict=True)
    ]
    shared = Counter(named)
    taken = {*reserved, *(name for name in named if shared[name] == 1)}
    return [
        name if shared[name] == 1 and name not in reserved else _free(name, each, taken)
        for name, each in zip(named, tools, strict=True)
    ]


def _plain(server: str, tool: str) -> str:
    return f"mcp_{_safe(server)}__{_safe(tool)}"


def _safe(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text) or "_"


def _hashed(name: str, identity: str) -> str:
    digits = blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=_HASH_DIGITS // 2).hexdigest()
    return f"{name[: _LIMIT - _HASH_DIGITS - 1]}_{digits}"


def _free(name: str, tool: tuple[str, int, str], taken: set[str]) -> str:
    """A name that nobody has, for one of several servers of one name, or one whose hash is taken too."""
    server, number, own = tool
    attempt = 0
    while True:
        made = _hashed(name, f"{server}\0{own}\0{number}\0{attempt}")
        if made not in taken:
            taken.add(made)
            return made
        attempt += 1
