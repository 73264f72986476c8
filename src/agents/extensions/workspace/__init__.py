"""What works on the machine for an agent: an editor of files that never leaves its folder, and a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .editor import WorkspaceEditor
    from .shell import CommandResult, WorkspaceShell

__all__ = ["CommandResult", "WorkspaceEditor", "WorkspaceShell"]

__getattr__ = lazy_exports(
    __name__, globals(), {"editor": "WorkspaceEditor", "shell": "CommandResult WorkspaceShell"}
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
