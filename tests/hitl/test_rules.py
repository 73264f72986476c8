from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents import Agent, Runner, RunState, UserError
from hitl.desk import (
    Book,
    Travel,
    asks_for,
    at_hand_or_read,
    either_way,
    ids,
    last_input,
    outputs,
    paused,
)
from run.scripts import RunIt, calls, text

NOT_APPROVED = "Tool execution was not approved."
LATER = datetime.now(UTC) + timedelta(hours=1)
EARLIER = datetime.now(UTC) - timedelta(hours=1)


def payments(book: Book, first: int, *amounts: int, **fields: Any) -> Agent[Any]:
    """An agent that pays an amount in its first turn as c1, and others in its second one as c2, c3, …"""
    later = calls(*(("pay", {"amount": amount}, f"c{index}") for index, amount in enumerate(amounts, 2)))
    return asks_for(calls(("pay", {"amount": first}, "c1")), later, text(), tools=[book.payer()], **fields)


async def ruled(agent: Agent[Any], carry: Travel, *, approved: bool = True, **scope: Any) -> RunState[Any]:
    state = await paused(agent)
    item = state.get_interruptions()[0]
    if approved:
        state.approve(item, **scope)
    else:
        state.reject(item, **scope)
    return await carry(agent, state)


@either_way
@at_hand_or_read
class TestStanding:
    async def test_always_approve_lets_all_further_calls_through(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 1_000_000)
        result = await go(agent, await ruled(agent, carry, always_approve=True))
        assert (result.final_output, result.interruptions) == ("done", [])
        assert book.done == [("pay", 1), ("pay", 1_000_000)]

    async def test_a_plain_approval_stands_for_nothing_else(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 1)
        result = await go(agent, await ruled(agent, carry))
        assert (ids(result.interruptions), book.done) == (["c2"], [("pay", 1)])

    @pytest.mark.parametrize("message", [None, "never", ""])
    async def test_always_reject_answers_all_further_calls(
        self, go: RunIt, carry: Travel, book: Book, message: str | None
    ):
        agent = payments(book, 1, 2)
        state = await ruled(agent, carry, approved=False, always_reject=True, rejection_message=message)
        result = await go(agent, state)
        said = NOT_APPROVED if message is None else message
        assert (result.final_output, book.done) == ("done", [])
        assert outputs(last_input(agent)) == {"c1": said, "c2": said}

    async def test_an_exact_decision_beats_a_standing_one(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(
            calls(("pay", {"amount": 1}), ("pay", {"amount": 2})),
            calls(("pay", {"amount": 3}, "c3")),
            text(),
            tools=[book.payer()],
        )
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.reject(second)
        state.approve(first, always_approve=True)
        await go(agent, await carry(agent, state))
        assert book.done == [("pay", 1), ("pay", 3)]
        assert outputs(last_input(agent))["c2"] == NOT_APPROVED

    async def test_a_rule_covers_calls_of_the_turn_that_nobody_decided_about(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = asks_for(calls(("pay", {"amount": 1}), ("pay", {"amount": 2})), text(), tools=[book.payer()])
        state = await paused(agent)
        state.approve(state.get_interruptions()[0], always_approve=True)
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == ("done", [("pay", 1), ("pay", 2)])

    async def test_a_decision_after_the_rule_is_exact(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(calls(("pay", {"amount": 1}), ("pay", {"amount": 2})), text(), tools=[book.payer()])
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.approve(first, always_approve=True)
        state = await carry(agent, state)
        state.reject(state.get_interruptions()[1], rejection_message="no")
        await go(agent, await carry(agent, state))
        assert (book.done, outputs(last_input(agent))["c2"]) == ([("pay", 1)], "no")
        assert ids([first, second]) == ["c1", "c2"]

    async def test_a_rule_covers_waiting_calls_of_the_same_agent_in_nested_runs(
        self, go: RunIt, carry: Travel, book: Book
    ):
        def inner(amount: int) -> Agent[Any]:
            step = calls(("pay", {"amount": amount}))
            return asks_for(step, text("paid"), tools=[book.payer()], name="inner")

        agent = asks_for(
            calls(("one", {"input": "x"}), ("other", {"input": "y"}), ("pay", {"amount": 3})),
            text(),
            tools=[inner(1).as_tool("one", "Ask."), inner(2).as_tool("other", "Ask."), book.payer()],
        )
        state = await carry(agent, await paused(agent))
        item = next(item for item in state.get_interruptions() if item.arguments == '{"amount":1}')
        state.approve(item, always_approve=True)
        result = await go(agent, await carry(agent, state))
        assert ids(result.interruptions) == ["c3"]
        assert sorted(book.done) == [("pay", 1), ("pay", 2)]

    async def test_a_later_rule_comes_before_an_earlier_one(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        state = await paused(agent)
        (item,) = state.get_interruptions()
        state.reject(item, always_reject=True)
        state.approve(item, always_approve=True)
        await go(agent, await carry(agent, state))
        assert book.done == [("pay", 1), ("pay", 2)]

    async def test_a_rule_is_about_one_tool(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(
            calls(("pay", {"amount": 1})),
            calls(("refund", {"amount": 1}, "c2")),
            tools=[book.payer(), book.payer(name="refund")],
        )
        result = await go(agent, await ruled(agent, carry, always_approve=True))
        assert (ids(result.interruptions), book.done) == (["c2"], [("pay", 1)])

    async def test_a_rule_is_about_the_calls_of_one_agent(self, go: RunIt, carry: Travel, book: Book):
        other = asks_for(calls(("pay", {"amount": 2}, "c2")), tools=[book.payer()], name="b")
        agent = asks_for(
            calls(("pay", {"amount": 1})),
            calls(("transfer_to_b", {}, "h")),
            tools=[book.payer()],
            handoffs=[other],
        )
        result = await go(agent, await ruled(agent, carry, always_approve=True))
        assert (ids(result.interruptions), result.last_agent) == (["c2"], other)
        assert book.done == [("pay", 1)]

    async def test_a_rule_survives_another_pause(self, go: RunIt, carry: Travel, book: Book):
        agent = asks_for(
            calls(("pay", {"amount": 1})),
            calls(("refund", {"amount": 1}, "c2")),
            calls(("pay", {"amount": 2}, "c3")),
            text(),
            tools=[book.payer(), book.payer(name="refund")],
        )
        result = await go(agent, await ruled(agent, carry, always_approve=True))
        state = await carry(agent, result.to_state())
        state.approve(state.get_interruptions()[0])
        result = await go(agent, await carry(agent, state))
        assert result.final_output == "done"
        assert book.done == [("pay", 1), ("refund", 1), ("pay", 2)]

    async def test_a_rule_stated_below_covers_further_runs_of_the_agent_below(
        self, go: RunIt, carry: Travel, book: Book
    ):
        inner = asks_for(
            calls(("pay", {"amount": 1})),
            text("paid"),
            calls(("pay", {"amount": 2})),
            text("paid"),
            tools=[book.payer()],
            name="inner",
        )
        agent = asks_for(
            calls(("ask", {"input": "x"}, "o1")),
            calls(("ask", {"input": "x"}, "o2")),
            text(),
            tools=[inner.as_tool("ask", "Ask.")],
        )
        result = await go(agent, await ruled(agent, carry, always_approve=True))
        assert (result.final_output, book.done) == ("done", [("pay", 1), ("pay", 2)])


@either_way
@at_hand_or_read
class TestScopes:
    @pytest.mark.parametrize(
        ("where", "passes"),
        [
            ({"amount": 1}, False),
            ({"amount": 7}, True),
            ({"amount": {"max": 6}}, False),
            ({"amount": {"max": 7}}, True),
            ({"amount": {"min": 7, "max": 7}}, True),
            ({"amount": {"min": 8}}, False),
            ({"amount": {"in": [6, 7]}}, True),
            ({"amount": {"in": []}}, False),
            ({"amount": {"equals": 7}}, True),
            ({"amount": {"equals": True}}, False),
            ({"amount": 7, "currency": "EUR"}, False),
            ({}, True),
        ],
    )
    async def test_conditions_on_arguments(
        self, go: RunIt, carry: Travel, book: Book, where: dict[str, Any], passes: bool
    ):
        agent = payments(book, 1, 7)
        result = await go(agent, await ruled(agent, carry, where=where))
        assert ids(result.interruptions) == ([] if passes else ["c2"])
        assert book.done == [("pay", 1), ("pay", 7)][: 1 + passes]

    async def test_a_small_amount_does_not_let_a_great_one_through(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = payments(book, 1, 1, 1_000_000)
        state = await ruled(agent, carry, always_approve=True, where={"amount": 1})
        result = await go(agent, state)
        assert (ids(result.interruptions), book.done) == (["c3"], [("pay", 1), ("pay", 1)])

    async def test_conditions_cover_arguments_that_are_no_json_at_no_time(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = asks_for(
            calls(("pay", {"amount": 1})), calls(("pay", '{"amount": NaN}', "c2")), tools=[book.payer()]
        )
        result = await go(agent, await ruled(agent, carry, where={}))
        assert (ids(result.interruptions), book.done) == (["c2"], [("pay", 1)])

    async def test_a_number_of_uses(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2, 3, 4)
        result = await go(agent, await ruled(agent, carry, uses=2))
        assert (ids(result.interruptions), book.done) == (["c4"], [("pay", 1), ("pay", 2), ("pay", 3)])
        # They are used up, also in another run.
        state = await carry(agent, result.to_state())
        result = await go(agent, state)
        assert ids(result.interruptions) == ["c4"]

    async def test_a_number_of_uses_is_counted_over_the_calls_that_wait(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = asks_for(
            calls(*(("pay", {"amount": amount}) for amount in (1, 2, 3))),
            calls(("pay", {"amount": 4}, "c4")),
            tools=[book.payer()],
        )
        result = await go(agent, await ruled(agent, carry, uses=1))
        assert (ids(result.interruptions), book.done) == (["c3"], [("pay", 1), ("pay", 2)])
        state = await carry(agent, result.to_state())
        state.approve(state.get_interruptions()[0])
        result = await go(agent, await carry(agent, state))
        assert ids(result.interruptions) == ["c4"]

    async def test_a_time(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        result = await go(agent, await ruled(agent, carry, until=LATER))
        assert (result.final_output, book.done) == ("done", [("pay", 1), ("pay", 2)])

    async def test_a_time_that_is_over(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        result = await go(agent, await ruled(agent, carry, until=EARLIER))
        assert (ids(result.interruptions), book.done) == (["c2"], [("pay", 1)])

    async def test_a_rejection_has_a_scope_too(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2, 500)
        state = await ruled(
            agent, carry, approved=False, where={"amount": {"min": 100}}, rejection_message="too much"
        )
        result = await go(agent, state)
        assert ids(result.interruptions) == ["c2"]
        assert outputs(result.to_input_list()) == {"c1": "too much", "c3": "too much"}


@at_hand_or_read
async def test_conditions_that_do_not_exist_are_refused(carry: Travel, book: Book):
    agent = payments(book, 1)
    state = await carry(agent, await paused(agent))
    with pytest.raises(UserError, match="below"):
        state.approve(state.get_interruptions()[0], where={"amount": {"below": 5}})
    assert await _still_asks(agent, state)


async def _still_asks(agent: Agent[Any], state: RunState[Any]) -> bool:
    return ids((await Runner.run(agent, state)).interruptions) == ["c1"]


@at_hand_or_read
async def test_records_tell_which_rule_decided(carry: Travel, book: Book):
    agent = payments(book, 1, 2)
    result = Runner.run_streamed(agent, await ruled(agent, carry, always_approve=True))
    records = [record async for record in result.records()]
    (rule,) = [record.data["rule"] for record in records if record.kind == "rule_stated"]
    decided = [record.data["rule"] for record in records if record.kind == "approval_decided"]
    assert decided == [None, rule["id"]]
