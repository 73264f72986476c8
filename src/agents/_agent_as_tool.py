"""An agent as a tool: a nested run, started by a call and answered with its output.

Rule 1: the nested run is started through `Runner.run` or `Runner.run_streamed`, looked up when called.
Rule 2: it shares context and usage with its parent, and writes into its parent's log under the call's path.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from ._ports.runner import find_runner
from .agent_tool_input import (
    AgentAsToolInput,
    StructuredInputSchemaInfo,
    build_structured_input_schema_info,
    resolve_agent_tool_input,
)
from .approvals import NestedPause
from .exceptions import ModelBehaviorError, UserError
from .items import ItemHelpers, MessageOutputItem, ToolCallOutputItem
from .stream_events import AgentUpdatedStreamEvent
from .strict_schema import ensure_strict_json_schema
from .tool.failures import set_function_tool_failure_error_function
from .tool.function import FunctionTool
from .tool.invoker import ToolInvoker
from .tool.origin import ToolOrigin, ToolOriginType
from .tool_context import ToolContext

if TYPE_CHECKING:
    from .agent import Agent, AgentToolStreamEvent

logger = logging.getLogger("openai.agents")

DEFAULT_MAX_TURNS = 10


@dataclass(frozen=True)
class AgentToolOptions:
    """How the nested runs of one agent tool are started and read."""

    custom_output_extractor: Callable[[Any], Awaitable[str]] | None
    on_stream: Callable[[AgentToolStreamEvent], Any] | None
    on_stream_max_pending_events: int | None
    run_config: Any
    max_turns: int | None
    hooks: Any
    previous_response_id: str | None
    conversation_id: str | None
    session: Any
    input_builder: Any

    def __post_init__(self) -> None:
        if self.on_stream is not None and not callable(self.on_stream):
            raise UserError(
                f"on_stream must be callable or None, got {type(self.on_stream).__name__}; "
                "a RunConfig is passed as run_config="
            )
        pending = self.on_stream_max_pending_events
        if pending is not None and (isinstance(cast("object", pending), bool) or pending < 1):
            raise UserError("on_stream_max_pending_events must be a positive integer or None")


def agent_as_tool(
    agent: Agent[Any],
    name: str,
    description: str,
    options: AgentToolOptions,
    *,
    parameters: type[Any] | None,
    include_input_schema: bool,
    is_enabled: Any,
    failure_error_function: Any,
    needs_approval: Any,
) -> FunctionTool:
    """A function tool whose calls are runs of `agent`."""
    adapter, schema = _parameters(AgentAsToolInput if parameters is None else parameters)
    info = (
        StructuredInputSchemaInfo()
        if parameters is None and not include_input_schema
        else build_structured_input_schema_info(schema, include_json_schema=include_input_schema)
    )

    async def invoke(context: ToolContext[Any], arguments: str, _tool_name: str, /) -> Any:
        params = _read(adapter, arguments, context.tool_name)
        nested = _nested_context(context, agent, params, options)
        given = await resolve_agent_tool_input(
            params=params, schema_info=info, input_builder=options.input_builder
        )
        result = await _run(agent, given, nested, options)
        if result.interruptions:
            raise NestedPause(result.interruptions)
        if options.custom_output_extractor is not None:
            return await options.custom_output_extractor(result)
        return _output(result)

    tool = FunctionTool(
        name=name,
        description=description,
        params_json_schema=schema,
        on_invoke_tool=ToolInvoker(
            invoke,
            prepare=lambda arguments: _prepared(adapter, arguments),
            on_handled_error=_ignore_handled_error,
        ),
        strict_json_schema=True,
        is_enabled=is_enabled,
        needs_approval=needs_approval,
        # Taking a nested run up again repeats nothing that its own records say is done.
        on_in_doubt="retry",
    )
    origin = ToolOrigin(ToolOriginType.AGENT_AS_TOOL, agent_name=agent.name, agent_tool_name=name)
    tool.traits = replace(tool.traits, origin=origin, agent=agent, agent_run_config=options.run_config)
    return set_function_tool_failure_error_function(tool, failure_error_function)


def _ignore_handled_error(_tool: FunctionTool, _error: Exception, _arguments: str) -> None:
    """The run records the error itself."""


def _parameters(parameters: type[Any]) -> tuple[Any, dict[str, Any]]:
    from pydantic import TypeAdapter

    adapter: Any = TypeAdapter(parameters)
    return adapter, ensure_strict_json_schema(adapter.json_schema())


def _read(adapter: Any, arguments: str, tool_name: str) -> Any:
    """The arguments as JSON-shaped data.

    Raises:
        ModelBehaviorError: they are not what the tool's schema asks for.
    """
    try:
        return _prepared(adapter, arguments)
    except ValueError as error:
        reason = "" if _is_object(arguments) else ": expected a JSON object"
        raise ModelBehaviorError(f"Invalid JSON input for tool {tool_name}{reason}") from error


def _prepared(adapter: Any, arguments: str) -> Any:
    return json.loads(adapter.dump_json(adapter.validate_json(arguments or "{}")))


def _is_object(arguments: str) -> bool:
    """Whether these are a JSON object, or no JSON at all, which is said otherwise."""
    try:
        return isinstance(json.loads(arguments), dict)
    except ValueError:
        return True


def _nested_context(
    context: ToolContext[Any], agent: Agent[Any], params: Any, options: AgentToolOptions
) -> ToolContext[Any]:
    nested: ToolContext[Any] = ToolContext.from_agent_context(
        context,
        context.tool_call_id,
        context.tool_call,
        agent,
        tool_name=context.tool_name,
        tool_arguments=context.tool_arguments,
        tool_namespace=context.tool_namespace,
        run_config=options.run_config if options.run_config is not None else context.run_config,
    )
    nested.tool_input = params
    nested.idempotency_key = context.idempotency_key
    return nested


async def _run(agent: Agent[Any], given: Any, context: ToolContext[Any], options: AgentToolOptions) -> Any:
    runner = find_runner()
    arguments: dict[str, Any] = {
        "starting_agent": agent,
        "input": given,
        "context": context,
        "max_turns": DEFAULT_MAX_TURNS if options.max_turns is None else options.max_turns,
        "hooks": options.hooks,
        "run_config": context.run_config,
        "previous_response_id": options.previous_response_id,
        "conversation_id": options.conversation_id,
        "session": options.session,
    }
    if options.on_stream is None:
        return await runner.run(**arguments)
    result = runner.run_streamed(**arguments)
    await _forward(result, agent, context, options.on_stream, options.on_stream_max_pending_events)
    return result


async def _forward(
    result: Any,
    agent: Agent[Any],
    context: ToolContext[Any],
    on_stream: Callable[[Any], Any],
    max_pending: int | None,
) -> None:
    """Hand every event of a nested run to `on_stream`, in order, without holding up the run.

    All that came before an error is handed over before the error is raised. An
    error of `on_stream` itself is logged: whoever watches a run cannot fail it.
    """
    queue: asyncio.Queue[Any] = asyncio.Queue(0 if max_pending is None else max_pending)

    async def hand_over() -> None:
        while (event := await queue.get()) is not None:
            try:
                told = on_stream(event)
                if inspect.isawaitable(told):
                    await told
            except Exception:
                logger.exception("Error while handling an agent tool on_stream event")

    consumer = asyncio.ensure_future(hand_over())
    try:
        async for event in result.stream_events():
            if isinstance(event, AgentUpdatedStreamEvent):
                agent = event.new_agent
            shown: AgentToolStreamEvent = {"event": event, "agent": agent, "tool_call": context.tool_call}
            await _put(queue, consumer, shown)
    except asyncio.CancelledError:
        consumer.cancel()
        await _stop(result)
        await asyncio.wait([consumer])
        raise
    except BaseException:
        await _drain(queue, consumer)
        await _stop(result)
        raise
    await _drain(queue, consumer)
    await consumer


async def _stop(result: Any) -> None:
    """Cancel a nested run, if it has not ended, and await its end."""
    result.cancel()
    task: asyncio.Task[Any] | None = result.run_loop_task
    if task is not None:
        await asyncio.wait([task])


async def _put(queue: asyncio.Queue[Any], consumer: asyncio.Future[None], event: Any) -> None:
    """Put an event, unless the consumer has failed: then raise what it raised."""
    if not queue.full() and not consumer.done():
        queue.put_nowait(event)
        return
    put = asyncio.ensure_future(queue.put(event))
    await asyncio.wait([put, consumer], return_when=asyncio.FIRST_COMPLETED)
    if not put.done():
        put.cancel()
    if consumer.done():
        await consumer


async def _drain(queue: asyncio.Queue[Any], consumer: asyncio.Future[None]) -> None:
    if consumer.done():
        return
    put = asyncio.ensure_future(queue.put(None))
    await asyncio.wait([consumer])
    put.cancel()


def _output(result: Any) -> Any:
    """The final output; where that is empty and nothing has checked it, the newest text or tool output."""
    output = result.final_output
    if output not in (None, "") or result.output_guardrail_results:
        return output
    for item in reversed(result.new_items):
        if isinstance(item, MessageOutputItem):
            text = ItemHelpers.text_message_output(item)
            if text:
                return text
        elif isinstance(item, ToolCallOutputItem) and isinstance(item.output, str) and item.output:
            return item.output
    return output
