"""The port to the runner: how an agent that is used as a tool starts a run of its own.

`agents/__init__` provides the real one when it is asked for `Runner`; nothing
here knows where it lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from agents._lazy import lazy_module

if TYPE_CHECKING:
    from agents import agent as _agent
else:
    _agent = lazy_module("agents.agent")


class RunnerPort(Protocol):
    """What an agent asks of a runner. Both are looked up when called, so that they can be replaced."""

    async def run(self, starting_agent: _agent.Agent[Any], input: Any, **kwargs: Any) -> Any:
        """Run to the end."""
        ...

    def run_streamed(self, starting_agent: _agent.Agent[Any], input: Any, **kwargs: Any) -> Any:
        """Start a run that can be watched."""
        ...


_resolvers: list[Callable[[], RunnerPort]] = []


def provide_runner(resolve: Callable[[], RunnerPort]) -> None:
    """Say how the runner is found. Called once, by the package itself."""
    _resolvers[:] = [resolve]


def find_runner() -> RunnerPort:
    """The runner, as it is now."""
    return _resolvers[0]()
