from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import Agent, RunConfig, Runner, function_tool
from agents.extensions import ToolOutputTrimmer
from agents.run_config import CallModelData, ModelInputData
from run.scripts import calls, scripted, text


def user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


def call(call_id: str = "c", name: str = "look", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": "{}", **more}


def output(value: Any, call_id: str = "c") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def words(value: str) -> dict[str, Any]:
    return {"type": "input_text", "text": value}


def image(value: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": value}


def trimmed(items: list[Any], **options: Any) -> list[Any]:
    """What a trimmer makes of an input; it must leave the input as it is."""
    before = copy.deepcopy(items)
    data = ModelInputData(input=items, instructions="Be brief.")
    agent: Agent[Any] = Agent(name="a")
    found = ToolOutputTrimmer(**options)(CallModelData(model_data=data, agent=agent, context=None))
    assert items == before
    assert found.instructions == "Be brief."
    return found.input


def trimmed_output(value: Any, item: dict[str, Any] | None = None, **options: Any) -> Any:
    """What an output of an old turn becomes."""
    items = [user("1"), call() if item is None else item, output(value), user("2"), user("3")]
    return trimmed(items, **options)[2]["output"]


class TestTurns:
    @pytest.mark.parametrize(
        ("recent_turns", "is_trimmed"),
        [(1, [True, True, False]), (2, [True, False, False]), (3, [False] * 3), (9, [False] * 3)],
    )
    def test_what_came_before_the_recent_turns_is_trimmed(self, recent_turns: int, is_trimmed: list[bool]):
        items = [
            item for at in "123" for item in (user(at), call(at, arguments="{}"), output("x" * 1000, at))
        ]
        found = trimmed(items, recent_turns=recent_turns)
        assert [one["output"].startswith("[Trimmed") for one in found[2::3]] == is_trimmed
        assert found[0::3] == items[0::3]
        assert found[1::3] == items[1::3]


class TestTexts:
    def test_a_long_one_is_named_measured_and_shown_from_its_beginning(self):
        found = trimmed_output("x" * 1000)
        assert found == "[Trimmed: look output — 1000 chars → 200 char preview]\n" + "x" * 200 + "..."

    def test_one_at_the_limit_is_left_alone(self):
        assert trimmed_output("x" * 500) == "x" * 500
        assert trimmed_output("x" * 501) != "x" * 501

    @pytest.mark.parametrize(("length", "preview_chars"), [(501, 460), (40, 0)])
    def test_one_that_would_not_become_shorter_too(self, length: int, preview_chars: int):
        whole = "x" * length
        assert trimmed_output(whole, preview_chars=preview_chars, max_output_chars=20) == whole

    def test_other_values_are_trimmed_as_their_text(self):
        found = trimmed_output({"a": "x" * 1000})
        assert found.startswith("[Trimmed: look output — 1009 chars → 200 char preview]\n{'a': 'xxx")
        assert trimmed_output(None) is None
        assert trimmed_output({"a": 1}) == {"a": 1}

    def test_a_call_that_is_not_there_is_unknown(self):
        assert trimmed_output("x" * 1000, user("x")).startswith("[Trimmed: unknown_tool output")


class TestParts:
    def test_the_text_is_kept_and_what_is_dropped_is_named(self):
        parts = [
            image("u" * 300),
            words("a" * 150),
            {"type": "input_file", "file_data": "d" * 300, "filename": "f.pdf"},
            image("u" * 300),
            words("b" * 150),
        ]
        assert trimmed_output(parts) == (
            "[Trimmed: look; payload 1205; preview 200; dropped 1 input_file, 2 input_image]\n"
            + "a" * 150
            + "\n"
            + "b" * 49
            + "..."
        )
        assert trimmed_output([image("u" * 900)]) == "[Trimmed: look; payload 900; dropped 1 input_image]"

    @pytest.mark.parametrize(
        ("preview_chars", "max_output_chars", "found"),
        [
            (30, 100, "[Trimmed: look; payload 730; preview 30; dropped 1 input_image]\n" + "a" * 30 + "..."),
            (440, 500, "[Trimmed: look; dropped 1 input_image]\n" + "a" * 440 + "..."),
            (60, 100, "[Trimmed; dropped 1 input_image]\n" + "a" * 60 + "..."),
            (0, 30, "[Trimmed: input_image]..."),
            (200, 100, "[Trimmed]\n" + "a" * 90),
            (0, 5, "[Trim"),
        ],
    )
    def test_as_much_is_said_as_there_is_room_for(
        self, preview_chars: int, max_output_chars: int, found: str
    ):
        parts = [words("a" * 700), image("u" * 30)]
        options: dict[str, Any] = {"preview_chars": preview_chars, "max_output_chars": max_output_chars}
        assert trimmed_output(parts, **options) == found

    @pytest.mark.parametrize("value", [["x" * 600], [{"type": "other", "text": "x" * 600}], []])
    def test_lists_of_other_things_are_left_alone(self, value: list[Any]):
        assert trimmed_output(value) == value


class TestNames:
    @pytest.mark.parametrize(
        ("trimmable", "is_trimmed"),
        [("look", True), (["look"], True), ({"crm.look"}, True), ("loo", False), ([], False)],
    )
    def test_only_the_named_tools_outputs_are_trimmed(self, trimmable: Any, is_trimmed: bool):
        found = trimmed_output("x" * 1000, call(namespace="crm"), trimmable_tools=trimmable)
        assert found.startswith("[Trimmed: crm.look output") == is_trimmed

    @pytest.mark.parametrize("kind", ["computer_call_output", "shell_call_output"])
    def test_outputs_of_other_kinds_are_left_alone(self, kind: str):
        items = [user("1"), {"type": kind, "call_id": "c", "output": "x" * 1000}, user("2"), user("3")]
        assert trimmed(items) == items


def search(**fields: Any) -> list[Any]:
    return [
        user("1"),
        {"type": "tool_search_output", "call_id": None, **fields},
        user("2"),
        user("3"),
    ]


class TestToolSearch:
    def test_tools_keep_what_a_model_must_know_to_call_them(self):
        schema = {
            "type": "object",
            "description": "p" * 600,
            "$defs": {"title": {"title": "x", "enum": ["title"]}},
            "properties": {
                "description": {"type": "string", "default": "r", "examples": ["x"], "$comment": "c"}
            },
            "anyOf": [{"title": "x", "type": "object"}],
            "required": ["description"],
        }
        function = {"type": "function", "name": "f", "description": "d" * 300, "parameters": schema}
        space = {"type": "namespace", "name": "n", "description": "short", "tools": [function]}
        kept = {
            "type": "function",
            "name": "f",
            "description": "d" * 200 + "...",
            "parameters": {
                "type": "object",
                "$defs": {"title": {"enum": ["title"]}},
                "properties": {"description": {"type": "string", "default": "r"}},
                "anyOf": [{"type": "object"}],
                "required": ["description"],
            },
        }
        assert trimmed(search(tools=[function, space]))[1]["tools"] == [kept, {**space, "tools": [kept]}]

    def test_short_ones_and_those_without_prose_are_left_alone(self):
        lean: dict[str, Any] = {"properties": {"p" * 600: {}}}
        for fields in ({"description": "d" * 300}, {"parameters": lean}):
            tools = [{"type": "function", "name": "f", **fields}]
            assert trimmed(search(tools=tools)) == search(tools=tools)

    def test_results_are_trimmed_as_a_text(self):
        [_, found, *_] = trimmed(search(results=[{"text": "x" * 900}]))
        assert found["results"] == [
            {
                "text": "[Trimmed: tool_search output — 914 chars → 200 char preview]\n"
                '[{"text": "' + "x" * 189 + "..."
            }
        ]

    def test_they_can_be_named_too(self):
        tools = [{"type": "function", "name": "f", "description": "d" * 600}]
        assert trimmed(search(tools=tools), trimmable_tools="look") == search(tools=tools)
        assert trimmed(search(tools=tools), trimmable_tools="tool_search") != search(tools=tools)


class TestArguments:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"recent_turns": 0}, "recent_turns must be >= 1, got 0"),
            ({"max_output_chars": 0}, "max_output_chars must be >= 1, got 0"),
            ({"preview_chars": -1}, "preview_chars must be >= 0, got -1"),
        ],
    )
    def test_numbers_that_are_too_small_are_refused(self, options: dict[str, Any], message: str):
        with pytest.raises(ValueError, match=f"^{message}$"):
            ToolOutputTrimmer(**options)


longer = st.text("ab\n[]. ", max_size=40).map(lambda text: text * 20)
parts_of_outputs = st.lists(longer.map(words) | longer.map(image), max_size=4)


def tool_found(name: str, description: str, prose: str) -> dict[str, Any]:
    parameters = {"type": "object", "description": prose}
    return {"type": "function", "name": name, "description": description, "parameters": parameters}


tools_found = st.lists(st.builds(tool_found, st.text(max_size=5), longer, longer), max_size=3)
old_items: st.SearchStrategy[dict[str, Any]] = st.one_of(
    (longer | parts_of_outputs | st.integers() | st.dictionaries(st.text("ab", max_size=3), longer)).map(
        output
    ),
    tools_found.map(lambda tools: search(tools=tools)[1]),
    longer.map(lambda text: search(results=[{"text": text}])[1]),
)


def length(item: dict[str, Any]) -> int:
    """In characters: of a text itself, else of its JSON."""
    value = next(item[name] for name in ("output", "tools", "results") if name in item)
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False))


@given(items=st.lists(old_items, max_size=4), preview=st.integers(0, 300), most=st.integers(1, 300))
def test_nothing_becomes_longer_and_a_second_pass_changes_nothing(
    items: list[dict[str, Any]], preview: int, most: int
):
    options: dict[str, Any] = {"preview_chars": preview, "max_output_chars": most}
    once = trimmed([user("1"), call(), *items, user("2"), user("3")], **options)
    for before, after in zip(items, once[2:], strict=False):
        assert before == after or length(after) < length(before)
    assert trimmed(once, **options) == once


async def test_a_run_shows_its_model_the_short_form_and_keeps_the_long_one():
    @function_tool
    def look() -> str:
        return "x" * 1000

    agent, model = scripted(calls(("look", {})), text("one"), text("two"), tools=[look])
    config = RunConfig(call_model_input_filter=ToolOutputTrimmer(recent_turns=1))
    first = await Runner.run(agent, "first", run_config=config)
    whole = first.to_input_list()
    second = await Runner.run(agent, [*whole, {"role": "user", "content": "second"}], run_config=config)
    assert model.last_call is not None
    seen = [item["output"] for item in model.last_call.input if item.get("type") == "function_call_output"]
    assert [one[:9] for one in seen] == ["[Trimmed:"]
    assert second.to_input_list()[: len(whole)] == whole
