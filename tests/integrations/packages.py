"""Packages from PyPI that hook into `agents`, each in an environment of its own, with this project in place of `openai-agents`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from program import PROJECT

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package at a version, and what it needs.

    `alone` says that it is installed without what it depends on, because that is `openai-agents` itself.
    """

    name: str
    version: str
    needs: tuple[str, ...] = ("opentelemetry-sdk",)
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
        wanted = f"{self.name}=={self.version}"
        if ready.exists() and ready.read_text() == wanted:
            return
        pip = [str(self.python), "-m", "pip", "install", "--quiet"]
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([*pip, "--editable", str(PROJECT), *self.needs], check=True)
        subprocess.run([*pip, *(["--no-deps"] if self.alone else []), wanted], check=True)
        ready.write_text(wanted)


PACKAGES = (
    Package(name="openinference-instrumentation-openai-agents", version="2.6.0"),
    Package(name="opentelemetry-instrumentation-openai-agents", version="0.62.4"),
    Package(name="openai-agents-opentelemetry", version="0.4.1", alone=True),
)


if __name__ == "__main__":
    for package in PACKAGES:
        package.install()
