"""What an interrupted model call had given: the text so far, as an item that is not complete."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._lazy import lazy_module
from agents.items import MessageOutputItem, output_item_to_input
from agents.log import RecordsExpired

if TYPE_CHECKING:
    from openai.types import responses as _responses

    from agents.agent import Agent
    from agents.items import RunItem

    from .run_loop import Run
else:
    _responses = lazy_module("openai.types.responses")


def record_interruption(run: Run, agent: Agent[Any], turn: int, after: int) -> None:
    """Record `ModelInterrupted` with the text that the deltas after a position add up to."""
    if run.state.is_closed or run.state.turn != turn:
        return
    items: list[RunItem] = []
    for item_id, text in _texts(run, after).items():
        content = _responses.ResponseOutputText.model_construct(type="output_text", text=text, annotations=[])
        message = _responses.ResponseOutputMessage.model_construct(
            id=item_id, type="message", role="assistant", status="incomplete", content=[content]
        )
        items.append(MessageOutputItem(agent, message))
    output = [output_item_to_input(item.raw_item) for item in items]
    run.record(f.ModelInterrupted(turn, output), items)


def _texts(run: Run, after: int) -> dict[str, str]:
    try:
        entries = run.log.entries_after(after)
    except RecordsExpired as expired:
        entries = run.log.entries_after(expired.first_seq - 1)
    texts: dict[str, list[str]] = {}
    for entry in entries:
        if entry.is_delta and entry.path == run.path:
            event = entry.live
            if getattr(event, "type", None) == "response.output_text.delta":
                item_id = getattr(event, "item_id", None) or f"msg_{uuid.uuid4().hex}"
                texts.setdefault(item_id, []).append(event.delta)
    return {item_id: "".join(parts) for item_id, parts in texts.items()}
