"""Responses that the server makes in the background: runs go on where a connection drops, and nothing is told twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, function_tool
from agents.exceptions import ModelStreamBroken
from agents.testing import ResponsesServer, Step
from run.scripts import RunIt, both_ways, collect

IN_BACKGROUND = ModelSettings(background=True, store=True)
WORDS = "one two three four five"


@asynccontextmanager
async def against(*steps: Any, **fields: Any) -> AsyncGenerator[tuple[Agent[Any], ResponsesServer]]:
    """An agent whose model is made in the background by a real server; its client repeats nothing."""
    async with (
        ResponsesServer(steps) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        model = OpenAIResponsesModel("m", client)
        yield Agent(name="a", model=model, model_settings=IN_BACKGROUND, **fields), server


def actions(server: ResponsesServer) -> list[str]:
    """What the stored response was asked for."""
    return [
        access.path.rpartition("/")[2] if access.method == "POST" else "stream" for access in server.accesses
    ]


@both_ways
class TestDrops:
    @pytest.mark.parametrize("after", [1, 3, 6, 9])
    async def test_a_run_outlives_a_dropped_connection(self, run: RunIt, after: int):
        async with against(Step().text(WORDS).drop(after_events=after)) as (agent, server):
            result = await run(agent)
        assert result.final_output == WORDS
        assert len(server.requests) == 1
        assert server.requests[0].is_background

    async def test_and_several_of_them(self, run: RunIt):
        step = Step().text(WORDS).drop(after_events=3)
        again = (Step().drop(after_events=5), Step().drop(after_events=5), Step().truncate(after_events=7))
        async with against(step.reattached(*again)) as (agent, server):
            result = await run(agent)
        assert (result.final_output, len(server.requests)) == (WORDS, 1)

    async def test_a_server_that_has_lost_the_response_ends_it(self, run: RunIt):
        step = Step().text(WORDS).drop(after_events=3).reattached(Step.http_error(404))
        async with against(step) as (agent, _):
            with pytest.raises(openai.NotFoundError):
                await run(agent)

    async def test_tools_run_once(self, run: RunIt):
        paid: list[int] = []

        @function_tool
        def pay(amount: int) -> str:
            paid.append(amount)
            return "paid"

        step = Step().function_call("pay", {"amount": 1}).drop(after_events=4)
        async with against(step, Step().text("done").drop(after_events=2), tools=[pay]) as (agent, _):
            result = await run(agent)
        assert (result.final_output, paid) == ("done", [1])

    async def test_a_response_that_fails_fails(self, run: RunIt):
        step = Step().text(WORDS).fail(after_events=6)
        async with against(step) as (agent, _):
            with pytest.raises(Exception, match="server_error"):
                await run(agent)


class TestEvents:
    async def test_each_is_given_once_in_order(self):
        step = Step().text(WORDS).drop(after_events=4).reattached(Step().drop(after_events=7))
        async with against(step) as (agent, _):
            result = Runner.run_streamed(agent, "Hi")
            events = [
                event.data
                for event in await collect(result.stream_events())
                if event.type == "raw_response_event"
            ]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert [event.type for event in events][:2] == ["response.created", "response.queued"]
        assert events[-1].type == "response.completed"

    async def test_cancelling_the_run_cancels_the_response(self):
        async with against(Step().text(WORDS).stall(after_events=4)) as (agent, server):
            result = Runner.run_streamed(agent, "Hi")
            async for event in result.stream_events():
                if event.type == "raw_response_event" and event.data.type == "response.output_item.added":
                    break
            result.cancel()
            assert result.run_loop_task is not None
            await result.run_loop_task
            assert "cancel" in actions(server)

    async def test_a_finished_response_is_left_alone(self):
        async with against(WORDS) as (agent, server):
            await Runner.run(agent, "Hi")
            assert actions(server) == []

    async def test_connections_that_bring_nothing_come_to_an_end(self, monkeypatch: pytest.MonkeyPatch):
        from agents.models import _background

        monkeypatch.setattr(_background, "_FIRST_DELAY_S", 0.001)
        nothing = (Step().truncate(after_events=3),) * (_background.TRIES + 1)
        step = Step().text(WORDS).truncate(after_events=3).reattached(*nothing)
        async with against(step) as (agent, server):
            with pytest.raises(ModelStreamBroken):
                await Runner.run(agent, "Hi")
            assert len([one for one in actions(server) if one == "stream"]) == _background.TRIES
