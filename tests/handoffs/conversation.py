"""Run items of a small conversation that ends with a handoff from A to B."""

from __future__ import annotations

from typing import Any

from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
)

from agents.agent import Agent
from agents.items import (
    HandoffCallItem,
    HandoffOutputItem,
    MessageOutputItem,
    ReasoningItem,
    ToolCallItem,
    ToolCallOutputItem,
)

A = Agent[Any](name="A")
B = Agent[Any](name="B")


def message(text: str) -> MessageOutputItem:
    part = ResponseOutputText(text=text, annotations=[], type="output_text")
    return MessageOutputItem(
        agent=A,
        raw_item=ResponseOutputMessage(
            id="m", content=[part], role="assistant", status="completed", type="message"
        ),
    )


def call(call_id: str = "c1") -> ToolCallItem:
    raw = ResponseFunctionToolCall(name="f", call_id=call_id, arguments='{"q":1}', type="function_call")
    return ToolCallItem(agent=A, raw_item=raw)


def output(call_id: str = "c1") -> ToolCallOutputItem:
    return ToolCallOutputItem(
        agent=A,
        raw_item={"type": "function_call_output", "call_id": call_id, "output": "found"},
        output="found",
    )


def handoff_call(call_id: str = "h1") -> HandoffCallItem:
    raw = ResponseFunctionToolCall(
        name="transfer_to_b", call_id=call_id, arguments="{}", type="function_call"
    )
    return HandoffCallItem(agent=A, raw_item=raw)


def handoff_output(call_id: str = "h1") -> HandoffOutputItem:
    return HandoffOutputItem(
        agent=A,
        raw_item={"type": "function_call_output", "call_id": call_id, "output": '{"assistant": "B"}'},
        source_agent=A,
        target_agent=B,
    )


def reasoning() -> ReasoningItem:
    return ReasoningItem(agent=A, raw_item=ResponseReasoningItem(id="r", summary=[], type="reasoning"))
