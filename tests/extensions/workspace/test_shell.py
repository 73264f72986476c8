"""Commands that really run: what they give, what they see, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from agents import UserError
from agents.extensions.workspace import CommandResult, WorkspaceShell

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncGenerator[None]:
    """No descriptor, thread, child or task more than before."""
    await asyncio.to_thread(int)
    descriptors, tasks, processes = open_descriptors(), len(asyncio.all_tasks()), children()
    yield
    assert open_descriptors() == descriptors
    assert len(asyncio.all_tasks()) == tasks
    assert children() == processes
    # One that has told the loop may not have ended yet.
    for thread in threading.enumerate():
        if "_live" in thread.name:
            thread.join(10)
            assert not thread.is_alive()


def open_descriptors() -> list[str]:
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists())


def children() -> set[str]:
    """Processes that this one started and has not reaped."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.add(process.name)
    return found


@pytest.fixture
def shell(tmp_path: Path) -> WorkspaceShell:
    return WorkspaceShell(tmp_path)


def is_running(pid: int) -> bool:
    """A process that was killed may wait for the machine's first process to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def is_dead(pid: int) -> bool:
    """Killed processes take a moment."""
    for _ in range(500):
        if not is_running(pid):
            return True
        await asyncio.to_thread(threading.Event().wait, 0.01)
    return False


async def pid_in(path: Path) -> int:
    """The number that a command writes to a named pipe, as soon as it does."""
    return int(await asyncio.to_thread(path.read_text, encoding="utf-8"))


async def test_a_command_gives_its_output_and_its_exit_code(shell: WorkspaceShell) -> None:
    assert await shell.run("echo out; echo err >&2; exit 3") == CommandResult(
        "out\n", "err\n", 3, timed_out=False
    )
    assert await shell.run(["echo", "$HOME", "a b"]) == CommandResult("$HOME a b\n", "", 0, timed_out=False)
    assert await shell.run("yes | head -n 1") == CommandResult("y\n", "", 0, timed_out=False)
    assert await shell.run("cat") == CommandResult("", "", 0, timed_out=False)


async def test_signals_and_missing_programs_have_the_codes_that_shells_give(
    shell: WorkspaceShell, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no program", encoding="utf-8")
    assert (await shell.run("kill -9 $$")).exit_code == 137
    assert await shell.run(["no-such-program", "x"]) == CommandResult(
        "", "no-such-program: No such file or directory\n", 127, timed_out=False
    )
    assert (await shell.run(["./text"])).exit_code == 126
    assert (await shell.run("no-such-program")).exit_code == 127


async def test_a_command_begins_in_the_root_or_below(shell: WorkspaceShell, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "near").symlink_to("a")
    for given, begins in {None: "", ".": "", "a": "a", "a/../a": "a", "near": "a", str(tmp_path): ""}.items():
        result = await shell.run(["pwd", "-P"], working_directory=given)
        assert result.stdout == f"{tmp_path / begins}\n"


@pytest.mark.parametrize(
    "given", ["..", "/", "/etc", "a/../..", "far", "loop", "missing", "file", "a\0b", "n" * 300]
)
async def test_a_directory_that_is_not_in_the_root_is_refused(
    shell: WorkspaceShell, tmp_path: Path, given: str
) -> None:
    (tmp_path / "far").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"in the workspace|NUL|no folder"):
        await shell.run("touch made", working_directory=given)


@pytest.mark.parametrize(
    ("command", "more", "said"),
    [
        ("", {}, "The command is empty"),
        (" \n", {}, "The command is empty"),
        ([], {}, "The command is empty"),
        ([""], {}, "The command is empty"),
        ("echo \0", {}, "null byte"),
        (["echo", "\0"], {}, "null byte"),
        ("echo \ud800", {}, "surrogates"),
        ("echo", {"env": {"A=B": "x"}}, "environment variable name"),
        ("echo", {"env": {"A": "\0"}}, "null byte"),
        ("echo", {"timeout_ms": 0}, "timeout_ms must be > 0, got 0"),
        ("echo", {"timeout_ms": float("nan")}, "timeout_ms must be > 0, got nan"),
        ("echo", {"max_output": -1}, "max_output must be >= 0, got -1"),
    ],
)
async def test_what_cannot_be_run_is_a_value_error(
    shell: WorkspaceShell, command: str | Sequence[str], more: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        await shell.run(command, **more)


async def test_no_secret_is_inherited_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    variables = await WorkspaceShell(tmp_path, env={"MINE": "1"}).run(["env"], env={"MORE": "2"})
    assert dict(line.split("=", 1) for line in variables.stdout.splitlines()) == {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "MINE": "1",
        "MORE": "2",
    }
    inherited = await WorkspaceShell(tmp_path, inherit_env=True).run("echo $OPENAI_API_KEY")
    assert inherited.stdout == "sk-secret\n"


async def test_a_time_out_kills_all_that_the_command_started(shell: WorkspaceShell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    running = asyncio.create_task(
        shell.run("echo before; sleep 1000 & (echo $! > pid); trap '' TERM INT; wait", timeout_ms=500)
    )
    child = await pid_in(tmp_path / "pid")
    assert await running == CommandResult("before\n", "", None, timed_out=True)
    assert await is_dead(child)


async def test_the_shorter_of_two_limits_holds(tmp_path: Path) -> None:
    shell = WorkspaceShell(tmp_path, timeout_s=0.2, max_output_bytes=10)
    assert (await shell.run("exec sleep 1000", timeout_ms=1_000_000)).timed_out
    assert len((await shell.run("printf '%0100d' 0", max_output=1000)).stdout) < 50
    assert (await shell.run("printf 123456", max_output=4)).stdout == "12\n… 2 bytes left out …\n56"


async def test_cancelling_kills_all_that_the_command_started(shell: WorkspaceShell, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    running = asyncio.create_task(shell.run("(sh -c 'sleep 1000 & wait' & echo $! > pid); sleep 1000"))
    child = await pid_in(tmp_path / "pid")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await is_dead(child)


async def test_cancelled_at_any_step_nothing_is_left(shell: WorkspaceShell) -> None:
    for steps in range(12):
        running = asyncio.create_task(shell.run("sleep 1000 & sleep 1000"))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_what_runs_on_in_the_background_ends_with_its_command(shell: WorkspaceShell) -> None:
    result = await shell.run("sleep 1000 & echo $!")
    assert result.exit_code == 0
    assert await is_dead(int(result.stdout))


async def test_who_left_the_group_and_holds_the_pipes_does_not_hold_the_caller(
    shell: WorkspaceShell, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pid")
    result = await shell.run("setsid sh -c 'echo $$ > pid; exec sleep 1000' & cat pid")
    assert result.exit_code == 0
    left = int(result.stdout)
    assert is_running(left)
    os.kill(left, signal.SIGKILL)
    assert await is_dead(left)


async def test_output_without_end_is_read_in_bounded_memory(tmp_path: Path) -> None:
    shell = WorkspaceShell(tmp_path, max_output_bytes=1000)
    result = await shell.run("echo first; (yes >&2 & yes) | head -c 20000000; echo last", timeout_ms=30_000)
    assert result.stdout.startswith("first\ny\n")
    assert result.stdout.endswith("y\nlast\n")
    assert len(result.stdout) < 1100
    endless = await shell.run("yes", timeout_ms=300)
    assert endless.timed_out
    assert "bytes left out" in endless.stdout


async def test_what_is_no_utf_8_is_replaced(shell: WorkspaceShell) -> None:
    assert (await shell.run(r"printf 'a\377\303b'")).stdout == "a\ufffd\ufffdb"


async def test_fifty_commands_run_at_once(shell: WorkspaceShell) -> None:
    results = await asyncio.gather(*(shell.run(f"cat > {n}; echo {n}; cat {n}") for n in range(50)))
    assert [result.stdout for result in results] == [f"{number}\n" for number in range(50)]


async def test_the_event_loop_is_never_blocked(shell: WorkspaceShell) -> None:
    with blockbuster_ctx("agents"):
        assert (await shell.run("echo a", working_directory=".")).stdout == "a\n"
        assert (await shell.run("sleep 1000", timeout_ms=50)).timed_out


async def test_ignored_child_signals_do_no_harm(shell: WorkspaceShell) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert (await shell.run("echo a")).stdout == "a\n"
        assert (await shell.run("sleep 1000", timeout_ms=50)).timed_out
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_root_that_is_gone_is_told(shell: WorkspaceShell, tmp_path: Path) -> None:
    tmp_path.rmdir()
    with pytest.raises(ValueError, match=r"There is no folder '\.' in the workspace"):
        asyncio.run(shell.run("echo a"))
    tmp_path.mkdir()


def test_a_shell_outlives_its_event_loop(shell: WorkspaceShell) -> None:
    assert [asyncio.run(shell.run("echo a")).stdout for _ in range(2)] == ["a\n", "a\n"]


@pytest.mark.parametrize("wrong", [{"timeout_s": 0}, {"timeout_s": float("nan")}, {"max_output_bytes": -1}])
def test_limits_that_are_none_are_the_program_s_mistake(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="must be"):
        WorkspaceShell(tmp_path, **wrong)
    with pytest.raises(UserError, match="There is no folder"):
        WorkspaceShell(tmp_path / "nowhere")
