from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from agents import Agent, Runner, RunState, UserError, function_tool
from agents.run_state import CURRENT_SCHEMA_VERSION, SCHEMA_VERSION_SUMMARIES, SUPPORTED_SCHEMA_VERSIONS
from hitl.desk import Book, approve_all, asks_for, ids, paused
from run.scripts import calls, text

PAY = calls(("pay", {"amount": 1}))


class Model(BaseModel):
    user: int = 7


@dataclass
class Record:
    user: int = 7


def payer(book: Book) -> Agent[Any]:
    return asks_for(PAY, text(), tools=[book.payer()])


class TestKeys:
    async def test_programs_find_what_they_look_for(self, book: Book):
        payload = (await paused(payer(book), max_turns=3)).to_json()
        assert payload["$schemaVersion"] == CURRENT_SCHEMA_VERSION == "1.21"
        assert (payload["current_turn"], payload["max_turns"]) == (1, 3)
        assert (payload["current_agent"], payload["original_input"]) == ({"name": "a"}, "Hi")
        assert [item["type"] for item in payload["generated_items"]][:1] == ["tool_call_item"]
        assert payload["session_items"] == payload["generated_items"]
        assert [response["output"][0]["call_id"] for response in payload["model_responses"]] == ["c1"]
        assert payload["current_step"]["type"] == "next_step_interruption"
        for shown in (payload["current_step"]["data"], payload["last_processed_response"]):
            assert [each["raw_item"]["call_id"] for each in shown["interruptions"]] == ["c1"]
        assert payload["context"]["usage"]["requests"] == 1

    async def test_the_text_is_the_payload(self, book: Book):
        state = await paused(payer(book))
        assert json.loads(state.to_string()) == json.loads(json.dumps(state.to_json()))

    async def test_agents_of_one_name_have_identities(self, book: Book):
        other = asks_for(PAY, text(), tools=[book.payer()], name="a")
        agent = asks_for(calls(("transfer_to_a", {}, "h")), tools=[], handoffs=[other], name="a")
        state = await paused(agent)
        assert state.to_json()["current_agent"] == {"name": "a", "identity": "a#2"}
        read = await RunState.from_string(agent, state.to_string())
        result = await Runner.run(agent, approve_all(read))
        assert result.last_agent is other

    async def test_texts_of_assistants_are_shown_as_a_model_gives_them(self, book: Book):
        given: Any = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]
        agent = payer(book)
        state = (await Runner.run(agent, given)).to_state()
        assert state.to_json()["original_input"] == [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes?"}],
                "status": "completed",
            },
        ]
        read = await RunState.from_string(agent, state.to_string())
        assert (await Runner.run(agent, approve_all(read))).input == given

    async def test_reading_and_writing_again_changes_nothing(self, book: Book):
        agent = payer(book)
        state = approve_all(await paused(agent))
        read = await RunState.from_string(agent, state.to_string())
        assert read.to_json() == state.to_json()


class TestVersions:
    def test_those_up_to_the_current_one_are_supported_and_each_is_summed_up(self):
        assert {f"1.{minor}" for minor in range(21)} | {CURRENT_SCHEMA_VERSION} == SUPPORTED_SCHEMA_VERSIONS
        assert set(SCHEMA_VERSION_SUMMARIES) == SUPPORTED_SCHEMA_VERSIONS
        assert all(SCHEMA_VERSION_SUMMARIES.values())

    @pytest.mark.parametrize("version", ["9.9", "1.22", "2.0", 1, "", []])
    async def test_others_are_refused_before_anything_else_is_read(self, book: Book, version: Any):
        with pytest.raises(UserError, match="Run state schema version is not supported") as caught:
            await RunState.from_json(payer(book), {"$schemaVersion": version, "headrace": "nonsense"})
        assert repr(version) in str(caught.value)
        assert "1.0, 1.1, 1.2" in str(caught.value)

    async def test_none_is_refused(self, book: Book):
        with pytest.raises(UserError, match="Run state is missing schema version"):
            await RunState.from_json(payer(book), {"headrace": "nonsense"})

    @pytest.mark.parametrize("words", ["", "secret", '{"secret"', "\x00"])
    async def test_what_is_no_json_is_refused_and_not_told(self, book: Book, words: str):
        with pytest.raises(UserError, match="Failed to parse run state JSON") as caught:
            await RunState.from_string(payer(book), words)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("words", ["[]", "null", "1", '"x"'])
    async def test_what_is_no_object_is_refused(self, book: Book, words: str):
        with pytest.raises(UserError, match="JSON object"):
            await RunState.from_string(payer(book), words)

    async def test_a_newer_format_of_the_facts_is_refused_with_its_number(self, book: Book):
        agent = payer(book)
        payload = (await paused(agent)).to_json()
        payload["headrace"]["format"] = 99
        with pytest.raises(UserError, match="99"):
            await RunState.from_json(agent, payload)

    async def test_fields_that_were_added_later_are_no_error(self, book: Book):
        agent = payer(book)
        payload = (await paused(agent)).to_json()
        payload["added"] = payload["headrace"]["added"] = 1
        payload["headrace"]["facts"][0]["data"]["added"] = 1
        read = await RunState.from_json(agent, payload)
        assert ids(read.get_interruptions()) == ["c1"]

    async def test_another_agent_s_state_is_refused(self, book: Book):
        written = (await paused(payer(book))).to_string()
        with pytest.raises(UserError, match="Run state agent not found in agent map"):
            await RunState.from_string(asks_for(text(), tools=[], name="z"), written)


class TestContexts:
    @pytest.mark.parametrize("context", [None, {"user": 7}])
    async def test_nothing_and_mappings_come_back(self, book: Book, context: Any):
        agent = payer(book)
        written = (await paused(agent, context=context)).to_string(strict_context=True)
        read = await RunState.from_string(agent, written, strict_context=True)
        assert (await Runner.run(agent, approve_all(read))).context_wrapper.context == context

    @pytest.mark.parametrize(
        ("made", "kind", "how"),
        [(Model, "pydantic", "model_dump"), (Record, "dataclass", "asdict")],
    )
    async def test_models_and_dataclasses_are_dumped_with_a_warning(
        self, book: Book, caplog: pytest.LogCaptureFixture, made: Any, kind: str, how: str
    ):
        agent = payer(book)
        payload = (await paused(agent, context=made())).to_json()
        assert made.__name__ in caplog.text
        assert payload["context"]["context"] == {"user": 7}
        meta = payload["context"]["context_meta"]
        assert (meta["original_type"], meta["serialized_via"]) == (kind, how)
        assert (meta["requires_deserializer"], meta["omitted"]) == (True, False)
        read = await RunState.from_json(agent, payload, context_deserializer=lambda given: made(**given))
        assert (await Runner.run(agent, approve_all(read))).context_wrapper.context == made()

    async def test_other_objects_are_left_out_with_a_warning(
        self, book: Book, caplog: pytest.LogCaptureFixture
    ):
        agent = payer(book)
        payload = (await paused(agent, context=object())).to_json()
        assert "not serializable" in caplog.text
        assert payload["context"]["context"] == {}
        meta = payload["context"]["context_meta"]
        assert (meta["original_type"], meta["serialized_via"]) == ("custom", "omitted")
        assert (meta["requires_deserializer"], meta["omitted"]) == (True, True)

    @pytest.mark.parametrize("context", [Model(), Record(), object()])
    async def test_strictly_a_serializer_and_a_deserializer_are_needed(self, book: Book, context: Any):
        agent = payer(book)
        state = await paused(agent, context=context)
        with pytest.raises(UserError, match="context_serializer"):
            state.to_json(strict_context=True)
        payload = state.to_json(strict_context=True, context_serializer=lambda given: {"kept": 1})
        assert payload["context"]["context_meta"]["serialized_via"] == "context_serializer"
        with pytest.raises(UserError, match="context_deserializer"):
            await RunState.from_json(agent, payload, strict_context=True)
        read = await RunState.from_json(
            agent, payload, strict_context=True, context_deserializer=lambda given: ("made of", given)
        )
        assert read.context.context == ("made of", {"kept": 1})

    async def test_a_serializer_gives_a_mapping(self, book: Book):
        state = await paused(payer(book), context=object())
        with pytest.raises(UserError, match="must return a mapping"):
            state.to_json(context_serializer=lambda given: [1])  # pyright: ignore[reportArgumentType] (the error)

    async def test_an_override_takes_the_place_of_what_was_written(self, book: Book):
        agent = payer(book)
        written = (await paused(agent, context={"user": 7})).to_string()
        read = await RunState.from_string(agent, written, context_override={"user": 8})
        assert (await Runner.run(agent, approve_all(read))).context_wrapper.context == {"user": 8}


async def test_half_a_character_from_a_tool_goes_there_and_back(book: Book):
    @function_tool
    def name_of_file() -> str:
        return "bad\udc80name"

    agent = asks_for(
        calls(("name_of_file", {}, "n"), ("pay", {"amount": 1}, "p")),
        text(),
        tools=[book.payer(), name_of_file],
    )
    state = await paused(agent)
    read = await RunState.from_string(agent, state.to_string())
    assert read.to_json() == state.to_json()


async def test_what_json_does_not_have_is_a_typed_error(book: Book):
    state = await paused(payer(book), context={"user": object()})
    with pytest.raises(UserError, match="cannot be written as JSON"):
        state.to_string()
