"""Questions that servers ask in the middle of a call pause the run, and are decided like calls that need approval.

The Python server speaks the protocol of 2026-07-28, where a call is made again with the answers; the one from npm that
of 2025-11-25, where the server asks while the call goes on.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agents import RunConfig, Runner, RunState
from agents.approvals import Approve, Reject
from agents.mcp import MCPServerStdio
from mcp_servers import asking_server, npm_server, python_server
from run.scripts import UNTRACED, RunIt, both_ways, calls, scripted, text

LIVE = RunConfig(tracing_disabled=True, wait_for_decisions=True)


def asking(era: str, **options: Any) -> AbstractAsyncContextManager[MCPServerStdio]:
    if era == "2026":
        return python_server(allow_elicitation=True, **options)
    return npm_server("server-everything", "stdio", allow_elicitation=True, **options)


def call_of(era: str) -> list[Any]:
    if era == "2026":
        return calls(("book", {"table": "4"}))
    return calls(("trigger-elicitation-request", {}))


ANSWERS: dict[str, dict[str, Any]] = {"2026": {"count": 3, "name": "Ada"}, "2025": {"name": "Ada"}}
eras = pytest.mark.parametrize("era", ["2026", "2025"])


def said(model: Any) -> str:
    """What the call came to, as the model was told."""
    return json.dumps(model.calls[-1].input[-1]["output"])


@eras
@both_ways
async def test_a_question_pauses_the_run_and_its_answer_lets_it_go_on(run: RunIt, era: str):
    async with asking(era) as server:
        agent, model = scripted(call_of(era), text("booked"), mcp_servers=[server])
        result = await run(agent, run_config=UNTRACED)
        [item] = result.interruptions
        asked = json.loads(item.arguments or "")
        assert (item.name, item.agent.name, item.call_path) == (
            "elicitation",
            server.name,
            ("c1", "question_1"),
        )
        assert asked["requested_schema"]["type"] == "object"
        state = result.to_state()
        state.decide(item, Approve(arguments=ANSWERS[era]))
        result = await run(agent, state, run_config=UNTRACED)
    assert result.final_output == "booked"
    assert "Ada" in said(model)
    assert len(model.calls) == 2


@eras
async def test_a_question_and_its_answer_travel_to_another_process(era: str):
    async with asking(era) as server:
        agent, _ = scripted(call_of(era), mcp_servers=[server])
        written = (await Runner.run(agent, "Hi", run_config=UNTRACED)).to_state().to_string()
    async with asking(era) as server:
        agent, model = scripted(text("booked"), mcp_servers=[server])
        state = await RunState.from_string(agent, written)
        [item] = state.get_interruptions()
        state.decide(item, Approve(arguments=ANSWERS[era]))
        state = await RunState.from_string(agent, state.to_string())
        result = await Runner.run(agent, state, run_config=UNTRACED)
    assert result.final_output == "booked"
    assert "Ada" in said(model)


@eras
async def test_the_server_is_told_that_somebody_declines(era: str):
    async with asking(era) as server:
        agent, model = scripted(call_of(era), text(), mcp_servers=[server])
        state = (await Runner.run(agent, "Hi", run_config=UNTRACED)).to_state()
        state.decide(state.get_interruptions()[0], Reject("None of your business."))
        await Runner.run(agent, state, run_config=UNTRACED)
    assert "decline" in said(model)


async def test_an_answer_that_does_not_fit_is_asked_for_again_with_what_is_wrong():
    async with python_server(allow_elicitation=True) as server:
        agent, model = scripted(call_of("2026"), text(), mcp_servers=[server])
        state = (await Runner.run(agent, "Hi", run_config=UNTRACED)).to_state()
        for wrong, fault in (
            (Approve(), "'count' is a required property"),
            (Approve(arguments={"count": "many"}), "'many' is not of type 'integer'"),
        ):
            state.decide(state.get_interruptions()[0], wrong)
            result = await Runner.run(agent, state, run_config=UNTRACED)
            state = result.to_state()
            [item] = result.interruptions
            assert json.loads(item.arguments or "")["error"] == fault
        state.decide(state.get_interruptions()[0], Approve(arguments={"count": 2}))
        await Runner.run(agent, state, run_config=UNTRACED)
    assert "4 for 2 by the name of nobody" in said(model)


@eras
async def test_a_run_that_goes_on_waits_for_the_answer_longer_than_for_the_server(era: str):
    loop = asyncio.get_running_loop()
    async with asking(era) as server:
        server.client_session_timeout_seconds = 1.5
        agent, model = scripted(call_of(era), text("booked"), mcp_servers=[server])
        result = Runner.run_streamed(agent, "Hi", run_config=LIVE)
        async for record in result.records():
            if record.kind == "approval_requested":
                is_late = asyncio.Event()
                loop.call_later(1.7, is_late.set)
                await is_late.wait()
                [item] = result.interruptions
                result.decide(item, Approve(arguments=ANSWERS[era]))
    assert result.final_output == "booked"
    assert "Ada" in said(model)


async def test_the_time_limit_of_a_call_holds_while_nobody_is_asked():
    async with npm_server("server-everything", "stdio", allow_elicitation=True) as server:
        server.client_session_timeout_seconds = 0.2
        agent, model = scripted(
            calls(("trigger-long-running-operation", {"duration": 60, "steps": 2})),
            text(),
            mcp_servers=[server],
        )
        result = await Runner.run(agent, "Hi", run_config=UNTRACED)
    assert result.final_output == "done"
    assert "An error occurred" in said(model)


async def test_calls_of_one_turn_that_ask_are_decided_one_by_one():
    async with python_server(allow_elicitation=True) as server:
        agent, model = scripted(
            calls(("book", {"table": "1"}, "c1"), ("book", {"table": "2"}, "c2"), ("pid", {}, "c3")),
            text(),
            mcp_servers=[server],
        )
        result = await Runner.run(agent, "Hi", run_config=UNTRACED)
        assert [item.call_path for item in result.interruptions] == [
            ("c1", "question_1"),
            ("c2", "question_1"),
        ]
        state = result.to_state()
        state.decide(result.interruptions[1], Approve(arguments={"count": 7}))
        result = await Runner.run(agent, state, run_config=UNTRACED)
        [item] = result.interruptions
        state = result.to_state()
        state.decide(item, Reject())
        await Runner.run(agent, state, run_config=UNTRACED)
    outputs = [item["output"] for item in model.calls[-1].input if item.get("type") == "function_call_output"]
    assert "1 not booked: decline" in json.dumps(outputs[0])
    assert "2 for 7" in json.dumps(outputs[1])


async def test_a_question_inside_a_nested_run_surfaces_on_the_outermost():
    async with python_server(allow_elicitation=True) as server:
        inner, _ = scripted(call_of("2026"), text("booked"), name="inner", mcp_servers=[server])
        outer, model = scripted(
            calls(("wait_on", {"input": "a table"}, "o1")), text(), tools=[inner.as_tool("wait_on", "Waits.")]
        )
        state = (await Runner.run(outer, "Hi", run_config=UNTRACED)).to_state()
        state = await RunState.from_string(outer, state.to_string())
        [item] = state.get_interruptions()
        assert item.call_path == ("o1", "c1", "question_1")
        state.decide(item, Approve(arguments={"count": 1}))
        result = await Runner.run(outer, state, run_config=UNTRACED)
    assert result.final_output == "done"
    assert "booked" in said(model)


@eras
@pytest.mark.parametrize("seconds", [60, None])
async def test_a_cancelled_run_lets_go_of_its_question_and_the_server_stays_fit(
    era: str, seconds: float | None
):
    async with asking(era, client_session_timeout_seconds=seconds) as server:
        agent, _ = scripted(call_of(era), mcp_servers=[server])
        result = Runner.run_streamed(agent, "Hi", run_config=LIVE)
        async for record in result.records():
            if record.kind == "approval_requested":
                result.cancel()
        agent, model = scripted(call_of(era), text(), mcp_servers=[server])
        state = (await Runner.run(agent, "Hi", run_config=UNTRACED)).to_state()
        state.decide(state.get_interruptions()[0], Approve(arguments=ANSWERS[era]))
        await Runner.run(agent, state, run_config=UNTRACED)
    assert "Ada" in said(model)


@eras
async def test_a_call_outside_a_run_has_nobody_to_ask(era: str):
    async with asking(era) as server:
        name, arguments = ("book", {"table": "4"}) if era == "2026" else ("trigger-elicitation-request", {})
        answer = await server.call_tool(name, arguments)
    assert "cancel" in json.dumps(answer.model_dump(mode="json"))


async def test_servers_may_not_ask_unless_they_are_allowed_to():
    async with python_server() as server:
        agent, model = scripted(call_of("2026"), text(), mcp_servers=[server])
        result = await Runner.run(agent, "Hi", run_config=UNTRACED)
    assert result.interruptions == []
    assert "error" in said(model).lower()


def ask(*questions: str, **more: Any) -> list[Any]:
    return calls(("ask", {"questions": list(questions), **more}))


async def test_the_time_limit_of_a_call_waits_for_the_last_of_its_questions():
    loop = asyncio.get_running_loop()
    async with asking_server() as server:
        server.client_session_timeout_seconds = 0.5
        agent, model = scripted(ask("one", "two"), text("booked"), mcp_servers=[server])
        result = Runner.run_streamed(agent, "Hi", run_config=LIVE)
        asked = 0
        async for record in result.records():
            asked += record.kind == "approval_requested"
            if record.kind == "approval_requested" and asked == 2:
                first, second = result.interruptions
                result.decide(first, Approve())
                is_late = asyncio.Event()
                loop.call_later(0.7, is_late.set)
                await is_late.wait()
                result.decide(second, Reject())
    assert json.loads(json.loads(said(model))[0]["text"]) == {
        "one": {"action": "accept", "content": {}},
        "two": {"action": "decline"},
    }


async def test_a_call_that_waits_for_a_decision_is_not_repeated_as_one_that_failed(
    caplog: pytest.LogCaptureFixture,
):
    async with python_server(allow_elicitation=True, max_retry_attempts=-1) as server:
        agent, _ = scripted(call_of("2026"), mcp_servers=[server])
        result = await asyncio.wait_for(Runner.run(agent, "Hi", run_config=UNTRACED), 30)
    assert [item.call_path for item in result.interruptions] == [("c1", "question_1")]
    assert caplog.text == ""


async def test_a_server_that_was_reached_anew_during_a_call_asks_the_runs_after_it_too():
    async with asking_server(cache_tools_list=True) as server:
        agent, _ = scripted(calls(("die", {})), text(), mcp_servers=[server])
        await Runner.run(agent, "Hi", run_config=UNTRACED)
        for question in ("one", "two"):
            agent, _ = scripted(ask(question), text(), mcp_servers=[server])
            result = await Runner.run(agent, "Hi", run_config=UNTRACED)
            [item] = result.interruptions
            assert json.loads(item.arguments or "")["message"] == question


async def test_the_question_of_a_call_outside_a_run_is_not_put_to_a_run_that_waits():
    async with asking_server() as server:
        agent, model = scripted(ask("the run's"), text(), mcp_servers=[server])
        result = Runner.run_streamed(agent, "Hi", run_config=LIVE)
        beside: asyncio.Task[Any] | None = None
        asked: list[str] = []
        async for record in result.records():
            if record.kind != "approval_requested":
                continue
            if beside is None:
                beside = asyncio.create_task(server.call_tool("ask", {"questions": ["nobody's"]}))
                # Listings are not kept waiting: what was sent before has been taken by the server.
                await asyncio.gather(asyncio.sleep(0), server.list_tools())
            for item in result.interruptions:
                asked.append(json.loads(item.arguments or "")["message"])
                result.decide(item, Approve())
        assert beside is not None
        answer = await beside
    assert asked == ["the run's"]
    assert "accept" in said(model)
    assert "cancel" in answer.content[0].text


@contextmanager
def counted_requests() -> Generator[tuple[str, list[str]]]:
    """The URL of a server on loopback that has a schema, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


async def test_what_the_schema_of_a_question_refers_to_elsewhere_is_not_fetched():
    with counted_requests() as (url, paths):
        schema = {"type": "object", "properties": {"count": {"$ref": f"{url}/schema"}}}
        async with asking_server() as server:
            agent, model = scripted(ask("?", schema=schema), text(), mcp_servers=[server])
            state = (await Runner.run(agent, "Hi", run_config=UNTRACED)).to_state()
            state.decide(state.get_interruptions()[0], Approve(arguments={"count": 1}))
            await Runner.run(agent, state, run_config=UNTRACED)
    assert paths == []
    assert "Unresolvable" in said(model)
