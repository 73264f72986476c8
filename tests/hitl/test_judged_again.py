"""Approvals that do not hold any more when their call comes to run: time has passed, or the tool has changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator

from agents import (
    FunctionTool,
    ModelBehaviorError,
    RunConfig,
    Runner,
    RunState,
    ToolExecutionConfig,
    function_tool,
)
from agents.approvals import Approve, Reject
from agents.exceptions import ToolInDoubt
from agents.run_internal import decisions
from hitl.desk import (
    Book,
    Travel,
    approve_all,
    asks_for,
    at_hand_or_read,
    either_way,
    ids,
    last_input,
    outputs,
    paths,
    paused,
    travel,
)
from hitl.test_in_doubt import Slow, mover, taken_in_flight
from run.scripts import RunIt, calls, text

ONE_BY_ONE = RunConfig(tool_execution=ToolExecutionConfig(max_function_tool_concurrency=1))
TWO = calls(("work", {}, "w"), ("pay", {"amount": 2}, "p"))


class Clock:
    """What the runtime takes for now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        monkeypatch.setattr(decisions, "now_ms", self.now_ms)

    def now_ms(self) -> int:
        return round((datetime.now(UTC) + self.ahead).timestamp() * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def worker(book: Book, clock: Clock) -> FunctionTool:
    """A tool that takes an hour."""

    def work() -> str:
        book.done.append("work")
        clock.ahead += timedelta(hours=1)
        return "worked"

    return function_tool(work, needs_approval=True)


@either_way
class TestExpiry:
    @pytest.mark.parametrize("minutes", [30, 90])
    async def test_an_approval_has_to_hold_when_its_call_is_claimed(
        self, go: RunIt, book: Book, clock: Clock, minutes: int
    ):
        agent = asks_for(TWO, text(), tools=[book.payer(), worker(book, clock)])
        state = await paused(agent)
        work, pay = state.get_interruptions()
        state.approve(work)
        state.decide(pay, Approve(expires_at=datetime.now(UTC) + timedelta(minutes=minutes)))
        result = await go(agent, state, run_config=ONE_BY_ONE)
        if minutes == 90:
            assert (result.interruptions, book.done) == ([], ["work", ("pay", 2)])
            return
        assert (ids(result.interruptions), book.done) == (["p"], ["work"])
        again = await go(agent, approve_all(await travel(agent, result.to_state())))
        assert (again.final_output, book.done) == ("done", ["work", ("pay", 2)])

    async def test_edited_arguments_of_an_approval_that_held_are_used(
        self, go: RunIt, book: Book, clock: Clock
    ):
        agent = asks_for(TWO, text(), tools=[book.payer(), worker(book, clock)])
        state = await paused(agent)
        work, pay = state.get_interruptions()
        state.approve(work)
        state.decide(pay, Approve({"amount": 7}, expires_at=datetime.now(UTC) + timedelta(hours=2)))
        await go(agent, state, run_config=ONE_BY_ONE)
        assert book.done == ["work", ("pay", 7)]

    async def test_a_rejection_that_expires_before_its_call_is_answered_is_asked_about_anew(
        self, go: RunIt, book: Book, clock: Clock
    ):
        inner = asks_for(calls(("pay", {"amount": 2}, "p")), text("paid"), tools=[book.payer()], name="inner")
        step = calls(("work", {}, "w"), ("ask", {"input": "x"}, "a"))
        agent = asks_for(step, text(), tools=[worker(book, clock), inner.as_tool("ask", "Ask.")])
        state = await paused(agent)
        work, pay = state.get_interruptions()
        state.approve(work)
        state.decide(pay, Reject("not today", expires_at=datetime.now(UTC) + timedelta(minutes=30)))
        result = await go(agent, state, run_config=ONE_BY_ONE)
        assert (paths(result.interruptions), book.done) == ([("a", "p")], ["work"])


def renamed(book: Book, *, by_hand: bool = False) -> FunctionTool:
    """The tool `pay` of a later version, whose amount is a text."""

    def pay(amount: str) -> str:
        book.done.append(("pay", amount))
        return f"pay {amount}"

    made = function_tool(pay, needs_approval=True)
    if not by_hand:
        return made

    async def invoke(_context: Any, arguments: str) -> str:
        return pay(str(json.loads(arguments)["amount"]))

    return FunctionTool("pay", "", made.params_json_schema, invoke, needs_approval=True)


@either_way
@at_hand_or_read
class TestChangedTools:
    @pytest.mark.parametrize("by_hand", [False, True])
    async def test_an_approval_of_arguments_that_do_not_fit_any_more_is_pending_again(
        self, go: RunIt, carry: Travel, book: Book, by_hand: bool
    ):
        agent = asks_for(
            calls(("look", {}, "l"), ("pay", {"amount": 2}, "p")), text(), tools=[book.payer(), book.looker()]
        )
        state = await carry(agent, approve_all(await paused(agent)))
        agent.tools = [renamed(book, by_hand=by_hand), book.looker()]
        result = await go(agent, state)
        assert (ids(result.interruptions), book.done) == (["p"], ["look"])
        state = result.to_state()
        state.decide(state.get_interruptions()[0], Approve({"amount": "two"}))
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == ("done", ["look", ("pay", "two")])

    async def test_arguments_that_fit_the_changed_tool_run(self, go: RunIt, carry: Travel, book: Book):
        def pay(amount: int, tip: int = 0) -> str:
            book.done.append(("pay", amount + tip))
            return "paid"

        agent = asks_for(calls(("pay", {"amount": 2})), text(), tools=[book.payer()])
        state = await carry(agent, approve_all(await paused(agent)))
        agent.tools = [function_tool(pay, needs_approval=True)]
        result = await go(agent, state)
        assert (result.final_output, book.done) == ("done", [("pay", 2)])

    async def test_edited_arguments_are_those_that_have_to_fit(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(calls(("pay", {"amount": 2})), text(), tools=[book.payer()])
        state = await paused(agent)
        state.decide(state.get_interruptions()[0], Approve({"amount": "two"}))
        state = await carry(agent, state)
        agent.tools = [renamed(book)]
        result = await go(agent, state)
        assert (result.final_output, book.done) == ("done", [("pay", "two")])


@either_way
@at_hand_or_read
@pytest.mark.parametrize("depth", [1, 2, 3])
async def test_a_tool_that_a_nested_run_misses_is_missed_before_anything_happens(
    go: RunIt, carry: Travel, book: Book, depth: int
):
    inner = agent = asks_for(calls(("pay", {"amount": 1})), text("paid"), tools=[book.payer()], name="inner")
    for _ in range(depth):
        step = calls(("ask", {"input": "x"}, "c1"), ("late", {"amount": 1}, "c2"))
        tools = [agent.as_tool("ask", "Ask."), book.payer(name="late")]
        agent = asks_for(step, text(), tools=tools)
    state = await carry(agent, approve_all(await paused(agent)))
    inner.tools = []
    with pytest.raises(ModelBehaviorError, match="Tool pay not found in agent inner"):
        await go(agent, state)
    assert book.done == []


@either_way
@at_hand_or_read
async def test_a_call_in_doubt_that_must_not_be_asked_about_ends_the_run_with_its_own_error(
    go: RunIt, carry: Travel, book: Book
):
    slow = Slow(book, on_in_doubt="fail")
    agent = mover(slow)
    state = await carry(agent, await taken_in_flight(agent, slow))
    with pytest.raises(ToolInDoubt, match="was running when its process ended") as caught:
        await go(agent, state)
    assert (caught.value.tool_name, caught.value.call_id, book.done) == ("move", "m", ["move"])
    assert caught.value.run_data is not None


class TestWhatPoliciesSee:
    """A callable `needs_approval` is asked only about arguments that the tool will take as they are."""

    @pytest.mark.parametrize(
        ("arguments", "is_asked"),
        [
            ('{"amount": 1}', True),
            ('{"amount": 1, "note": "x"}', True),
            ('{"amount": "1"}', False),
            ('{"amount": 1.0}', False),
            ('{"amount": 1, "more": 2}', False),
            ('{"amount": "one"}', False),
            ('{"note": "x"}', False),
            ("[1]", False),
            ("{", False),
            ('{"amount": NaN}', False),
        ],
    )
    async def test_whatever_would_change_is_for_a_person(self, book: Book, arguments: str, is_asked: bool):
        seen: list[Any] = []

        async def policy(_context: Any, given: dict[str, Any], _call_id: str) -> bool:
            seen.append(given)
            return False

        def pay(amount: int, note: str | None = "none") -> str:
            book.done.append((amount, note))
            return "paid"

        tool = function_tool(pay, needs_approval=policy, strict_mode=False)
        given = json.loads(arguments) if is_asked else None
        if given is not None:
            given.setdefault("note", "y")
            arguments = json.dumps(given)
        agent = asks_for(calls(("pay", arguments)), text(), tools=[tool])
        result = await Runner.run(agent, "Hi")
        assert seen == ([given] if is_asked else [])
        assert bool(result.interruptions) is not is_asked

    async def test_a_default_that_would_be_filled_in_is_for_a_person(self, book: Book):
        async def policy(_context: Any, _given: dict[str, Any], _call_id: str) -> bool:
            raise AssertionError("nobody is asked")

        def pay(amount: int, note: str = "none") -> str:
            return "paid"

        tool = function_tool(pay, needs_approval=policy, strict_mode=False)
        agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[tool])
        assert ids((await Runner.run(agent, "Hi")).interruptions) == ["c1"]

    @pytest.mark.parametrize(("given", "count"), [({"input": "x"}, 1), ({"input": 1}, 0)])
    async def test_agents_as_tools_too(self, book: Book, given: Any, count: int):
        seen: list[Any] = []

        async def policy(_context: Any, arguments: dict[str, Any], _call_id: str) -> bool:
            seen.append(arguments)
            return True

        inner = asks_for(text("inner"), tools=[], name="inner")
        tool = inner.as_tool("ask", "Ask.", needs_approval=policy)
        agent = asks_for(calls(("ask", given)), text(), tools=[tool])
        assert ids((await Runner.run(agent, "Hi")).interruptions) == ["c1"]
        assert len(seen) == count


@either_way
@at_hand_or_read
async def test_what_was_asked_stands_among_the_new_items(go: RunIt, carry: Travel, book: Book):
    step = calls(("pay", {"amount": 1}), ("look", {}))
    agent = asks_for(step, text(), tools=[book.payer(), book.looker()])
    result = await go(agent)
    kinds = ["tool_call_item", "tool_call_item", "tool_approval_item", "tool_call_output_item"]
    assert [item.type for item in result.new_items] == kinds
    assert result.new_items[2] is result.interruptions[0]
    assert outputs(result.to_input_list()) == {"c2": "seen"}
    state: RunState[Any] = await carry(agent, approve_all(result.to_state()))
    result = await go(agent, state)
    assert [item.type for item in result.new_items] == [
        *kinds,
        "tool_call_output_item",
        "message_output_item",
    ]
    assert outputs(last_input(agent)) == {"c1": "pay 1", "c2": "seen"}


@either_way
async def test_a_decision_that_was_consumed_cannot_expire(go: RunIt, book: Book, clock: Clock):
    """The outer call was claimed in time; its nested run waited for longer than the approval would have held."""
    inner = asks_for(
        calls(("look", {}, "l"), ("pay", {"amount": 1}, "p")),
        text("paid"),
        tools=[book.payer(), book.looker()],
        name="inner",
    )
    tool = inner.as_tool("ask", "Ask.", needs_approval=True)
    agent = asks_for(calls(("ask", {"input": "x"}, "a")), text(), tools=[tool])
    state = await paused(agent)
    state.decide(state.get_interruptions()[0], Approve(expires_at=datetime.now(UTC) + timedelta(minutes=1)))
    state = await travel(agent, (await go(agent, state)).to_state())
    clock.ahead = timedelta(hours=1)
    result = await go(agent, approve_all(state))
    assert (result.final_output, book.done) == ("done", ["look", ("pay", 1)])


@either_way
@at_hand_or_read
async def test_no_rule_decides_about_a_call_in_doubt(go: RunIt, carry: Travel, book: Book):
    """Its policy had waived the question: that somebody is asked about it now has another reason."""

    async def policy(_context: Any, _arguments: Any, call_id: str) -> bool:
        return call_id == "asked"

    slow = Slow(book, needs_approval=policy)
    agent = mover(slow, step=calls(("move", {}, "m"), ("move", {}, "asked")))
    state = await carry(agent, await taken_in_flight(agent, slow))
    result = await go(agent, state)
    assert sorted(ids(result.interruptions)) == ["asked", "m"]
    state = result.to_state()
    (asked,) = [item for item in state.get_interruptions() if item.call_id == "asked"]
    state.approve(asked, always_approve=True)
    result = await go(agent, await carry(agent, state))
    assert (ids(result.interruptions), book.done) == (["m"], ["move", "move"])


@pytest.mark.parametrize("number", ["1e400", "-1e999"])
async def test_numbers_without_end_are_for_a_person(book: Book, number: str):
    async def policy(_context: Any, _given: dict[str, Any], _call_id: str) -> bool:
        raise AssertionError("nobody is asked")

    def pay(amount: float) -> str:
        raise AssertionError("nothing runs")

    tool = function_tool(pay, needs_approval=policy)
    agent = asks_for(calls(("pay", f'{{"amount": {number}}}')), text(), tools=[tool])
    assert ids((await Runner.run(agent, "Hi")).interruptions) == ["c1"]


def known_name(name: str) -> str:
    return {"ada": "Ada"}[name]


async def test_a_validator_that_breaks_leaves_the_judgement_to_a_person(book: Book):
    async def policy(_context: Any, _given: dict[str, Any], _call_id: str) -> bool:
        return False

    def greet(name: Annotated[str, AfterValidator(known_name)]) -> str:
        return name

    tool = function_tool(greet, needs_approval=policy)
    agent = asks_for(calls(("greet", {"name": "bo"})), text(), tools=[tool])
    assert ids((await Runner.run(agent, "Hi")).interruptions) == ["c1"]
