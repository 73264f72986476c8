from __future__ import annotations

import json
from typing import Any

import pytest

from agents import RunConfig, Runner, RunState
from agents.testing import ScriptedModel, assistant_message, function_call
from hitl.test_foreign_states import Program, text_of

QUIET = RunConfig(tracing_disabled=True)
CALLS = (
    ("look", {"what": "bill"}),
    ("pay", {"amount": 3}),
    ("look", {"what": "purse"}),
    ("pay", {"amount": 4}),
)
SCRIPT = [
    assistant_message("Let me see."),
    *(function_call(*call, call_id=f"c{n}") for n, call in enumerate(CALLS, 1)),
]


async def paused(given: Any = "Pay the bill.", **options: Any) -> RunState[Any]:
    program = Program("some_finished")
    program.agent.model = ScriptedModel([SCRIPT])
    return (await Runner.run(program.agent, given, run_config=QUIET, **options)).to_state()


def other(name: str) -> dict[str, Any]:
    """What the other package shows of a like run."""
    return json.loads(text_of(f"0.24.0/{name}"))


#: What is shown for nobody outside the other package, or is not shown here yet.
LEFT_OUT = {
    "current_response_generated_item_ownership",
    "current_turn_persisted_item_count",
    "generated_prompt_cache_key",
    "generated_session_item_indexes",
    "input_guardrail_results",
    "nested_history_owned_session_item_refs",
    "output_guardrail_results",
    "tool_input_guardrail_results",
    "tool_output_guardrail_results",
    "tool_use_tracker",
}


async def test_every_key_that_programs_look_for_is_there() -> None:
    ours = (await paused()).to_json()

    assert set(other("some_finished")) - set(ours) == LEFT_OUT
    assert set(ours) - set(other("some_finished")) == {"headrace"}


async def test_values_are_those_of_a_like_run() -> None:
    ours, theirs = (await paused()).to_json(), other("some_finished")

    for key in (
        "$schemaVersion",
        "current_turn",
        "current_agent",
        "original_input",
        "max_turns",
        "pending_input",
    ):
        assert ours[key] == theirs[key], key
    assert ours["context"]["context_meta"] == theirs["context"]["context_meta"]
    assert ours["current_step"]["type"] == theirs["current_step"]["type"]


@pytest.mark.parametrize("key", ["generated_items", "session_items"])
async def test_items_are_of_the_same_kinds_and_calls(key: str) -> None:
    ours, theirs = (await paused()).to_json(), other("some_finished")

    shown = sorted((item["type"], item["raw_item"].get("call_id", "")) for item in ours[key])
    wanted = sorted((item["type"], item["raw_item"].get("call_id", "")) for item in theirs[key])
    assert shown == [item for item in wanted if item[0] != "reasoning_item"]


async def test_questions_have_the_same_shape() -> None:
    ours, theirs = (await paused()).to_json(), other("some_finished")

    (first, second), wanted = (state["current_step"]["data"]["interruptions"] for state in (ours, theirs))
    assert set(wanted[0]) - set(first) == {"tool_origin"}
    assert [first["tool_lookup_key"], second["tool_name"]] == [wanted[0]["tool_lookup_key"], "pay"]
    assert ours["last_processed_response"]["interruptions"] == [first, second]
    assert ours["last_processed_response"]["tools_used"] == theirs["last_processed_response"]["tools_used"]


async def test_a_decided_call_stays_among_the_questions_until_it_runs() -> None:
    state = await paused()
    first, second = state.get_interruptions()
    state.approve(first)
    state.reject(second, rejection_message="too much")

    payload = state.to_json()

    assert len(payload["current_step"]["data"]["interruptions"]) == 2
    assert payload["context"]["function_tool_approvals"] == [
        {
            "agent": {"name": "Clerk"},
            "tool_key": "pay",
            "decision": {"approved": ["c2"], "rejected": ["c4"], "rejection_messages": {"c4": "too much"}},
        }
    ]


async def test_standing_decisions_are_shown_as_such() -> None:
    state = await paused()
    state.approve(state.get_interruptions()[0], always_approve=True)

    (shown,) = state.to_json()["context"]["function_tool_approvals"]

    (wanted,) = other("always_approved")["context"]["function_tool_approvals"]
    del wanted["decision"]["sticky_scope"]
    assert shown == wanted


async def test_assistant_messages_of_the_input_are_shown_whole() -> None:
    given = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "Pay."},
    ]

    ours = (await paused(given)).to_json()

    assert ours["original_input"] == other("message_input")["original_input"]


async def test_a_mapping_is_shown_as_it_is() -> None:
    context = {"customer": "Ada", "limits": [1, 2]}

    ours = (await paused(context=context)).to_json()["context"]

    theirs = other("context_mapping")["context"]
    assert (ours["context"], ours["context_meta"]) == (theirs["context"], theirs["context_meta"])
