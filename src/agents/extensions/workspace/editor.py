"""Edits of the files below one folder, as an apply-patch tool asks for them.

1. Nothing outside of the folder is read or changed: see `_confined`.
2. An operation is done wholly or not at all, and says which. Only a program's own mistakes are raised.
3. Operations on one file in this process come one after the other. Against other processes, a file that was written
   after it was read is neither replaced nor moved away; between that check and the change is a system call's time.
4. No call blocks the event loop.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import Callable

from agents.apply_diff import apply_diff
from agents.editor import ApplyPatchOperation, ApplyPatchResult
from agents.util.settled import settled

from ._confined import FileChanged, Folder, Root, shown

_BOM = codecs.BOM_UTF8

_LOCKS = tuple(threading.Lock() for _ in range(64))
"""Shared by all editors, as two of them may know one file. Files that share a lock only wait for one another."""


class WorkspaceEditor:
    """An `ApplyPatchEditor` of the files below `root`. It asks nobody: that is for the tool's `needs_approval`.

        ApplyPatchTool(editor=WorkspaceEditor("checkout"), needs_approval=True)

    Paths are relative to the root, or absolute and below it. Files are UTF-8, with or without a byte order mark; the
    mark, the newlines and the mode stay as they are. What is refused: a path that leads out, symbolic links, folders,
    pipes and devices, binary files, files that are too large; creating what is there, changing what is not.

    A cancelled call waits until its operation is done or has failed: nothing goes on behind the caller's back.

    Args:
        root: The folder. It must be there.
        max_file_bytes: How large a file may be, before and after an edit.

    Raises:
        UserError: there is no such folder.
    """

    def __init__(self, root: str | os.PathLike[str], *, max_file_bytes: int = 16 * 2**20) -> None:
        self._root = Root(root)
        self._max_file_bytes = max_file_bytes

    async def create_file(self, operation: ApplyPatchOperation) -> ApplyPatchResult:
        """Make a file, and the folders that are missing on the way, from a diff of lines that begin with `+`."""
        return await self._outcome(self._create, operation)

    async def update_file(self, operation: ApplyPatchOperation) -> ApplyPatchResult:
        """Change a file by a diff, or move it to `operation.move_to`, or both."""
        return await self._outcome(self._update, operation)

    async def delete_file(self, operation: ApplyPatchOperation) -> ApplyPatchResult:
        """Remove a file. The folder that it was in stays."""
        return await self._outcome(self._delete, operation)

    async def _outcome(
        self, change: Callable[[ApplyPatchOperation], str], operation: ApplyPatchOperation
    ) -> ApplyPatchResult:
        try:
            return ApplyPatchResult("completed", await settled(asyncio.to_thread(change, operation)))
        except FileChanged:
            said = f"{shown(operation.path)} was changed by somebody else meanwhile: read it again"
        except ValueError as error:
            said = str(error)
        except FileNotFoundError:
            said = f"There is no file {shown(operation.path)}: look for its name, or create it"
        except OSError as error:
            # The system's own message would name the place on the machine.
            said = f"{shown(operation.path)}: {error.strerror or type(error).__name__}"
        return ApplyPatchResult("failed", said)

    def _create(self, operation: ApplyPatchOperation) -> str:
        if operation.diff is None:
            raise ValueError(f"There is no diff with the text of {shown(operation.path)}: give one")
        self._root.names(operation.path)
        data = self._encoded(operation.path, apply_diff("", operation.diff, mode="create"))
        self._place(operation.path, data)
        return f"Created {operation.path}"

    def _update(self, operation: ApplyPatchOperation) -> str:
        path, target = operation.path, operation.move_to
        if operation.diff is None and target is None:
            raise ValueError(f"There is no diff with the changes of {shown(path)}: give one")
        is_moved = target is not None and self._root.names(target) != self._root.names(path)
        with self._root.folder_of(path) as (folder, name), _lock_of(folder, name):
            old, found = folder.read(name, self._max_file_bytes)
            new = self._changed(path, old, operation.diff) if operation.diff is not None else old
            if target is None or not is_moved:
                if new != old:
                    folder.replace(name, new, found)
                return f"Updated {path}"
            self._place(target, new, found.st_mode & 0o7777)
            try:
                folder.remove(name, found)
            except BaseException:
                with self._root.folder_of(target) as (below, placed):
                    below.remove(placed)
                raise
            return f"Updated {path} and moved it to {target}"

    def _delete(self, operation: ApplyPatchOperation) -> str:
        with self._root.folder_of(operation.path) as (folder, name), _lock_of(folder, name):
            folder.remove(name)
        return f"Deleted {operation.path}"

    def _place(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Put a file where there is none."""
        try:
            with self._root.folder_of(path, make=True) as (folder, name):
                folder.create(name, data, mode)
        except FileExistsError:
            raise ValueError(f"{shown(path)} is there already: update it, or give another path") from None

    def _changed(self, path: str, old: bytes, diff: str) -> bytes:
        mark = _BOM if old.startswith(_BOM) else b""
        if b"\0" in old:
            raise ValueError(f"{shown(path)} is a binary file: only text can be edited")
        try:
            text = old[len(mark) :].decode()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{shown(path)} is not UTF-8 (byte {len(mark) + error.start}): only text can be edited"
            ) from None
        try:
            changed = apply_diff(text, diff)
        except ValueError as error:
            raise ValueError(f"{shown(path)} stays as it is, the diff does not fit it. {error}") from None
        return mark + self._encoded(path, changed)

    def _encoded(self, path: str, text: str) -> bytes:
        try:
            data = text.encode()
        except UnicodeEncodeError as error:
            bad = text[error.start]
            raise ValueError(
                f"The text for {shown(path)} has {bad!r} in it, which is no character: leave it out"
            ) from None
        if len(data) > self._max_file_bytes:
            raise ValueError(f"{shown(path)} would have more than {self._max_file_bytes} bytes: write less")
        return data


def _lock_of(folder: Folder, name: str) -> threading.Lock:
    """The same for the same file, also where the file system takes `a` and `A` for one name."""
    return _LOCKS[hash((folder.identity(), name.casefold())) % len(_LOCKS)]
