"""A conversation with an agent at the terminal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ._lazy import lazy_module
from .agent import Agent
from .items import ItemHelpers, MessageOutputItem, ToolCallItem, ToolCallOutputItem
from .result import RunResultStreaming
from .run import DEFAULT_MAX_TURNS, Runner
from .run_context import TContext
from .stream_events import AgentUpdatedStreamEvent, RawResponsesStreamEvent, RunItemStreamEvent

if TYPE_CHECKING:
    from . import items as _items
    from . import result as _result
else:
    _items = lazy_module("agents.items")
    _result = lazy_module("agents.result")


async def run_demo_loop(
    agent: Agent[Any],
    *,
    stream: bool = True,
    context: TContext | None = None,
    max_turns: int | None = DEFAULT_MAX_TURNS,
) -> None:
    """Read lines from the terminal and answer each, until `exit`, `quit` or the end of input.

    Empty lines are skipped. The conversation, and the agent that it was handed
    to, are kept from line to line.

    Raises:
        AgentsException: what ended a run.
    """
    items: list[_items.TResponseInputItem] = []
    current: Agent[Any] = agent
    while True:
        try:
            line = await asyncio.to_thread(input, " > ")
        except (EOFError, KeyboardInterrupt):
            print()  # noqa: T201 (this function is for a terminal)
            return
        if line.strip().lower() in {"exit", "quit"}:
            return
        if not line.strip():
            continue
        items.append({"role": "user", "content": line})
        result: _result.RunResultBase
        if stream:
            streamed = Runner.run_streamed(current, items, context=context, max_turns=max_turns)
            await _print_stream(streamed)
            result = streamed
        else:
            result = await Runner.run(current, items, context=context, max_turns=max_turns)
            print(result.final_output)  # noqa: T201 (this function is for a terminal)
        current = result.last_agent
        items = result.to_input_list()


async def _print_stream(result: RunResultStreaming) -> None:
    has_text = False
    async for event in result.stream_events():
        if isinstance(event, RawResponsesStreamEvent):
            if event.data.type == "response.output_text.delta":
                has_text = True
                print(event.data.delta, end="", flush=True)  # noqa: T201 (this function is for a terminal)
            continue
        text = _line(event, has_text=has_text)
        if text is not None:
            print(text, flush=True)  # noqa: T201 (this function is for a terminal)
            has_text = False
    print()  # noqa: T201 (this function is for a terminal)


def _line(event: AgentUpdatedStreamEvent | RunItemStreamEvent, *, has_text: bool) -> str | None:
    """The line that tells an event, or None for one that the text has told already."""
    if isinstance(event, AgentUpdatedStreamEvent):
        return f"\n[Agent updated: {event.new_agent.name}]"
    item = event.item
    if isinstance(item, ToolCallItem):
        return "\n[tool called]"
    if isinstance(item, ToolCallOutputItem):
        return f"\n[tool output: {item.output}]"
    if isinstance(item, MessageOutputItem) and not has_text:
        return ItemHelpers.text_message_output(item)
    return None
