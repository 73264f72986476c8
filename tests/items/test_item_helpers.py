from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
)
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from agents.exceptions import UserError
from agents.items import ItemHelpers, MessageOutputItem, ToolCallItem
from agents.tool import ToolOutputFileContent, ToolOutputImage, ToolOutputText

TEXT = ResponseOutputText(text="hi", annotations=[], type="output_text")
REFUSAL = ResponseOutputRefusal(refusal="no", type="refusal")
NO_TEXT = ResponseOutputText.model_construct(text=None, annotations=[], type="output_text")
CALL = ResponseFunctionToolCall(name="n", call_id="c", arguments="{}", type="function_call", id="fc1")
PROGRAM_CALL = ResponseFunctionToolCall.model_validate(
    {
        **CALL.to_dict(),
        "caller": {"type": "program", "caller_id": "p1"},
    }
)


class Point(BaseModel):
    x: int = 1


class Row(TypedDict):
    a: int


@dataclasses.dataclass
class Plain:
    x: int = 1


def message(*parts: Any) -> ResponseOutputMessage:
    return ResponseOutputMessage.model_construct(
        id="m", content=list(parts), role="assistant", status="completed", type="message"
    )


@pytest.mark.parametrize(
    ("parts", "last_content", "last_text", "refusal", "text"),
    [
        ([], "", None, None, None),
        ([TEXT], "hi", "hi", None, "hi"),
        ([REFUSAL], "no", None, "no", None),
        ([TEXT, TEXT], "hi", "hi", None, "hihi"),
        ([TEXT, REFUSAL], "no", None, "no", "hi"),
        ([REFUSAL, TEXT], "hi", "hi", "no", "hi"),
        ([NO_TEXT, TEXT], "hi", "hi", None, "hi"),
        ([NO_TEXT], "", None, None, None),
        ([REFUSAL, REFUSAL], "no", None, "nono", None),
    ],
)
def test_messages_are_read_part_by_part(
    parts: list[Any], last_content: str, last_text: str | None, refusal: str | None, text: str | None
):
    item = message(*parts)
    assert ItemHelpers.extract_last_content(item) == last_content
    assert ItemHelpers.extract_last_text(item) == last_text
    assert ItemHelpers.extract_refusal(item) == refusal
    assert ItemHelpers.extract_text(item) == text


def test_items_that_are_no_messages_have_no_text():
    assert ItemHelpers.extract_last_content(CALL) == ""
    assert ItemHelpers.extract_last_text(CALL) is None
    assert ItemHelpers.extract_text(CALL) is None
    assert ItemHelpers.extract_refusal(CALL) is None


def test_text_of_items_is_that_of_messages_alone():
    agent = cast("Any", None)
    first = MessageOutputItem(agent=agent, raw_item=message(TEXT, REFUSAL, TEXT))
    call = ToolCallItem(agent=agent, raw_item=CALL)
    assert ItemHelpers.text_message_output(first) == "hihi"
    assert ItemHelpers.text_message_outputs([first, call, first]) == "hihihihi"


class TestInputLists:
    def test_a_string_is_one_user_message(self):
        assert ItemHelpers.input_to_new_input_list("x") == [{"content": "x", "role": "user"}]

    def test_a_list_is_copied_deeply_into_plain_data(self):
        content: list[dict[str, str]] = [{"type": "input_text", "text": "a"}]
        given: list[Any] = [{"role": "user", "content": content}]
        copied: Any = ItemHelpers.input_to_new_input_list(given)
        assert copied == given
        content[0]["text"] = "b"
        assert copied[0]["content"][0]["text"] == "a"

    def test_iterators_and_tuples_become_lists_and_objects_become_dicts(self):
        given: list[Any] = [
            {"role": "user", "content": (part for part in ({"a": 1},)), "pair": (1, 2)},
            CALL,
        ]
        assert ItemHelpers.input_to_new_input_list(given) == [
            {"role": "user", "content": [{"a": 1}], "pair": [1, 2]},
            {"name": "n", "call_id": "c", "arguments": "{}", "type": "function_call", "id": "fc1"},
        ]


def payload(output: Any, call: ResponseFunctionToolCall = CALL, **options: Any) -> Any:
    item = ItemHelpers.tool_call_output_item(call, output, **options)
    assert (item.get("type"), item.get("call_id")) == ("function_call_output", "c")
    return cast("Any", item)["output"]


class TestToolOutputs:
    @pytest.mark.parametrize(
        "output",
        [
            "s", "", 5, None, True, {"a": 1}, [1], [], (), b"x", Point(), Plain(), {"type": "text"},
            {"type": "image"}, {"type": "image", "detail": "low"}, {"type": "image", "location": "z"},
            {"type": "image", "image_url": None, "file_id": None}, {"type": "file", "filename": "f"},
            {"type": "file", "path": "x"}, {"type": "text", "text": 5}, {"text": "t"},
            {"type": "input_text", "text": "t"}, [{"type": "text", "text": "t"}, {"type": "bad"}],
            [[{"type": "text", "text": "t"}]],
        ],
    )  # fmt: skip
    def test_anything_without_a_whole_structured_part_is_its_text(self, output: Any):
        assert payload(output) == str(output)

    @pytest.mark.parametrize(
        ("output", "part"),
        [
            ({"type": "text", "text": "t", "extra": 1}, {"type": "input_text", "text": "t"}),
            (
                {"type": "image", "image_url": "u", "location": "z"},
                {"type": "input_image", "image_url": "u"},
            ),
            (
                {"type": "image", "file_id": "f", "detail": "high"},
                {"type": "input_image", "file_id": "f", "detail": "high"},
            ),
            (
                {"type": "file", "file_data": "d", "filename": "n"},
                {"type": "input_file", "file_data": "d", "filename": "n"},
            ),
            ({"type": "file", "file_url": "u", "detail": "high"}, {"type": "input_file", "file_url": "u"}),
        ],
    )
    def test_structured_dicts_become_parts_without_their_extra_keys(
        self, output: dict[str, Any], part: dict[str, Any]
    ):
        assert payload(output) == [part]
        assert payload([output]) == [part]
        assert payload((output, output)) == [part, part]

    def test_output_objects_of_tools_become_parts(self):
        assert payload([
            ToolOutputText(text="t"),
            ToolOutputImage(image_url="u", detail="low"),
            ToolOutputFileContent(file_data="d", filename="n"),
        ]) == [
            {"type": "input_text", "text": "t"},
            {"type": "input_image", "image_url": "u", "detail": "low"},
            {"type": "input_file", "file_data": "d", "filename": "n"},
        ]  # fmt: skip

    def test_a_declared_object_is_compact_json(self):
        assert payload({"a": 1}, output_json_schema={"type": "object"}) == '{"a":1}'
        assert payload(Point(), output_json_schema={"type": "object"}) == '{"x":1}'
        assert payload(' { "a": 1}', output_json_schema={"type": "object"}) == '{"a":1}'
        assert payload({"a": 1}, output_type_adapter=TypeAdapter(Row)) == '{"a":1}'
        assert payload({"x": "5"}, output_type_adapter=TypeAdapter(Point)) == '{"x":5}'

    @pytest.mark.parametrize("output", ["q", [1], 5])
    def test_a_declared_object_must_be_an_object(self, output: Any):
        with pytest.raises(UserError, match="requires a JSON object"):
            payload(output, output_json_schema={"type": "object"})

    def test_a_declared_type_must_be_met(self):
        with pytest.raises(UserError, match="does not match its declared output schema"):
            payload({"a": "q"}, output_type_adapter=TypeAdapter(Row))

    @pytest.mark.parametrize(
        ("output", "text"),
        [
            ("str", "str"),
            (None, "null"),
            ({"é": 1.5}, '{"é":1.5}'),
            (Point(), '{"x":1}'),
            ([], "[]"),
            ({"a": float("nan")}, '{"a":null}'),
        ],
    )
    def test_a_program_gets_json(self, output: Any, text: str):
        assert payload(output, PROGRAM_CALL) == text

    def test_a_program_gets_structured_parts_too(self):
        assert payload({"type": "text", "text": "t"}, PROGRAM_CALL) == [{"type": "input_text", "text": "t"}]

    def test_a_program_cannot_get_what_is_not_json(self):
        with pytest.raises(UserError, match="Programmatic function tool outputs must be"):
            payload(object(), PROGRAM_CALL)

    def test_the_caller_is_copied_into_the_output(self):
        item = ItemHelpers.tool_call_output_item(PROGRAM_CALL, "x")
        assert cast("Any", item)["caller"] == {"type": "program", "caller_id": "p1"}
        assert "caller" not in ItemHelpers.tool_call_output_item(CALL, "x")
        target: dict[str, Any] = {}
        assert ItemHelpers.copy_tool_call_caller({"caller": {"type": "direct"}}, target) is target
        assert target == {"caller": {"type": "direct"}}
