from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents import (
    Agent,
    RunConfig,
    Runner,
    RunState,
    ToolCallOutputItem,
    function_tool,
    handoff,
    tool_namespace,
)
from agents.exceptions import UserError
from agents.testing import ScriptedModel, assistant_message, function_call

CORPUS = Path(__file__).parent.parent / "corpus" / "openai_agents"
STATES = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in CORPUS.glob("*/*.json")
    if not path.stem.startswith("other_kinds")  # Those have a file of tests of their own.
)
QUIET = RunConfig(tracing_disabled=True)

#: The calls that each scenario asks about.
PENDING = {
    "added_before": ["c2"],
    "added_input": ["c1"],
    "after_handoff": ["c3"],
    "always_approved": ["c1", "c2"],
    "always_rejected": ["c1", "c2"],
    "chained": ["c2"],
    "context_mapping": ["c1"],
    "decided": ["c1", "c2", "c3"],
    "duplicate_names": ["c2"],
    "filtered_handoff": ["c4"],
    "finished": [],
    "handoff_back": ["c4"],
    "message_input": ["c1"],
    "namespaced": ["c1", "c2"],
    "nested": ["c1/n1"],
    "nested_decided": ["c1/n1"],
    "nested_history": ["c4"],
    "nested_twice": ["c1/m1/n1"],
    "one_pending": ["c1"],
    "rejected_before": ["c2"],
    "resumed_once": ["c3"],
    "several_turns": ["c4"],
    "some_finished": ["c2", "c4"],
}
#: What these releases left out of their states, and what is said of it.
UNREADABLE = {
    "0.8.0/nested": "does not hold that run",
    "0.8.0/nested_decided": "does not hold that run",
    "0.8.0/nested_twice": "does not hold that run",
    "0.8.0/duplicate_names": "does not tell them apart",
    "0.9.3/duplicate_names": "does not tell them apart",
    "0.12.5/duplicate_names": "does not tell them apart",
}


class Program:
    """The agents of the scenarios, as a program that has moved here has them; `paid` and `seen` are what ran."""

    def __init__(self, scenario: str, *turns: Any) -> None:
        self.paid: list[int] = []
        self.seen: list[str] = []
        self.model = ScriptedModel([*turns, [assistant_message("done")]])
        self.inner_model = ScriptedModel([[assistant_message("inner done")]])
        self.innermost_model = ScriptedModel([[assistant_message("innermost done")]])

        @function_tool(needs_approval=True)
        async def pay(amount: int) -> str:
            """Pay an amount."""
            self.paid.append(amount)
            return f"paid {amount}"

        @function_tool
        async def look(what: str) -> str:
            """Look something up."""
            self.seen.append(what)
            return f"saw {what}"

        self.pay, self.look = pay, look
        make = getattr(self, f"_{scenario}", self._clerk)
        self.agent: Agent[Any] = make()

    def _clerk(self, model: Any = None) -> Agent[Any]:
        return Agent(name="Clerk", tools=[self.pay, self.look], model=model or self.model)

    def _after_handoff(self) -> Agent[Any]:
        clerk = self._clerk()
        desk: Agent[Any] = Agent(name="Desk", tools=[self.pay], handoffs=[clerk], model=self.model)
        clerk.handoffs = [desk]
        return desk

    _handoff_back = _filtered_handoff = _nested_history = _after_handoff

    def _duplicate_names(self) -> Agent[Any]:
        passed = handoff(self._clerk(), tool_name_override="pass_on")
        return Agent(name="Clerk", handoffs=[passed], model=self.model)

    def _namespaced(self) -> Agent[Any]:
        tools: Any = tool_namespace(name="billing", description="Billing", tools=[self.pay])
        return Agent(name="Clerk", tools=tools, model=self.model)

    def _nested(self) -> Agent[Any]:
        ask = self._clerk(self.inner_model).as_tool("ask_clerk", "Ask the clerk.")
        return Agent(name="Desk", tools=[ask, self.look], model=self.model)

    _nested_decided = _nested

    def _nested_twice(self) -> Agent[Any]:
        ask = self._clerk(self.innermost_model).as_tool("ask_clerk", "Ask the clerk.")
        middle: Agent[Any] = Agent(name="Middle", tools=[ask], model=self.inner_model)
        return Agent(name="Desk", tools=[middle.as_tool("ask_middle", "Ask.")], model=self.model)


def text_of(name: str) -> str:
    return (CORPUS / f"{name}.json").read_text(encoding="utf-8")


async def load(name: str, *turns: Any) -> tuple[Program, RunState[Any]]:
    program = Program(name.partition("/")[2], *turns)
    return program, await RunState.from_string(program.agent, text_of(name))


READABLE = [name for name in STATES if name not in UNREADABLE]
UNFINISHED = [name for name in READABLE if not name.endswith("/finished")]


@pytest.mark.parametrize("name", READABLE)
async def test_every_state_shows_the_calls_that_it_asks_about(name: str) -> None:
    _, state = await load(name)

    asked = ["/".join(item.call_path) for item in state.get_interruptions()]

    assert asked == PENDING[name.partition("/")[2]]


@pytest.mark.parametrize("name", UNFINISHED)
async def test_every_state_goes_on_to_its_end_once_all_calls_are_approved(name: str) -> None:
    program, state = await load(name)
    amounts = [json.loads(item.arguments or "{}")["amount"] for item in state.get_interruptions()]
    for item in state.get_interruptions():
        state.approve(item)

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert result.final_output == "done"
    assert (sorted(program.paid), program.seen) == (sorted(amounts), [])


@pytest.mark.parametrize("name", UNFINISHED)
async def test_every_call_is_sent_to_the_model_with_its_output_once(name: str) -> None:
    program, state = await load(name)
    for item in state.get_interruptions():
        state.approve(item)

    await Runner.run(program.agent, state, run_config=QUIET)

    sent: Any = program.model.calls[0].input
    called = [item["call_id"] for item in sent if item.get("type") == "function_call"]
    answered = [item["call_id"] for item in sent if item.get("type") == "function_call_output"]
    if name.endswith("/chained"):
        assert (called, answered) == ([], ["c2"])
    else:
        assert called
        assert sorted(called) == sorted(answered)


@pytest.mark.parametrize("name", UNFINISHED)
async def test_every_state_read_and_written_here_is_the_same_run(name: str) -> None:
    program, state = await load(name)

    again = await RunState.from_string(program.agent, state.to_string())

    assert [item.call_path for item in again.get_interruptions()] == [
        item.call_path for item in state.get_interruptions()
    ]


@pytest.mark.parametrize("name", sorted(UNREADABLE))
async def test_what_a_release_left_out_is_named(name: str) -> None:
    with pytest.raises(UserError, match=UNREADABLE[name]):
        await load(name)


def releases(scenario: str) -> list[str]:
    return [name for name in READABLE if name.endswith(f"/{scenario}")]


@pytest.mark.parametrize("name", releases("decided"))
async def test_decisions_taken_before_the_move_count(name: str) -> None:
    program, state = await load(name)

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert [item.call_id for item in result.interruptions] == ["c3"]
    assert program.paid == [1]
    outputs = {item.call_id: item.output for item in result.new_items if isinstance(item, ToolCallOutputItem)}
    has_messages = "rejection_messages" in text_of(name)
    assert outputs["c2"] == ("too much" if has_messages else "Tool execution was not approved.")


@pytest.mark.parametrize("name", releases("always_approved"))
async def test_a_standing_approval_covers_the_calls_that_wait_and_those_that_come(name: str) -> None:
    program, state = await load(name, [function_call("pay", {"amount": 5}, call_id="c9")])

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert result.final_output == "done"
    assert program.paid == [1, 2, 5]


@pytest.mark.parametrize("name", releases("always_rejected"))
async def test_a_standing_rejection_covers_the_calls_that_wait_and_those_that_come(name: str) -> None:
    program, state = await load(name, [function_call("pay", {"amount": 5}, call_id="c9")])

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert result.final_output == "done"
    assert program.paid == []


@pytest.mark.parametrize("name", releases("nested_decided"))
async def test_a_decision_about_a_nested_call_counts(name: str) -> None:
    program, state = await load(name)

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert result.final_output == "done"
    assert (program.paid, program.seen) == ([3], [])


@pytest.mark.parametrize("name", releases("filtered_handoff") + releases("nested_history"))
async def test_the_model_sees_no_more_than_a_filter_had_left(name: str) -> None:
    program, state = await load(name)
    state.approve(state.get_interruptions()[0])

    await Runner.run(program.agent, state, run_config=QUIET)

    sent: Any = program.model.calls[0].input
    assert [item.get("call_id") for item in sent if "call_id" in item] == ["c3", "c3", "c4", "c4"]


async def test_a_finished_run_cannot_be_resumed() -> None:
    program, state = await load("0.24.0/finished")

    with pytest.raises(UserError, match="cannot be resumed"):
        await Runner.run(program.agent, state, run_config=QUIET)


async def test_context_usage_and_turns_are_taken_over() -> None:
    program, state = await load("0.24.0/context_mapping")
    state.approve(state.get_interruptions()[0])

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert result.context_wrapper.context == {"customer": "Ada", "limits": [1, 2]}
    assert result.context_wrapper.usage.input_tokens >= 10
    assert len(result.raw_responses) == 2


async def test_input_that_was_added_reaches_the_model() -> None:
    program, state = await load("0.24.0/added_input")
    state.approve(state.get_interruptions()[0])

    await Runner.run(program.agent, state, run_config=QUIET)

    sent: Any = program.model.calls[0].input
    assert sent[-1]["content"] == "And be quick."


async def test_input_that_was_added_stays_where_the_model_saw_it() -> None:
    program, state = await load("0.24.0/added_before")
    state.approve(state.get_interruptions()[0])

    await Runner.run(program.agent, state, run_config=QUIET)

    sent: Any = program.model.calls[0].input
    assert [item.get("content", item.get("call_id")) for item in sent] == [
        "Pay the bill.",
        "c1",
        "c1",
        "And be quick.",
        "c2",
        "c2",
    ]


async def test_the_same_state_read_twice_is_the_same_run() -> None:
    _, first = await load("0.24.0/one_pending")
    _, second = await load("0.24.0/one_pending")

    assert first.to_json()["headrace"]["run_id"] == second.to_json()["headrace"]["run_id"]


def damaged(change: Callable[[dict[str, Any]], object], name: str = "0.24.0/several_turns") -> dict[str, Any]:
    payload = json.loads(text_of(name))
    change(payload)
    return payload


def drop_outputs(payload: dict[str, Any]) -> None:
    for key in ("generated_items", "session_items"):
        payload[key] = [item for item in payload[key] if item["type"] != "tool_call_output_item"]


DAMAGES: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda state: state.pop("context"), "context"),
    (lambda state: state.update(model_responses=[{"output": "nothing"}]), r"model_responses\[0\]"),
    (lambda state: state.update(current_agent="Clerk"), "current_agent"),
    (lambda state: state.update(max_turns="many"), "max_turns"),
    (lambda state: state["model_responses"][0]["output"][0].pop("call_id"), "call_id"),
    (lambda state: state.update(terminal_unrecoverable=True), "cannot be resumed"),
    (
        lambda state: state.update({"terminal_unrecoverable": True, "$schemaVersion": "1.16"}),
        "terminal marker is invalid",
    ),
    (lambda state: state.update(model_responses=[]), "does not hold that run"),
    (drop_outputs, "call c1 of tool look, in turn 1, has no output"),
    (
        lambda state: state["model_responses"][2]["output"][1].update(call_id="c1"),
        "c4|does not hold together",
    ),
    (lambda state: state.update({"$schemaVersion": "2.0"}), "not supported"),
]


@pytest.mark.parametrize(("change", "message"), DAMAGES)
async def test_what_is_wrong_with_a_damaged_state_is_named(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    program = Program("several_turns")

    with pytest.raises(UserError, match=message):
        await RunState.from_json(program.agent, damaged(change))


async def test_a_call_that_had_begun_is_not_run_again_unasked() -> None:
    def begun(state: dict[str, Any]) -> None:
        state["current_step"]["data"]["interruptions"] = []
        state["context"]["tool_invocations"]["c1"]["executed"] = True

    program = Program("one_pending")
    state = await RunState.from_json(program.agent, damaged(begun, "0.24.0/one_pending"))

    result = await Runner.run(program.agent, state, run_config=QUIET)

    assert program.paid == []
    assert [item.call_id for item in result.interruptions] == ["c1"]
