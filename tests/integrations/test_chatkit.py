"""ChatKit makes the events of its protocol of a streamed run, in a server of its own kind."""

from __future__ import annotations

from typing import Any

import pytest

from agents.testing import ResponsesRequest, ResponsesServer, Step
from integrations.packages import CHATKIT, run_with_packages

pytestmark = run_with_packages

Event = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> tuple[list[list[Event]], tuple[ResponsesRequest, ...]]:
    """The events of each request that `programs/chat_thread.py` makes, and what the model was asked."""
    steps = [
        Step().reasoning("Let me see.").function_call("look", {"word": "it"}),
        Step().function_call("transfer_to_heir"),
        Step().text("Hello there."),
        Step().function_call("paint", {"color": "red"}, call_id="call_paint", id="fc_paint"),
        Step().text("Done."),
        Step().text("The secret is red."),
        Step().text("Well").fail(),
    ]
    with ResponsesServer(steps) as server:
        answers = CHATKIT.run("chat_thread.py", server.base_url)
        server.assert_complete()
        return answers, server.requests


@pytest.fixture
def answers(served: tuple[list[list[Event]], Any]) -> list[list[Event]]:
    return served[0]


@pytest.fixture
def requests(served: tuple[Any, tuple[ResponsesRequest, ...]]) -> tuple[ResponsesRequest, ...]:
    return served[1]


def brief(events: list[Event]) -> list[str]:
    """What each event is about: the kind of its item or its update, else its own."""
    about: list[str] = []
    for event in events:
        kind = event["type"].removeprefix("thread.item.")
        detail = event["update"]["type"] if kind == "updated" else event.get("item", {}).get("type", "")
        about.append(f"{kind} {detail}".strip())
    return about


def done(events: list[Event]) -> list[Event]:
    return [event["item"] for event in events if event["type"] == "thread.item.done"]


TEXT = "updated assistant_message.content_part"


def test_a_run_with_a_thought_a_tool_a_handoff_and_a_text_is_a_thread_in_the_making(
    answers: list[list[Event]],
) -> None:
    # Progress comes through a queue of its own.
    assert [about for about in brief(answers[0]) if about != "progress_update"] == [
        "thread.created",
        "done user_message",
        "stream_options",
        "added workflow",
        "updated workflow.task.added",
        *["updated workflow.task.updated"] * 3,
        "done workflow",
        "added assistant_message",
        f"{TEXT}.added",
        *[f"{TEXT}.text_delta"] * 2,
        f"{TEXT}.done",
        "done assistant_message",
    ]
    updates = [event["update"] for event in answers[0] if "update" in event]
    assert [update["delta"] for update in updates if "delta" in update] == ["Hello ", "there."]
    _, thought, answer = done(answers[0])
    assert [task["content"] for task in thought["workflow"]["tasks"]] == ["Let me see."]
    assert [part["text"] for part in answer["content"]] == ["Hello there."]


def test_a_tool_reports_progress_through_the_runs_context(answers: list[list[Event]]) -> None:
    [progress] = [event for event in answers[0] if event["type"] == "progress_update"]
    assert progress["text"] == "Looking at it"


def test_a_call_of_a_tool_on_the_client_has_the_ids_of_the_models_call(answers: list[list[Event]]) -> None:
    assert brief(answers[1]) == ["done user_message", "stream_options", "done client_tool_call"]
    call = done(answers[1])[-1]
    assert (call["id"], call["call_id"], call["name"]) == ("fc_paint", "call_paint", "paint")
    assert (call["arguments"], call["status"]) == ({"color": "red"}, "pending")


def test_what_was_said_in_the_thread_is_the_input_of_the_next_run(
    answers: list[list[Event]], requests: tuple[ResponsesRequest, ...]
) -> None:
    assert brief(answers[2])[-1] == "done assistant_message"
    said = requests[4].input
    assert [item.get("role") or item["type"] for item in said] == [
        *("user", "assistant", "user"),
        *("function_call", "function_call_output"),
    ]
    assert [part["text"] for item in said[:3] for part in item["content"]] == [
        "Hi",
        "Hello there.",
        "Paint it",
    ]
    assert requests[4].function_outputs == {"call_paint": '"painted"'}


def test_what_a_guardrail_stops_is_taken_back(answers: list[list[Event]]) -> None:
    assert brief(answers[3])[-3:] == ["done assistant_message", "removed", "error"]
    assert answers[3][-2]["item_id"] == answers[3][-3]["item"]["id"]


def test_a_failing_model_is_an_error_event(answers: list[list[Event]]) -> None:
    assert answers[4][-1] == {"type": "error", "code": "stream.error", "allow_retry": True}


def test_the_model_is_told_that_chatkit_asks(requests: tuple[ResponsesRequest, ...]) -> None:
    agents = [request.headers["user-agent"] for request in requests]
    assert all(agent.endswith(f"ChatKit/Python {CHATKIT.version}") for agent in agents)
