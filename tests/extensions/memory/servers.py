"""A real Redis and a real Postgres for the tests, each in a directory of its own and gone with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

#: Where Debian puts the programs that it does not put on the path; the newest first.
POSTGRES_HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str:
    """The path of a program; without it the test is skipped, and fails in CI."""
    found = shutil.which(name) or next(
        (str(home / name) for home in POSTGRES_HOMES if (home / name).exists()), None
    )
    if found is not None:
        return found
    reason = f"{name} is not installed: `make servers` installs it"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def redis_server(directory: Path) -> Generator[str]:
    """A Redis on a socket; gives its URL."""
    path = directory / "redis.sock"
    command = [program("redis-server"), "--port", "0", "--unixsocket", str(path), "--dir", str(directory)]
    command += ["--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            said = next((line for line in lines if "ready to accept connections" in line.lower()), "")
            assert said, "redis-server ended before it was ready"
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.communicate(timeout=30)


@contextlib.contextmanager
def postgres_server() -> Generator[str]:
    """A Postgres on loopback; gives its URL for asyncpg."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as directory:
        yield from _postgres_in(Path(directory))


def _postgres_in(directory: Path) -> Generator[str]:
    data = directory / "data"
    user = "tests"
    # It refuses to be root, and whoever runs it must own its files.
    owner: str | None = None
    if os.geteuid() == 0:
        owner = "postgres"
        shutil.chown(directory, owner)

    def run(*command: str) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd="/", user=owner
        )
        assert done.returncode == 0, done.stdout + done.stderr

    control = program("pg_ctl")
    run(
        program("initdb"),
        "--pgdata",
        str(data),
        "--username",
        user,
        "--auth",
        "trust",
        "--no-sync",
        "--no-instructions",
    )
    port = free_port()
    options = (
        f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={directory} -c fsync=off"
    )
    run(
        control,
        "--pgdata",
        str(data),
        "--wait",
        "--log",
        str(directory / "log"),
        "--options",
        options,
        "start",
    )
    try:
        yield f"postgresql+asyncpg://{user}@127.0.0.1:{port}/postgres"
    finally:
        run(control, "--pgdata", str(data), "--wait", "--mode", "immediate", "stop")
