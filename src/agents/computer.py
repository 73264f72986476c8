"""The computers that a model may use: a screen, a pointer and a keyboard, driven by your code.

Positions are pixels from the top left. Every screenshot is a PNG in base64, or the URL of a picture.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, TypeAlias

Environment: TypeAlias = Literal["mac", "windows", "ubuntu", "browser"]
"""What kind of computer the model is told it has."""

Button: TypeAlias = Literal["left", "right", "wheel", "back", "forward"]


class _Screen:
    """What both kinds of computers may say of themselves."""

    @property
    def environment(self) -> Environment | None:
        """What it is; only the model `computer-use-preview` has to know."""
        return None

    @property
    def dimensions(self) -> tuple[int, int] | None:
        """Width and height in pixels; only the model `computer-use-preview` has to know."""
        return None


class Computer(_Screen, ABC):
    """A computer whose driver is synchronous; each action runs in a thread.

    Pointer actions may come with `keys` that are held meanwhile: they are passed by that name, and a method that
    does not take them refuses such an action.
    """

    @abstractmethod
    def screenshot(self) -> str:
        """The screen as it is."""

    @abstractmethod
    def click(self, x: int, y: int, button: Button) -> None:
        """Click once."""

    @abstractmethod
    def double_click(self, x: int, y: int) -> None:
        """Click the left button twice."""

    @abstractmethod
    def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None:
        """Scroll by so many pixels, with the pointer at a position."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Type a text."""

    @abstractmethod
    def wait(self) -> None:
        """Wait a moment, as long as suits the computer."""

    @abstractmethod
    def move(self, x: int, y: int) -> None:
        """Move the pointer."""

    @abstractmethod
    def keypress(self, keys: list[str]) -> None:
        """Press keys together."""

    @abstractmethod
    def drag(self, path: list[tuple[int, int]]) -> None:
        """Press the left button at the first position, move through the others, let go at the last."""


class AsyncComputer(_Screen, ABC):
    """The same with a driver that is asynchronous."""

    @abstractmethod
    async def screenshot(self) -> str:
        """The screen as it is."""

    @abstractmethod
    async def click(self, x: int, y: int, button: Button) -> None:
        """Click once."""

    @abstractmethod
    async def double_click(self, x: int, y: int) -> None:
        """Click the left button twice."""

    @abstractmethod
    async def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None:
        """Scroll by so many pixels, with the pointer at a position."""

    @abstractmethod
    async def type(self, text: str) -> None:
        """Type a text."""

    @abstractmethod
    async def wait(self) -> None:
        """Wait a moment, as long as suits the computer."""

    @abstractmethod
    async def move(self, x: int, y: int) -> None:
        """Move the pointer."""

    @abstractmethod
    async def keypress(self, keys: list[str]) -> None:
        """Press keys together."""

    @abstractmethod
    async def drag(self, path: list[tuple[int, int]]) -> None:
        """Press the left button at the first position, move through the others, let go at the last."""
