"""The computers that a run made for itself: each is made when it is first needed, and put away with the run."""

from __future__ import annotations

import asyncio
import inspect
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents.computer import AsyncComputer, Computer
from agents.exceptions import UserError
from agents.tool import ComputerProvider, ComputerTool

if TYPE_CHECKING:
    from .environment import Environment

logger = logging.getLogger("openai.agents")


@dataclass(slots=True)
class MadeComputer:
    """A computer of one run, and how it is put away."""

    tool: ComputerTool[Any]
    making: asyncio.Task[Any]


async def computer_of(environment: Environment, tool: ComputerTool[Any]) -> Computer | AsyncComputer:
    """The computer that a tool drives in a run.

    Raises:
        UserError: what was given, or made, is no computer.
        Exception: what making it raised.
    """
    given: object = tool.computer
    if isinstance(given, Computer | AsyncComputer):
        return given
    made = environment.computers.get(id(tool))
    if made is None:
        # A task: calls that need it at once wait for the same one.
        making = asyncio.create_task(_make(environment, given))
        made = environment.computers[id(tool)] = MadeComputer(tool, making)
    return await asyncio.shield(made.making)


async def _make(environment: Environment, given: object) -> Computer | AsyncComputer:
    create: object = given
    if isinstance(given, ComputerProvider):
        create = cast("ComputerProvider[Any]", given).create
    if not callable(create):
        raise UserError(
            f"ComputerTool.computer is a Computer, an AsyncComputer, a function that makes one, or a ComputerProvider, "
            f"got {type(create).__name__}"
        )
    computer: object = create(environment.context)
    if inspect.isawaitable(computer):
        computer = await computer
    if not isinstance(computer, Computer | AsyncComputer):
        raise UserError(
            f"a function that makes a computer returns a Computer or an AsyncComputer, got {type(computer).__name__}"
        )
    return computer


async def put_away(environment: Environment) -> None:
    """Let the providers dispose of what was made for a run. What goes wrong is logged: the run has ended."""
    for made in environment.computers.values():
        given: object = made.tool.computer
        made.making.cancel()
        [computer] = await asyncio.gather(made.making, return_exceptions=True)
        if not isinstance(given, ComputerProvider) or isinstance(computer, BaseException):
            continue
        dispose = cast("ComputerProvider[Any]", given).dispose
        try:
            done: object = None if dispose is None else dispose(environment.context, computer)
            if inspect.isawaitable(done):
                await done
        except Exception as error:  # noqa: BLE001 (a computer that is not disposed of must not hide how the run ended)
            logger.warning("Failed to dispose of a computer that was made for a run: %s", error)
    environment.computers.clear()
