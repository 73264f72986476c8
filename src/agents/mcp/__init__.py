"""Tools of MCP servers. Needs `pip install 'headrace[mcp]'`, which brings `mcp` 2.

    async with MCPServerStdio({"command": "my-server"}) as server:
        agent = Agent(name="Librarian", mcp_servers=[server])
        result = await Runner.run(agent, "What is new?")

Raises:
    ImportError: `mcp` is not installed, or is older.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if find_spec("mcp") is None or find_spec("mcp_types") is None:
    raise ImportError("agents.mcp needs mcp 2, which is not installed: run pip install 'headrace[mcp]'")

if TYPE_CHECKING:
    from .manager import MCPServerManager
    from .server import (
        LocalMCPApprovalCallable,
        MCPServer,
        MCPServerSse,
        MCPServerSseParams,
        MCPServerStdio,
        MCPServerStdioParams,
        MCPServerStreamableHttp,
        MCPServerStreamableHttpParams,
        RequireApprovalObject,
        RequireApprovalSetting,
        RequireApprovalToolList,
    )
    from .util import (
        MCPToolCustomDataContext,
        MCPToolCustomDataExtractor,
        MCPToolMetaContext,
        MCPToolMetaResolver,
        MCPUtil,
        ToolFilter,
        ToolFilterCallable,
        ToolFilterContext,
        ToolFilterStatic,
        create_static_tool_filter,
    )

__all__ = [
    "LocalMCPApprovalCallable",
    "MCPServer",
    "MCPServerManager",
    "MCPServerSse",
    "MCPServerSseParams",
    "MCPServerStdio",
    "MCPServerStdioParams",
    "MCPServerStreamableHttp",
    "MCPServerStreamableHttpParams",
    "MCPToolCustomDataContext",
    "MCPToolCustomDataExtractor",
    "MCPToolMetaContext",
    "MCPToolMetaResolver",
    "MCPUtil",
    "RequireApprovalObject",
    "RequireApprovalSetting",
    "RequireApprovalToolList",
    "ToolFilter",
    "ToolFilterCallable",
    "ToolFilterContext",
    "ToolFilterStatic",
    "create_static_tool_filter",
]

__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "manager": "MCPServerManager",
        "server": "LocalMCPApprovalCallable MCPServer MCPServerSse MCPServerSseParams MCPServerStdio"
        " MCPServerStdioParams MCPServerStreamableHttp MCPServerStreamableHttpParams"
        " RequireApprovalObject RequireApprovalSetting RequireApprovalToolList",
        "util": "MCPToolCustomDataContext MCPToolCustomDataExtractor MCPToolMetaContext MCPToolMetaResolver"
        " MCPUtil ToolFilter ToolFilterCallable ToolFilterContext ToolFilterStatic"
        " create_static_tool_filter",
    },
)
