"""`FunctionTool` and `function_tool`: what is accepted, what is refused, what copies keep."""

from __future__ import annotations

import copy
import dataclasses
import functools
import typing
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from agents.exceptions import ModelBehaviorError, UserError
from agents.tool import (
    FunctionTool,
    ToolOrigin,
    ToolOriginType,
    approval_rule,
    function_tool,
    get_function_tool_origin,
    set_function_tool_failure_error_function,
)
from agents.tool_context import ToolContext
from agents.usage import Usage


async def invoke(context: ToolContext[Any], arguments: str) -> str:
    return arguments


def made_by_hand(**fields: Any) -> FunctionTool:
    given: dict[str, Any] = {
        "name": "look",
        "description": "Looks.",
        "params_json_schema": {},
        "on_invoke_tool": invoke,
        **fields,
    }
    return FunctionTool(**given)


def context(name: str = "look") -> ToolContext[Any]:
    return ToolContext(None, Usage(), name, "c1", "{}")


def look(item: int, detail: str = "short") -> str:
    """Looks at an item.

    Args:
        item: Which one.
    """
    return f"{item} {detail}"


async def async_look(item: int) -> str:
    return f"{item}"


# --- Fields -----------------------------------------------------------------------------------------------------------


def test_the_fields_keep_their_order_and_ours_are_keyword_only_and_last() -> None:
    fields = dataclasses.fields(FunctionTool)
    assert [field.name for field in fields][:19] == [
        "name",
        "description",
        "params_json_schema",
        "on_invoke_tool",
        "strict_json_schema",
        "is_enabled",
        "tool_input_guardrails",
        "tool_output_guardrails",
        "needs_approval",
        "timeout_seconds",
        "timeout_behavior",
        "timeout_error_function",
        "defer_loading",
        "custom_data_extractor",
        "allowed_callers",
        "output_json_schema",
        "side_effects",
        "on_in_doubt",
        "traits",
    ]
    assert all(field.kw_only for field in fields[13:])


def test_a_strict_schema_is_completed_without_touching_the_one_given() -> None:
    given: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string", "default": None}}}
    tool = made_by_hand(params_json_schema=given)
    assert tool.params_json_schema == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": False,
        "required": ["a"],
    }
    assert given == {"type": "object", "properties": {"a": {"type": "string", "default": None}}}


def test_a_loose_schema_is_kept_as_it_is() -> None:
    given = {"type": "object", "additionalProperties": True}
    assert made_by_hand(params_json_schema=given, strict_json_schema=False).params_json_schema is given


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"timeout_seconds": 0}, ValueError, "greater than 0"),
        ({"timeout_seconds": -1}, ValueError, "greater than 0"),
        ({"timeout_seconds": float("inf")}, ValueError, "finite number"),
        ({"timeout_seconds": float("nan")}, ValueError, "finite number"),
        ({"timeout_seconds": "1"}, TypeError, "positive number"),
        ({"timeout_seconds": True}, TypeError, "positive number"),
        ({"timeout_behavior": "x"}, ValueError, "timeout_behavior must be one of"),
        ({"timeout_behavior": None}, ValueError, "timeout_behavior must be one of"),
        ({"timeout_error_function": 1}, TypeError, "timeout_error_function must be callable"),
        ({"side_effects": "x"}, ValueError, "side_effects must be one of: none, idempotent, once"),
        ({"on_in_doubt": "x"}, ValueError, "on_in_doubt must be one of: retry, ask, fail"),
        ({"allowed_callers": []}, UserError, "allowed_callers must be a non-empty list"),
        ({"allowed_callers": "direct"}, UserError, "allowed_callers must be a non-empty list"),
        ({"allowed_callers": ["direct", "direct"]}, UserError, "allowed_callers contains duplicate"),
        ({"allowed_callers": ["x"]}, UserError, "allowed_callers contains unsupported"),
        (
            {"output_json_schema": {"type": "string"}},
            UserError,
            "output_json_schema must define a JSON object",
        ),
        (
            {"output_json_schema": {"type": "object", "additionalProperties": True}},
            UserError,
            "output_json_schema must define a strict JSON object schema",
        ),
        (
            {"params_json_schema": {"type": "object", "additionalProperties": True}},
            UserError,
            "additionalProperties",
        ),
    ],
)
def test_a_field_that_means_nothing_is_refused(
    fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        made_by_hand(**fields)


def test_a_time_limit_is_for_async_functions_only() -> None:
    with pytest.raises(ValueError, match="only supported for async @function_tool handlers"):
        function_tool(look, timeout=1)
    assert function_tool(async_look, timeout=1).timeout_seconds == 1.0


@pytest.mark.parametrize("rule", ["yes", None, 1])
def test_an_approval_rule_that_cannot_be_obeyed_is_refused_when_a_call_comes(rule: Any) -> None:
    tool = made_by_hand(needs_approval=rule)
    with pytest.raises(UserError, match="Invalid needs_approval value: expected a bool or callable"):
        approval_rule(tool)


def test_an_approval_rule_is_a_bool_or_a_function() -> None:
    async def rule(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        return True

    assert approval_rule(made_by_hand(needs_approval=True)) is True
    assert approval_rule(made_by_hand(needs_approval=rule)) is rule


def test_side_effects_and_policy_are_kept() -> None:
    tool = function_tool(look, side_effects="idempotent", on_in_doubt="retry")
    assert (tool.side_effects, tool.on_in_doubt) == ("idempotent", "retry")
    assert (function_tool(look).side_effects, function_tool(look).on_in_doubt) == (None, None)


# --- From callables ---------------------------------------------------------------------------------------------------


def test_name_description_and_schema_come_from_the_function() -> None:
    tool = function_tool(look)
    assert (tool.name, tool.description, tool.strict_json_schema) == ("look", "Looks at an item.", True)
    assert tool.params_json_schema == {
        "title": "look_args",
        "type": "object",
        "properties": {
            "item": {"title": "Item", "type": "integer", "description": "Which one."},
            "detail": {"title": "Detail", "type": "string", "default": "short"},
        },
        "required": ["item", "detail"],
        "additionalProperties": False,
    }


def test_names_and_descriptions_can_be_given_and_empty_ones_count_as_not_given() -> None:
    tool = function_tool(look, name_override="see", description_override="Sees.")
    assert (tool.name, tool.description) == ("see", "Sees.")
    fallback = function_tool(look, name_override="", description_override="")
    assert (fallback.name, fallback.description) == ("look", "Looks at an item.")


def test_without_a_docstring_the_description_is_empty() -> None:
    assert function_tool(async_look).description == ""
    assert function_tool(look, use_docstring_info=False).description == ""


def test_the_decorator_works_bare_and_with_arguments() -> None:
    @function_tool()
    def one() -> int:
        return 1

    @function_tool(name_override="zwei")
    def two() -> int:
        return 2

    assert (one.name, two.name) == ("one", "zwei")


def test_settings_are_keyword_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        typing.cast("Callable[..., Any]", function_tool)(look, "name")


class Greeter:
    """Greets people."""

    def __call__(self, name: str) -> str:
        """Not the tool's description.

        Args:
            name: Whom to greet.
        """
        return f"Hello {name}"


class AsyncGreeter:
    async def __call__(self, name: str) -> str:
        """Greets slowly."""
        return f"Hello {name}"

    def __bool__(self) -> bool:
        return False


def test_an_instance_is_called_as_its_class() -> None:
    tool = function_tool(Greeter())
    assert (tool.name, tool.description) == ("Greeter", "Greets people.")
    assert tool.params_json_schema["properties"]["name"]["description"] == "Whom to greet."
    asynchronous = function_tool(AsyncGreeter(), timeout=1)
    assert (asynchronous.name, asynchronous.description) == ("AsyncGreeter", "Greets slowly.")


def nothing(self: Any) -> None: ...


async def test_methods_of_every_kind_can_be_tools() -> None:
    class Shop:
        async def bound(self, item: int) -> int:
            return item

        @classmethod
        async def of_class(cls, item: int) -> int:
            return item

        @staticmethod
        async def static(item: int) -> int:
            return item

    for method in (Shop().bound, Shop.of_class, Shop.static, vars(Shop)["static"]):
        assert await function_tool(method).on_invoke_tool(context(), '{"item":3}') == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (functools.partial(look, 1), "Unsupported callable object"),
        (type("Größe", (), {"__call__": nothing})(), "Pass name_override"),
        (type("Partial", (), {"__call__": functools.partial(look, 1)})(), "Unsupported callable object"),
        (type("Static", (), {"__call__": staticmethod(look)})(), "Unsupported callable object"),
        (5, "Unsupported callable"),
    ],
)
def test_a_callable_without_a_readable_contract_is_refused(target: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        function_tool(target)


# --- Copies -----------------------------------------------------------------------------------------------------------


def renamed_by_replace(tool: FunctionTool) -> FunctionTool:
    return dataclasses.replace(tool, name="copied_tool")


def renamed_by_copy(tool: FunctionTool) -> FunctionTool:
    made = copy.copy(tool)
    made.name = "copied_tool"
    return made


def renamed_by_deepcopy(tool: FunctionTool) -> FunctionTool:
    made = copy.deepcopy(tool)
    made.name = "copied_tool"
    return made


@pytest.mark.parametrize("rename", [renamed_by_replace, renamed_by_copy, renamed_by_deepcopy])
async def test_a_copy_speaks_under_its_own_name_and_its_own_choice(
    rename: Callable[[FunctionTool], FunctionTool],
) -> None:
    original = function_tool(look, failure_error_function=None)
    copied = rename(original)
    with pytest.raises(ModelBehaviorError, match="Invalid JSON input for tool copied_tool"):
        await copied.on_invoke_tool(context(), "{")

    set_function_tool_failure_error_function(copied, lambda context, error: "told")
    assert await copied.on_invoke_tool(context(), "{") == "told"
    with pytest.raises(ModelBehaviorError, match="Invalid JSON input for tool look"):
        await original.on_invoke_tool(context(), "{")


async def test_an_invoker_works_after_its_tool_is_gone() -> None:
    invoker = function_tool(look, failure_error_function=lambda context, error: str(error)).on_invoke_tool
    assert await invoker(context(), "[]") == "Invalid JSON input for tool look: expected a JSON object"


def test_copies_do_not_run_a_subclass_again() -> None:
    made: list[str] = []

    @dataclasses.dataclass
    class Counted(FunctionTool):
        def __post_init__(self) -> None:
            super().__post_init__()
            made.append(self.name)

    tool = Counted("look", "Looks.", {}, invoke)
    assert type(copy.copy(tool)) is Counted
    copy.deepcopy(tool)
    assert made == ["look"]


def test_deep_copies_share_no_schema() -> None:
    tool = function_tool(look)
    copied = copy.deepcopy(tool)
    assert copied.params_json_schema == tool.params_json_schema
    assert copied.params_json_schema is not tool.params_json_schema


def test_a_tool_knows_the_callable_that_it_was_made_of() -> None:
    tool = function_tool(look)
    original: Any = tool
    assert original.__wrapped__ is look
    for copied in (copy.copy(original), copy.deepcopy(original), dataclasses.replace(original, name="n")):
        assert copied.__wrapped__ is look
    greeter = Greeter()
    made: Any = function_tool(greeter)
    assert made.__wrapped__ is greeter


def test_there_is_nothing_wrapped_in_a_class_or_in_what_is_made_by_hand() -> None:
    assert not hasattr(FunctionTool, "__wrapped__")
    assert not hasattr(made_by_hand(), "__wrapped__")
    tool = function_tool(look)
    tool.on_invoke_tool = invoke
    assert not hasattr(tool, "__wrapped__")


def test_what_is_wrapped_cannot_be_changed() -> None:
    tool: Any = function_tool(look)
    with pytest.raises(AttributeError, match="read-only"):
        tool.__wrapped__ = look
    with pytest.raises(AttributeError, match="read-only"):
        del tool.__wrapped__


def test_tools_compare_by_value_and_have_no_hash() -> None:
    assert made_by_hand() == made_by_hand()
    with pytest.raises(TypeError, match="unhashable"):
        hash(made_by_hand())


def test_a_tool_of_its_own_has_the_bare_name_and_a_functions_origin() -> None:
    tool = made_by_hand()
    assert tool.qualified_name == "look"
    assert tool.mcp_annotations is None
    assert get_function_tool_origin(tool) == ToolOrigin(ToolOriginType.FUNCTION)


# --- Output types for programs ----------------------------------------------------------------------------------------


class Found(BaseModel):
    count: int


def found() -> Found:
    return Found(count=1)


def number() -> int:
    return 1


FOUND_SCHEMA = {
    "title": "Found",
    "type": "object",
    "properties": {"count": {"title": "Count", "type": "integer"}},
    "required": ["count"],
    "additionalProperties": False,
}


def test_an_output_schema_is_read_from_the_annotation_for_programs_only() -> None:
    assert function_tool(found).output_json_schema is None
    assert function_tool(found, allowed_callers=["direct"]).output_json_schema is None
    assert function_tool(found, allowed_callers=["programmatic"]).output_json_schema == FOUND_SCHEMA
    assert function_tool(look, allowed_callers=["programmatic"]).output_json_schema is None
    assert function_tool(number, output_type=Found).output_json_schema == FOUND_SCHEMA


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"allowed_callers": ["programmatic"]}, "programmatic function tool return annotation"),
        ({"output_type": int}, "output_type must define a strict JSON object"),
        ({"output_type": Found, "output_json_schema": FOUND_SCHEMA}, "cannot both be provided"),
    ],
)
def test_an_output_type_that_is_no_strict_object_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        function_tool(number, **settings)


async def test_an_output_of_another_type_is_an_error_of_the_tool() -> None:
    tool = function_tool(number, output_type=Found, failure_error_function=None)
    with pytest.raises(UserError, match="does not match its declared output type"):
        await tool.on_invoke_tool(context(), "{}")
