from __future__ import annotations

import dataclasses
from typing import Any

import openai
import pytest
from openai.types.shared import Reasoning
from pydantic import BaseModel

from agents.agent_output import AgentOutputSchema
from agents.exceptions import UserError
from agents.handoffs import Handoff
from agents.model_settings import MCPToolChoice, ModelSettings
from agents.models._responses_request import ModelCall, responses_request
from agents.models.fake_id import FAKE_RESPONSES_ID
from agents.models.openai_responses import Converter
from agents.tool import FunctionTool, function_tool, tool_namespace
from models.asking import arguments

ALWAYS_SENT = {"model": "m", "input": [{"content": "Hi", "role": "user"}], "include": [], "tools": []}
ALWAYS_GIVEN = {"extra_query": None, "extra_body": None}


@function_tool
def add(a: int) -> int:
    """Adds."""
    return a


ADD = {
    "name": "add",
    "parameters": add.params_json_schema,
    "strict": True,
    "type": "function",
    "description": "Adds.",
}


async def never(*_: object) -> Any:
    raise NotImplementedError


def transfer(name: str) -> Handoff[Any, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    return Handoff(name, "Hands over.", schema, never, "other")


def given(*, model_is_explicit: bool = True, stream: bool = False, **values: Any) -> dict[str, Any]:
    """Every argument of the request, `omit` included."""
    values = arguments(**values)
    values.pop("tracing")
    return responses_request(
        ModelCall(**values), model="m", model_is_explicit=model_is_explicit, stream=stream
    )


def sent(**values: Any) -> dict[str, Any]:
    """What of it is sent, less what always is."""
    request = {name: value for name, value in given(**values).items() if value is not openai.omit}
    headers = request.pop("extra_headers")
    assert headers["User-Agent"].startswith("Agents/Python ")
    plain = {**ALWAYS_SENT, **ALWAYS_GIVEN}
    return {name: value for name, value in request.items() if name not in plain or plain[name] != value}


def test_a_bare_call_sends_next_to_nothing() -> None:
    assert sent() == {}
    assert sent(stream=True) == {"stream": True}


def test_what_is_not_set_is_the_clients_omit() -> None:
    request = given()
    for name in ("instructions", "temperature", "tool_choice", "prompt", "stream", "text", "conversation"):
        assert request[name] is openai.omit


def test_an_input_list_goes_through_as_it_is() -> None:
    items = [{"role": "user", "content": "x"}, {"type": "novel_item", "n": 1}]
    assert given(input=items)["input"] is items


def test_what_another_api_left_in_items_is_taken_out() -> None:
    own: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
    left: dict[str, Any] = {"id": FAKE_RESPONSES_ID, "provider_data": {"model": "other"}}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    items = [{"role": "user", "content": "x"}, {**call, **left}, {**own, **left}, own]
    assert given(input=items)["input"] == [{"role": "user", "content": "x"}, call, own]
    assert items[1]["id"] == FAKE_RESPONSES_ID


def test_settings_go_by_the_apis_names() -> None:
    settings = ModelSettings(
        temperature=0.5,
        top_p=0.2,
        frequency_penalty=0.1,
        truncation="auto",
        max_tokens=5,
        reasoning=Reasoning(effort="low"),
        verbosity="low",
        metadata={"a": "b"},
        store=False,
        prompt_cache_retention="24h",
        response_include=["reasoning.encrypted_content", "novel"],
        top_logprobs=0,
        extra_query={"q": 1},
        extra_body={"e": 2},
        extra_args={"safety_identifier": "s"},
    )
    assert sent(model_settings=settings, system_instructions="Be nice.") == {
        "instructions": "Be nice.",
        "temperature": 0.5,
        "top_p": 0.2,
        "truncation": "auto",
        "max_output_tokens": 5,
        "reasoning": Reasoning(effort="low"),
        "text": {"verbosity": "low"},
        "metadata": {"a": "b"},
        "store": False,
        "prompt_cache_retention": "24h",
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content", "novel"],
        "top_logprobs": 0,
        "extra_query": {"q": 1},
        "extra_body": {"e": 2},
        "safety_identifier": "s",
    }


def test_headers_may_be_added_and_replaced() -> None:
    headers = given(model_settings=ModelSettings(extra_headers={"A": "b", "User-Agent": "me"}))[
        "extra_headers"
    ]
    assert headers == {"A": "b", "User-Agent": "me"}


def test_an_extra_argument_may_not_repeat_one_that_is_set() -> None:
    assert sent(model_settings=ModelSettings(extra_args={"temperature": 1.0})) == {"temperature": 1.0}
    with pytest.raises(TypeError, match="multiple values for keyword argument 'temperature'"):
        sent(model_settings=ModelSettings(temperature=0.1, extra_args={"temperature": 1.0}))


def test_server_state_is_named() -> None:
    assert sent(previous_response_id="r", conversation_id="c") == {
        "previous_response_id": "r",
        "conversation": "c",
    }


def test_tools_come_before_handoffs() -> None:
    tools = sent(tools=[add], handoffs=[transfer("go")])["tools"]
    assert tools[0] == ADD
    assert [tool["name"] for tool in tools] == ["add", "go"]


def test_parallel_tool_calls_are_only_a_matter_where_there_are_tools() -> None:
    settings = ModelSettings(parallel_tool_calls=False)
    assert sent(model_settings=settings) == {}
    assert sent(model_settings=settings, tools=[add])["parallel_tool_calls"] is False
    assert sent(model_settings=settings, handoffs=[transfer("go")])["parallel_tool_calls"] is False


def test_a_prompt_brings_its_own_model_and_tools() -> None:
    request = given(prompt={"id": "p"}, model_is_explicit=False)
    assert request["model"] is openai.omit
    assert request["tools"] is openai.omit
    assert given(prompt={"id": "p"})["model"] == "m"
    assert given(prompt={"id": "p"}, tools=[add])["tools"] == [ADD]


@pytest.mark.parametrize(("choice", "expected"), [("required", "required"), ("add", openai.omit)])
def test_a_prompts_tools_can_be_required_but_not_named(choice: str, expected: object) -> None:
    assert (
        given(prompt={"id": "p"}, model_settings=ModelSettings(tool_choice=choice))["tool_choice"] == expected
    )


class Weather(BaseModel):
    city: str


@pytest.mark.parametrize("strict", [True, False])
def test_an_output_type_is_sent_as_a_schema(strict: bool) -> None:
    schema = AgentOutputSchema(Weather, strict_json_schema=strict)
    text = sent(output_schema=schema, model_settings=ModelSettings(verbosity="high"))["text"]
    assert text == {
        "format": {
            "type": "json_schema",
            "name": "final_output",
            "schema": schema.json_schema(),
            "strict": strict,
        },
        "verbosity": "high",
    }
    assert sent(output_schema=AgentOutputSchema(str)) == {}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, openai.omit),
        ("auto", "auto"),
        ("required", "required"),
        ("none", "none"),
        ("web_search", {"type": "web_search"}),
        ("computer_use_preview", {"type": "computer_use_preview"}),
        ("computer", {"type": "function", "name": "computer"}),
        ("add", {"type": "function", "name": "add"}),
        ("unknown", {"type": "function", "name": "unknown"}),
        (MCPToolChoice("s", "n"), {"type": "mcp", "server_label": "s", "name": "n"}),
    ],
)
def test_a_tool_choice_is_a_mode_a_hosted_tool_or_a_function(choice: Any, expected: object) -> None:
    assert Converter.convert_tool_choice(choice, tools=[add], handoffs=[]) == expected


def test_tools_of_a_namespace_stand_together() -> None:
    crm = tool_namespace(name="crm", description="Customers", tools=[add, renamed("sub")])
    converted = Converter.convert_tools([crm[0], add, crm[1]], [])
    assert converted.tools == [
        {
            "type": "namespace",
            "name": "crm",
            "description": "Customers",
            "tools": [ADD, {**ADD, "name": "sub"}],
        },
        ADD,
    ]
    assert converted.includes == []


def test_callers_and_output_schema_are_sent() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    tool = dataclasses.replace(add, allowed_callers=["direct", "programmatic"], output_json_schema=schema)
    assert Converter.convert_tools([tool], []).tools == [
        {**ADD, "allowed_callers": ["direct", "programmatic"], "output_schema": schema}
    ]


def renamed(name: str, **values: Any) -> FunctionTool:
    return dataclasses.replace(add, name=name, **values)


NAMED = "Named tool_choice must target a callable tool"


@pytest.mark.parametrize(
    ("choice", "tools", "message"),
    [
        ("crm", tool_namespace(name="crm", description="d", tools=[add]), NAMED),
        ("add", tool_namespace(name="crm", description="d", tools=[add]), NAMED),
        ("late", [renamed("late", defer_loading=True)], "deferred-loading function tools"),
        ("required", [renamed("late", defer_loading=True)], "without ToolSearchTool()"),
        ("tool_search", [add], "requires ToolSearchTool() or a real top-level function tool"),
    ],
)
def test_a_choice_that_can_call_nothing_is_refused(choice: str, tools: list[Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        Converter.convert_tool_choice(choice, tools=tools, handoffs=[])
    assert message in str(caught.value)


def test_a_qualified_name_and_a_real_tool_search_can_be_chosen() -> None:
    crm = tool_namespace(name="crm", description="d", tools=[add])
    for choice, tools in (("crm.add", crm), ("tool_search", [renamed("tool_search")])):
        chosen = Converter.convert_tool_choice(choice, tools=tools)
        assert chosen == {"type": "function", "name": choice}


def test_a_deferred_tool_needs_a_search() -> None:
    with pytest.raises(UserError, match=r"require ToolSearchTool\(\)"):
        Converter.convert_tools([renamed("late", defer_loading=True)], [])


def test_an_unknown_tool_is_refused() -> None:
    unknown: Any = "x"
    with pytest.raises(UserError, match="Unknown tool type: <class 'str'>"):
        Converter.convert_tools([unknown], [])
