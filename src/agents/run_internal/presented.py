"""What the JSON of a run state shows beside its facts, for people and programs that look inside. Facts refer to
the payloads that it shows; nothing else reads it back.

Rule 1: linear in the number of facts. Rule 2: made of facts alone, but for the caller's context.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agents._core import facts as f
from agents.exceptions import UserError
from agents.usage import serialize_usage

from .interpret import call_id_of
from .restore import Moment

if TYPE_CHECKING:
    from agents._core.state import State
    from agents.log import Path
    from agents.run_context import RunContextWrapper

logger = logging.getLogger("openai.agents")

ContextSerializer: TypeAlias = Callable[[Any], Mapping[str, Any]]

_ITEM_TYPES = {
    "message": "message_output_item",
    "reasoning": "reasoning_item",
    "mcp_list_tools": "mcp_list_tools_item",
    "mcp_approval_request": "mcp_approval_request_item",
    "compaction": "compaction_item",
    "tool_search_call": "tool_search_call_item",
    "tool_search_output": "tool_search_output_item",
}


def agent_reference(key: f.AgentKey) -> dict[str, Any]:
    """An agent by name, and by identity where several share the name."""
    name = str(key).partition("#")[0]
    return {"name": name} if name == key else {"name": name, "identity": str(key)}


def original_input(value: f.Json) -> f.Json:
    """The run's input; assistant messages in it are shown whole."""
    if not isinstance(value, list):
        return value
    return [_shown_input(item) for item in cast("list[object]", value)]


def _shown_input(item: object) -> object:
    if not isinstance(item, dict):
        return item
    shown = cast("dict[str, Any]", item)
    if shown.get("role") != "assistant":
        return shown
    content = shown.get("content")
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    return {**shown, "content": content, "status": shown.get("status", "completed")}


# --- items


def presented_items(moments: Iterable[Moment]) -> tuple[list[dict[str, Any]], dict[int, tuple[str, str]]]:
    """The items of the outermost run, as they came; and which payloads of facts they, and the responses, show.

    The latter by the number of the fact: its field, and the JSON pointer to what is shown of it.
    """
    items: list[dict[str, Any]] = []
    places: dict[int, tuple[str, str]] = {}
    raws: dict[str, f.Json] = {}
    agent: f.AgentKey = f.AgentKey("")
    responses = 0
    for number, moment in enumerate(moments):
        if moment.path:
            continue
        match moment.fact:
            case f.RunStarted() as fact:
                agent = fact.agent
            case f.ModelResponded() as fact:
                places[number] = ("output", f"/model_responses/{responses}/output")
                responses += 1
                items.extend(response_items(fact, agent))
                raws.update({call_id_of(raw) or "": raw for raw in fact.output})
            case f.ApprovalRequested() as fact if fact.call in raws:
                items.append(question(raws[fact.call], agent))
            case f.InputAdded() as fact:
                items.extend(_item("input_item", raw, agent) for raw in fact.items)
            case f.ToolReturned() | f.ToolFailed() | f.CallAnswered() as fact if fact.output is not None:
                places[number] = ("output", f"/generated_items/{len(items)}/raw_item")
                items.append(_answer(fact.output, agent))
            case f.HandedOff() as fact:
                places[number] = ("output", f"/generated_items/{len(items)}/raw_item")
                shown = _item("handoff_output_item", fact.output, agent)
                source, target = agent_reference(fact.source), agent_reference(fact.agent)
                items.append({**shown, "source_agent": source, "target_agent": target})
                agent = fact.agent
            case _:
                pass
    return items, places


def response_items(fact: f.ModelResponded, agent: f.AgentKey) -> list[dict[str, Any]]:
    """The items of one response."""
    handoffs = {call.id for call in fact.calls if call.kind == "handoff"}
    items: list[dict[str, Any]] = []
    for raw in fact.output:
        if raw.get("call_id") in handoffs:
            items.append(_item("handoff_call_item", raw, agent))
            continue
        shown = _item(_ITEM_TYPES.get(raw.get("type"), "tool_call_item"), raw, agent)
        if "name" in raw:
            shown["tool_name"] = raw["name"]
        items.append(shown)
    return items


def _answer(raw: f.Json, agent: f.AgentKey) -> dict[str, Any]:
    if raw.get("type") == "mcp_approval_response":
        return _item("mcp_approval_response_item", raw, agent)
    return {**_item("tool_call_output_item", raw, agent), "output": raw.get("output")}


def _item(kind: str, raw: f.Json, agent: f.AgentKey) -> dict[str, Any]:
    return {"type": kind, "raw_item": raw, "agent": agent_reference(agent)}


def question(raw: f.Json, agent: f.AgentKey) -> dict[str, Any]:
    """The item by which somebody is asked about a call."""
    name, namespace = raw.get("name"), raw.get("namespace")
    shown = {**_item("tool_approval_item", raw, agent), "tool_name": name}
    if raw.get("type") != "function_call":
        return shown
    if namespace and namespace != name:
        key = {"kind": "namespaced", "namespace": namespace, "name": name}
        return {**shown, "tool_namespace": namespace, "tool_lookup_key": key}
    return {**shown, "tool_lookup_key": {"kind": "bare", "name": name}}


def last_processed(
    responses: list[tuple[f.ModelResponded, f.AgentKey]], interruptions: list[dict[str, Any]]
) -> dict[str, Any]:
    """The last response taken apart, while the run stands still in it."""
    response, agent = responses[-1]
    handoffs = {call.id for call in response.calls if call.kind == "handoff"}
    raws = {call_id_of(raw): raw for raw in response.output}
    calls = [(call, {"tool_call": raws[call.id]}) for call in response.calls if call.id in raws]
    functions = [
        {**shown, "tool": {"name": call.name.rpartition(".")[2]}}
        for call, shown in calls
        if call.id not in handoffs and call.form == "function"
    ]
    return {
        "new_items": response_items(response, agent),
        "tools_used": [call.name for call in response.calls],
        "functions": functions,
        "handoffs": [shown for call, shown in calls if call.id in handoffs],
        "interruptions": interruptions,
    }


def responses_by_agent(moments: Iterable[Moment]) -> list[tuple[f.ModelResponded, f.AgentKey]]:
    """Every response of the outermost run, with the agent whose model gave it."""
    found: list[tuple[f.ModelResponded, f.AgentKey]] = []
    agent = f.AgentKey("")
    for moment in moments:
        if moment.path:
            continue
        if isinstance(moment.fact, f.TurnStarted):
            agent = moment.fact.agent
        elif isinstance(moment.fact, f.ModelResponded):
            found.append((moment.fact, agent))
    return found


# --- context


def presented_context(
    context: RunContextWrapper[Any], serializer: ContextSerializer | None, *, strict: bool
) -> dict[str, Any]:
    """The context as JSON, with how it was made.

    Raises:
        UserError: it cannot be stored and `strict` is set, or the serializer gave no mapping.
    """
    value: Any = context.context
    stored, original, via = _stored(value, serializer, strict=strict)
    meta = {
        "original_type": original,
        "serialized_via": via,
        "requires_deserializer": via not in {"none", "mapping"},
        "omitted": via == "omitted",
    }
    if meta["requires_deserializer"]:
        meta["class_path"] = f"{type(value).__module__}:{type(value).__qualname__}"
    return {"usage": serialize_usage(context.usage), "approvals": {}, "context": stored, "context_meta": meta}


def _stored(value: Any, serializer: ContextSerializer | None, *, strict: bool) -> tuple[Any, str, str]:
    if value is None:
        return None, "none", "none"
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value)), "mapping", "mapping"
    is_dataclass = dataclasses.is_dataclass(cast("Any", type(value)))
    is_model = hasattr(value, "model_dump")
    original = "pydantic" if is_model else "dataclass" if is_dataclass else "custom"
    if serializer is not None:
        given = cast("object", serializer(value))
        if not isinstance(given, Mapping):
            raise UserError(f"context_serializer must return a mapping, got {type(given).__name__}")
        return dict(cast("Mapping[str, Any]", given)), original, "context_serializer"
    kind = type(value).__name__
    if strict:
        raise UserError(
            "RunState serialization requires context to be a mapping when strict_context is True, and it is a "
            f"{kind}. Provide context_serializer to serialize custom contexts."
        )
    if is_model:
        logger.warning("The context, a %s, is dumped: pass a context_deserializer to get it back", kind)
        return value.model_dump(mode="json"), original, "model_dump"
    if is_dataclass:
        logger.warning("The context, a %s, is dumped: pass a context_deserializer to get it back", kind)
        return dataclasses.asdict(value), original, "asdict"
    logger.warning("The context, a %s, is not serializable and is left out of the run state", kind)
    return {}, original, "omitted"


# --- decisions


def presented_decisions(
    decisions: Iterable[tuple[Path, f.Fact]], states: Mapping[Path, State]
) -> list[dict[str, Any]]:
    """What was decided since the run stopped, by agent and tool."""
    shown: dict[tuple[str, str], dict[str, Any]] = {}

    def about(agent: f.AgentKey, tool: str) -> dict[str, Any]:
        decision: dict[str, Any] = {"approved": [], "rejected": []}
        fresh: dict[str, Any] = {"agent": agent_reference(agent), "tool_key": tool, "decision": decision}
        return shown.setdefault((str(agent), tool), fresh)["decision"]

    for path, fact in decisions:
        match fact:
            case f.ApprovalDecided():
                state = states[path]
                _tell(about(state.agent, state.calls[fact.call].call.name), fact)
            case f.RuleStated() if fact.rule.where is None and fact.rule.uses is None:
                rule = fact.rule
                decision = about(f.AgentKey(rule.agent), rule.tool)
                decision.update(approved=rule.approved, rejected=[] if rule.approved else True)
                if rule.message is not None:
                    decision["sticky_rejection_message"] = rule.message
            case _:
                pass
    return list(shown.values())


def _tell(decision: dict[str, Any], fact: f.ApprovalDecided) -> None:
    for key in ("approved", "rejected"):
        if isinstance(decision[key], list):
            decision[key] = [call for call in decision[key] if call != fact.call]
    key = "approved" if fact.approved else "rejected"
    if isinstance(decision[key], list):
        decision[key].append(fact.call)
    messages = {
        call: text for call, text in decision.pop("rejection_messages", {}).items() if call != fact.call
    }
    if not fact.approved and fact.message is not None:
        messages[fact.call] = fact.message
    if messages:
        decision["rejection_messages"] = messages
