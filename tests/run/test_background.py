"""Responses that the server makes in the background: runs go on where a connection drops, and nothing is told twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from agents import (
    Agent,
    ModelBehaviorError,
    ModelSettings,
    OpenAIResponsesModel,
    Runner,
    RunResultStreaming,
    function_tool,
)
from agents.exceptions import ModelResponseFailed, ModelStreamBroken
from agents.models import _background
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


@both_ways
class TestServers:
    async def test_one_that_is_away_for_a_moment_is_asked_again(
        self, run: RunIt, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(_background, "_FIRST_DELAY_S", 0.001)
        step = Step().text(WORDS).drop(after_events=3)
        away = (Step.http_error(503), Step.http_error(429, retry_after_s=0.001), Step.http_error(500))
        async with against(step.reattached(*away)) as (agent, _):
            assert (await run(agent)).final_output == WORDS

    async def test_all_requests_about_a_response_have_the_headers_of_the_first(self, run: RunIt):
        settings = ModelSettings(background=True, extra_headers={"x-tenant": "7"}, extra_query={"v": "2"})
        async with against(Step().text(WORDS).drop(after_events=3)) as (agent, server):
            agent.model_settings = settings
            await run(agent)
        (access,) = server.accesses
        assert (access.headers["x-tenant"], access.query["v"]) == ("7", "2")

    async def test_a_response_that_is_given_up_is_cancelled(self, run: RunIt):
        async with against(Step().text(WORDS).invalid_json(after_events=5)) as (agent, server):
            with pytest.raises(ModelBehaviorError):
                await run(agent)
            assert actions(server) == ["cancel"]

    async def test_an_error_without_a_number_is_told(self, run: RunIt):
        events: list[Any] = [
            {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_9", "output": []}},
            {
                "type": "response.in_progress",
                "sequence_number": 1,
                "response": {"id": "resp_9", "output": []},
            },
            {"type": "error", "error": {"code": "server_error", "message": "boo"}},
        ]
        async with against(Step.recorded(events).paced(events_per_write=1)) as (agent, _):
            with pytest.raises(ModelResponseFailed, match="boo"):
                await run(agent)

    @pytest.mark.parametrize("number", [{}, {"sequence_number": 0}])
    async def test_one_that_counts_nothing_and_begins_anew_tells_nothing_twice(self, run: RunIt, number: Any):
        message: dict[str, Any] = {"type": "message", "id": "m", "role": "assistant", "status": "completed"}
        text: dict[str, Any] = {"type": "output_text", "text": "ab", "annotations": []}
        done = {**message, "content": [text]}
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        events: list[Any] = [
            {"type": "response.created", "response": {"id": "resp_9", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}},
            {"type": "response.output_text.delta", "delta": "a", **place},
            {"type": "response.output_text.delta", "delta": "b", **place},
            {"type": "response.output_item.done", "output_index": 0, "item": done},
            {"type": "response.completed", "response": {"id": "resp_9", "output": [done]}},
        ]
        step = Step.recorded([{**event, **number} for event in events]).drop(after_events=3)
        async with against(step) as (agent, _):
            result = await run(agent)
        assert result.final_output == "ab"
        if isinstance(result, RunResultStreaming):
            kinds = [record.kind async for record in result.records()]
            assert kinds.count("model_delta") == len(events)


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
        monkeypatch.setattr(_background, "_FIRST_DELAY_S", 0.001)
        nothing = (Step().truncate(after_events=3),) * (_background.TRIES + 1)
        step = Step().text(WORDS).truncate(after_events=3).reattached(*nothing)
        async with against(step) as (agent, server):
            with pytest.raises(ModelStreamBroken):
                await Runner.run(agent, "Hi")
            assert len([one for one in actions(server) if one == "stream"]) == _background.TRIES
