"""Everything that an agent's tools may be."""

from __future__ import annotations

from typing import Any, TypeAlias

from .apply_patch import ApplyPatchTool
from .computer import ComputerTool
from .custom import CustomTool
from .function import FunctionTool
from .hosted import HostedTool
from .shell import LocalShellTool, ShellTool

MachineTool: TypeAlias = ComputerTool[Any] | LocalShellTool | ShellTool | ApplyPatchTool
"""The tools that act on a machine, through what the program gives them."""

Tool: TypeAlias = FunctionTool | CustomTool | MachineTool | HostedTool
"""Everything that `Agent.tools` may hold."""
