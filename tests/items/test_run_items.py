from __future__ import annotations

import copy
import dataclasses
import gc
import subprocess
import sys
import typing
from typing import Any

import pytest
from openai.types.responses import (
    ResponseCompactionItem,
    ResponseFunctionShellToolCallOutput,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseToolSearchCall,
    ResponseToolSearchOutputItem,
)

import agents.items
from agents.exceptions import AgentsException
from agents.items import (
    CompactionItem,
    HandoffOutputItem,
    InputItem,
    MessageOutputItem,
    ModelResponse,
    RunItemBase,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
    ToolSearchCallItem,
    coerce_tool_search_call_raw_item,
    coerce_tool_search_output_raw_item,
    output_item_to_input,
)
from agents.usage import Usage


@dataclasses.dataclass
class Owner:
    """Stands where an agent does: items only hold it."""

    name: str


def owner(name: str = "A") -> Any:
    return Owner(name)


def message(text: str = "hi") -> ResponseOutputMessage:
    return ResponseOutputMessage(
        id="m1",
        content=[ResponseOutputText(text=text, annotations=[], type="output_text")],
        role="assistant",
        status="completed",
        type="message",
    )


def test_importing_items_loads_neither_openai_nor_pydantic():
    program = (
        "import sys, agents.items; "
        "assert not {'openai', 'pydantic'} & set(sys.modules); "
        "from agents.items import TResponseInputItem, TResponseOutputItem; "
        "assert 'openai' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_name_of_the_module_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(agents.items, "Nothing")  # noqa: B009


def test_the_aliases_are_the_openai_types():
    from openai.types import responses

    assert agents.items.TResponseInputItem is responses.ResponseInputItemParam
    assert agents.items.TResponseOutputItem is responses.ResponseOutputItem
    assert agents.items.TResponse is responses.Response
    assert agents.items.TResponseStreamEvent is responses.ResponseStreamEvent


class TestAgentReferences:
    def test_an_item_keeps_its_agent_alive_until_it_is_released(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        gc.collect()
        assert item.agent.name == "A"

    def test_a_released_item_still_knows_a_living_agent(self):
        agent = owner()
        item = MessageOutputItem(agent=agent, raw_item=message())
        item.release_agent()
        item.release_agent()
        assert item.agent is agent

    def test_a_released_item_lets_its_agent_go_and_can_still_be_shown(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        item.release_agent()
        gc.collect()
        assert item.agent is None
        assert "agent=None" in repr(item)
        assert "hi" in str(item)
        assert dataclasses.asdict(item)["agent"] is None

    def test_asdict_gives_a_held_agent_as_a_dict(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        assert dataclasses.asdict(item)["agent"] == {"name": "A"}

    def test_a_handoff_output_releases_all_three_agents(self):
        item = HandoffOutputItem(
            agent=owner("A"),
            raw_item=typing.cast("Any", {"assistant": "B"}),
            source_agent=owner("A"),
            target_agent=owner("B"),
        )
        item.release_agent()
        gc.collect()
        assert (item.agent, item.source_agent, item.target_agent) == (None, None, None)

    def test_a_released_item_can_be_given_an_agent_again(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        item.release_agent()
        item.agent = owner("B")
        gc.collect()
        assert item.agent.name == "B"

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
    def test_copies_of_a_released_item_refer_to_the_same_agent(self, duplicate: Any):
        agent = owner()
        item = MessageOutputItem(agent=agent, raw_item=message())
        item.release_agent()
        assert duplicate(item).agent is agent

    def test_an_agent_that_cannot_be_held_weakly_is_kept(self):
        item = MessageOutputItem(agent=typing.cast("Any", "text"), raw_item=message())
        item.release_agent()
        assert item.agent == "text"

    def test_an_unknown_attribute_is_an_attribute_error(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        with pytest.raises(AttributeError, match="no attribute 'colour'"):
            _ = typing.cast("Any", item).colour


class TestInputItems:
    def test_an_object_gives_the_fields_that_were_set(self):
        item = MessageOutputItem(agent=owner(), raw_item=message())
        assert item.to_input_item() == {
            "id": "m1",
            "content": [{"annotations": [], "text": "hi", "type": "output_text"}],
            "role": "assistant",
            "status": "completed",
            "type": "message",
        }

    def test_a_dict_is_copied_and_keeps_its_shape(self):
        raw = {"assistant": "B"}
        agent = owner()
        item = HandoffOutputItem(
            agent=agent, raw_item=typing.cast("Any", raw), source_agent=agent, target_agent=agent
        )
        assert item.to_input_item() == raw
        assert item.to_input_item() is not raw

    def test_created_by_is_dropped_from_the_item_and_from_shell_chunks_but_not_from_payload(self):
        raw: dict[str, Any] = {
            "type": "shell_call_output",
            "call_id": "c",
            "created_by": "x",
            "output": [{"stdout": "", "created_by": "y", "outcome": {"type": "exit", "exit_code": 0}}],
        }
        before = copy.deepcopy(raw)
        item = ToolCallOutputItem(agent=owner(), raw_item=raw, output="")
        assert item.to_input_item() == {
            "type": "shell_call_output",
            "call_id": "c",
            "output": [{"stdout": "", "outcome": {"type": "exit", "exit_code": 0}}],
        }
        assert raw == before
        listing = {"type": "mcp_list_tools", "tools": [{"input_schema": {"created_by": {"type": "string"}}}]}
        assert output_item_to_input(listing) == listing

    def test_created_by_is_dropped_from_objects_without_changing_them(self):
        raw = ResponseFunctionShellToolCallOutput.model_validate(
            {
                "id": "x",
                "call_id": "c",
                "max_output_length": 3,
                "output": [
                    {
                        "stdout": "",
                        "stderr": "",
                        "created_by": "t",
                        "outcome": {"type": "exit", "exit_code": 0},
                    }
                ],
                "status": "completed",
                "type": "shell_call_output",
                "created_by": "v",
            }
        )
        item = ToolCallOutputItem(agent=owner(), raw_item=raw, output="")
        assert "created_by" not in str(item.to_input_item())
        assert (raw.created_by, raw.output[0].created_by) == ("v", "t")
        compaction = ResponseCompactionItem(id="c", encrypted_content="x", type="compaction", created_by="me")
        assert CompactionItem(agent=owner(), raw_item=typing.cast("Any", compaction)).to_input_item() == {
            "id": "c",
            "encrypted_content": "x",
            "type": "compaction",
        }

    def test_fields_whose_python_name_differs_are_written_as_on_the_wire(self):
        call = ResponseFunctionToolCall.model_validate({
            "name": "n", "call_id": "c", "arguments": "{}", "type": "function_call", "async": True,
        })  # fmt: skip
        assert output_item_to_input(call)["async"] is True

    def test_title_description_and_custom_data_stay_out(self):
        call = ResponseFunctionToolCall(name="n", call_id="c", arguments="{}", type="function_call")
        item = ToolCallItem(agent=owner(), raw_item=call, description="d", title="t")
        output = ToolCallOutputItem(
            agent=owner(),
            raw_item={"type": "function_call_output", "call_id": "c", "output": "o"},
            output="o",
            custom_data={"a": 1},
        )
        assert item.to_input_item() == {
            "name": "n",
            "call_id": "c",
            "arguments": "{}",
            "type": "function_call",
        }
        assert output.to_input_item() == {"type": "function_call_output", "call_id": "c", "output": "o"}

    def test_a_raw_item_of_another_kind_is_refused(self):
        with pytest.raises(AgentsException, match="Unexpected raw item type: <class 'int'>"):
            MessageOutputItem(agent=owner(), raw_item=typing.cast("Any", 5)).to_input_item()

    def test_an_approval_is_no_model_input(self):
        with pytest.raises(AgentsException, match="ToolApprovalItem cannot be converted"):
            ToolApprovalItem(agent=owner(), raw_item={"name": "f"}).to_input_item()

    def test_a_response_gives_its_items_in_order(self):
        call = ResponseFunctionToolCall(name="n", call_id="c", arguments="{}", type="function_call")
        response = ModelResponse(output=[message(), call], usage=Usage(), response_id=None)
        assert [item.get("type") for item in response.to_input_items()] == ["message", "function_call"]

    def test_each_input_item_has_an_id_of_its_own(self):
        first, second = (
            InputItem(agent=owner(), raw_item={"role": "user", "content": "x"}) for _ in range(2)
        )
        assert first.input_id != second.input_id


class TestCallItems:
    @pytest.mark.parametrize(
        ("raw", "name", "call_id"),
        [
            ({"id": "i", "name": "n"}, "n", "i"),
            ({"call_id": "c", "id": "i"}, None, "c"),
            ({"call_id": "", "id": ""}, None, None),
            ({}, None, None),
            (
                ResponseFunctionToolCall(name="n", call_id="c", arguments="{}", type="function_call"),
                "n",
                "c",
            ),
        ],
    )
    def test_name_and_call_id_are_read_from_dicts_and_objects(
        self, raw: Any, name: str | None, call_id: str | None
    ):
        item = ToolCallItem(agent=owner(), raw_item=raw)
        assert (item.tool_name, item.call_id) == (name, call_id)
        assert ToolCallOutputItem(agent=owner(), raw_item=raw, output=1).call_id == call_id

    @pytest.mark.parametrize(
        ("raw", "arguments"),
        [
            ({"arguments": "1", "params": "2", "input": "3"}, "1"),
            ({"params": "2", "input": "3"}, "2"),
            ({"arguments": None, "input": "3"}, "3"),
            ({"arguments": {"a": 1}}, '{"a": 1}'),
            ({"arguments": ""}, ""),
            ({"action": {}}, None),
        ],
    )
    def test_approval_arguments_come_from_the_first_field_that_has_them(
        self, raw: dict[str, Any], arguments: str | None
    ):
        assert ToolApprovalItem(agent=owner(), raw_item=raw).arguments == arguments

    def test_arguments_that_are_not_json_are_shown_as_text(self):
        assert ToolApprovalItem(agent=owner(), raw_item={"arguments": {1, }}).arguments == "{1}"  # fmt: skip

    def test_an_approval_takes_name_namespace_and_identity_from_its_call(self):
        item = ToolApprovalItem(
            agent=owner(), raw_item={"type": "function_call", "name": "n", "namespace": "m", "call_id": "c"}
        )
        assert (item.name, item.qualified_name, item.call_id) == ("n", "m.n", "c")
        assert item.tool_lookup_key == ("namespaced", "m", "n")
        bare = ToolApprovalItem(agent=owner(), raw_item={"type": "function_call", "name": "n"}, tool_name="z")
        assert (bare.name, bare.tool_lookup_key) == ("z", ("bare", "z"))

    def test_a_namespace_that_repeats_the_name_is_not_shown(self):
        item = ToolApprovalItem(
            agent=owner(), raw_item={"type": "function_call", "name": "n", "namespace": "n"}
        )
        assert (item.qualified_name, item.tool_lookup_key) == ("n", None)

    def test_an_approval_equals_only_itself_and_can_be_a_key(self):
        agent = owner()
        first = ToolApprovalItem(agent=agent, raw_item={"name": "n"})
        second = ToolApprovalItem(agent=agent, raw_item={"name": "n"})
        assert first != second
        assert {first: 1, second: 2}[first] == 1


class TestToolSearchItems:
    CALL: typing.ClassVar[dict[str, Any]] = {
        "type": "tool_search_call", "call_id": None, "id": "1", "arguments": {}, "execution": "server",
        "status": "completed",
    }  # fmt: skip
    OUTPUT: typing.ClassVar[dict[str, Any]] = {
        "type": "tool_search_output", "call_id": None, "id": "1", "execution": "server", "status": "completed",
        "tools": [{"type": "function", "name": "x", "parameters": {}, "strict": True}],
    }  # fmt: skip

    def test_complete_dicts_become_objects(self):
        assert isinstance(coerce_tool_search_call_raw_item(self.CALL), ResponseToolSearchCall)
        assert isinstance(coerce_tool_search_output_raw_item(self.OUTPUT), ResponseToolSearchOutputItem)

    def test_objects_pass_through(self):
        call = ResponseToolSearchCall.model_validate(self.CALL)
        assert coerce_tool_search_call_raw_item(call) is call

    def test_incomplete_dicts_stay_dicts(self):
        assert coerce_tool_search_call_raw_item({"type": "tool_search_call"}) == {"type": "tool_search_call"}
        assert coerce_tool_search_output_raw_item({"type": "tool_search_output"}) == {
            "type": "tool_search_output"
        }

    @pytest.mark.parametrize(("raw", "shown"), [({"type": "x"}, "'x'"), (5, "<class 'int'>")])
    def test_other_items_are_refused(self, raw: object, shown: str):
        with pytest.raises(AgentsException, match=f"Unexpected tool search call item type: {shown}"):
            coerce_tool_search_call_raw_item(raw)
        with pytest.raises(AgentsException, match=f"Unexpected tool search output item type: {shown}"):
            coerce_tool_search_output_raw_item(raw)

    def test_a_null_call_id_is_replayed(self):
        item = ToolSearchCallItem(agent=owner(), raw_item=ResponseToolSearchCall.model_validate(self.CALL))
        assert item.to_input_item() == self.CALL


def test_every_item_class_begins_with_agent_and_raw_item_and_has_a_type():
    classes: tuple[type[RunItemBase[Any]], ...] = typing.get_args(agents.items.RunItem)
    assert len(classes) == 14
    for item_class in classes:
        names = [field.name for field in dataclasses.fields(item_class)]
        assert names[:2] == ["agent", "raw_item"]
        assert "type" in names
