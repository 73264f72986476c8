"""The last listing of a server's tools.

1. What goes in and what comes out are copies: nobody can change the cache from outside. Only `kept` gives the tools
   themselves, to whoever owns the cache and just looks at them.
2. A listing that began before an invalidation, or before the listing that is kept, is never kept.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Generic, NewType, TypeVar

_Tool = TypeVar("_Tool")

Ticket = NewType("Ticket", int)
"""When a listing began, in listings and invalidations."""


class ToolCache(Generic[_Tool]):
    """Keeps one listing."""

    def __init__(self) -> None:
        self._clock = 0
        self._oldest_kept = 0
        self._tools: list[_Tool] | None = None

    def begin(self) -> Ticket:
        """A listing begins; give its ticket to `keep`."""
        self._clock += 1
        return Ticket(self._clock)

    def keep(self, ticket: Ticket, tools: Sequence[_Tool]) -> None:
        """A listing has ended."""
        if ticket >= self._oldest_kept:
            self._oldest_kept = ticket
            self._tools = copy.deepcopy(list(tools))

    def invalidate(self) -> None:
        """Forget the listing, and those that are under way."""
        self._clock += 1
        self._oldest_kept = self._clock
        self._tools = None

    def kept(self) -> Sequence[_Tool]:
        """The tools that are kept, themselves, not to be changed; none where there is no listing."""
        return self._tools or ()

    def tools(self) -> list[_Tool] | None:
        """The listing that is kept, if there is one."""
        return copy.deepcopy(self._tools)
