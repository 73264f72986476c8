"""A context that one task of its own enters, holds and leaves, so that any task may open and close it.

Connections to MCP servers live in cancel scopes, which belong to the task that entered them; programs connect in
one task and clean up in another.

1. The task is awaited by `close`, and by `open` where that fails: nobody else owns it.
2. It is cancelled through its own scope alone: leaving a context may be shielded there, and a process is stopped only
   when that leaving comes to its end.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar, cast

import anyio

_Value = TypeVar("_Value")


class Held(Generic[_Value]):
    """Holds a context open from `open` to `close`; used once."""

    def __init__(self, context: AbstractAsyncContextManager[_Value], *, name: str) -> None:
        self._context = context
        self._name = name
        self._scope = anyio.CancelScope()
        self._closing = asyncio.Event()
        self._settled = asyncio.Event()
        self._values: list[_Value] = []
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    @property
    def is_open(self) -> bool:
        """Whether the context has been entered and not left, by `close` or by itself."""
        return bool(self._values) and self._task is not None and not self._task.done()

    async def open(self) -> _Value:
        """Enter the context, and give what it gives. Cancelled, it leaves nothing behind.

        Raises:
            BaseException: what entering raised; a context that was cancelled from inside raises `CancelledError`.
        """
        self._task = asyncio.create_task(self._hold(), name=self._name)
        try:
            await self._settled.wait()
        except asyncio.CancelledError:
            self._scope.cancel()
            await self._end()
            raise
        if not self._values:
            await self._end()
            raise (
                asyncio.CancelledError(f"{self._name} was cancelled")
                if self._failure is None
                else self._failure
            )
        return self._values[0]

    async def close(self) -> BaseException | None:
        """Leave the context and wait until that is done; cancelled, it makes haste and still waits.

        Returns:
            What holding or leaving it raised, None when nothing did.
        """
        self._closing.set()
        await self._end()
        return self._failure

    async def _end(self) -> None:
        """Wait for the task's end, hurrying it when this is cancelled."""
        task, cancelled = self._task, None
        while task is not None and not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                cancelled = error
                self._scope.cancel()
        if cancelled is not None:
            raise cancelled

    async def _hold(self) -> None:
        try:
            with self._scope:
                async with self._context as value:
                    self._values.append(value)
                    self._settled.set()
                    await self._closing.wait()
        except Exception as error:  # noqa: BLE001 (handed to whoever opens or closes)
            self._failure = error
        finally:
            self._settled.set()


def causes(error: BaseException) -> list[BaseException]:
    """The errors that groups of them hold, in order; the error alone where it is no group."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)  # isinstance leaves its parameter unknown
    return [cause for each in group.exceptions for cause in causes(each)]
