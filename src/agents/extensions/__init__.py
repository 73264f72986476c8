"""Additions to the core: ready-made handoff filters and prompts, pictures, a trimmer of tools' outputs, OpenTelemetry.

Import what you need from the modules below; none is loaded before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .tool_output_trimmer import ToolOutputTrimmer

__all__ = ["ToolOutputTrimmer"]

__getattr__ = lazy_exports(__name__, globals(), {"tool_output_trimmer": "ToolOutputTrimmer"})


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
