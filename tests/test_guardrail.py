from __future__ import annotations

from typing import Any, cast

import pytest

from agents.agent import Agent
from agents.exceptions import UserError
from agents.guardrail import (
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailResult,
    OutputGuardrail,
    OutputGuardrailResult,
    input_guardrail,
    output_guardrail,
)
from agents.run_context import RunContextWrapper

AGENT = Agent[Any](name="A")
CONTEXT = RunContextWrapper[Any](context=None)
VERDICT = GuardrailFunctionOutput(output_info="fine", tripwire_triggered=False)


def check(context: RunContextWrapper[Any], agent: Agent[Any], value: Any) -> GuardrailFunctionOutput:
    assert (context, agent, value) == (CONTEXT, AGENT, "text")
    return VERDICT


async def check_async(
    context: RunContextWrapper[Any], agent: Agent[Any], value: Any
) -> GuardrailFunctionOutput:
    return check(context, agent, value)


class AsyncCheck:
    async def __call__(
        self, context: RunContextWrapper[Any], agent: Agent[Any], value: Any
    ) -> GuardrailFunctionOutput:
        return check(context, agent, value)


CHECKS = pytest.mark.parametrize("function", [check, check_async, AsyncCheck()])


@CHECKS
async def test_an_input_guardrail_runs_plain_and_async_functions(function: Any):
    guardrail = InputGuardrail[Any](guardrail_function=function)
    result = await guardrail.run(agent=AGENT, input="text", context=CONTEXT)
    assert result == InputGuardrailResult(guardrail=guardrail, output=VERDICT)


@CHECKS
async def test_an_output_guardrail_runs_plain_and_async_functions(function: Any):
    guardrail = OutputGuardrail[Any](guardrail_function=function)
    result = await guardrail.run(context=CONTEXT, agent=AGENT, agent_output="text")
    assert result == OutputGuardrailResult(
        guardrail=guardrail, agent_output="text", agent=AGENT, output=VERDICT
    )


async def test_what_cannot_be_called_is_refused_when_run():
    function = cast("Any", 5)
    with pytest.raises(UserError, match="Guardrail function must be callable, got 5"):
        await InputGuardrail[Any](guardrail_function=function).run(AGENT, "text", CONTEXT)
    with pytest.raises(UserError, match="Guardrail function must be callable, got 5"):
        await OutputGuardrail[Any](guardrail_function=function).run(CONTEXT, AGENT, "text")


def test_the_input_decorator_works_bare_and_with_arguments():
    bare = input_guardrail(check)
    assert (bare.get_name(), bare.run_in_parallel) == ("check", True)
    named = input_guardrail(name="mine", run_in_parallel=False)(check_async)
    assert (named.get_name(), named.run_in_parallel) == ("mine", False)
    assert input_guardrail()(check).guardrail_function is check


def test_the_output_decorator_works_bare_and_with_arguments():
    assert output_guardrail(check).get_name() == "check"
    assert output_guardrail(name="mine")(check_async).get_name() == "mine"


def test_the_name_falls_back_to_the_function_or_its_class():
    assert InputGuardrail[Any](guardrail_function=check).get_name() == "check"
    assert OutputGuardrail[Any](guardrail_function=AsyncCheck()).get_name() == "AsyncCheck"
