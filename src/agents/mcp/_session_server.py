"""What the servers of all transports share: one connection at a time, retries, the tool cache, filters.

1. `connect` and `cleanup` exclude one another; requests do not wait for one another.
2. A connection that is found dead is closed before anything else happens, so that no process outlives it, and the next
   request opens a new one.
3. A request that the server may have begun to answer is repeated only where `max_retry_attempts` allows it.
"""

from __future__ import annotations

import abc
import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Self, TypeVar, cast

import mcp_types as types
from mcp import Client
from mcp.client.session import MessageHandlerFnT
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from agents._ports.mcp import MCPServer, MCPToolCustomDataExtractor, MCPToolMetaResolver
from agents._ports.mcp_approval import RequireApprovalSetting
from agents.agent import AgentBase
from agents.exceptions import MCPConnectionError, UserError
from agents.run_context import RunContextWrapper
from agents.tool.traits import UNSET, ToolErrorFunction, Unset
from agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail

from ._checks import pages, seconds
from ._connection import TRANSPORT_ERRORS, Connection, is_lost
from ._elicitation import Asker, current_asker, elicited, patient, questions_to
from ._held import causes
from ._progress import current_report
from ._text import without_secrets
from ._tool_cache import ToolCache
from .filters import ToolFilter, filtered

_logger = logging.getLogger("openai.agents")

_Params = TypeVar("_Params")
_Answer = TypeVar("_Answer")


class SessionServer(MCPServer, Generic[_Params]):
    """A server behind a connection that this class opens, watches, replaces and closes.

    Raises:
        UserError: `require_approval` is none of its forms.
        TypeError: a number is none.
        ValueError: a number is out of its range.
    """

    def __init__(
        self,
        params: _Params,
        cache_tools_list: bool = False,
        name: str | None = None,
        client_session_timeout_seconds: float | None = 5,
        tool_filter: ToolFilter = None,
        use_structured_content: bool = False,
        max_retry_attempts: int = 0,
        retry_backoff_seconds_base: float = 1.0,
        message_handler: MessageHandlerFnT | None = None,
        require_approval: RequireApprovalSetting = None,
        failure_error_function: ToolErrorFunction | Unset | None = UNSET,
        tool_meta_resolver: MCPToolMetaResolver | None = None,
        custom_data_extractor: MCPToolCustomDataExtractor | None = None,
        retry_backoff_seconds_max: float | None = None,
        *,
        tool_input_guardrails: list[ToolInputGuardrail[Any]] | None = None,
        tool_output_guardrails: list[ToolOutputGuardrail[Any]] | None = None,
        max_list_pages: int | None = None,
        allow_elicitation: bool = False,
    ) -> None:
        """Describe the server; `connect` starts or reaches it.

        Args:
            params: Where it is, or how it is started.
            cache_tools_list: Keep the listing of its tools until the server says that it changed, or
                `invalidate_tools_cache` does. Filters are applied each time.
            name: What to call it; made of `params` when None.
            client_session_timeout_seconds: How long one answer may take; None is for ever.
            tool_filter: Which of its tools agents are offered.
            use_structured_content: Give models the structured content of results that have some.
            max_retry_attempts: How often a listing or a call that failed is repeated; -1 is without end.
                Calls are repeated even when they may have taken effect.
            retry_backoff_seconds_base: The wait before the first repetition, doubled before each other.
            message_handler: Gets every notification of the server.
            require_approval: Which calls wait for a person.
            failure_error_function: Text for the model when a call fails; None raises.
            tool_meta_resolver: Gives the `_meta` of each call.
            custom_data_extractor: Gives data to keep beside each output item.
            retry_backoff_seconds_max: The longest wait before a repetition.
            tool_input_guardrails: Checked before a call of any of its tools.
            tool_output_guardrails: Checked before an output of any of them goes to the model.
            max_list_pages: How many pages a listing may have.
            allow_elicitation: Whether the server may ask the user something in the middle of a call: the run pauses,
                or waits, for a decision about it. A server of a protocol before 2026-07-28 then gets one call at a time.
        """
        super().__init__(
            use_structured_content,
            require_approval,
            failure_error_function,
            tool_meta_resolver,
            custom_data_extractor,
            tool_input_guardrails=tool_input_guardrails,
            tool_output_guardrails=tool_output_guardrails,
        )
        self.params = params
        self.cache_tools_list = cache_tools_list
        self.client_session_timeout_seconds = seconds(
            "client_session_timeout_seconds", client_session_timeout_seconds
        )
        self.tool_filter = tool_filter
        self.max_retry_attempts = max_retry_attempts
        self.retry_backoff_seconds_base = retry_backoff_seconds_base
        self.retry_backoff_seconds_max = seconds("retry_backoff_seconds_max", retry_backoff_seconds_max)
        self.max_list_pages = pages(max_list_pages)
        self._name = self._default_name() if name is None else name
        self._message_handler = message_handler
        self._cache: ToolCache[types.Tool] = ToolCache()
        self._changing = asyncio.Lock()
        self._is_wanted = False
        self._connection: Connection | None = None
        self.allow_elicitation = allow_elicitation
        self._one_call = asyncio.Lock()
        self._asker: Asker | None = None

    @property
    def name(self) -> str:
        """What people, traces and prefixed tool names call the server."""
        return self._name

    @abc.abstractmethod
    def _default_name(self) -> str:
        """A name made of the parameters."""

    @abc.abstractmethod
    def create_streams(self) -> AbstractAsyncContextManager[Any]:
        """What one connection reads from and writes to, a stream each. A class of your own may override it."""

    # --- from connect to cleanup

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cleanup()

    async def connect(self) -> None:
        """Start or reach the server; nothing happens where that is done.

        Raises:
            MCPConnectionError: it cannot be started or reached, or does not speak the protocol.
        """
        self._is_wanted = True
        try:
            await self._alive()
        except BaseException:
            self._is_wanted = self._connection is not None
            raise

    async def cleanup(self) -> None:
        """End the session; a process that was started for it is stopped before this returns."""
        self._is_wanted = False
        async with self._changing:
            await self._close()
        self.invalidate_tools_cache()

    async def _alive(self) -> Connection:
        """The connection, a new one where there is none or it is dead."""
        if not self._is_wanted:
            raise UserError(
                f"Server not initialized. Call connect() of MCP server {self.name!r} first, and cleanup() last."
            )
        connection = self._connection
        if connection is not None and connection.is_alive:
            return connection
        async with self._changing:
            if self._connection is not None and self._connection.is_alive:
                return self._connection
            ended_by = await self._close()
            if ended_by is not None:
                reasons = "; ".join(map(_reason, causes(ended_by)))
                _logger.warning(
                    "MCP server %r went away between two requests and is reached anew: %s", self.name, reasons
                )
            made = Connection(
                self.create_streams(),
                name=self.name,
                timeout_s=self.client_session_timeout_seconds,
                message_handler=self._on_message,
                elicitation_callback=self._on_question if self.allow_elicitation else None,
            )
            try:
                # Its tasks live on: they are not those of the call that happens to open it.
                async with questions_to(None):
                    await made.open()
            except Exception as error:
                raise self._unreachable(error) from error
            self._connection = made
            return made

    async def _close(self) -> BaseException | None:
        """Close the connection, if there is one, and give what was wrong with it."""
        connection, self._connection = self._connection, None
        return None if connection is None else await connection.close()

    async def _give_up(self, connection: Connection) -> BaseException | None:
        """Close a connection that is of no use any more, unless somebody did."""
        async with self._changing:
            if self._connection is not connection:
                return None
            return await self._close()

    def _unreachable(self, error: BaseException) -> MCPConnectionError:
        reasons = "; ".join(dict.fromkeys(_reason(cause) for cause in causes(error)))
        return MCPConnectionError(
            f"MCP server {self.name!r} cannot be started or reached: {reasons}", server_name=self.name
        )

    def _is_forgotten(self, error: BaseException) -> bool:
        """Whether the server refused a request because it knows nothing of the session any more."""
        del error
        return False

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.invalidate_tools_cache()
        if self._message_handler is not None:
            await self._message_handler(message)

    async def _on_question(
        self, context: object, params: types.ElicitRequestParams
    ) -> types.ElicitResult | types.ErrorData:
        del context
        # Newer servers ask in their answer to a call, whose task this is then.
        own = current_asker()
        return await elicited(own or self._asker, params, may_end_call=own is not None)

    # --- asking

    async def _ask(
        self, what: str, ask: Callable[[Client], Awaitable[_Answer]], *, retries: int = 0
    ) -> _Answer:
        """An answer of the server's, over a connection that lives; asked again as often as `retries` says.

        Raises:
            MCPConnectionError: the server is gone, or went away meanwhile.
            MCPError: the server refused, or took too long.
        """
        attempt = 0
        while True:
            try:
                return await self._ask_once(what, ask)
            except (MCPConnectionError, *TRANSPORT_ERRORS) as error:
                if attempt == retries:
                    raise
                # Bounded: of endless attempts the power would become too large for a float.
                wait_s = self.retry_backoff_seconds_base * 2 ** min(attempt, 64)
                if self.retry_backoff_seconds_max is not None:
                    wait_s = min(wait_s, self.retry_backoff_seconds_max)
                _logger.warning(
                    "MCP server %r: %s failed and is tried again in %g s: %s",
                    self.name,
                    what,
                    wait_s,
                    _reason(error),
                )
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _ask_once(self, what: str, ask: Callable[[Client], Awaitable[_Answer]]) -> _Answer:
        connection = await self._alive()
        try:
            return await ask(connection.client)
        except TRANSPORT_ERRORS as error:
            if self._is_forgotten(error):
                await self._give_up(connection)
                return await ask((await self._alive()).client)
            if connection.is_alive and not is_lost(error):
                raise
            ended_by = await self._give_up(connection)
            reasons = [_reason(each) for each in (error, *(causes(ended_by) if ended_by else ()))]
            raise MCPConnectionError(
                f"MCP server {self.name!r} went away during {what} ({'; '.join(dict.fromkeys(reasons))}): nobody "
                "knows whether it was done. The next request connects anew.",
                server_name=self.name,
            ) from error

    # --- tools

    @property
    def cached_tools(self) -> list[types.Tool] | None:
        """The tools of the last listing, unfiltered, as copies; None when there is none, or it is outdated."""
        return self._cache.tools()

    def invalidate_tools_cache(self) -> None:
        """Have the next `list_tools` ask the server."""
        self._cache.invalidate()

    async def list_tools(
        self, run_context: RunContextWrapper[Any] | None = None, agent: AgentBase[Any] | None = None
    ) -> list[types.Tool]:
        """The tools that the filter lets through.

        Raises:
            UserError: the listing has more than `max_list_pages` pages, or the filter needs `run_context` and `agent`.
            MCPConnectionError: the server is gone, or went away meanwhile.
            MCPError: the server refused, or took too long.
        """
        tools = self._cache.tools() if self.cache_tools_list and self._is_wanted else None
        if tools is None:
            ticket = self._cache.begin()
            tools = await self._ask(
                "the listing of its tools", self._list_all, retries=self.max_retry_attempts
            )
            self._cache.keep(ticket, tools)
        return await filtered(tools, self.tool_filter, self.name, run_context, agent)

    async def _list_all(self, client: Client) -> list[types.Tool]:
        tools: list[types.Tool] = []
        cursor: str | None = None
        count = 0
        while True:
            if count == self.max_list_pages:
                raise UserError(
                    f"The tools of MCP server {self.name!r} exceeded max_list_pages: there is more after page {count}."
                )
            page = await client.list_tools(cursor=cursor)
            tools.extend(page.tools)
            count += 1
            if not page.next_cursor:
                return tools
            cursor = page.next_cursor

    async def call_tool(
        self, tool_name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> types.CallToolResult:
        """Call a tool. Cancelled, it tells the server, and the connection stays fit for other calls.

        Raises:
            UserError: an argument that the tool's listing requires is missing.
            MCPConnectionError: the server is gone, or went away meanwhile.
            MCPError: the server refused, or took too long.
            NestedPause: the server asked something that somebody has to answer first.
        """
        self._check_required(tool_name, arguments)
        report = current_report()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            if report is not None:
                values = {"progress": progress, "total": total, "message": message}
                report({key: value for key, value in values.items() if value is not None})

        async def ask(client: Client, wait_s: float | None = None) -> types.CallToolResult:
            return await client.call_tool(
                tool_name,
                arguments,
                wait_s,
                progress_callback=None if report is None else on_progress,
                meta=None if meta is None else types.RequestParamsMeta(**meta),
            )

        async def ask_with_questions(client: Client) -> types.CallToolResult:
            if not self.allow_elicitation or client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                return await ask(client)
            # Also calls that nobody can be asked about: their questions would be taken for those of another call.
            async with self._one_call:
                asker = self._asker = current_asker()
                if asker is None:
                    return await ask(client)
                try:
                    async with patient(asker, self.client_session_timeout_seconds):
                        return await ask(client, math.inf)
                finally:
                    self._asker = None

        async def ask_unless_paused(client: Client) -> types.CallToolResult:
            try:
                return await ask_with_questions(client)
            except TRANSPORT_ERRORS:
                asker = current_asker()
                if asker is not None:
                    # That is no failure to be tried again: the call is made anew when somebody has decided.
                    asker.raise_if_paused()
                raise

        return await self._ask(f"a call of {tool_name!r}", ask_unless_paused, retries=self.max_retry_attempts)

    def _check_required(self, tool_name: str, arguments: dict[str, Any] | None) -> None:
        tool = next((tool for tool in self._cache.kept() if tool.name == tool_name), None)
        required: Any = None if tool is None else tool.input_schema.get("required")
        if not isinstance(required, list):
            return
        names = cast("list[object]", required)
        missing = [str(name) for name in names if name not in (arguments or {})]
        if missing:
            raise UserError(
                f"Cannot call tool {tool_name!r} of MCP server {self.name!r}: "
                f"missing required parameters: {', '.join(missing)}"
            )

    # --- prompts and resources

    async def list_prompts(self) -> types.ListPromptsResult:
        """The first page of the server's prompts."""
        return await self._ask("the listing of its prompts", lambda client: client.list_prompts())

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> types.GetPromptResult:
        """One prompt, filled in."""
        return await self._ask(f"the prompt {name!r}", lambda client: client.get_prompt(name, arguments))

    async def list_resources(self, cursor: str | None = None) -> types.ListResourcesResult:
        """One page of the server's resources; `next_cursor` of the result is the `cursor` of the next."""
        return await self._ask(
            "the listing of its resources", lambda client: client.list_resources(cursor=cursor)
        )

    async def list_resource_templates(self, cursor: str | None = None) -> types.ListResourceTemplatesResult:
        """One page of the server's resource templates."""
        return await self._ask(
            "the listing of its resource templates",
            lambda client: client.list_resource_templates(cursor=cursor),
        )

    async def read_resource(self, uri: str) -> types.ReadResourceResult:
        """The contents of a resource."""
        return await self._ask(f"reading {uri!r}", lambda client: client.read_resource(uri))


def _reason(error: BaseException) -> str:
    return without_secrets(str(error) or type(error).__name__)
