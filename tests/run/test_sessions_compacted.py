"""Runs whose session is asked to compact its history: when, with what, and what becomes of the run where that fails."""

from __future__ import annotations

import asyncio
import copy
import logging
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from agents import (
    Agent,
    HandoffInputData,
    ModelSettings,
    OpenAIResponsesCompactionArgs,
    OpenAIResponsesCompactionSession,
    OpenAIResponsesModel,
    RunConfig,
    RunContextWrapper,
    RunErrorHandlerResult,
    Runner,
    RunState,
    SessionABC,
    SessionSettings,
    SQLiteSession,
    handoff,
)
from agents.memory.session_settings import resolve_session_limit
from agents.run_config import CallModelData, ModelInputData
from agents.testing import ModelStep, ScriptedModel, Step
from agents.testing.responses_script import Access
from agents.usage import Usage
from memory.conversing import LOST, said, serving
from run.scripts import RunIt, always, both_ways, calls, look, pay, text


class Compacting(SessionABC):
    """Keeps what it is asked, and compacts nothing."""

    def __init__(self, *items: Any) -> None:
        self.session_id = "c"
        self.items: list[Any] = list(items)
        self.asked: list[OpenAIResponsesCompactionArgs] = []
        self.held: list[int] = []
        """How many items there were each time."""

        self.error: BaseException | None = None

    async def get_items(self, limit: int | None = None) -> list[Any]:
        count = resolve_session_limit(limit, self.session_settings)
        return copy.deepcopy(self.items if count is None else self.items[max(0, len(self.items) - count) :])

    async def add_items(self, items: list[Any]) -> None:
        self.items.extend(items)

    async def pop_item(self) -> Any:
        raise AssertionError("a run takes nothing away")

    async def clear_session(self) -> None:
        raise AssertionError("a run clears nothing")

    async def run_compaction(
        self,
        args: OpenAIResponsesCompactionArgs | None = None,
        *,
        wrapper: RunContextWrapper[Any] | None = None,
    ) -> None:
        # As any that asks a server.
        await asyncio.sleep(0)
        self.asked.append(args or {})
        self.held.append(len(self.items))
        if wrapper is not None:
            wrapper.usage.add(Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15))
        if self.error is not None:
            raise self.error


def answered(step: list[Any], response_id: str) -> ModelStep:
    return ModelStep(output=step, response_id=response_id)


def agent_of(*steps: Any, **fields: Any) -> Agent[Any]:
    return Agent(name="a", model=ScriptedModel(steps), tools=[look, pay], **fields)


@both_ways
class TestWhen:
    async def test_it_is_asked_when_the_final_message_is_there(self, run: RunIt):
        session = Compacting()
        agent = agent_of(answered(calls(("look", {})), "r1"), answered(text(), "r2"))
        await run(agent, "Hi", session=session)
        assert session.asked == [{"response_id": "r2"}]
        assert session.held == [4]

    @pytest.mark.parametrize("store", [True, False])
    async def test_it_is_told_whether_the_response_is_stored(self, run: RunIt, store: bool):
        session = Compacting()
        agent = agent_of(answered(text(), "r1"), model_settings=ModelSettings(store=store))
        await run(agent, "Hi", session=session)
        assert session.asked == [{"response_id": "r1", "store": store}]

    async def test_outputs_that_no_response_has_seen_put_it_off(self, run: RunIt):
        session = Compacting()
        ends = agent_of(calls(("look", {})), tool_use_behavior="stop_on_first_tool")
        assert (await run(ends, "Hi", session=session)).final_output == "seen"
        assert session.asked == []
        await run(agent_of(answered(text(), "r2")), "And?", session=session)
        assert session.asked == [{"response_id": "r2"}]
        assert session.held == [5]

    async def test_a_question_puts_it_off_until_it_is_answered(self, run: RunIt):
        session = Compacting()
        agent = agent_of(answered(calls(("pay", {"amount": 1})), "r1"), answered(text(), "r2"))
        state = (await run(agent, "Hi", session=session)).to_state()
        assert session.asked == []
        state = await RunState.from_string(agent, state.to_string())
        state.approve(state.get_interruptions()[0])
        await run(agent, state, session=session)
        assert session.asked == [{"response_id": "r2"}]

    async def test_a_message_that_no_model_gave_puts_it_off(self, run: RunIt):
        session = Compacting()
        agent = agent_of(text("no number"), output_type=int)
        handlers = {"invalid_final_output": always(RunErrorHandlerResult(3))}
        result = await run(agent, "Hi", session=session, error_handlers=handlers)
        assert result.final_output == 3
        assert len(session.items) == 3
        assert session.asked == []

    async def test_an_agent_as_a_tool_has_its_own_compacted(self, run: RunIt):
        own, session = Compacting(), Compacting()
        inner = agent_of(answered(text("inner"), "r-inner"))
        agent = agent_of(calls(("ask", {"input": "x"})), answered(text(), "r2"))
        agent.tools = [inner.as_tool("ask", "Ask.", session=own)]
        result = await run(agent, "Hi", session=session)
        assert (own.asked, session.asked) == ([{"response_id": "r-inner"}], [{"response_id": "r2"}])
        assert result.context_wrapper.usage.requests == 3 + 2


@both_ways
class TestUsage:
    async def test_what_it_used_is_the_runs(self, run: RunIt):
        result = await run(agent_of(text()), "Hi", session=Compacting())
        alone = await run(agent_of(text()), "Hi")
        spent, usual = result.context_wrapper.usage, alone.context_wrapper.usage
        assert spent.requests == usual.requests + 1
        assert spent.total_tokens == usual.total_tokens + 15

    async def test_also_where_it_failed_after_that(self, run: RunIt):
        session = Compacting()
        session.error = ConnectionError("away")
        result = await run(agent_of(text()), "Hi", session=session)
        assert result.context_wrapper.usage.requests == 2


async def test_what_it_used_before_the_run_was_cancelled_is_the_runs():
    spent = asyncio.Event()

    class Slow(Compacting):
        async def run_compaction(
            self, args: OpenAIResponsesCompactionArgs | None = None, *, wrapper: Any = None
        ) -> None:
            await super().run_compaction(args, wrapper=wrapper)
            spent.set()
            await asyncio.Event().wait()

    context = RunContextWrapper[Any](None)
    result = Runner.run_streamed(agent_of(text()), "Hi", session=Slow(), context=context)
    await spent.wait()
    result.cancel()
    assert result.run_loop_task is not None
    await result.run_loop_task
    assert context.usage.requests == 2


SKIPPED = "Session history was retained"


@both_ways
class TestHiddenItems:
    """A compaction of the response would lose what its model was not shown."""

    async def check(
        self,
        run: RunIt,
        caplog: pytest.LogCaptureFixture,
        is_asked: bool,
        session: Compacting,
        **options: Any,
    ) -> None:
        agent = options.pop("agent", None) or agent_of(answered(text(), "r1"))
        with caplog.at_level(logging.WARNING):
            await run(agent, "Hi", session=session, **options)
        assert bool(session.asked) is is_asked
        assert (SKIPPED in caplog.text) is not is_asked

    @pytest.mark.parametrize(("limit", "is_asked"), [(1, False), (2, False), (3, True), (None, True)])
    async def test_by_a_limit(
        self, run: RunIt, caplog: pytest.LogCaptureFixture, limit: int | None, is_asked: bool
    ):
        session = Compacting(*said("one", "two"))
        session.session_settings = SessionSettings(limit=limit)
        await self.check(run, caplog, is_asked, session)

    @pytest.mark.parametrize("is_asked", [True, False])
    async def test_by_a_callback(self, run: RunIt, caplog: pytest.LogCaptureFixture, is_asked: bool):
        def merge(history: list[Any], new: list[Any]) -> list[Any]:
            return [*history, *new] if is_asked else new

        config = RunConfig(session_input_callback=merge)
        await self.check(run, caplog, is_asked, Compacting(*said("one")), run_config=config)

    @pytest.mark.parametrize("is_asked", [True, False])
    async def test_by_a_filter_of_the_input(
        self, run: RunIt, caplog: pytest.LogCaptureFixture, is_asked: bool
    ):
        def narrow(data: CallModelData[Any]) -> ModelInputData:
            items = data.model_data.input
            more: list[Any] = [*items, *said("more")]
            return ModelInputData(more if is_asked else items[-1:], data.model_data.instructions)

        config = RunConfig(call_model_input_filter=narrow)
        await self.check(run, caplog, is_asked, Compacting(*said("one")), run_config=config)

    @pytest.mark.parametrize("is_asked", [True, False])
    async def test_by_a_filter_of_a_handoff(
        self, run: RunIt, caplog: pytest.LogCaptureFixture, is_asked: bool
    ):
        def forget(data: HandoffInputData) -> HandoffInputData:
            return data.clone(input_history=())

        target = agent_of(answered(text(), "r2"))
        target.name = "b"
        first = agent_of(calls(("transfer_to_b", {})))
        first.handoffs = [target if is_asked else handoff(target, input_filter=forget)]
        await self.check(run, caplog, is_asked, Compacting(*said("one")), agent=first)

    async def test_ids_of_reasoning_that_are_left_out_hide_nothing(
        self, run: RunIt, caplog: pytest.LogCaptureFixture
    ):
        thought: Any = {"type": "reasoning", "id": "rs_1", "summary": []}
        config = RunConfig(reasoning_item_id_policy="omit")
        await self.check(run, caplog, True, Compacting(thought), run_config=config)


@both_ways
class TestFailing:
    async def test_the_result_and_the_history_are_kept_and_it_is_told(
        self, run: RunIt, caplog: pytest.LogCaptureFixture
    ):
        session = Compacting()
        session.error = ConnectionError("the server is away")
        with caplog.at_level(logging.WARNING):
            result = await run(agent_of(text("done")), "Hi", session=session)
        assert result.final_output == "done"
        assert len(session.items) == 2
        assert "could not be compacted" in caplog.text
        assert "the server is away" in caplog.text

    async def test_killed_meanwhile_it_is_asked_again(self, run: RunIt):
        begun = asyncio.Event()

        class Slow(Compacting):
            async def run_compaction(
                self, args: OpenAIResponsesCompactionArgs | None = None, **wrapper: Any
            ) -> None:
                if not begun.is_set():
                    begun.set()
                    await asyncio.Event().wait()
                await super().run_compaction(args, **wrapper)

        agent, session = agent_of(answered(text("done"), "r1")), Slow()
        result = Runner.run_streamed(agent, "Hi", session=session)
        await begun.wait()
        written = result.to_state().to_string()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert session.asked == []
        again = await run(agent, await RunState.from_string(agent, written), session=session)
        assert again.final_output == "done"
        assert session.asked == [{"response_id": "r1"}]
        assert len(session.items) == 2

    @pytest.mark.parametrize("is_given_another", [True, False])
    async def test_resumed_without_the_session_nobody_is_asked(self, run: RunIt, is_given_another: bool):
        session = Compacting()
        begun = asyncio.Event()

        class Slow(Compacting):
            async def run_compaction(self, *_: Any, **__: Any) -> None:
                begun.set()
                await asyncio.Event().wait()

        agent = agent_of(answered(text("done"), "r1"))
        result = Runner.run_streamed(agent, "Hi", session=Slow())
        await begun.wait()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        other = SQLiteSession("other") if is_given_another else None
        assert (await run(agent, result.to_state(), session=other)).final_output == "done"
        assert session.asked == []
        if other is not None:
            other.close()


@both_ways
class TestOnTheServer:
    async def test_a_long_conversation_is_compacted_and_goes_on(self, run: RunIt, tmp_path: Path):
        script = [*[f"answer {number}" for number in range(10)], "and on"]
        async with serving(*script) as (server, client):
            underlying = SQLiteSession("s", tmp_path / "s.db")
            session = OpenAIResponsesCompactionSession("s", underlying, client=client)
            agent = Agent(name="a", model=OpenAIResponsesModel("m", client))
            results = [await run(agent, f"question {number}", session=session) for number in range(10)]
            (compaction,) = server.accesses
            assert compaction.body == {"model": "gpt-4.1", "previous_response_id": "resp_10"}
            assert [result.context_wrapper.usage.requests for result in results] == [*[1] * 9, 2]
            items: list[Any] = list(await underlying.get_items())
            assert [item["type"] for item in items] == ["compaction"]
            await run(agent, "And on?", session=session)
            shown = server.requests[-1].input
            assert [item.get("type", "message") for item in shown] == ["compaction", "message"]
            assert len(await underlying.get_items()) == 3
            underlying.close()

    @pytest.mark.parametrize("step", [Step.http_error(400), LOST])
    async def test_a_server_that_fails_loses_nothing(
        self, run: RunIt, step: Step, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ):
        def judge(_: Access) -> Step:
            return step

        async with serving("done", on_access=judge) as (_, client):
            underlying = SQLiteSession("s", tmp_path / "s.db")
            session = OpenAIResponsesCompactionSession(
                "s",
                underlying,
                client=client.with_options(max_retries=0),
                should_trigger_compaction=always(True),
            )
            agent = Agent(name="a", model=OpenAIResponsesModel("m", client))
            with caplog.at_level(logging.WARNING):
                result = await run(agent, "Hi", session=session)
            assert result.final_output == "done"
            assert len(await underlying.get_items()) == 2
            assert SKIPPED in caplog.text
            underlying.close()


@both_ways
class TestWhatTheResponseWasNotShown:
    """It is in the session, and a compaction of the response would lose it."""

    async def test_what_was_there_when_the_session_was_given_only_on_resuming(
        self, run: RunIt, tmp_path: Path
    ):
        async with serving(Step().function_call("pay", {"amount": 1}), "done") as (server, client):
            underlying = SQLiteSession("s", tmp_path / "s.db")
            await underlying.add_items(said("earlier"))
            session = compacting(underlying, client)
            agent = Agent(name="a", model=OpenAIResponsesModel("m", client), tools=[pay])
            state = (await run(agent, "Hi")).to_state()
            state.approve(state.get_interruptions()[0])
            await run(agent, state, session=session)
            (compaction,) = server.accesses
            assert compaction.body is not None
            assert [item.get("content") for item in compaction.body["input"]][:2] == ["earlier", "Hi"]
            underlying.close()

    async def test_what_another_run_added_meanwhile(self, run: RunIt, tmp_path: Path):
        async with serving("first", "second") as (server, client):
            underlying, elsewhere = (SQLiteSession("s", tmp_path / "s.db") for _ in range(2))

            async def other(_: Any, __: Any) -> str:
                await run(agent_of(text("in between")), "Other", session=elsewhere)
                return "Be brief."

            agent = Agent(name="a", model=OpenAIResponsesModel("m", client), instructions=other)
            await run(agent, "Hi", session=compacting(underlying, client))
            (compaction,) = server.accesses
            assert compaction.body is not None
            assert [item.get("content") for item in compaction.body["input"]][:2] == ["Hi", "Other"]
            underlying.close()
            elsewhere.close()

    async def test_what_a_run_in_a_tool_left_in_the_same_session(self, run: RunIt, tmp_path: Path):
        script = [Step().function_call("ask", {"input": "x"}), "inner", "outer"]
        async with serving(*script) as (server, client):
            underlying = SQLiteSession("s", tmp_path / "s.db")
            session = compacting(underlying, client)
            model = OpenAIResponsesModel("m", client)
            inner = Agent(name="b", model=model)
            agent = Agent(name="a", model=model, tools=[inner.as_tool("ask", "Ask.", session=session)])
            await run(agent, "Hi", session=session)
            bodies = [access.body or {} for access in server.accesses]
            assert bodies[0] == {"model": "gpt-4.1", "previous_response_id": "resp_2"}
            kinds = [item.get("type") for item in bodies[1]["input"]]
            assert kinds == ["compaction", "function_call", "function_call_output", "message"]
            underlying.close()


def compacting(underlying: SQLiteSession, client: AsyncOpenAI) -> OpenAIResponsesCompactionSession:
    """Compacts whenever it is asked."""
    trigger = always(True)
    return OpenAIResponsesCompactionSession("s", underlying, client=client, should_trigger_compaction=trigger)
