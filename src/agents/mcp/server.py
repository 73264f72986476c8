"""MCP servers: the port they implement, and those of the three transports."""

from agents._ports.mcp import MCPServer
from agents._ports.mcp_approval import (
    LocalMCPApprovalCallable,
    RequireApprovalObject,
    RequireApprovalSetting,
    RequireApprovalToolList,
)
from agents.items.run_items import T

from ._transports import (
    MCPServerSse,
    MCPServerSseParams,
    MCPServerStdio,
    MCPServerStdioParams,
    MCPServerStreamableHttp,
    MCPServerStreamableHttpParams,
)

__all__ = [
    "LocalMCPApprovalCallable",
    "MCPServer",
    "MCPServerSse",
    "MCPServerSseParams",
    "MCPServerStdio",
    "MCPServerStdioParams",
    "MCPServerStreamableHttp",
    "MCPServerStreamableHttpParams",
    "RequireApprovalObject",
    "RequireApprovalSetting",
    "RequireApprovalToolList",
    "T",
]
