"""Calls that the model's server makes at an MCP server once somebody lets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai.types.responses.response_output_item import McpApprovalRequest

from agents import (
    Agent,
    HostedMCPTool,
    MCPToolApprovalRequest,
    ModelBehaviorError,
    OpenAIProvider,
    RunConfig,
    Runner,
    RunState,
    SQLiteSession,
    UserError,
    function_tool,
)
from agents.approvals import Approve, DecisionError, Supply
from agents.items import ToolApprovalItem
from agents.stream_events import RunItemStreamEvent
from agents.testing import ResponsesServer, Step, function_call
from models.recorded import DATA
from run.scripts import RunIt, always, both_ways, run_drained, types

RECORDING = DATA / "responses_streams" / "24-mcp-approval-request.jsonl"


def server_tool(label: str = "zip1", **options: Any) -> HostedMCPTool:
    return HostedMCPTool(
        {"type": "mcp", "server_label": label, "server_url": "https://mcp.example"}, **options
    )


def asks(request_id: str = "mcpr_1", **fields: Any) -> dict[str, Any]:
    """A model's server that wants to make a call."""
    item = {
        "type": "mcp_approval_request",
        "server_label": "zip1",
        "name": "shorten",
        "arguments": '{"url":"a"}',
    }
    return {**item, "id": request_id, **fields}


def answer(approve: bool, request_id: str = "mcpr_1", **fields: Any) -> dict[str, Any]:
    return {"type": "mcp_approval_response", "approval_request_id": request_id, "approve": approve, **fields}


@asynccontextmanager
async def serving(*steps: Any) -> AsyncGenerator[tuple[ResponsesServer, RunConfig]]:
    async with ResponsesServer(list(steps)) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url)
        yield server, RunConfig(model_provider=provider, tracing_disabled=True)
        await provider.aclose()


def last_input(server: ResponsesServer) -> dict[str, Any]:
    return server.requests[-1].body["input"][-1]


@both_ways
@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ({"approve": True}, answer(approve=True)),
        ({"approve": False}, answer(approve=False)),
        ({"approve": False, "reason": "bad url"}, answer(approve=False, reason="bad url")),
    ],
)
async def test_the_programs_function_answers_without_a_pause(run: RunIt, verdict: Any, told: Any) -> None:
    seen: list[MCPToolApprovalRequest] = []

    async def judge(request: MCPToolApprovalRequest) -> Any:
        seen.append(request)
        return verdict

    agent = Agent("a", tools=[server_tool(on_approval_request=judge)])
    async with serving(Step().items(asks()), "done") as (server, config):
        result = await run(agent, run_config=config)
    [request] = seen
    assert (request.data.name, request.data.server_label) == ("shorten", "zip1")
    assert (result.final_output, result.interruptions) == ("done", [])
    assert last_input(server) == told
    assert types(result.new_items) == [
        "mcp_approval_request_item",
        "tool_approval_item",
        "mcp_approval_response_item",
        "message_output_item",
    ]


@both_ways
@pytest.mark.parametrize("stored", [False, True], ids=["live", "as JSON"])
@pytest.mark.parametrize("decision", ["approve", "reject", "reject with a reason"])
async def test_without_one_the_run_pauses_and_goes_on_with_the_decision(
    run: RunIt, decision: str, stored: bool
) -> None:
    agent = Agent("a", tools=[server_tool()])
    async with serving(Step().items(asks()), "done") as (server, config):
        paused = await run(agent, run_config=config)
        state = paused.to_state()
        if stored:
            state = await RunState.from_string(agent, state.to_string())
        [item] = state.get_interruptions()
        assert (item.name, item.call_id, item.arguments) == ("shorten", "mcpr_1", '{"url":"a"}')
        assert isinstance(item.raw_item, McpApprovalRequest)
        if decision == "approve":
            state.approve(item)
        else:
            state.reject(item, rejection_message=None if decision == "reject" else "no")
        assert len(server.requests) == 1
        result = await run(agent, state, run_config=config)
    told = {
        "approve": answer(True),
        "reject": answer(False),
        "reject with a reason": answer(False, reason="no"),
    }
    assert last_input(server) == told[decision]
    assert server.requests[-1].body["input"][-2]["type"] == "mcp_approval_request"
    assert result.final_output == "done"
    assert types(result.new_items)[-2:] == ["mcp_approval_response_item", "message_output_item"]


async def test_a_decided_state_survives_json_and_shows_the_answer() -> None:
    agent = Agent("a", tools=[server_tool()])
    async with serving(Step().items(asks()), Step().items(asks("mcpr_2")), "done") as (server, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
        state.approve(state.get_interruptions()[0])
        again = await Runner.run(agent, state, run_config=config)
        payload = again.to_state().to_json()
        shown = [item["type"] for item in payload["generated_items"]]
        state = await RunState.from_json(agent, json.loads(json.dumps(payload)))
        state.approve(state.get_interruptions()[0])
        state = await RunState.from_json(agent, json.loads(json.dumps(state.to_json())))
        result = await Runner.run(agent, state, run_config=config)
    assert shown.count("mcp_approval_response_item") == 1
    assert last_input(server) == answer(True, "mcpr_2")
    assert types(result.new_items).count("mcp_approval_response_item") == 2


async def test_a_standing_decision_holds_for_one_tool_of_one_server() -> None:
    agent = Agent("a", tools=[server_tool(), server_tool("zip2")])
    further = [asks("r2"), asks("r3", name="expand"), asks("r4", server_label="zip2")]
    async with serving(Step().items(asks("r1")), Step().items(*further)) as (_, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
        state.approve(state.get_interruptions()[0], always_approve=True)
        result = await Runner.run(agent, state, run_config=config)
    assert [item.call_id for item in result.interruptions] == ["r3", "r4"]


async def test_labels_with_dots_do_not_share_decisions() -> None:
    agent = Agent("a", tools=[server_tool("a"), server_tool("a.b")])
    first, second = asks("r1", server_label="a", name="b.c"), asks("r2", server_label="a.b", name="c")
    async with serving(Step().items(first), Step().items(second)) as (_, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
        state.approve(state.get_interruptions()[0], always_approve=True)
        result = await Runner.run(agent, state, run_config=config)
    assert [item.call_id for item in result.interruptions] == ["r2"]


async def test_a_call_without_a_name_is_for_a_person_and_for_this_once() -> None:
    def never(_: MCPToolApprovalRequest) -> Any:
        raise AssertionError("nobody knows what it would decide about")

    agent = Agent("a", tools=[server_tool(on_approval_request=never)])
    async with serving(Step().items(asks(name="")), "done") as (server, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
        [item] = state.get_interruptions()
        with pytest.raises(UserError, match="non-empty server_label and tool name"):
            state.approve(item, always_approve=True)
        state.approve(item)
        await Runner.run(agent, state, run_config=config)
    assert last_input(server) == answer(approve=True)


async def test_a_call_of_the_servers_can_only_be_approved_or_rejected() -> None:
    agent = Agent("a", tools=[server_tool()])
    async with serving(Step().items(asks())) as (_, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
    [item] = state.get_interruptions()
    with pytest.raises(DecisionError, match="takes no result from outside"):
        state.decide(item, Supply("made elsewhere"))
    with pytest.raises(DecisionError, match="no arguments that can be edited"):
        state.decide(item, Approve({"url": "b"}))


@both_ways
async def test_a_server_that_the_agent_does_not_have_ends_the_run(run: RunIt) -> None:
    async with serving(Step().items(asks())) as (_, config):
        with pytest.raises(ModelBehaviorError, match="MCP server label zip1 not found"):
            await run(Agent("a", tools=[server_tool("other")]), run_config=config)


async def test_a_prompt_may_bring_the_server() -> None:
    agent = Agent("a", prompt={"id": "pmpt_1"})
    async with serving(Step().items(asks()), "done") as (server, config):
        state = (await Runner.run(agent, "Hi", run_config=config)).to_state()
        state.approve(state.get_interruptions()[0])
        await Runner.run(agent, state, run_config=config)
    assert last_input(server) == answer(approve=True)


async def test_an_approved_server_that_is_gone_on_resume_is_an_error_before_anything_is_sent() -> None:
    async with serving(Step().items(asks())) as (server, config):
        state = (await Runner.run(Agent("a", tools=[server_tool()]), "Hi", run_config=config)).to_state()
        state.approve(state.get_interruptions()[0])
        without: Agent[Any] = Agent("a")
        state = await RunState.from_json(without, state.to_json())
        with pytest.raises(ModelBehaviorError, match=r"Tool zip1\.shorten not found in agent a"):
            await Runner.run(without, state, run_config=config)
        assert len(server.requests) == 1


async def test_a_function_that_decides_nothing_is_an_error() -> None:
    def unsure(_: MCPToolApprovalRequest) -> Any:
        return {"approve": "perhaps"}

    async with serving(Step().items(asks())) as (_, config):
        with pytest.raises(UserError, match=r"returned \{'approve': 'perhaps'\}"):
            await Runner.run(
                Agent("a", tools=[server_tool(on_approval_request=unsure)]), "Hi", run_config=config
            )


async def test_an_answer_to_a_server_is_no_output_that_ends_the_run() -> None:
    tool = server_tool(on_approval_request=always({"approve": True}))
    agent = Agent("a", tools=[tool], tool_use_behavior="stop_on_first_tool")
    async with serving(Step().items(asks()), "done") as (_, config):
        assert (await Runner.run(agent, "Hi", run_config=config)).final_output == "done"


async def test_readers_see_the_request_and_the_answer() -> None:
    agent = Agent("a", tools=[server_tool(on_approval_request=always({"approve": True}))])
    async with serving(Step().items(asks()), "done") as (_, config):
        result = Runner.run_streamed(agent, "Hi", run_config=config)
        names = [
            event.name async for event in result.stream_events() if isinstance(event, RunItemStreamEvent)
        ]
    assert names == ["mcp_approval_requested", "mcp_approval_response", "message_output_created"]


@pytest.mark.skipif(not RECORDING.exists(), reason=f"the recorded streams are not at {DATA}")
async def test_a_recorded_request_is_approved_and_answered() -> None:
    async with serving(Step.recorded(RECORDING), "done") as (server, config):
        agent = Agent("a", tools=[server_tool()])
        paused = await run_drained(agent, run_config=config)
        [item] = paused.interruptions
        assert isinstance(item, ToolApprovalItem)
        state = paused.to_state()
        state.approve(item)
        result = await run_drained(agent, state, run_config=config)
    assert (item.name, result.final_output) == ("create_short_url", "done")
    assert last_input(server) == answer(approve=True, request_id=str(item.call_id))


@both_ways
async def test_a_turn_that_fails_leaves_a_question_and_its_answer_in_the_session(run: RunIt) -> None:
    judged = asyncio.Event()

    def judge(_: MCPToolApprovalRequest) -> Any:
        asyncio.get_running_loop().call_soon(judged.set)
        return {"approve": True}

    @function_tool(failure_error_function=None)
    async def fail() -> str:
        await judged.wait()
        raise ValueError("broken")

    agent = Agent("a", tools=[server_tool(on_approval_request=judge), fail])
    session = SQLiteSession("s")
    async with serving(Step().items(asks(), function_call("fail", {}, call_id="c1"))) as (_, config):
        with pytest.raises(Exception, match="broken"):
            await run(agent, run_config=config, session=session)
    assert [item.get("type", "user") for item in await session.get_items()] == [
        "user",
        "mcp_approval_request",
        "mcp_approval_response",
    ]


@both_ways
async def test_a_question_that_a_limit_cut_from_its_answer_is_not_sent(run: RunIt) -> None:
    agent = Agent("a", tools=[server_tool()])
    session = SQLiteSession("s")
    half: Any = [answer(approve=True, request_id="mcpr_0"), asks("mcpr_1"), answer(approve=True)]
    await session.add_items(half)
    async with serving("done") as (server, config):
        await run(agent, run_config=config, session=session)
    sent = server.requests[0].body["input"]
    assert [item.get("type") for item in sent[:-1]] == ["mcp_approval_request", "mcp_approval_response"]
