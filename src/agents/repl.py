"""A conversation with an agent at the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, cast

from ._lazy import lazy_module
from .agent import Agent
from .approvals import Approve, Reject
from .items import ItemHelpers, MessageOutputItem, ToolCallItem, ToolCallOutputItem
from .result import RunResult, RunResultStreaming
from .run import DEFAULT_MAX_TURNS, Runner
from .run_context import TContext
from .stream_events import AgentUpdatedStreamEvent, RawResponsesStreamEvent, RunItemStreamEvent

if TYPE_CHECKING:
    from . import items as _items
    from .run_state import RunState
else:
    _items = lazy_module("agents.items")


async def run_demo_loop(
    agent: Agent[Any],
    *,
    stream: bool = True,
    context: TContext | None = None,
    max_turns: int | None = DEFAULT_MAX_TURNS,
) -> None:
    """Read lines from the terminal and answer each, until `exit`, `quit` or the end of input.

    Empty lines are skipped. The conversation, and the agent that it was handed
    to, are kept from line to line. A call that waits for a decision is asked about:
    `y` approves it, a JSON object approves it with these arguments, anything else
    rejects it, and is the reason unless it is `n` or nothing.

    Raises:
        AgentsException: what ended a run.
    """
    items: list[_items.TResponseInputItem] = []
    current: Agent[Any] = agent
    with contextlib.suppress(_Ended):
        while True:
            line = await _read(" > ")
            if line.strip().lower() in {"exit", "quit"}:
                return
            if not line.strip():
                continue
            items.append({"role": "user", "content": line})
            result = await _answer(current, items, stream=stream, context=context, max_turns=max_turns)
            while result.interruptions:
                state = await _decided(result)
                result = await _answer(agent, state, stream=stream, context=context, max_turns=max_turns)
            current = result.last_agent
            items = result.to_input_list()


class _Ended(Exception):
    """The input has ended, or was interrupted."""


async def _read(prompt: str) -> str:
    try:
        return await asyncio.to_thread(input, prompt)
    except (EOFError, KeyboardInterrupt):
        print()  # noqa: T201 (this function is for a terminal)
        raise _Ended from None


async def _answer(
    agent: Agent[Any], given: Any, *, stream: bool, **options: Any
) -> RunResult | RunResultStreaming:
    if stream:
        streamed = Runner.run_streamed(agent, given, **options)
        await _print_stream(streamed)
        return streamed
    result = await Runner.run(agent, given, **options)
    if not result.interruptions:
        print(result.final_output)  # noqa: T201 (this function is for a terminal)
    return result


async def _decided(result: RunResult | RunResultStreaming) -> RunState[Any]:
    """The state of a run that waits, with what was typed about each of its calls."""
    state = result.to_state()
    for item in result.interruptions:
        answer = (await _read(f"[{item.name} {item.arguments}: y, n, a reason, or other arguments] ")).strip()
        state.decide(item, _decision(answer))
    return state


def _decision(answer: str) -> Approve | Reject:
    if answer.lower() in {"y", "yes"}:
        return Approve()
    if answer.lower() in {"", "n", "no"}:
        return Reject()
    with contextlib.suppress(ValueError):
        arguments: object = json.loads(answer)
        if isinstance(arguments, dict):
            return Approve(cast("dict[str, Any]", arguments))
    return Reject(answer)


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
