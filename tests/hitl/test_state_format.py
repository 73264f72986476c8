"""How states of other versions are read, where payloads stand, and what becomes of states that were edited."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from agents import Agent, Runner, RunState, UserError
from agents.run_internal.state_facts import FORMAT
from agents.testing import assistant_message
from hitl.desk import Book, approve_all, asks_for, ids, paused
from run.scripts import calls, text

LONG = "word " * 1000


def payer(book: Book) -> Agent[Any]:
    return asks_for(
        [assistant_message(LONG), *calls(("look", {}, "c0"), ("pay", {"amount": 1}))],
        text(),
        tools=[book.payer(), book.looker()],
    )


async def payload_of(agent: Agent[Any]) -> dict[str, Any]:
    return (await paused(agent)).to_json()


class TestPayloads:
    async def test_what_the_public_keys_show_stands_there_alone(self, book: Book):
        payload = await payload_of(payer(book))
        assert LONG in json.dumps(payload["model_responses"])
        assert LONG not in json.dumps(payload["headrace"])

    async def test_a_missing_place_is_told(self, book: Book):
        agent = payer(book)
        payload = await payload_of(agent)
        del payload["model_responses"]
        with pytest.raises(UserError, match="nothing at '/model_responses/0/output'"):
            await RunState.from_json(agent, payload)

    async def test_changing_the_payload_changes_nothing_else(self, book: Book):
        agent = payer(book)
        state = await paused(agent)
        payload = state.to_json()
        as_it_was = copy.deepcopy(payload)
        read = await RunState.from_json(agent, payload)
        payload["model_responses"][0]["output"].clear()
        payload["generated_items"].clear()
        assert state.to_json() == read.to_json() == as_it_was


def shown_as(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(payload: dict[str, Any]) -> None:
        payload[key] = value

    return edit


def other_arguments(payload: dict[str, Any]) -> None:
    payload["generated_items"][2]["raw_item"]["arguments"] = '{"amount": 1000000}'


def other_response(payload: dict[str, Any]) -> None:
    payload["model_responses"][0]["output"][2]["arguments"] = '{"amount": 1000000}'


def no_question(payload: dict[str, Any]) -> None:
    payload["current_step"]["data"]["interruptions"].clear()


EDITS: dict[str, Callable[[dict[str, Any]], None]] = {
    "current_turn": shown_as("current_turn", 7),
    "current_agent": shown_as("current_agent", {"name": "z"}),
    "max_turns": shown_as("max_turns", 1_000),
    "conversation_id": shown_as("conversation_id", "conv_1"),
    "previous_response_id": shown_as("previous_response_id", "resp_1"),
    "pending_input": shown_as("pending_input", [{"role": "user", "content": "and more"}]),
    "current_step": no_question,
    "generated_items": other_arguments,
    "session_items": shown_as("session_items", []),
}


class TestEdited:
    @pytest.mark.parametrize("key", EDITS)
    async def test_what_is_edited_beside_the_facts_is_refused_by_name(self, book: Book, key: str):
        agent = payer(book)
        payload = await payload_of(agent)
        EDITS[key](payload)
        with pytest.raises(UserError, match=f"contradicts itself: its '{key}'"):
            await RunState.from_json(agent, payload)

    async def test_editing_one_copy_of_the_arguments_is_refused(self, book: Book):
        agent = payer(book)
        payload = await payload_of(agent)
        other_response(payload)
        with pytest.raises(UserError, match=r"contradicts itself|does not hold together"):
            await RunState.from_json(agent, payload)

    @pytest.mark.parametrize("key", [key for key in EDITS if key != "generated_items"])
    async def test_what_is_left_out_and_holds_no_payload_is_not_missed(self, book: Book, key: str):
        agent = payer(book)
        payload = await payload_of(agent)
        del payload[key]
        assert ids((await RunState.from_json(agent, payload)).get_interruptions()) == ["c2"]

    async def test_the_context_may_be_edited(self, book: Book):
        agent = payer(book)
        payload = (await paused(agent, context={"user": 1})).to_json()
        payload["context"]["context"]["user"] = 2
        assert (await RunState.from_json(agent, payload)).context.context == {"user": 2}

    async def test_how_an_item_is_shown_may_be_edited(self, book: Book):
        agent = payer(book)
        payload = await payload_of(agent)
        payload["generated_items"][0]["note"] = "read"
        assert ids((await RunState.from_json(agent, payload)).get_interruptions()) == ["c2"]


def as_of_the_next_version(payload: dict[str, Any]) -> dict[str, Any]:
    """What a version that knows more may write for the same run."""
    part = payload["headrace"]
    part["format"] = FORMAT + 1
    part["facts"][1]["data"]["weight"] = 3
    part["facts"].insert(2, {"kind": "weather_told", "data": {"sky": "blue"}, "ignorable": True})
    responded = next(fact for fact in part["facts"] if fact["kind"] == "model_responded")
    responded["data"]["calls"][0]["weight"] = 3
    part["decisions"].append({"kind": "weather_foretold", "data": {"sky": "red"}, "ignorable": True})
    part["facts"].append({"kind": "weather_told", "data": {"sky": "grey"}, "ignorable": True})
    return payload


class TestOtherVersions:
    async def test_what_the_next_one_adds_is_kept(self, book: Book):
        agent = payer(book)
        newer = as_of_the_next_version(await payload_of(agent))
        written = (await RunState.from_json(agent, newer)).to_json()
        assert written["headrace"] == newer["headrace"]
        assert (await RunState.from_json(agent, written)).to_json()["headrace"] == newer["headrace"]

    async def test_what_the_next_one_adds_outlives_a_resumption(self, book: Book):
        agent = payer(book)
        newer = as_of_the_next_version(await payload_of(agent))
        state = await RunState.from_json(agent, newer)
        result = await Runner.run(agent, approve_all(state))
        assert (result.final_output, book.done) == ("done", ["look", ("pay", 1)])
        written = result.to_state().to_json()["headrace"]["facts"]
        assert written[: len(newer["headrace"]["facts"])] == newer["headrace"]["facts"]
        assert [fact["kind"] for fact in written].count("weather_told") == 2

    async def test_a_kind_that_may_not_be_passed_over_is_refused_with_the_version(self, book: Book):
        agent = payer(book)
        newer = as_of_the_next_version(await payload_of(agent))
        del newer["headrace"]["facts"][2]["ignorable"]
        with pytest.raises(UserError, match=f"format {FORMAT + 1}.*'weather_told'.*upgrade"):
            await RunState.from_json(agent, newer)

    async def test_an_unknown_kind_in_a_format_that_is_known_is_refused(self, book: Book):
        agent = payer(book)
        payload = as_of_the_next_version(await payload_of(agent))
        payload["headrace"]["format"] = FORMAT
        with pytest.raises(UserError, match="weather_told"):
            await RunState.from_json(agent, payload)

    async def test_the_version_after_the_next_is_refused(self, book: Book):
        agent = payer(book)
        payload = await payload_of(agent)
        payload["headrace"]["format"] = FORMAT + 2
        with pytest.raises(UserError, match=f"format {FORMAT + 2}.*up to {FORMAT + 1}"):
            await RunState.from_json(agent, payload)
