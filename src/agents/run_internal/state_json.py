"""Run states as JSON: the facts under a key of our own, and beside them what programs look for.

    {"$schemaVersion": "1.21", "current_turn": …, "current_agent": {"name": …}, …, "headrace": {"format": 2, …}}

`$schemaVersion` names the public shape; `headrace` is our part, see `state_facts`. What the public keys show has to
agree with the facts (`state_agreement`): whoever edits one of them alone is told, not ignored.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from agents._core import facts as f
from agents._core.state import CallPhase, State
from agents.exceptions import UserError
from agents.items import ToolApprovalItem
from agents.usage import Usage, deserialize_usage, serialize_usage

from . import presented
from .environment import reachable_agents
from .foreign_state import read_foreign
from .interpret import call_id_of, shown_name
from .restore import Moment, openai_items
from .state_facts import UNREADABLE, FactsPart, read_facts, write_facts

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.log import Path
    from agents.run_context import RunContextWrapper

logger = logging.getLogger("openai.agents")

CURRENT_SCHEMA_VERSION = "1.21"
SUPPORTED_SCHEMA_VERSIONS = frozenset(f"1.{minor}" for minor in range(22))
SCHEMA_VERSION_SUMMARIES: dict[str, str] = {
    version: f"Public shape of run states, version {version}."
    for version in sorted(SUPPORTED_SCHEMA_VERSIONS)
}
KEY = "headrace"

ContextSerializer: TypeAlias = presented.ContextSerializer
ContextDeserializer: TypeAlias = Callable[[Mapping[str, Any]], Any]


# --- writing


def write_json(
    *,
    part: FactsPart,
    states: dict[Path, State],
    context: RunContextWrapper[Any],
    context_serializer: ContextSerializer | None,
    strict_context: bool,
    is_plain: bool,
) -> dict[str, Any]:
    """The whole payload. Linear in the number of facts. Plain JSON, or something for `as_text` alone."""
    root = states[()]
    start = root.start
    assert start is not None, "a state is of a run that was started"
    interruptions = shown_questions(states)
    no_usage = serialize_usage(Usage())
    responses = presented.responses_by_agent(part.moments)
    shown_responses = [_response(response, no_usage) for response, _ in responses]
    items, places = presented.presented_items(part.moments)
    shown_context = presented.presented_context(context, context_serializer, strict=strict_context)
    shown_input = presented.original_input(start.input)
    if shown_input == start.input:
        places[_start_of(part.moments)] = ("input", "/original_input")
    approvals = presented.presented_decisions(part.decisions, states)
    if approvals:
        shown_context["function_tool_approvals"] = approvals
    return {
        "$schemaVersion": CURRENT_SCHEMA_VERSION,
        "current_turn": root.turn,
        "current_agent": presented.agent_reference(root.agent),
        "original_input": shown_input,
        "pending_input": list(root.pending_input),
        "model_responses": shown_responses,
        "context": shown_context,
        "max_turns": start.max_turns,
        "conversation_id": start.conversation_id,
        "previous_response_id": root.previous_response_id,
        "auto_previous_response_id": start.chained and start.previous_response_id is None,
        "no_active_agent_run": True,
        "generated_items": items,
        "session_items": items,
        "current_step": {"type": "next_step_interruption", "data": {"interruptions": interruptions}}
        if interruptions
        else None,
        "last_model_response": shown_responses[-1] if shown_responses else None,
        "last_processed_response": presented.last_processed(responses, interruptions)
        if interruptions and responses
        else None,
        KEY: write_facts(part, places, is_plain=is_plain),
    }


def shown_questions(states: Mapping[Path, State]) -> list[dict[str, Any]]:
    """The calls that a run asks about, decided since or not, outermost first."""
    return [
        {**presented.question(_raw_of(state, call.call), state.agent), "call_path": [*path, call.call.id]}
        for path, state in states.items()
        if is_open(states, path)
        for call in state.calls.values()
        if call.is_asked_about
    ]


def _start_of(moments: list[Moment]) -> int:
    """The number of the fact that began the outermost run."""
    return next(number for number, moment in enumerate(moments) if not moment.path)


def _raw_of(state: State, call: f.Call) -> f.Json:
    """A call as the model made it."""
    # What callers put into the history need not be JSON objects.
    for item in reversed(state.history):
        if isinstance(item, dict) and call_id_of(cast("f.Json", item)) == call.id:
            return cast("f.Json", item)
    name = call.name.rpartition(".")[2]
    return {"type": "function_call", "call_id": call.id, "name": name, "arguments": call.arguments}


def _response(fact: f.ModelResponded, no_usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "output": fact.output,
        "usage": {**no_usage, **msgspec.to_builtins(fact.usage)},
        "response_id": fact.response_id,
        "request_id": None,
    }


def detached(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with nothing in it that somebody else holds, the caller's context aside.

    Raises:
        UserError: it is not an object, or holds what JSON cannot.
    """
    if not isinstance(cast("object", payload), Mapping):
        raise UserError(f"a run state is a JSON object, got {type(payload).__name__}")
    try:
        return {
            key: value if key == "context" else msgspec.to_builtins(value, str_keys=True)
            for key, value in payload.items()
        }
    except UNREADABLE as error:
        raise UserError(f"the run state is damaged: {error}") from None


def as_text(payload: dict[str, Any]) -> str:
    """The payload as one line of JSON.

    Raises:
        UserError: the context, or something that a tool gave, is nothing that JSON has.
    """
    try:
        return msgspec.json.encode(payload).decode()
    except UnicodeEncodeError:
        # Half a character, from the name of a file for instance: only an escape can stand for it.
        return json.dumps(msgspec.to_builtins(payload, str_keys=True))
    except (TypeError, RecursionError) as error:
        raise UserError(f"the run state cannot be written as JSON: {error}") from error


def from_text(text: str) -> object:
    """What a text of JSON holds.

    Raises:
        UserError: it is none. The message does not quote it.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, TypeError, RecursionError):
        pass
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, TypeError, RecursionError):
        # Without its cause: that would quote the payload.
        raise UserError("Failed to parse run state JSON") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


# --- reading


@dataclass(slots=True)
class ReadState:
    """What a payload holds."""

    part: FactsPart
    context: Any
    usage: Usage | None


def read_json(
    payload: object, *, context_deserializer: ContextDeserializer | None, strict_context: bool
) -> ReadState:
    """Read a payload whole.

    Raises:
        UserError: it is not a state, or one of a version that is not read here.
    """
    if not isinstance(payload, Mapping):
        raise UserError(f"a run state is a JSON object, got {type(payload).__name__}")
    state = cast("Mapping[str, Any]", payload)
    _check_version(state.get("$schemaVersion"))
    if KEY not in state:
        foreign = read_foreign(state)
        moments = [Moment(path, fact) for path, fact in foreign.facts]
        part = FactsPart(foreign.run_id, moments, foreign.decisions)
    else:
        part = read_facts(state[KEY], state)
    if not any(not moment.path for moment in part.moments):
        raise UserError("the run state holds no facts of a run")
    context, usage = _read_context(state.get("context"), context_deserializer, strict=strict_context)
    return ReadState(part, context, usage)


def _check_version(version: object) -> None:
    if version is None:
        raise UserError("Run state is missing schema version")
    if not isinstance(version, str) or version not in SUPPORTED_SCHEMA_VERSIONS:
        known = ", ".join(sorted(SUPPORTED_SCHEMA_VERSIONS, key=lambda each: int(each.partition(".")[2])))
        raise UserError(f"Run state schema version is not supported: {version!r}. Supported are {known}")


def _read_context(
    value: object, deserializer: ContextDeserializer | None, *, strict: bool
) -> tuple[Any, Usage | None]:
    if value is None:
        return None, None
    if not isinstance(value, Mapping):
        raise UserError("the run state is damaged: its context is not an object")
    context = cast("Mapping[str, Any]", value)
    usage = context.get("usage")
    try:
        read_usage = deserialize_usage(usage) if isinstance(usage, Mapping) else None  # pyright: ignore[reportUnknownArgumentType]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"the run state is damaged: its usage cannot be read: {error}") from None
    meta: object = context.get("context_meta")
    stored: object = context.get("context")
    needs = isinstance(meta, Mapping) and bool(cast("Mapping[str, Any]", meta).get("requires_deserializer"))
    if needs and deserializer is None and strict:
        raise UserError(
            "RunState context requires explicit restoration: provide context_deserializer or context_override"
        )
    if deserializer is not None and isinstance(stored, Mapping):
        return deserializer(cast("Mapping[str, Any]", stored)), read_usage
    return stored, read_usage


# --- items


def is_open(states: Mapping[Path, State], path: Path) -> bool:
    """Whether a run, and every run that it is nested in, can go on: others ask about nothing any more."""
    state = states.get(path)
    if state is None or (state.is_closed and state.stopped_in is None):
        return False
    if not path:
        return True
    # A tool's further runs are numbered behind the id of its call.
    parent = states.get(path[:-1])
    ids = (path[-1], path[-1].rpartition("#")[0])
    call = next((parent.calls[f.CallId(one)] for one in ids if one in parent.calls), None) if parent else None
    is_settled = call is None or call.phase in {CallPhase.SETTLED, CallPhase.FAILED}
    return not is_settled and is_open(states, path[:-1])


def approval_item(agent: Agent[Any], state: State, path: Path) -> ToolApprovalItem:
    """The item of a call that a state asks about, made of its facts."""
    call = state.calls[f.CallId(path[-1])].call
    [raw_item] = openai_items([_raw_of(state, call)])
    owner_name = str(state.agent).partition("#")[0]
    owner = next((each for each in reachable_agents(agent, tools=True) if each.name == owner_name), agent)
    item = ToolApprovalItem(owner, raw_item, tool_name=shown_name(call))
    item.call_path = path
    return item
