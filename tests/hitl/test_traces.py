"""The spans of a run that pauses: those of one that does not, in as many pieces as it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agents import Agent, FunctionTool, RunConfig, Usage, function_tool
from agents.testing import ModelStep, ScriptedModel
from hitl.desk import Resume, Travel, at_hand_or_read, either_way, stay, travel
from run.notes import Notes, export, kind, named, processing
from run.scripts import AnyResult, calls, run_drained, run_plain, text


@pytest.fixture(autouse=True)
def notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notes]:
    notes = Notes()
    with processing(notes, monkeypatch):
        yield notes


def spending(output: list[Any], tokens: int) -> ModelStep:
    return ModelStep(output=output, usage=Usage(1, tokens, total_tokens=tokens + 1, output_tokens=1))


def shop(*, asks: bool) -> Agent[Any]:
    """An agent with a nested one and a successor, that each pay; with `asks`, not without a person's approval."""

    def payer() -> FunctionTool:
        def pay(amount: int) -> str:
            return f"paid {amount}"

        return function_tool(pay, needs_approval=asks)

    clerk_model = ScriptedModel(
        [spending(calls(("pay", {"amount": 2}, "inner")), 10), spending(text("bought"), 20)], emit_traces=True
    )
    clerk: Agent[Any] = Agent(name="clerk", model=clerk_model, tools=[payer()])
    model = ScriptedModel(
        [
            spending(calls(("pay", {"amount": 1}, "first"), ("ask", {"input": "buy"}, "second")), 1),
            spending(calls(("transfer_to_heir", {}, "third")), 2),
            spending(calls(("pay", {"amount": 3}, "fourth")), 3),
            spending(text("all paid"), 4),
        ],
        emit_traces=True,
    )
    heir: Agent[Any] = Agent(name="heir", model=model, tools=[payer()])
    return Agent(name="buyer", model=model, tools=[payer(), clerk.as_tool("ask", "Buys.")], handoffs=[heir])


async def run_approving(agent: Agent[Any], go: Resume, carry: Travel = stay) -> AnyResult:
    """Run to the end; whatever is asked is approved."""
    result = await go(agent)
    while result.interruptions:
        state = await carry(agent, result.to_state())
        for item in state.get_interruptions():
            state.approve(item)
        result = await go(agent, state)
    assert result.final_output == "all paid"
    return result


def work(notes: Notes) -> list[tuple[Any, ...]]:
    """The spans of what was done: each with its data, its error, and the agents and calls that it was done for."""
    by_id = {span.span_id: span for span in notes.spans}
    found: list[tuple[Any, ...]] = []
    for span in notes.spans:
        if kind(span) in {"task", "turn", "agent"}:
            continue
        above: list[str] = []
        parent = by_id.get(span.parent_id or "")
        while parent is not None:
            if kind(parent) in {"agent", "function"}:
                above.append(named(parent))
            parent = by_id.get(parent.parent_id or "")
        data = export(span)
        # A pause ends the call of an agent that is waiting; it is called anew, and has no output before.
        if named(span) != "function ask" or data["output"] is not None:
            found.append((repr(data), span.error, above))
    return sorted(found, key=repr)


def spent(notes: Notes) -> dict[str, int]:
    """What the outermost tasks and the turns say was spent, added up."""
    totals = {"task": 0, "turn": 0}
    for span in notes.spans:
        usage = export(span).get("data", {}).get("usage")
        if usage is not None and (kind(span) == "turn" or span.parent_id is None):
            totals[kind(span)] += usage["input_tokens"]
    return totals


@either_way
@at_hand_or_read
async def test_paused_and_resumed_the_same_work_is_traced(go: Resume, carry: Travel, notes: Notes):
    await run_approving(shop(asks=False), run_plain)
    straight = (work(notes), spent(notes))
    notes.__init__()
    await run_approving(shop(asks=True), go, carry)
    assert (work(notes), spent(notes)) == straight
    assert straight[1] == {"task": 40, "turn": 40}
    assert len(straight[0]) == 6 + 3 + 1 + 1


async def test_streamed_or_not_at_hand_or_read_the_traces_are_equal(notes: Notes):
    forms: list[Any] = []
    for go in (run_plain, run_drained):
        for carry in (stay, travel):
            notes.__init__()
            await run_approving(shop(asks=True), go, carry)
            forms.append(notes.form())
    assert forms[0] == forms[1] == forms[2] == forms[3]


@either_way
async def test_all_pieces_are_of_one_trace_that_starts_once(go: Resume, notes: Notes):
    await run_approving(shop(asks=True), go, travel)
    assert [trace.name for trace in notes.traces] == ["Agent workflow"]
    assert {span.trace_id for span in notes.spans} == {notes.traces[0].trace_id}
    assert all(span.ended_at is not None for span in notes.spans)


@either_way
async def test_the_task_of_a_resumed_run_spent_what_came_after_the_pause(go: Resume, notes: Notes):
    model = ScriptedModel([spending(calls(("pay", {}, "c")), 10), spending(text("all paid"), 5)])

    @function_tool(needs_approval=True)
    def pay() -> str:
        return "paid"

    await run_approving(Agent[Any](name="a", model=model, tools=[pay]), go)
    usages = [export(span)["data"]["usage"] for span in notes.spans if kind(span) == "task"]
    assert [(usage["requests"], usage["input_tokens"]) for usage in usages] == [(1, 10), (1, 5)]


@either_way
async def test_with_settings_of_its_own_a_resumed_run_starts_a_trace_of_the_same_id(go: Resume, notes: Notes):
    agent = shop(asks=True)
    result = await go(agent)
    state = result.to_state()
    for item in state.get_interruptions():
        state.approve(item)
    await go(agent, state, run_config=RunConfig(workflow_name="another"))
    assert [trace.name for trace in notes.traces] == ["Agent workflow", "another"]
    assert len({trace.trace_id for trace in notes.traces}) == 1
