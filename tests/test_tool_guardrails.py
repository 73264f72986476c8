from __future__ import annotations

from typing import Any, cast

import pytest

from agents.exceptions import UserError
from agents.tool_guardrails import (
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    tool_input_guardrail,
    tool_output_guardrail,
)

# The guardrails only pass the call on: what it is does not matter here.
CALL = ToolInputGuardrailData(context=cast("Any", None), agent=cast("Any", None))
RETURNED = ToolOutputGuardrailData(context=cast("Any", None), agent=cast("Any", None), output="text")
VERDICT = ToolGuardrailFunctionOutput.reject_content("no", output_info=1)


def check(data: Any) -> ToolGuardrailFunctionOutput:
    assert data in (CALL, RETURNED)
    return VERDICT


async def check_async(data: Any) -> ToolGuardrailFunctionOutput:
    return check(data)


class AsyncCheck:
    async def __call__(self, data: Any) -> ToolGuardrailFunctionOutput:
        return check(data)


@pytest.mark.parametrize("function", [check, check_async, AsyncCheck()])
async def test_guardrails_run_plain_and_async_functions(function: Any):
    assert await ToolInputGuardrail[Any](guardrail_function=function).run(CALL) is VERDICT
    assert await ToolOutputGuardrail[Any](guardrail_function=function).run(RETURNED) is VERDICT


async def test_what_cannot_be_called_is_refused_when_run():
    function = cast("Any", 5)
    with pytest.raises(UserError, match="must be callable"):
        await ToolInputGuardrail[Any](guardrail_function=function).run(CALL)
    with pytest.raises(UserError, match="must be callable"):
        await ToolOutputGuardrail[Any](guardrail_function=function).run(RETURNED)


def test_the_decorators_work_bare_and_with_a_name():
    assert tool_input_guardrail(check).get_name() == "check"
    assert tool_input_guardrail(name="mine")(check).get_name() == "mine"
    assert tool_output_guardrail(check_async).get_name() == "check_async"
    assert tool_output_guardrail(name="mine")(check).name == "mine"


def test_a_verdict_allows_unless_it_says_otherwise():
    assert ToolGuardrailFunctionOutput(output_info=1).behavior == {"type": "allow"}
    assert ToolGuardrailFunctionOutput.allow() == ToolGuardrailFunctionOutput(output_info=None)
    assert VERDICT.behavior == {"type": "reject_content", "message": "no"}
    assert ToolGuardrailFunctionOutput.raise_exception("x").behavior == {"type": "raise_exception"}
