"""Files below one folder, the root, whatever a path says and whoever changes folders meanwhile.

1. A path is judged by its text first: `..`, NUL, drives, and what is absolute but not below the root are refused.
2. Then each folder on the way is opened through the one before it, by its name alone, and no symbolic link is ever
   followed, wherever it leads. So nothing that is swapped in between a check and a use leads anywhere else.
3. Where the system cannot open through a folder (Windows), each step is checked, and the place reached must be below
   the root. Whoever can swap folders there meanwhile can lead out.
4. A file is written beside its place under a name of its own, and takes the place when it is whole. Readers see the
   old text or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Generator
from pathlib import Path

from agents.exceptions import UserError

_NO_FOLLOW = 0 if sys.platform == "win32" else os.O_NOFOLLOW
_NO_WAIT = 0 if sys.platform == "win32" else os.O_NONBLOCK
_FOLDER = 0 if sys.platform == "win32" else os.O_DIRECTORY
_BYTES = os.O_BINARY if sys.platform == "win32" else 0

OPENS_THROUGH_FOLDERS = os.open in os.supports_dir_fd
"""Whether the system opens a name in a folder that is open, not in what is found at a path."""

_WITHOUT_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""How file systems say that they have no hard links."""

_SHOWN_CHARS = 200


class PathRefused(ValueError):
    """A path leads out of the root, or to what is no file of it. The model has to give another one."""


class FileChanged(Exception):
    """Somebody else wrote a file after it was read."""


def shown(path: str) -> str:
    """A path as it may stand in a message."""
    return repr(path) if len(path) <= _SHOWN_CHARS else f"{path[:_SHOWN_CHARS]!r}…"


class Root:
    """A folder that files are looked for below.

    Raises:
        UserError: there is no such folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        given = os.path.abspath(path)  # noqa: PTH100 (a `Path` would follow links)
        if not Path(given).is_dir():
            raise UserError(f"There is no folder {given!r} to work in: make it first")
        self._given = Path(given)
        self.path = self._given.resolve()

    def names(self, path: str) -> tuple[str, ...]:
        """The names on the way from the root to a file, at least one.

        Raises:
            PathRefused: it is no path of a file below the root.
        """
        rest = self._relative(path)
        if re.match(r"[A-Za-z]:", rest) or (sys.platform == "win32" and ":" in rest):
            raise PathRefused(f"{shown(path)} names a drive: give a path relative to the workspace")
        names = tuple(name for name in rest.split("/") if name not in {"", "."})
        if ".." in names:
            raise PathRefused(f"{shown(path)} has '..' in it: give a path relative to the workspace, without")
        if not names:
            raise PathRefused(f"{shown(path)} is the workspace itself: give the path of a file in it")
        return names

    def _relative(self, path: str) -> str:
        """The part below the root, with `/` between names."""
        if "\0" in path:
            raise PathRefused(f"{shown(path)} has a NUL character in it: leave it out")
        if not path.isascii():
            try:
                path.encode()
            except UnicodeEncodeError:
                raise PathRefused(
                    f"{shown(path)} is no text that can be encoded: give another path"
                ) from None
        if sys.platform == "win32":
            path = path.replace("\\", "/")
        elif "\\" in path:
            raise PathRefused(f"{shown(path)} has a backslash in it: write '/' between folders")
        for root in (self._given, self.path):
            below = root.as_posix().rstrip("/") + "/"
            if path.startswith(below):
                return path.removeprefix(below)
        if path.startswith("/"):
            raise PathRefused(f"{shown(path)} is not in the workspace: give a path relative to it")
        return path

    @contextlib.contextmanager
    def folder_of(self, path: str, *, make: bool = False) -> Generator[tuple[Folder, str]]:
        """The folder that the file at a path is in, open for as long as this is entered, and the file's name.

        Args:
            path: Relative to the root, or absolute and below it.
            make: Make the folders that are missing.

        Raises:
            PathRefused: the path, or what is there, leads out of the root.
            OSError: as the system says; a missing folder is a `FileNotFoundError`.
        """
        *parents, name = self.names(path)
        folder = Folder.of_root(self.path)
        try:
            for parent in parents:
                below = folder.folder(parent, make=make)
                folder.close()
                folder = below
            yield folder, name
        finally:
            folder.close()


class Folder:
    """An open folder below a root, or the root, whose entries are reached by their names alone."""

    def __init__(self, path: Path, root: Path, descriptor: int | None) -> None:
        self._path = path
        self._root = root
        self._descriptor = descriptor

    @classmethod
    def of_root(cls, root: Path) -> Folder:
        """The root itself. Close it after use, as any other."""
        return cls(root, root, os.open(root, os.O_RDONLY | _FOLDER) if OPENS_THROUGH_FOLDERS else None)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self._path / name)

    def folder(self, name: str, *, make: bool) -> Folder:
        """The folder of this name in this one.

        Raises:
            PathRefused: it is no folder, or a link to one.
            FileNotFoundError: it is missing, and not to be made.
        """
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._at(name), dir_fd=self._descriptor)
        path = self._path / name
        descriptor = None
        if not stat.S_ISDIR(self.stat(name).st_mode):
            raise PathRefused(f"{self._shown(name)} is {self._kind(name)}, and no folder: give another path")
        if self._descriptor is not None:
            try:
                descriptor = os.open(name, os.O_RDONLY | _FOLDER | _NO_FOLLOW, dir_fd=self._descriptor)
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                    raise PathRefused(f"{self._shown(name)} is no folder any more: look again") from error
                raise
        elif not path.resolve().is_relative_to(self._root):
            raise PathRefused(f"{self._shown(name)} leads out of the workspace: give another path")
        return Folder(path, self._root, descriptor)

    def stat(self, name: str) -> os.stat_result:
        """What is there, a link being a link."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def identity(self) -> tuple[int, int]:
        """The same for the same folder, however it was reached."""
        here = self._path.stat() if self._descriptor is None else os.fstat(self._descriptor)
        return here.st_dev, here.st_ino

    def _shown(self, name: str) -> str:
        return shown((self._path / name).relative_to(self._root).as_posix())

    def _kind(self, name: str) -> str:
        mode = self.stat(name).st_mode
        kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
        return kinds.get(stat.S_IFMT(mode), "a device, pipe or socket")

    def must_be_file(self, name: str) -> os.stat_result:
        """Of a file, what is there.

        Raises:
            PathRefused: it is something else than a file.
            FileNotFoundError: it is missing.
        """
        found = self.stat(name)
        if not stat.S_ISREG(found.st_mode):
            raise PathRefused(f"{self._shown(name)} is {self._kind(name)}, and no file: give another path")
        return found

    def read(self, name: str, max_bytes: int) -> tuple[bytes, os.stat_result]:
        """The bytes of a file that may be written, and what it was when they were read.

        Raises:
            PathRefused: it is no file, or too large.
            OSError: it is missing, or may not be read and written.
        """
        self.must_be_file(name)
        # Opening a pipe that was swapped in must not wait for somebody at its other end.
        flags = os.O_RDWR | _NO_FOLLOW | _NO_WAIT | _BYTES
        with os.fdopen(os.open(self._at(name), flags, dir_fd=self._descriptor), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise PathRefused(f"{self._shown(name)} is no file any more: look again")
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise PathRefused(
                f"{self._shown(name)} has more than {max_bytes} bytes: it cannot be edited here"
            )
        return data, found

    def create(self, name: str, data: bytes, mode: int | None = None) -> None:
        """Put a new file in its place, whole.

        Raises:
            FileExistsError: something is there.
        """
        with self._written(data, 0o666, mode) as temporary:
            try:
                self._link(temporary, name)
            except OSError as error:
                if error.errno not in _WITHOUT_LINKS:
                    raise
                self._take(temporary, name)

    def replace(self, name: str, data: bytes, read: os.stat_result) -> None:
        """Put a file in the place of the one that was read, with its mode and its owner where that can be.

        Raises:
            FileChanged: somebody else wrote it since, or removed it.
        """
        with self._written(data, 0o600, stat.S_IMODE(read.st_mode), read) as temporary:
            try:
                now = self.stat(name)
            except FileNotFoundError:
                raise FileChanged(name) from None
            if _version(now) != _version(read):
                raise FileChanged(name)
            self._move(temporary, name)

    def remove(self, name: str, read: os.stat_result | None = None) -> None:
        """Remove a file; only as it was `read`, where that is given.

        Raises:
            PathRefused: it is no file.
            FileNotFoundError: it is missing.
            FileChanged: somebody else wrote it since.
        """
        now = self.must_be_file(name)
        if read is not None and _version(now) != _version(read):
            raise FileChanged(name)
        os.unlink(self._at(name), dir_fd=self._descriptor)

    @contextlib.contextmanager
    def _written(
        self, data: bytes, mode: int, final_mode: int | None, like: os.stat_result | None = None
    ) -> Generator[str]:
        """The name of a new file with these bytes, safe on the disk; it is gone in the end, unless it was moved."""
        name = f".{secrets.token_hex(8)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BYTES
        descriptor = os.open(self._at(name), flags, mode, dir_fd=self._descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if sys.platform != "win32":
                    _keep(file.fileno(), final_mode, like)
                os.fsync(file.fileno())
            yield name
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._at(name), dir_fd=self._descriptor)

    def _move(self, source: str, target: str) -> None:
        os.replace(
            self._at(source), self._at(target), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor
        )

    def _link(self, source: str, target: str) -> None:
        os.link(self._at(source), self._at(target), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def _take(self, source: str, target: str) -> None:
        """Move without replacing anything, where a link cannot do it: the place is taken first, by an empty file."""
        os.close(
            os.open(self._at(target), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._descriptor)
        )
        try:
            self._move(source, target)
        except BaseException:
            os.unlink(self._at(target), dir_fd=self._descriptor)
            raise


def _version(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


if sys.platform != "win32":

    def _keep(descriptor: int, mode: int | None, like: os.stat_result | None) -> None:
        """Give a new file the owner and the mode of the old one: the owner only where the system lets us."""
        if like is not None:
            new = os.fstat(descriptor)
            if (new.st_uid, new.st_gid) != (like.st_uid, like.st_gid):
                with contextlib.suppress(PermissionError):
                    os.fchown(descriptor, like.st_uid, like.st_gid)
        if mode is not None:
            os.fchmod(descriptor, mode)
