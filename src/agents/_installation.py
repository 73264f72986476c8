"""Says so when another distribution that provides `agents` is installed beside this one.

Both would write into one package directory: whichever came last wins, file by
file. `importlib.metadata` could tell too, but costs more than the whole import.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable

RIVALS = ("openai_agents-", "agents-")


def find_rivals(paths: Iterable[str]) -> list[str]:
    """The rival distributions installed in these directories, as `name-version`."""
    found: set[str] = set()
    for path in paths:
        if not path.endswith("-packages"):
            continue
        try:
            names = os.listdir(path)  # noqa: PTH208 (pathlib is slow to import)
        except OSError:
            continue
        found.update(
            name.removesuffix(".dist-info")
            for name in names
            if name.endswith(".dist-info") and name.startswith(RIVALS)
        )
    return sorted(found)


def warn_of_rivals() -> None:
    """Warn once, at import, naming what to uninstall."""
    rivals = find_rivals(sys.path)
    if rivals:
        warnings.warn(
            f"{', '.join(rivals)} is installed beside headrace, and both provide the package `agents`: "
            f"which files are used is down to chance. Uninstall it ({_uninstall(rivals)}), "
            "then reinstall headrace (pip install --force-reinstall --no-deps headrace).",
            stacklevel=3,
        )


def _uninstall(rivals: list[str]) -> str:
    names = (rival.rpartition("-")[0].replace("_", "-") for rival in rivals)
    return f"pip uninstall {' '.join(names)}"
