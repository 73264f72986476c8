from __future__ import annotations

import dataclasses
import json
import logging
import subprocess
import sys
from typing import Any, Optional, cast

import pytest
from pydantic import BaseModel

from agents.agent import Agent
from agents.exceptions import ModelBehaviorError, UserError
from agents.handoffs import Handoff, HandoffInputData, handoff
from agents.run_context import RunContextWrapper

CONTEXT = RunContextWrapper[Any](context=None)


class Ticket(BaseModel):
    number: int


def agent(name: str = "Billing") -> Agent[Any]:
    return Agent(name=name, handoff_description="Knows invoices.")


def test_importing_handoffs_loads_neither_openai_nor_pydantic():
    program = (
        "import sys, agents.handoffs; "
        "assert not {'openai', 'pydantic'} & set(sys.modules); "
        "from agents.handoffs import HandoffHistoryMapper"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class TestNames:
    def test_a_handoff_takes_its_texts_from_the_agent(self):
        made = handoff(agent())
        assert made.tool_name == "transfer_to_billing"
        assert made.tool_description == "Handoff to the Billing agent to handle the request. Knows invoices."
        assert made.agent_name == "Billing"
        assert made.strict_json_schema is True
        assert made.input_json_schema["properties"] == {}
        assert made.input_json_schema["additionalProperties"] is False

    def test_overrides_win(self):
        made = handoff(agent(), tool_name_override="ask", tool_description_override="Ask them.")
        assert (made.tool_name, made.tool_description) == ("ask", "Ask them.")

    def test_spaces_become_underscores_without_a_warning(self, caplog: pytest.LogCaptureFixture):
        assert handoff(agent("Two  Words")).tool_name == "transfer_to_two__words"
        assert caplog.records == []

    def test_other_characters_are_replaced_with_one_warning(self, caplog: pytest.LogCaptureFixture):
        with caplog.at_level(logging.WARNING):
            assert handoff(agent("A B/C!")).tool_name == "transfer_to_a_b_c_"
        (record,) = caplog.records
        assert "contains invalid characters for function calling" in record.getMessage()

    def test_the_transfer_message_names_the_agent_in_json(self):
        made = handoff(agent())
        assert json.loads(made.get_transfer_message(agent('é"x'))) == {"assistant": 'é"x'}
        assert made.get_transfer_message(agent("B")) == '{"assistant": "B"}'

    def test_a_handoff_knows_its_agent_also_after_replace(self):
        target = agent()
        made = handoff(target)
        assert made.target_agent is target
        assert dataclasses.replace(made, tool_name="x").target_agent is target


class TestChecks:
    def test_an_input_type_needs_on_handoff(self):
        with pytest.raises(UserError, match="You must provide on_handoff when input_type is provided"):
            cast("Any", handoff)(agent(), input_type=Ticket)

    @pytest.mark.parametrize("options", [{}, {"input_type": Ticket}])
    def test_on_handoff_must_be_callable(self, options: dict[str, Any]):
        with pytest.raises(UserError, match="on_handoff must be callable"):
            handoff(agent(), on_handoff=cast("Any", 5), **options)

    def test_on_handoff_must_take_what_it_is_given(self):
        with pytest.raises(UserError, match="must take one argument: context"):
            handoff(agent(), on_handoff=cast("Any", lambda: None))
        with pytest.raises(UserError, match="must take two arguments: context and input"):
            handoff(agent(), on_handoff=cast("Any", lambda context: None), input_type=Ticket)  # pyright: ignore[reportUnknownLambdaType] -- wrong on purpose

    def test_a_nullable_root_type_has_no_strict_schema(self):
        with pytest.raises(UserError, match="root of a strict JSON schema"):
            handoff(agent(), on_handoff=cast("Any", print_nothing), input_type=cast("Any", Optional[Ticket]))  # noqa: UP045

    def test_the_input_schema_is_strict(self):
        made = handoff(agent(), on_handoff=print_nothing, input_type=Ticket)
        assert made.input_json_schema["required"] == ["number"]
        assert made.input_json_schema["additionalProperties"] is False


def print_nothing(context: RunContextWrapper[Any], given: Any) -> None:
    """Takes a handoff's input and does nothing."""


class TestInvocation:
    async def test_without_on_handoff_any_input_gives_the_agent(self):
        target = agent()
        for text in ("", "{}", "junk"):
            assert await handoff(target).on_invoke_handoff(CONTEXT, text) is target

    async def test_on_handoff_gets_the_context_and_the_validated_input(self):
        seen: list[object] = []
        made = handoff(
            agent(), on_handoff=lambda context, ticket: seen.append((context, ticket)), input_type=Ticket
        )
        await made.on_invoke_handoff(CONTEXT, '{"number": 5}')
        assert seen == [(CONTEXT, Ticket(number=5))]

    async def test_async_functions_and_async_callable_objects_are_awaited(self):
        seen: list[str] = []

        async def notice(context: RunContextWrapper[Any]) -> None:
            seen.append("function")

        class Notice:
            async def __call__(self, context: RunContextWrapper[Any]) -> None:
                seen.append("object")

        await handoff(agent(), on_handoff=notice).on_invoke_handoff(CONTEXT, "")
        await handoff(agent(), on_handoff=Notice()).on_invoke_handoff(CONTEXT, "")
        assert seen == ["function", "object"]

    @pytest.mark.parametrize(
        "text", [None, "", "null", "{}", "{", '{"number": "5"}', '{"number": ""}', '{"number": 5.5}']
    )
    async def test_input_is_validated_strictly(self, text: Any):
        made = handoff(agent(), on_handoff=print_nothing, input_type=Ticket)
        with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
            await made.on_invoke_handoff(CONTEXT, text)

    async def test_the_error_says_where_but_not_what_was_given(self):
        made = handoff(agent(), on_handoff=print_nothing, input_type=Ticket)
        with pytest.raises(
            ModelBehaviorError, match="transfer_to_billing: number: Input should be"
        ) as caught:
            await made.on_invoke_handoff(CONTEXT, '{"number": "secret"}')
        assert "secret" not in str(caught.value)


class TestEnablement:
    def test_a_bool_is_kept(self):
        assert handoff(agent(), is_enabled=False).is_enabled is False

    async def test_functions_are_asked_with_context_and_agent(self):
        asking = agent("Asking")

        async def later(context: RunContextWrapper[Any], asker: Agent[Any]) -> bool:
            return (context, asker) == (CONTEXT, asking)

        for function in (later, lambda context, asker: (context, asker) == (CONTEXT, asking)):  # pyright: ignore[reportUnknownLambdaType, reportUnknownVariableType] -- types are those of `later`
            is_enabled: Any = handoff(agent(), is_enabled=cast("Any", function)).is_enabled
            assert await is_enabled(CONTEXT, asking) is True


def test_handoff_fields_have_their_contract_order():
    assert [field.name for field in dataclasses.fields(Handoff)] == [
        "tool_name",
        "tool_description",
        "input_json_schema",
        "on_invoke_handoff",
        "agent_name",
        "input_filter",
        "nest_handoff_history",
        "strict_json_schema",
        "is_enabled",
    ]


def test_input_data_is_frozen_and_cloned_with_changes():
    data = HandoffInputData(input_history="x", pre_handoff_items=(), new_items=())
    assert data.clone(input_history="y").input_history == "y"
    assert (data.run_context, data.input_items) == (None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.input_history = "z"  # pyright: ignore[reportAttributeAccessIssue] -- frozen is what is tested
