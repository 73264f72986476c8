from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents import RunConfig, Runner, RunState, UserError
from agents.approvals import Approve, DecisionError, Reject, Supply
from agents.items import ToolApprovalItem
from hitl.desk import (
    Book,
    Travel,
    approve_all,
    asks_for,
    at_hand_or_read,
    either_way,
    ids,
    kinds_of,
    last_input,
    model_of,
    outputs,
    paused,
    travel,
)
from run.scripts import RunIt, calls, text

NOT_APPROVED = "Tool execution was not approved."


def payments(book: Book, *amounts: int, after: Any = None) -> Any:
    """An agent that wants to pay amounts in one turn, as c1, c2, …"""
    step = calls(*(("pay", {"amount": amount}) for amount in amounts))
    return asks_for(step, text() if after is None else after, tools=[book.payer(), book.looker()])


def told(agent: Any) -> dict[str, Any]:
    """What the model was told of each call in its last request."""
    return outputs(last_input(agent))


@either_way
@at_hand_or_read
class TestApproving:
    async def test_an_approved_call_runs_once_and_the_run_goes_on(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await carry(agent, approve_all(await paused(agent)))
        result = await go(agent, state)
        assert (result.final_output, result.interruptions, book.done) == ("done", [], [("pay", 1)])
        assert told(agent) == {"c1": "pay 1"}

    async def test_some_decided_go_on_and_the_others_stay(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2, 3)
        state = await paused(agent)
        first, _, third = state.get_interruptions()
        state.approve(third)
        state.reject(first)
        result = await go(agent, await carry(agent, state))
        assert (ids(result.interruptions), book.done, result.final_output) == (["c2"], [("pay", 3)], None)
        assert len(model_of(agent).calls) == 1
        assert outputs(result.to_input_list()) == {"c1": NOT_APPROVED, "c3": "pay 3"}
        result = await go(agent, approve_all(await carry(agent, result.to_state())))
        assert (result.final_output, book.done) == ("done", [("pay", 3), ("pay", 2)])
        assert list(told(agent).items()) == [("c1", NOT_APPROVED), ("c2", "pay 2"), ("c3", "pay 3")]

    async def test_nothing_decided_changes_nothing(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        result = await go(agent, await carry(agent, await paused(agent)))
        assert (ids(result.interruptions), book.done) == (["c1", "c2"], [])
        assert len(model_of(agent).calls) == 1


@either_way
@at_hand_or_read
class TestRejecting:
    async def test_a_rejected_call_never_runs_and_the_model_is_told(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = payments(book, 1)
        state = await paused(agent)
        state.reject(state.get_interruptions()[0])
        result = await go(agent, await carry(agent, state))
        assert (result.final_output, book.done) == ("done", [])
        assert told(agent) == {"c1": NOT_APPROVED}

    @pytest.mark.parametrize("message", ["Ask the boss.", ""])
    async def test_a_message_takes_the_place_of_the_default(
        self, go: RunIt, carry: Travel, book: Book, message: str
    ):
        agent = payments(book, 1)
        state = await paused(agent)
        state.reject(state.get_interruptions()[0], rejection_message=message)
        await go(agent, await carry(agent, state))
        assert told(agent) == {"c1": message}

    async def test_a_formatter_says_it_unless_a_message_does(self, go: RunIt, carry: Travel, book: Book):
        asked: list[Any] = []

        def words(args: Any) -> str:
            asked.append((args.kind, args.tool_name, args.call_id, args.default_message))
            return "formatted"

        config = RunConfig(tool_error_formatter=words)
        agent = payments(book, 1, 2)
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.reject(first)
        state.reject(second, rejection_message="mine")
        await go(agent, await carry(agent, state), run_config=config)
        assert told(agent) == {"c1": "formatted", "c2": "mine"}
        assert asked == [("approval_rejected", "pay", "c1", NOT_APPROVED)]


@either_way
@at_hand_or_read
class TestChangingOnesMind:
    async def test_the_latest_decision_counts(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.approve(first)
        state.reject(second, rejection_message="no")
        state = await carry(agent, state)
        first, second = state.get_interruptions()
        state.reject(first)
        state.approve(second)
        await go(agent, await carry(agent, state))
        assert told(agent) == {"c1": NOT_APPROVED, "c2": "pay 2"}
        assert book.done == [("pay", 2)]

    async def test_approving_clears_an_older_rejection_message(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        (item,) = state.get_interruptions()
        state.reject(item, rejection_message="no")
        state.approve(item)
        state.reject(item)
        await go(agent, await carry(agent, state))
        assert told(agent) == {"c1": NOT_APPROVED}

    async def test_plain_approval_takes_edited_arguments_back(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        (item,) = state.get_interruptions()
        state.decide(item, Approve(arguments={"amount": 5}))
        state.approve(item)
        await go(agent, await carry(agent, state))
        assert book.done == [("pay", 1)]


@either_way
@at_hand_or_read
class TestEditing:
    async def test_the_tool_runs_with_the_edited_arguments(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1_000)
        state = await paused(agent)
        state.decide(state.get_interruptions()[0], Approve(arguments={"amount": 5}, by="ann"))
        result = await go(agent, await carry(agent, state))
        assert (book.done, told(agent)) == ([("pay", 5)], {"c1": "pay 5"})
        # History keeps what the model asked for.
        (asked,) = [item for item in result.to_input_list() if item.get("type") == "function_call"]
        assert json.loads(str(asked.get("arguments"))) == {"amount": 1_000}
        (sent,) = [item for item in last_input(agent) if item.get("type") == "function_call"]
        assert json.loads(sent["arguments"]) == {"amount": 1_000}

    async def test_arguments_that_the_tool_cannot_take_are_told_to_the_model(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = payments(book, 1)
        state = await paused(agent)
        state.decide(state.get_interruptions()[0], Approve(arguments={"amount": "much"}))
        result = await go(agent, await carry(agent, state))
        assert (book.done, result.final_output) == ([], "done")
        assert "error" in told(agent)["c1"].lower()

    async def test_a_supplied_result_takes_the_place_of_the_tool(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        state.decide(state.get_interruptions()[0], Supply(output="paid by hand"))
        result = await go(agent, await carry(agent, state))
        assert (book.done, result.final_output) == ([], "done")
        assert told(agent) == {"c1": "paid by hand"}

    async def test_reject_gives_its_reason(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        state.decide(state.get_interruptions()[0], Reject(reason="too much", by="ann"))
        await go(agent, await carry(agent, state))
        assert told(agent) == {"c1": "too much"}


@at_hand_or_read
async def test_records_keep_who_decided_what_and_when(carry: Travel, book: Book):
    agent = payments(book, 1)
    state = await paused(agent)
    before = datetime.now(UTC)
    state.decide(state.get_interruptions()[0], Approve(arguments={"amount": 5}, by="ann"))
    result = Runner.run_streamed(agent, await carry(agent, state))
    (decided,) = [record async for record in result.records() if record.kind == "approval_decided"]
    assert (decided.data["by"], decided.data["approved"]) == ("ann", True)
    assert json.loads(decided.data["arguments"]) == {"amount": 5}
    assert abs(decided.data["at_ms"] - before.timestamp() * 1000) < 60_000


@at_hand_or_read
class TestDecisionsThatCannotBeTaken:
    async def test_a_call_that_is_not_known(self, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await carry(agent, await paused(agent))
        raw: Any = {"type": "function_call", "call_id": "zz", "name": "pay", "arguments": "{}"}
        stranger = ToolApprovalItem(agent, raw)
        for decide in (state.approve, state.reject):
            with pytest.raises(DecisionError, match="zz"):
                decide(stranger)
        with pytest.raises(DecisionError, match="zz"):
            state.decide(stranger, Supply(output="x"))
        assert issubclass(DecisionError, UserError)

    async def test_an_item_of_one_s_own_stands_for_the_call_of_its_id(self, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await carry(agent, await paused(agent))
        raw: Any = {"type": "function_call", "call_id": "c1", "name": "pay", "arguments": "{}"}
        state.approve(ToolApprovalItem(agent, raw))
        await Runner.run(agent, state)
        assert book.done == [("pay", 1)]

    async def test_a_call_that_has_settled(self, carry: Travel, book: Book):
        agent = payments(book, 1, 2)
        state = await paused(agent)
        first, _ = state.get_interruptions()
        state.approve(first)
        later = await carry(agent, (await Runner.run(agent, state)).to_state())
        assert ids(later.get_interruptions()) == ["c2"]
        with pytest.raises(DecisionError, match="c1"):
            later.reject(first)
        assert book.done == [("pay", 1)]

    async def test_a_call_of_a_run_that_has_ended(self, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = approve_all(await paused(agent))
        (item,) = state.get_interruptions()
        ended = await carry(agent, (await Runner.run(agent, state)).to_state())
        assert ended.get_interruptions() == []
        with pytest.raises(DecisionError, match="c1"):
            ended.approve(item)

    async def test_a_call_that_nobody_is_asked_about(self, carry: Travel, book: Book):
        agent = asks_for(
            calls(("pay", {"amount": 1}), ("look", {})), text(), tools=[book.payer(), book.looker()]
        )
        state = await carry(agent, await paused(agent))
        raw: Any = {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"}
        with pytest.raises(DecisionError, match="c2"):
            state.approve(ToolApprovalItem(agent, raw))


@either_way
@at_hand_or_read
class TestExpiry:
    async def test_an_expired_decision_is_not_taken_before_anything_happens(
        self, go: RunIt, carry: Travel, book: Book
    ):
        agent = payments(book, 1, 2)
        state = await paused(agent)
        first, second = state.get_interruptions()
        state.approve(second)
        state.decide(first, Approve(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        state = await carry(agent, state)
        with pytest.raises(DecisionError, match="expired"):
            await go(agent, state)
        assert (book.done, len(model_of(agent).calls)) == ([], 1)

    async def test_an_expired_decision_can_be_taken_anew(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        state.decide(
            state.get_interruptions()[0], Approve(expires_at=datetime.now(UTC) - timedelta(seconds=1))
        )
        state = await carry(agent, state)
        state.approve(state.get_interruptions()[0])
        await go(agent, state)
        assert book.done == [("pay", 1)]

    async def test_a_decision_holds_until_its_time(self, go: RunIt, carry: Travel, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        state.decide(
            state.get_interruptions()[0], Approve(expires_at=datetime.now(UTC) + timedelta(minutes=5))
        )
        await go(agent, await carry(agent, state))
        assert book.done == [("pay", 1)]


async def test_deciding_changes_neither_the_result_nor_another_state(book: Book):
    agent = payments(book, 1)
    result = await Runner.run(agent, "Hi")
    one, other = result.to_state(), result.to_state()
    one.approve(result.interruptions[0])
    unread: RunState[Any] = await travel(agent, other)
    for state in (other, unread, result.to_state()):
        again = await Runner.run(agent, state)
        assert (ids(again.interruptions), book.done) == (["c1"], [])


async def test_a_callable_is_not_asked_again_after_a_decision(book: Book):
    asked: list[Any] = []

    def ask(*given: Any) -> bool:
        asked.append(given)
        return True

    agent = asks_for(calls(("pay", {"amount": 1})), text(), tools=[book.payer(ask)])
    state = approve_all(await paused(agent))
    await Runner.run(agent, await travel(agent, state))
    assert (len(asked), book.done) == (1, [("pay", 1)])


async def test_records_tell_of_a_decision_before_the_claim(book: Book):
    agent = payments(book, 1)
    result = Runner.run_streamed(agent, approve_all(await paused(agent)))
    kinds = await kinds_of(result)
    assert kinds.index("run_resumed") < kinds.index("approval_decided") < kinds.index("tool_claimed")


class TestWhatNoRecordHolds:
    @pytest.mark.parametrize(
        ("decision", "message"),
        [
            (Supply(output={"a": 1}), "output must be a text"),  # pyright: ignore[reportArgumentType]
            (Approve(arguments='{"amount": 1}'), "arguments must be a mapping"),  # pyright: ignore[reportArgumentType]
            (Reject(reason=5), "reason must be a text"),  # pyright: ignore[reportArgumentType]
            (Approve(expires_at=5), "expires_at must be a datetime"),  # pyright: ignore[reportArgumentType]
            ("approve", "an Approve, a Reject or a Supply"),
        ],
    )
    async def test_it_is_refused_when_it_is_said(self, book: Book, decision: Any, message: str):
        agent = payments(book, 1)
        state = await paused(agent)
        with pytest.raises(DecisionError, match=message):
            state.decide(state.get_interruptions()[0], decision)
        assert ids(state.get_interruptions()) == ["c1"]

    async def test_items_are_what_is_decided_about(self, book: Book):
        agent = payments(book, 1)
        state = await paused(agent)
        with pytest.raises(DecisionError, match="not a str"):
            state.approve("c1")  # pyright: ignore[reportArgumentType]

    @pytest.mark.parametrize(
        "scope",
        [
            {"uses": 0},
            {"until": 5},
            {"where": {"amount": {"max": "9"}}},
            {"where": {"amount": {"in": "smithy"}}},
        ],
    )
    async def test_rules_that_can_never_hold_are_refused(self, book: Book, scope: Any):
        agent = payments(book, 1)
        state = await paused(agent)
        with pytest.raises(UserError):
            state.approve(state.get_interruptions()[0], **scope)
        assert state.resumption().decisions == []


async def test_a_signed_state_that_is_read_without_a_key_is_told(
    book: Book, caplog: pytest.LogCaptureFixture
):
    agent = payments(book, 1)
    written = (await paused(agent)).to_string(signing_key="k")
    await RunState.from_string(agent, written)
    assert "without signing_key" in caplog.text
