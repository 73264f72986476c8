"""Everything that an agent's tools may be."""

from __future__ import annotations

from typing import TypeAlias

from .custom import CustomTool
from .function import FunctionTool
from .hosted import HostedTool

Tool: TypeAlias = FunctionTool | CustomTool | HostedTool
"""Everything that `Agent.tools` may hold."""
