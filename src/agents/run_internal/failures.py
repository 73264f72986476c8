"""Exceptions and the facts made of them, both ways."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from agents._core import facts as f
from agents._core.effects import Effect, ProposeOutput
from agents._core.policy import max_turns_message
from agents._core.state import CallPhase
from agents.exceptions import (
    AgentsException,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelRefusalError,
    OutputGuardrailTripwireTriggered,
    RunErrorDetails,
    ToolInDoubt,
    ToolInputGuardrailTripwireTriggered,
    ToolOutputGuardrailTripwireTriggered,
)

if TYPE_CHECKING:
    from agents.agent import Agent

    from .run_loop import Run


class FinalOutputInvalid(Exception):
    """Carries the error about a final output that does not fit, so that its kind is known to the loop."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


def error_data(error: BaseException) -> f.ErrorData:
    """The class and the text of an exception; a text that cannot be made is said to be so."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (an exception whose own __str__ raises must still become a fact)
        message = "Error details are unavailable."
    return f.ErrorData(type(error).__name__, message)


def effect_failed(effect: Effect, error: BaseException) -> f.EffectFailed:
    """The fact that an effect raised."""
    if isinstance(error, FinalOutputInvalid):
        return f.EffectFailed(effect.id, error_data(error.error), "invalid_final_output")
    is_refusal = isinstance(error, ModelRefusalError) and isinstance(effect, ProposeOutput)
    kind: f.FailureKind = "model_refusal" if is_refusal else "error"
    return f.EffectFailed(effect.id, error_data(error), kind)


def tool_not_found(call: f.Call, agent: Agent[Any]) -> ModelBehaviorError:
    """The error of a run whose model, or whose state, asks for a tool that its agent does not have."""
    return ModelBehaviorError(f"Tool {call.name} not found in agent {agent.name}")


def error_details(run: Run) -> RunErrorDetails:
    """What the run has done, as copies."""
    view = run.view
    checked: tuple[int | None, int | None] = (None, None)
    if isinstance(view.failure, ToolInputGuardrailTripwireTriggered | ToolOutputGuardrailTripwireTriggered):
        # The exception itself tells of the turn that it cut short.
        checked = view.tool_checks_before
    return RunErrorDetails(
        input=view.input if isinstance(view.input, str) else list(view.input),
        new_items=view.answered_items,
        raw_responses=list(view.raw_responses),
        last_agent=view.agent,
        context_wrapper=run.environment.context,
        input_guardrail_results=list(view.input_guardrail_results),
        output_guardrail_results=list(view.output_guardrail_results),
        tool_input_guardrail_results=view.tool_input_guardrail_results[: checked[0]],
        tool_output_guardrail_results=view.tool_output_guardrail_results[: checked[1]],
    )


def exception_of(run: Run) -> BaseException:
    """The exception that a run which cannot go on will raise."""
    state, view = run.state, run.view
    if state.tripped is not None:
        error: BaseException = (
            InputGuardrailTripwireTriggered(_tripped(view.input_guardrail_results))
            if state.tripped_stage == "input"
            else OutputGuardrailTripwireTriggered(_tripped(view.output_guardrail_results))
        )
    elif view.failure is not None:
        error = view.failure
    elif state.failure is not None:
        # Known from the log alone, or never raised by anybody: running out of turns is where a run stands.
        error = _from_data(run, state.failure.error)
    else:
        limit = None if state.start is None else state.start.max_turns
        error = MaxTurnsExceeded(max_turns_message(limit))
    if isinstance(error, FinalOutputInvalid):
        error = error.error
    # Errors of others, of the client for instance, carry it too, where they can.
    with contextlib.suppress(AttributeError, TypeError):
        setattr(error, "run_data", error_details(run))  # noqa: B010 (not all of them declare it)
    return error


def _from_data(run: Run, data: f.ErrorData) -> AgentsException:
    if data.type == "MaxTurnsExceeded":
        return MaxTurnsExceeded(data.message)
    if data.type == "ToolInDoubt":
        calls = run.state.calls.values()
        call = next(call.call for call in calls if call.phase is CallPhase.FAILED)
        return ToolInDoubt(data.message, tool_name=call.name, call_id=call.id)
    return AgentsException(f"{data.type}: {data.message}")


def _tripped(results: list[Any]) -> Any:
    return next(result for result in results if result.output.tripwire_triggered)


def raise_if_failed(run: Run) -> None:
    """Raise what ended the run, if it failed."""
    if run.state.error is not None and run.view.failure is not None:
        raise run.view.failure
