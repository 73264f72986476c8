"""Everything that an agent's tools may be."""

from __future__ import annotations

from typing import TypeAlias

from .function import FunctionTool
from .hosted import HostedTool

Tool: TypeAlias = FunctionTool | HostedTool
"""Everything that `Agent.tools` may hold."""
