"""Packages from PyPI that hook into `agents`, each in an environment of its own, with this project in place of `openai-agents`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from program import PROJECT

HERE = Path(__file__).parent

run_with_packages = pytest.mark.skipif(
    not os.environ.get("HEADRACE_INTEGRATIONS"),
    reason="packages of others, each in an environment of its own: run make test-integrations",
)
"""Marks tests that need the environments; `make test-integrations` makes them."""

_OFFLINE = {
    # What wants to leave the machine meets a proxy that is not there.
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    "NO_PROXY": "127.0.0.1",
}
_SETTINGS = ("OPENAI_", "PYTHON", "OTEL_", "BRAINTRUST_", "LANGSMITH_", "LANGCHAIN_", "POSTHOG_")
"""Beginnings of variables by which the person who runs the tests would change what they see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package at a version, and what it needs.

    `alone` says that it is installed without what it depends on, because that is `openai-agents` itself.
    """

    name: str
    version: str
    needs: tuple[str, ...] = ()
    alone: bool = False

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        return HERE / f".venv-{self.name}" / scripts / "python"

    def install(self) -> None:
        """Make its environment, unless it is there.

        Raises:
            subprocess.CalledProcessError: pip could not install something.
        """
        home = HERE / f".venv-{self.name}"
        ready = home / ".ready"
        if ready.exists() and ready.read_text(encoding="utf-8") == repr(self):
            return
        wanted = f"{self.name}=={self.version}"
        pip = [str(self.python), "-m", "pip", "install", "--quiet"]
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([*pip, "--editable", str(PROJECT), *self.needs], check=True)
        subprocess.run([*pip, *(["--no-deps"] if self.alone else []), wanted], check=True)
        ready.write_text(repr(self), encoding="utf-8")

    def run(self, program: str, *arguments: str) -> list[Any]:
        """Run one of `programs/` in its environment, without a way out of this machine.

        Returns what it prints, a JSON value a line. It has to say nothing else, and to end well: what a processor
        raises shows only in what is logged.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        done = subprocess.run(
            [str(self.python), str(HERE / "programs" / program), *arguments],
            env={**inherited, **_OFFLINE, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


_SDK = ("opentelemetry-sdk",)
SPANS = (
    Package(name="openinference-instrumentation-openai-agents", version="2.6.0", needs=_SDK),
    Package(name="opentelemetry-instrumentation-openai-agents", version="0.62.4", needs=_SDK),
    Package(name="openai-agents-opentelemetry", version="0.4.1", needs=_SDK, alone=True),
    Package(name="logfire", version="5.4.0"),
)
"""Those that make OpenTelemetry spans of ours."""

BRAINTRUST = Package(name="braintrust", version="0.48.1")
LANGSMITH = Package(name="langsmith", version="0.15.1")
POSTHOG = Package(name="posthog", version="7.91.1")
CHATKIT = Package(name="openai-chatkit", version="1.6.5", needs=("jinja2>=3.1,<4", "uvicorn"), alone=True)
COMPACTION = Package(name="openai-agents-context-compaction", version="0.3.0", alone=True)
PACKAGES = (*SPANS, BRAINTRUST, LANGSMITH, POSTHOG, CHATKIT, COMPACTION)


if __name__ == "__main__":
    for package in PACKAGES:
        package.install()
