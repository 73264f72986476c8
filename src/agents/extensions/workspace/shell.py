"""Commands run in a folder. A shell can do whatever its user can: the folder is where it begins, and no fence.

1. A command has a process group of its own. When the command ends, times out or is cancelled, all of the group is
   killed, and the command is reaped after that: until then its id, which is the group's, cannot be another's.
2. Nothing of a command is left when `run` is: no process of its group, no pipe, no thread, no task.
3. What it prints is read as it comes and kept in bounded memory.
4. No call blocks the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.exceptions import UserError
from agents.tool.shell import (
    LocalShellCommandRequest,
    ShellCallOutcome,
    ShellCommandOutput,
    ShellCommandRequest,
    ShellResult,
)
from agents.util.settled import settled

from ._captured import Captured
from ._confined import PathRefused, Root, shown

_READ_BYTES = 65_536

_CANNOT_BE_RUN = 126
"""The exit code, as shells have it."""

_LAST_WORDS_S = 1.0
"""How long output is read after the group was killed: somebody who left the group may hold the pipes for ever."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str

    exit_code: int | None
    """128 + n after signal n, and 127 or 126 for a program that is missing or cannot be run, as shells say it. None
    when the time was up."""

    timed_out: bool


class WorkspaceShell:
    """Runs commands that begin in the folder `root`, one process group each.

        shell = WorkspaceShell("checkout", timeout_s=60)
        print((await shell.run("ls -l | wc -l")).stdout)
        tools = [ShellTool(shell, needs_approval=True), LocalShellTool(shell.local, needs_approval=True)]

    **This is no sandbox.** A command can read, change and send whatever the user of this process can. What protects is
    a person's approval of each command, or a container that has nothing but the workspace in it.

    Commands see `PATH`, `HOME` (the root), `LANG` and what `env` adds: no keys, unless they are put there.

    Args:
        root: The folder. It must be there.
        env: More environment variables for all commands.
        inherit_env: Give commands all variables of this process too, its secrets with them.
        timeout_s: How long a command may take. A call may ask for less.
        max_output_bytes: How much is kept of stdout and of stderr, half of it from the beginning and half from the
            end. A call may ask for less.

    Raises:
        UserError: there is no such folder, a limit is none, or the system has no process groups (Windows).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        env: Mapping[str, str] | None = None,
        inherit_env: bool = False,
        timeout_s: float = 120.0,
        max_output_bytes: int = 65_536,
    ) -> None:
        if sys.platform == "win32":
            raise UserError(
                "WorkspaceShell needs the process groups of Linux or macOS: give your own executor"
            )
        if not timeout_s > 0:
            raise UserError(f"timeout_s must be > 0, got {timeout_s}")
        if max_output_bytes < 0:
            raise UserError(f"max_output_bytes must be >= 0, got {max_output_bytes}")
        self._root = Root(root).path
        self._env = dict(env or {})
        self._inherit_env = inherit_env
        self._timeout_s = timeout_s
        self._max_output_bytes = max_output_bytes

    async def __call__(self, request: ShellCommandRequest) -> ShellResult:
        """Run the commands of a `ShellTool`'s call one after the other, until the time is up that it gives them.

        One that cannot be run has failed, and one that the time did not suffice for has timed out, as their stderr says:
        what the others did stays known.
        """
        action = request.data.action
        clock = asyncio.get_running_loop().time
        ends_at = None if action.timeout_ms is None else clock() + action.timeout_ms / 1000
        outputs: list[ShellCommandOutput] = []
        for command in action.commands:
            left_ms = None if ends_at is None else (ends_at - clock()) * 1000
            try:
                if left_ms is not None and left_ms <= 0:
                    result = CommandResult("", "The time was up: this was not run.\n", None, timed_out=True)
                else:
                    result = await self.run(command, timeout_ms=left_ms, max_output=action.max_output_length)
            except ValueError as error:
                result = CommandResult("", f"{error}\n", _CANNOT_BE_RUN, timed_out=False)
            outcome = (
                ShellCallOutcome("timeout")
                if result.timed_out
                else ShellCallOutcome("exit", result.exit_code)
            )
            outputs.append(ShellCommandOutput(result.stdout, result.stderr, outcome, command))
        return ShellResult(outputs)

    async def local(self, request: LocalShellCommandRequest) -> str:
        """Run the command of a `LocalShellTool`'s call; gives what it wrote, and how it ended unless that was well.

        Raises:
            ValueError: it cannot be run; the model is told why.
        """
        action = request.data.action
        result = await self.run(
            action.command,
            working_directory=action.working_directory,
            env=action.env,
            timeout_ms=action.timeout_ms,
        )
        end = (
            "timed out\n"
            if result.timed_out
            else f"exit code: {result.exit_code}\n"
            if result.exit_code
            else ""
        )
        return result.stdout + result.stderr + end

    async def run(
        self,
        command: str | Sequence[str],
        *,
        working_directory: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout_ms: float | None = None,
        max_output: int | None = None,
    ) -> CommandResult:
        """Run a command to its end, with nothing on its stdin.

        What it leaves running in the background is killed when it ends. Cancelled, this kills it all, waits until it
        is dead, and then is cancelled.

        Args:
            command: A text for `/bin/sh -c`, or a program and its arguments.
            working_directory: Where it begins, below the root; None is the root.
            env: More environment variables.
            timeout_ms: Milliseconds that it may take, if that is less than `timeout_s`.
            max_output: Bytes that are kept of each stream, if that is less than `max_output_bytes`.

        Raises:
            ValueError: the command is empty or cannot be passed on, the directory is not in the root, or a limit is
                none. Whoever gave it has to give another one.
        """
        arguments = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        if not arguments or not arguments[-1 if isinstance(command, str) else 0].strip():
            raise ValueError("The command is empty: give one")
        if timeout_ms is not None and not timeout_ms > 0:
            raise ValueError(f"timeout_ms must be > 0, got {timeout_ms}")
        if max_output is not None and max_output < 0:
            raise ValueError(f"max_output must be >= 0, got {max_output}")
        limit_s = self._timeout_s if timeout_ms is None else min(self._timeout_s, timeout_ms / 1000)
        kept = self._max_output_bytes if max_output is None else min(self._max_output_bytes, max_output)
        running = _Command(arguments, self._environment(env or {}), kept)
        try:
            try:
                folder = await asyncio.to_thread(self._folder, working_directory)
                await settled(running.start(folder))
            except OSError as error:
                code = 127 if isinstance(error, FileNotFoundError) else _CANNOT_BE_RUN
                return CommandResult("", f"{arguments[0]}: {error.strerror}\n", code, timed_out=False)
            timed_out = not await running.ends_within(limit_s)
        finally:
            await settled(running.end())
        return running.result(timed_out=timed_out)

    def _folder(self, working_directory: str | None) -> Path:
        if working_directory is None:
            working_directory = "."
        if "\0" in working_directory:
            raise PathRefused(f"{shown(working_directory)} has a NUL character in it: leave it out")
        # It may be a link, as long as it stays: a shell can follow any.
        folder = Path(os.path.realpath(self._root / working_directory))
        if not folder.is_relative_to(self._root):
            raise PathRefused(f"{shown(working_directory)} is not in the workspace: give a folder that is")
        if not os.path.isdir(folder):  # noqa: PTH112 (a `Path` raises when a name is too long)
            raise PathRefused(
                f"There is no folder {shown(working_directory)} in the workspace: give another one"
            )
        return folder

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        least = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._root), "LANG": "C.UTF-8"}
        return {**(os.environ if self._inherit_env else least), **self._env, **more}


class _Command:
    """One process with its group, from its start to when nothing is left of it."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str], max_output_bytes: int) -> None:
        self._arguments = arguments
        self._env = env
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_exited = asyncio.Event()
        self._is_silent = asyncio.Event()
        self._outputs = (Captured(max_output_bytes), Captured(max_output_bytes))
        self._open: set[int] = set()

    async def start(self, folder: Path) -> None:
        """Start it, in a thread that lives as long as it does, for starting takes a while. Not to be broken off.

        Raises:
            OSError: it cannot be started.
            ValueError: it cannot be passed on: a NUL in an argument, for instance.
        """
        started: asyncio.Future[subprocess.Popen[bytes]] = self._loop.create_future()
        threading.Thread(target=self._live, args=[folder, started], daemon=True).start()
        self._process = await started

    def _live(self, folder: Path, started: asyncio.Future[subprocess.Popen[bytes]]) -> None:
        """Start the process, and tell the loop when it has exited; leave it to be reaped, where the system can."""
        try:
            process = subprocess.Popen(  # noqa: S603 (what it is for)
                self._arguments,
                cwd=folder,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except BaseException as error:  # noqa: BLE001 (raised where the start is awaited)
            self._loop.call_soon_threadsafe(started.set_exception, error)
            return
        self._loop.call_soon_threadsafe(started.set_result, process)
        if sys.platform == "linux":
            # Where a program ignores SIGCHLD, nothing is left to be seen.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        else:
            process.wait()
        self._loop.call_soon_threadsafe(self._has_exited.set)

    async def ends_within(self, limit_s: float) -> bool:
        """Read what it prints until it exits; False when the time is up before."""
        assert self._process is not None
        for pipe, output in zip((self._process.stdout, self._process.stderr), self._outputs, strict=True):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._open.add(pipe.fileno())
            self._loop.add_reader(pipe.fileno(), self._read, pipe.fileno(), output)
        try:
            async with asyncio.timeout(limit_s):
                await self._has_exited.wait()
        except TimeoutError:
            return False
        return True

    def _read(self, descriptor: int, output: Captured) -> None:
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        if data:
            output.feed(data)
        else:
            self._stop_reading(descriptor)

    def _stop_reading(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._open.discard(descriptor)
        if not self._open:
            self._is_silent.set()

    async def end(self) -> None:
        """Kill what is left of the group, read what it had printed, and give everything back."""
        process = self._process
        if process is None:
            return
        if sys.platform != "win32":
            # The group may be gone; macOS says that it may not be killed then.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        await self._has_exited.wait()
        process.wait()
        if self._open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_S):
                    await self._is_silent.wait()
        for descriptor in tuple(self._open):
            self._stop_reading(descriptor)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def result(self, *, timed_out: bool) -> CommandResult:
        """What became of it, once it has ended."""
        assert self._process is not None
        code = self._process.returncode
        stdout, stderr = (output.text() for output in self._outputs)
        if timed_out:
            return CommandResult(stdout, stderr, None, timed_out=True)
        return CommandResult(stdout, stderr, code if code >= 0 else 128 - code, timed_out=False)
