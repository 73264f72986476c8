"""`agents.decorators` gives the very objects of their own modules."""

from __future__ import annotations

import types

import agents.decorators
import agents.guardrail
import agents.tool
import agents.tool_guardrails


def test_the_decorators_are_those_of_their_modules() -> None:
    assert agents.decorators.function_tool is agents.tool.function_tool
    assert agents.decorators.tool is agents.tool.function_tool
    assert agents.decorators.input_guardrail is agents.guardrail.input_guardrail
    assert agents.decorators.output_guardrail is agents.guardrail.output_guardrail
    assert agents.decorators.tool_input_guardrail is agents.tool_guardrails.tool_input_guardrail
    assert agents.decorators.tool_output_guardrail is agents.tool_guardrails.tool_output_guardrail


def test_the_package_of_tools_stays_a_module() -> None:
    assert isinstance(agents.tool, types.ModuleType)
    assert isinstance(agents.decorators, types.ModuleType)
