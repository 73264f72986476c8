"""Runs with a session: what is read, what is added and when, and what a failing run leaves there."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    RunState,
    UserError,
    function_tool,
)
from agents.memory import SessionABC
from agents.testing import ScriptedModel
from run.scripts import RunIt, always, both_ways, calls, gated, look, pay, reasoning, text


class Notebook(SessionABC):
    """A session that remembers each addition apart."""

    session_settings: Any = None

    def __init__(self, *items: Any) -> None:
        self.session_id = "n"
        self.batches: list[list[Any]] = [list(items)] if items else []
        self.reads: list[int | None] = []
        self.failing = 0

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]

    async def get_items(self, limit: int | None = None) -> list[Any]:
        self.reads.append(limit)
        items = self.items
        return copy.deepcopy(items if limit is None else items[max(0, len(items) - limit) :])

    async def add_items(self, items: list[Any]) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the session is away")
        # As any that does its work elsewhere.
        await asyncio.sleep(0)
        self.batches.append(list(items))

    async def pop_item(self) -> Any:
        raise AssertionError("a run takes nothing away")

    async def clear_session(self) -> None:
        raise AssertionError("a run clears nothing")


def kinds(items: list[Any]) -> list[str]:
    return [str(item.get("type") or item["role"]) for item in items]


def user(words: str) -> Any:
    return {"role": "user", "content": words}


def agent_of(*steps: Any, **fields: Any) -> tuple[Agent[Any], ScriptedModel]:
    model = ScriptedModel(steps)
    return Agent(name="a", model=model, tools=[look, pay], **fields), model


def trips(is_input: bool, *, blocking: bool = False) -> Any:
    def check(*_: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, True)

    return InputGuardrail(check, run_in_parallel=not blocking) if is_input else OutputGuardrail(check)


@both_ways
class TestConversation:
    async def test_each_turn_is_added_in_a_call_of_its_own(self, run: RunIt):
        agent, _ = agent_of(calls(("look", {})), text())
        book = Notebook()
        await run(agent, "Hi", session=book)
        assert [kinds(batch) for batch in book.batches] == [
            ["user"],
            ["function_call", "function_call_output"],
            ["message"],
        ]

    async def test_the_next_run_sees_it_before_its_own_input(self, run: RunIt):
        agent, model = agent_of(text("one"), text("two"))
        book = Notebook()
        await run(agent, "first", session=book)
        result = await run(agent, [user("second")], session=book)
        sent: Any = model.calls[1].input
        assert kinds(sent) == ["user", "message", "user"]
        assert kinds(book.items) == ["user", "message", "user", "message"]
        assert result.input == [user("second")]
        assert kinds(result.to_input_list()) == ["user", "message"]

    async def test_without_a_session_nothing_is_kept(self, run: RunIt):
        agent, model = agent_of(text("one"), text("two"))
        await run(agent, "first")
        await run(agent, "second")
        assert kinds(list(model.calls[1].input)) == ["user"]

    async def test_a_session_that_is_false_is_one(self, run: RunIt):
        class Shy(Notebook):
            def __bool__(self) -> bool:
                return False

        agent, _ = agent_of(text())
        book = Shy()
        await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user", "message"]

    @pytest.mark.parametrize(
        "managed",
        [{"conversation_id": "c"}, {"previous_response_id": "r"}, {"auto_previous_response_id": True}],
    )
    async def test_the_server_and_a_session_cannot_both_keep_it(self, run: RunIt, managed: Any):
        agent, model = agent_of(text())
        with pytest.raises(UserError, match="Session persistence"):
            await run(agent, "Hi", session=Notebook(), **managed)
        assert model.calls == ()

    async def test_handoffs_are_kept_whole(self, run: RunIt):
        other, _ = agent_of(text("b here"))
        other.name = "b"
        agent, _ = agent_of(calls(("transfer_to_b", {}, "h")), handoffs=[other])
        book = Notebook(user("before"))
        config = RunConfig(nest_handoff_history=True)
        await run(agent, "Hi", session=book, run_config=config)
        assert kinds(book.items) == ["user", "user", "function_call", "function_call_output", "message"]
        nested: Any = other.model
        assert "before" in str(nested.calls[0].input)


@both_ways
class TestLimits:
    async def test_they_are_the_sessions_unless_the_run_says_otherwise(self, run: RunIt):
        book = Notebook(*(user(str(number)) for number in range(5)))
        book.session_settings = {"limit": 3}
        agent, model = agent_of(text(), text())
        await run(agent, "Hi", session=book)
        await run(agent, "Hi", session=book, run_config=RunConfig(session_settings={"limit": 1}))
        assert book.reads == [3, 1]
        assert [len(call.input) for call in model.calls] == [4, 2]

    async def test_half_a_pair_is_left_out_of_what_the_model_sees(self, run: RunIt):
        call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}
        output = {"type": "function_call_output", "call_id": "c", "output": "seen"}
        lonely = {"type": "function_call", "call_id": "x", "name": "look", "arguments": "{}"}
        book = Notebook(user("a"), call, output, lonely)
        agent, model = agent_of(text())
        await run(agent, "Hi", session=book, run_config=RunConfig(session_settings={"limit": 2}))
        assert kinds(list(model.calls[0].input)) == ["user"]
        assert kinds(book.items)[:4] == ["user", "function_call", "function_call_output", "function_call"]


@both_ways
class TestCallback:
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_it_decides_what_the_model_sees_and_only_new_items_are_kept(
        self, run: RunIt, is_async: bool
    ):
        def merged(history: list[Any], new: list[Any]) -> list[Any]:
            return [user("in between"), *history[-1:], *new]

        async def merged_later(history: list[Any], new: list[Any]) -> list[Any]:
            return merged(history, new)

        book = Notebook(user("a"), user("b"))
        agent, model = agent_of(text())
        callback: Any = merged_later if is_async else merged
        await run(agent, "Hi", session=book, run_config=RunConfig(session_input_callback=callback))
        assert model.calls[0].input == [user("in between"), user("b"), user("Hi")]
        assert book.batches[1] == [user("in between"), user("Hi")]

    async def test_anything_but_a_list_is_refused(self, run: RunIt):
        agent, _ = agent_of(text())
        config = RunConfig(session_input_callback=always("no"))
        with pytest.raises(UserError, match="session_input_callback must return a list"):
            await run(agent, "Hi", session=Notebook(), run_config=config)


@both_ways
class TestFailures:
    @pytest.mark.parametrize("blocking", [False, True])
    async def test_a_refused_input_leaves_the_users_item(self, run: RunIt, blocking: bool):
        agent, _ = agent_of(text(), input_guardrails=[trips(True, blocking=blocking)])
        book = Notebook()
        with pytest.raises(InputGuardrailTripwireTriggered):
            await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user"]

    @pytest.mark.parametrize(
        ("step", "kept"),
        [
            (text(), []),
            ([reasoning(), *text()], []),
            (calls(("look", {})), ["function_call", "function_call_output"]),
            ([*text("well"), *calls(("look", {}))], ["function_call", "function_call_output"]),
            ([reasoning(), *calls(("look", {}))], []),
        ],
    )
    async def test_a_refused_output_leaves_what_was_carried_out(self, run: RunIt, step: Any, kept: list[str]):
        agent, _ = agent_of(step, output_guardrails=[trips(False)], tool_use_behavior="stop_on_first_tool")
        book = Notebook()
        with pytest.raises(OutputGuardrailTripwireTriggered):
            await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user", *kept]

    async def test_a_guardrail_that_breaks_leaves_the_whole_turn(self, run: RunIt):
        def broken(*_: Any) -> GuardrailFunctionOutput:
            raise ValueError("no verdict")

        agent, _ = agent_of(text(), output_guardrails=[OutputGuardrail(broken)])
        book = Notebook()
        with pytest.raises(ValueError, match="no verdict"):
            await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user", "message"]

    async def test_and_what_then_fails_to_be_kept_is_told_with_it(self, run: RunIt):
        book = Notebook()

        def broken(*_: Any) -> GuardrailFunctionOutput:
            book.failing = 1
            raise ValueError("no verdict")

        agent, _ = agent_of(text(), output_guardrails=[OutputGuardrail(broken)])
        with pytest.raises(ConnectionError) as caught:
            await run(agent, "Hi", session=book)
        assert isinstance(caught.value.__context__, ValueError)

    async def test_a_batch_of_tools_that_fails_leaves_whole_pairs(self, run: RunIt):
        looked = asyncio.Event()

        @function_tool
        async def first() -> str:
            looked.set()
            return "seen"

        @function_tool(failure_error_function=None)
        async def second() -> str:
            await looked.wait()
            await asyncio.sleep(0)
            raise ValueError("broken")

        agent, _ = agent_of(calls(("first", {}), ("second", {})))
        agent.tools = [first, second]
        book = Notebook()
        with pytest.raises(Exception, match="broken"):
            await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user", "function_call", "function_call_output"]
        assert book.items[1]["call_id"] == book.items[2]["call_id"] == "c1"

    async def test_a_failing_model_leaves_the_turns_before(self, run: RunIt):
        agent, _ = agent_of(calls(("look", {})), ValueError("broken"))
        book = Notebook()
        with pytest.raises(ValueError, match="broken"):
            await run(agent, "Hi", session=book)
        assert kinds(book.items) == ["user", "function_call", "function_call_output"]

    async def test_running_out_of_turns_leaves_them_too(self, run: RunIt):
        agent, _ = agent_of(calls(("look", {})), calls(("look", {}, "c2")))
        book = Notebook()
        with pytest.raises(MaxTurnsExceeded):
            await run(agent, "Hi", session=book, max_turns=2)
        assert len(book.items) == 5

    async def test_a_handlers_output_is_kept_once(self, run: RunIt):
        agent, _ = agent_of(calls(("look", {})))
        book = Notebook()
        handlers: Any = {"max_turns": always("enough")}
        result = await run(agent, "Hi", session=book, max_turns=1, error_handlers=handlers)
        assert result.final_output == "enough"
        assert kinds(book.items) == ["user", "function_call", "function_call_output", "message"]

    @pytest.mark.parametrize("after", [0, 1, 2])
    async def test_a_failing_session_fails_the_run(self, run: RunIt, after: int):
        class Failing(Notebook):
            async def add_items(self, items: list[Any]) -> None:
                if len(self.batches) == after:
                    raise ConnectionError("the session is away")
                await super().add_items(items)

        agent, model = agent_of(calls(("look", {})), text())
        book = Failing()
        with pytest.raises(ConnectionError):
            await run(agent, "Hi", session=book)
        assert len(model.calls) == min(after, 2)
        assert len(book.batches) == after


class TestCancelling:
    async def test_after_the_turn_the_turn_is_kept(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, model = agent_of(gated(gate, calls(("look", {})), asked), text())
        book = Notebook()
        result = Runner.run_streamed(agent, "Hi", session=book)
        await asked.wait()
        result.cancel("after_turn")
        gate.set()
        async for _ in result.stream_events():
            pass
        assert kinds(book.items) == ["user", "function_call", "function_call_output"]
        assert len(model.calls) == 1
        again = Runner.run_streamed(agent, result.to_state(), session=book)
        async for _ in again.stream_events():
            pass
        assert kinds(book.items) == ["user", "function_call", "function_call_output", "message"]

    async def test_at_once_nothing_half_done_is_kept(self):
        gate, asked = asyncio.Event(), asyncio.Event()
        agent, _ = agent_of(gated(gate, text(), asked))
        book = Notebook()
        result = Runner.run_streamed(agent, "Hi", session=book)
        await asked.wait()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert kinds(book.items) == ["user"]


@both_ways
class TestPauses:
    @pytest.mark.parametrize("is_read", [False, True])
    async def test_a_turn_that_waits_is_kept_when_it_is_settled(self, run: RunIt, is_read: bool):
        agent, _ = agent_of(calls(("pay", {"amount": 1}), ("look", {})), text())
        book = Notebook()
        state = (await run(agent, "Hi", session=book)).to_state()
        assert kinds(book.items) == ["user"]
        if is_read:
            state = await RunState.from_string(agent, state.to_string())
        state.approve(state.get_interruptions()[0])
        await run(agent, state, session=book)
        assert [kinds(batch) for batch in book.batches] == [
            ["user"],
            ["function_call", "function_call", "function_call_output", "function_call_output"],
            ["message"],
        ]

    async def test_resumed_without_it_and_then_with_it_nothing_is_missing(self, run: RunIt):
        agent, _ = agent_of(calls(("pay", {"amount": 1})), calls(("pay", {"amount": 2}, "c2")), text())
        book = Notebook()
        state = (await run(agent, "Hi", session=book)).to_state()
        state.approve(state.get_interruptions()[0])
        state = (await run(agent, state)).to_state()
        assert kinds(book.items) == ["user"]
        state.approve(state.get_interruptions()[0])
        await run(agent, state, session=book)
        assert kinds(book.items) == ["user", *["function_call", "function_call_output"] * 2, "message"]

    @pytest.mark.parametrize("was_made", [False, True])
    async def test_an_addition_that_nobody_acknowledged_is_looked_for_first(self, run: RunIt, was_made: bool):
        """The process dies in the middle of an addition."""
        adding, never = asyncio.Event(), asyncio.Event()

        class Slow(Notebook):
            async def add_items(self, items: list[Any]) -> None:
                if len(self.batches) == 1 and not adding.is_set():
                    if was_made:
                        await super().add_items(items)
                    adding.set()
                    await never.wait()
                await super().add_items(items)

        agent, _ = agent_of(calls(("look", {})), text())
        book = Slow()
        result = Runner.run_streamed(agent, "Hi", session=book)
        await adding.wait()
        written = result.to_state().to_string()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        state = await RunState.from_string(agent, written)
        await run(agent, state, session=book)
        assert kinds(book.items) == ["user", "function_call", "function_call_output", "message"]

    @pytest.mark.parametrize("was_made", [False, True])
    async def test_what_was_said_before_is_not_taken_for_an_addition(self, run: RunIt, was_made: bool):
        adding, never = asyncio.Event(), asyncio.Event()

        class Slow(Notebook):
            async def add_items(self, items: list[Any]) -> None:
                if adding.is_set() or was_made:
                    await super().add_items(items)
                if not adding.is_set():
                    adding.set()
                    await never.wait()

        agent, _ = agent_of(text())
        book = Slow({"content": "Hi", "role": "user"})
        result = Runner.run_streamed(agent, "Hi", session=book)
        await adding.wait()
        written = result.to_state().to_string()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        await run(agent, await RunState.from_string(agent, written), session=book)
        assert kinds(book.items) == ["user", "user", "message"]


@both_ways
async def test_an_agent_as_a_tool_may_have_a_session_of_its_own(run: RunIt):
    inner, _ = agent_of(text("inner"))
    book, own = Notebook(), Notebook()
    agent, _ = agent_of(calls(("ask", {"input": "x"})), text())
    agent.tools = [inner.as_tool("ask", "Ask.", session=own)]
    await run(agent, "Hi", session=book)
    assert kinds(own.items) == ["user", "message"]
    assert kinds(book.items) == ["user", "function_call", "function_call_output", "message"]


@both_ways
async def test_a_session_that_wants_the_context_gets_it(run: RunIt):
    seen: list[Any] = []

    class Knowing(Notebook):
        async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Any]:
            seen.append(wrapper.context)
            return await super().get_items(limit)

        async def add_items(self, items: list[Any], *, wrapper: Any = None) -> None:
            seen.append(wrapper.context)
            await super().add_items(items)

        async def pop_item(self, *, wrapper: Any = None) -> Any:
            return await super().pop_item()

    agent, _ = agent_of(text())
    await run(agent, "Hi", session=Knowing(), context={"user": 1})
    assert seen == [{"user": 1}] * 3
