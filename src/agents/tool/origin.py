"""Where a tool comes from: a function, an MCP server, or another agent."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast


class ToolOriginType(str, enum.Enum):  # noqa: UP042 - `str()` of a member shows its name, as programs expect
    """The kinds of things that tools are made of."""

    FUNCTION = "function"
    MCP = "mcp"
    AGENT_AS_TOOL = "agent_as_tool"


@dataclass(frozen=True)
class ToolOrigin:
    """What a tool was made of, as items and records show it."""

    type: ToolOriginType

    mcp_server_name: str | None = None
    """The server that lists the tool; for `MCP`."""

    agent_name: str | None = None
    """The agent behind the tool; for `AGENT_AS_TOOL`."""

    agent_tool_name: str | None = None
    """The name that `Agent.as_tool` gave; for `AGENT_AS_TOOL`."""

    def to_json_dict(self) -> dict[str, Any]:
        """The origin as JSON values, without the fields that are None."""
        values = {
            "mcp_server_name": self.mcp_server_name,
            "agent_name": self.agent_name,
            "agent_tool_name": self.agent_tool_name,
        }
        return {
            "type": self.type.value,
            **{name: value for name, value in values.items() if value is not None},
        }

    @classmethod
    def from_json_dict(cls, data: Any) -> ToolOrigin | None:
        """The origin that `to_json_dict` wrote; None when `data` names no known kind.

        Fields that are not text count as absent: stored states of other versions may hold them.
        """
        if not isinstance(data, Mapping):
            return None
        values = cast("Mapping[str, object]", data)
        try:
            kind = ToolOriginType(values.get("type"))
        except ValueError:
            return None

        def text(name: str) -> str | None:
            value = values.get(name)
            return value if isinstance(value, str) else None

        return cls(
            type=kind,
            mcp_server_name=text("mcp_server_name"),
            agent_name=text("agent_name"),
            agent_tool_name=text("agent_tool_name"),
        )
