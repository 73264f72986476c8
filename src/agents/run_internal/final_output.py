"""The final output: found in a message, made of tools' outputs, or given by an error handler."""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from agents._core import facts as f
from agents._core.effects import HandleFailure, ProposeOutput
from agents._core.policy import max_turns_message
from agents._lazy import lazy_module
from agents.agent import ToolsToFinalOutputResult
from agents.exceptions import MaxTurnsExceeded, ModelBehaviorError, ModelRefusalError, UserError
from agents.items import (
    ItemHelpers,
    MessageOutputItem,
    ToolCallItem,
    output_item_to_input,
)
from agents.items.run_items import is_sent, raw_field
from agents.run_error_handlers import RunErrorData, RunErrorHandlerInput, RunErrorHandlerResult
from agents.tool import FunctionTool, FunctionToolResult

from . import guardrails, hooks
from .failures import FinalOutputInvalid
from .interpret import ITEM_KINDS
from .json_form import json_form
from .view import LiveOutput, LiveProposal

if TYPE_CHECKING:
    from openai.types import responses as _responses

    from agents.agent import Agent
    from agents.agent_output import AgentOutputSchemaBase

    from .run_loop import Run
else:
    _responses = lazy_module("openai.types.responses")


def propose_output(run: Run, effect: ProposeOutput) -> Coroutine[Any, Any, None] | None:
    """Find the final output in what the turn gave; record it, or that another turn is due.

    Raises:
        ModelRefusalError: the model refused.
        FinalOutputInvalid: its text is not the output type.
    """
    if effect.source == "tool":
        return _from_tools(run, effect)
    _from_message(run, effect)
    return None


def propose(run: Run, source: f.OutputSource, value: Any, item: Any = None) -> None:
    """Record a final output as proposed, with the guardrails and hooks that are due for it."""
    environment, agent = run.environment, run.view.agent
    fact = f.OutputProposed(
        source,
        json_form(value),
        guardrails.output_guards(environment, agent),
        end_hook=hooks.anybody_listens(environment, agent, "on_agent_end", "on_end"),
        item=None if item is None else output_item_to_input(item.raw_item),
    )
    run.record(fact, LiveProposal(value, item))


# --- from a message

#: Calls that are settled where a message is looked for: run by the server, or repeated after they were answered.
#: A model that says nothing beside them has not come to its end.
_CALLS_OF_OTHERS = frozenset(
    {
        "function_call",
        "tool_search_call",
        *(kind for kind, made in ITEM_KINDS.items() if made is ToolCallItem),
    }
)


def _from_message(run: Run, effect: ProposeOutput) -> None:
    turn = run.view.turn
    assert turn is not None, "an output is looked for in a response"
    messages = [item for item in turn.items if isinstance(item, MessageOutputItem)]
    if not messages and any(raw_field(raw, "type") in _CALLS_OF_OTHERS for raw in turn.response.output):
        run.record(f.OutputDeferred(effect.turn))
        return
    schema = run.environment.output_schema(run.view.agent)
    last = messages[-1].raw_item if messages else None
    text = None if last is None else ItemHelpers.extract_last_text(last)
    refusal = None if last is None else ItemHelpers.extract_refusal(last)
    is_plain = schema is None or schema.is_plain_text()
    handlers = run.state.handlers
    if refusal:
        raise ModelRefusalError(refusal)
    if is_plain:
        propose(run, "message", text or "")
    elif not text and "invalid_final_output" not in handlers:
        run.record(f.OutputDeferred(effect.turn))
    else:
        assert schema is not None, "what is not plain has a schema"
        propose(run, "message", _validated(schema, text or ""))


def _validated(schema: AgentOutputSchemaBase, text: str) -> Any:
    try:
        return schema.validate_json(text)
    except ModelBehaviorError as error:
        raise FinalOutputInvalid(error) from error


# --- from tools


async def _from_tools(run: Run, effect: ProposeOutput) -> None:
    agent = run.view.agent
    behavior: Any = agent.tool_use_behavior
    results = await _tool_results(run)
    if not results or behavior == "run_llm_again":
        # The agent may have been set otherwise since the turn began: a state can be resumed with another one.
        run.record(f.OutputDeferred(effect.turn))
        return
    if behavior == "stop_on_first_tool":
        _propose_of_tool(run, results[0].output)
        return
    if isinstance(behavior, dict):
        names = cast("dict[str, list[str]]", behavior)["stop_at_tool_names"]
        for result in results:
            if result.tool.name in names or result.tool.qualified_name in names:
                _propose_of_tool(run, result.output)
                return
        run.record(f.OutputDeferred(effect.turn))
        return
    verdict: Any = behavior(run.environment.context, results)
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if not isinstance(verdict, ToolsToFinalOutputResult):
        raise UserError(
            f"tool_use_behavior callable must return ToolsToFinalOutputResult, got {type(verdict).__name__}"
        )
    if verdict.is_final_output:
        _propose_of_tool(run, verdict.final_output)
    else:
        run.record(f.OutputDeferred(effect.turn))


def _propose_of_tool(run: Run, value: Any) -> None:
    """Propose what a tool gave: as it is where there is an output type, else its text."""
    schema = run.environment.output_schema(run.view.agent)
    propose(run, "tool", str(value) if schema is None or schema.is_plain_text() else value)


async def _tool_results(run: Run) -> list[FunctionToolResult]:
    """The outputs of this turn's function tools, in call order."""
    view = run.view
    results: list[FunctionToolResult] = []
    toolset = await run.environment.toolset_for(view.agent)
    for call_id, call in run.state.calls.items():
        live = view.outputs.get(call_id)
        tool = toolset.tool_of(call.call)
        if isinstance(live, LiveOutput) and isinstance(tool, FunctionTool):
            results.append(FunctionToolResult(tool, live.value, live.item))
    return results


# --- from an error handler


async def handle_failure(run: Run, effect: HandleFailure) -> None:
    """Ask the caller's handler; record its output, or that it declined.

    Raises:
        UserError: its output is not of the agent's output type.
    """
    handler = run.environment.error_handlers[effect.kind]
    error = _error_for(run)
    result: Any = handler(RunErrorHandlerInput(error, run.environment.context, _error_data(run)))
    if inspect.isawaitable(result):
        result = await result
    if result is None:
        run.record(f.HandlerDeclined(effect.kind))
        return
    handled = _handler_result(result)
    agent = run.view.agent
    schema = run.environment.output_schema(agent)
    text, value = _as_text(schema, handled.final_output)
    item = _message(agent, text) if handled.include_in_history else None
    propose(run, "handler", value, item)


def _error_for(run: Run) -> Any:
    failure = run.view.failure
    if isinstance(failure, FinalOutputInvalid):
        return failure.error
    if failure is not None:
        return failure
    limit = None if run.state.start is None else run.state.start.max_turns
    return MaxTurnsExceeded(max_turns_message(limit))


def _error_data(run: Run) -> RunErrorData:
    view = run.view
    output: list[Any] = [item.to_input_item() for item in view.new_items if is_sent(item)]
    return RunErrorData(
        input=view.input if isinstance(view.input, str) else list(view.input),
        new_items=view.new_items,
        history=[*ItemHelpers.input_to_new_input_list(view.input), *output],
        output=output,
        raw_responses=list(view.raw_responses),
        last_agent=view.agent,
    )


def _handler_result(result: Any) -> RunErrorHandlerResult:
    if isinstance(result, RunErrorHandlerResult):
        return result
    if isinstance(result, dict):
        given = cast("dict[str, Any]", result)
        if "final_output" in given and given.keys() <= {"final_output", "include_in_history"}:
            return RunErrorHandlerResult(**given)
    return RunErrorHandlerResult(result)


def _as_text(schema: AgentOutputSchemaBase | None, value: Any) -> tuple[str, Any]:
    """A handler's output as the text of a message, and as the output type has it."""
    if schema is None or schema.is_plain_text():
        return (value if isinstance(value, str) else str(value)), value
    shape = json_form(value)
    texts = [json.dumps(shape, separators=(",", ":")), json.dumps({"response": shape}, separators=(",", ":"))]
    error: Exception | None = None
    for text in texts:
        try:
            return text, schema.validate_json(text)
        except ModelBehaviorError as refused:
            error = error if error is not None else refused
    raise UserError(
        f"The error handler's output does not fit the output type {schema.name()}: {error}. "
        "Return a value of that type, or None to decline."
    )


def _message(agent: Agent[Any], text: str) -> MessageOutputItem:
    content = _responses.ResponseOutputText(type="output_text", text=text, annotations=[])
    message = _responses.ResponseOutputMessage(
        id=f"msg_{uuid.uuid4().hex}", type="message", role="assistant", status="completed", content=[content]
    )
    return MessageOutputItem(agent, message)
