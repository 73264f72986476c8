"""Runs whose session is a conversation on the server: paused, resumed, failing, dying, both ways."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents import Agent, OpenAIConversationsSession, OpenAIResponsesModel, Runner, RunState
from agents.testing import ResponsesServer, Step
from agents.testing.responses_script import Access
from memory.conversing import LOST, is_add, many, nth_add, plain, serving
from run.scripts import RunIt, both_ways, look, pay


def agent_of(client: AsyncOpenAI) -> Agent[Any]:
    return Agent(name="a", model=OpenAIResponsesModel("m", client), tools=[look, pay])


def session_of(client: AsyncOpenAI, conversation_id: str | None = None) -> OpenAIConversationsSession:
    return OpenAIConversationsSession(conversation_id=conversation_id, openai_client=client)


async def kinds(client: AsyncOpenAI, session: OpenAIConversationsSession) -> list[str]:
    items: list[Any] = list(await session_of(client, session.session_id).get_items())
    return [str(item["role"] if item["type"] == "message" else item["type"]) for item in items]


def batches(server: ResponsesServer) -> list[int]:
    return [len((access.body or {})["items"]) for access in server.accesses if is_add(access)]


CALL = Step().reasoning("Hm.").function_call("look", call_id="c1")


@both_ways
class TestConversation:
    async def test_each_turn_is_added_and_the_next_run_sees_it(self, run: RunIt):
        async with serving(CALL, "one", "two") as (server, client):
            session = session_of(client)
            await run(agent_of(client), "first", session=session)
            assert batches(server) == [1, 3, 1]
            await run(agent_of(client), "second", session=session)
            assert await kinds(client, session) == [
                "user",
                "reasoning",
                "function_call",
                "function_call_output",
                "assistant",
                "user",
                "assistant",
            ]
            shown = server.requests[2].input
            assert [item.get("type", "message") for item in shown] == [
                "message",
                "reasoning",
                "function_call",
                "function_call_output",
                "message",
                "message",
            ]
            assert [item["id"] for item in shown if "id" in item] == [shown[1]["id"]], (
                "only reasoning has one"
            )

    async def test_paused_and_resumed_elsewhere_each_item_is_there_once(self, run: RunIt):
        step = Step().function_call("pay", {"amount": 1}, call_id="c1").function_call("look", call_id="c2")
        async with serving(step, "done") as (_, client):
            session = session_of(client)
            state = (await run(agent_of(client), "Hi", session=session)).to_state()
            assert await kinds(client, session) == ["user"]
            state = await RunState.from_string(agent_of(client), state.to_string())
            state.approve(state.get_interruptions()[0])
            await run(agent_of(client), state, session=session_of(client, session.session_id))
            outputs = ["function_call_output", "function_call_output"]
            assert await kinds(client, session) == [
                "user",
                "function_call",
                "function_call",
                *outputs,
                "assistant",
            ]


@both_ways
class TestFailing:
    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_a_lost_acknowledgement_loses_and_doubles_nothing(self, run: RunIt, number: int):
        async with serving(CALL, "done", on_access=nth_add(number, LOST)) as (server, client):
            session = session_of(client)
            result = await run(agent_of(client), "Hi", session=session)
            assert result.final_output == "done"
            assert batches(server) == [1, 3, 1]
            assert len(await kinds(client, session)) == 5

    @pytest.mark.parametrize("number", [1, 2, 3])
    async def test_a_server_that_fails_fails_the_run_and_leaves_whole_batches(self, run: RunIt, number: int):
        async with serving(CALL, "done", on_access=nth_add(number, Step.http_error(500))) as (_, client):
            session = session_of(client)
            with pytest.raises(openai.InternalServerError):
                await run(agent_of(client), "Hi", session=session)
            assert len(await kinds(client, session)) == [0, 1, 4][number - 1]

    async def test_of_a_large_input_whose_second_part_fails_nothing_stays(self, run: RunIt):
        async with serving("done", on_access=nth_add(2, Step.http_error(500))) as (server, client):
            session = session_of(client)
            with pytest.raises(openai.InternalServerError):
                await run(agent_of(client), many(45), session=session)
            assert await kinds(client, session) == []
            assert server.requests == ()


@both_ways
@pytest.mark.parametrize("part", [1, 2, 3])
async def test_a_process_that_dies_between_two_parts_adds_the_others_when_it_is_resumed(
    run: RunIt, part: int
) -> None:
    reached, written, is_dead = asyncio.Event(), asyncio.Event(), [False]
    adds: list[Access] = []

    async def judge(access: Access) -> Step | None:
        if is_add(access):
            adds.append(access)
            if len(adds) == part:
                reached.set()
                await written.wait()
        # Who is dead says nothing any more: its requests do not come.
        return Step.http_error(403) if is_dead[0] else None

    async with serving("done", on_access=judge) as (server, client):
        session = session_of(client)
        result = Runner.run_streamed(agent_of(client), many(45), session=session)
        await reached.wait()
        state = result.to_state().to_string()
        is_dead[0] = True
        written.set()
        result.cancel()
        assert result.run_loop_task is not None
        await result.run_loop_task
        is_dead[0] = False
        before = batches(server)
        again = await RunState.from_string(agent_of(client), state)
        conversation = session_of(client, session.session_id)
        assert (await run(agent_of(client), again, session=conversation)).final_output == "done"
        items = await conversation.get_items()
        assert plain(items[:45]) == many(45)
        assert len(items) == 46
        assert batches(server)[len(before) :] == [*[20, 20, 5][part - 1 :], 1]


async def test_cancelled_in_the_middle_of_an_addition_it_goes_on_where_it_stopped() -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def judge(access: Access) -> None:
        if is_add(access) and not reached.is_set():
            reached.set()
            await go_on.wait()

    async with serving("done", on_access=judge) as (server, client):
        session = session_of(client)
        result = Runner.run_streamed(agent_of(client), "Hi", session=session)
        await reached.wait()
        result.cancel()
        go_on.set()
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert await kinds(client, session) == ["user"]
        again = await Runner.run(agent_of(client), result.to_state(), session=session)
        assert again.final_output == "done"
        assert batches(server) == [1, 1]
        assert await kinds(client, session) == ["user", "assistant"]
