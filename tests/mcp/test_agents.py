"""Agents that call the tools of MCP servers, in runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from agents import (
    Agent,
    AgentsException,
    MCPToolCancellationError,
    ModelBehaviorError,
    RunConfig,
    RunContextWrapper,
    Runner,
    RunState,
    ToolCallItem,
    ToolCallOutputItem,
    ToolOriginType,
    UserError,
    function_tool,
    tool_output_guardrail,
)
from agents.agent import MCPConfig
from agents.mcp import MCPServerStdio, MCPToolCustomDataContext, MCPToolMetaContext, MCPUtil
from agents.tool_context import ToolContext
from agents.tool_guardrails import ToolGuardrailFunctionOutput, ToolOutputGuardrailData
from agents.tracing import (
    FunctionSpanData,
    MCPListToolsSpanData,
    Span,
    SpanData,
    Trace,
    TracingProcessor,
    get_trace_provider,
    set_trace_provider,
)
from agents.tracing.provider import DefaultTraceProvider
from mcp_servers import npm_server, python_server
from run.scripts import RunIt, always, both_ways, calls, run_drained, scripted, text


def outputs(items: list[Any]) -> list[Any]:
    return [item.output for item in items if isinstance(item, ToolCallOutputItem)]


def sent(model: Any) -> list[Any]:
    return [item["output"] for item in model.calls[-1].input if item.get("type") == "function_call_output"]


def context() -> RunContextWrapper[None]:
    return RunContextWrapper(None)


class TestCalls:
    @both_ways
    async def test_a_result_of_one_part_is_that_part_and_of_several_a_list(self, run: RunIt):
        async with python_server() as server:
            agent, model = scripted(
                calls(("add", {"a": 2, "b": 3}), ("pair", {})), text(), mcp_servers=[server]
            )
            result = await run(agent)
        assert outputs(result.new_items) == [
            {"type": "text", "text": "5"},
            [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        ]
        assert sent(model)[0] == [{"type": "input_text", "text": "5"}]

    async def test_a_call_item_has_title_description_and_server(self):
        async with python_server() as server:
            agent, _ = scripted(calls(("add", {"a": 2, "b": 3})), text(), mcp_servers=[server])
            result = await run_drained(agent)
        item = next(item for item in result.new_items if isinstance(item, ToolCallItem))
        assert (item.title, item.description) == ("Adder", "Add two numbers.")
        assert item.tool_origin is not None
        assert (item.tool_origin.type, item.tool_origin.mcp_server_name) == (ToolOriginType.MCP, "desk")

    async def test_structured_content_wins_when_it_is_asked_for(self):
        async with python_server(use_structured_content=True) as server:
            agent, _ = scripted(
                calls(("weather", {"city": "Oslo"}), ("refuse", {})), text(), mcp_servers=[server]
            )
            result = await run_drained(agent)
        assert outputs(result.new_items) == [
            '{"city": "Oslo", "sky": "blue"}',
            {"type": "text", "text": "no such row"},
        ]

    async def test_an_image_is_an_image_for_the_model(self):
        async with npm_server("server-everything", "stdio") as server:
            agent, model = scripted(calls(("get-tiny-image", {})), text(), mcp_servers=[server])
            await run_drained(agent)
        kinds = [part["type"] for part in sent(model)[0]]
        assert kinds == ["input_text", "input_image", "input_text"]
        assert sent(model)[0][1]["image_url"].startswith("data:image/png;base64,")

    async def test_progress_of_a_call_is_recorded_between_claim_and_return(self):
        async with python_server() as server:
            agent, _ = scripted(calls(("climb", {"steps": 2})), text(), mcp_servers=[server])
            result = await run_drained(agent)
        records = [record async for record in result.records()]
        kinds = [record.kind for record in records if record.kind.startswith("tool_")]
        assert kinds == ["tool_claimed", "tool_progressed", "tool_progressed", "tool_returned"]
        progress = [record.data["progress"] for record in records if record.kind == "tool_progressed"]
        assert progress == [
            {"progress": 1, "total": 2, "message": "step 1"},
            {"progress": 2, "total": 2, "message": "step 2"},
        ]

    async def test_a_server_that_dies_is_a_tool_error_and_the_next_turn_has_a_new_one(self):
        async with python_server() as server:
            agent, model = scripted(
                calls(("die", {}, "c1")), calls(("add", {"a": 1, "b": 1}, "c2")), text(), mcp_servers=[server]
            )
            result = await run_drained(agent)
        records = [record async for record in result.records()]
        failed = [record.data["error"]["type"] for record in records if record.kind == "tool_failed"]
        assert failed == ["MCPConnectionError"]
        assert "An error occurred while running the tool" in sent(model)[0]
        assert outputs(result.new_items)[1] == {"type": "text", "text": "2"}

    @both_ways
    async def test_failures_are_raised_where_the_agent_or_the_server_wants_it(self, run: RunIt):
        raising = MCPConfig(failure_error_function=None)
        async with python_server() as server:
            agent, _ = scripted(calls(("die", {})), mcp_servers=[server], mcp_config=raising)
            with pytest.raises(AgentsException, match="'desk' went away"):
                await run(agent)
        async with python_server(failure_error_function=always("sorry")) as server:
            agent, _ = scripted(calls(("die", {})), text(), mcp_servers=[server], mcp_config=raising)
            assert outputs((await run(agent)).new_items) == ["sorry"]

    async def test_guardrails_of_the_server_hold_for_its_tools(self):
        @tool_output_guardrail
        def no_numbers(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
            return ToolGuardrailFunctionOutput.reject_content("hidden")

        async with python_server(tool_output_guardrails=[no_numbers]) as server:
            agent, _ = scripted(calls(("add", {"a": 1, "b": 1})), text(), mcp_servers=[server])
            assert outputs((await run_drained(agent)).new_items) == ["hidden"]

    async def test_meta_of_the_resolver_reaches_the_server(self):
        asked: list[tuple[str, str, Any]] = []

        async def resolve(call: MCPToolMetaContext) -> dict[str, Any]:
            asked.append((call.server_name, call.tool_name, call.arguments))
            return {"tenant": "acme"}

        async with python_server(tool_meta_resolver=resolve) as server:
            agent, _ = scripted(calls(("meta", {})), text(), mcp_servers=[server])
            result = await run_drained(agent)
        assert outputs(result.new_items) == [{"type": "text", "text": "{'tenant': 'acme'}"}]
        assert asked == [("desk", "meta", {})]

    async def test_custom_data_is_made_of_the_whole_result(self):
        def extract(call: MCPToolCustomDataContext) -> dict[str, Any]:
            assert isinstance(call.run_context, ToolContext)
            return {"meta": call.result_meta, "rows": call.structured_content, "error": call.is_error}

        async with python_server(custom_data_extractor=extract) as server:
            agent, _ = scripted(calls(("refuse", {})), text(), mcp_servers=[server])
            result = await run_drained(agent)
        item = next(item for item in result.new_items if isinstance(item, ToolCallOutputItem))
        assert item.custom_data is not None
        assert item.custom_data["rows"] == {"row": 0}
        assert item.custom_data["error"] is True
        assert item.custom_data["meta"]["trace"] == "t1"


class TestApproval:
    async def test_a_call_that_needs_approval_pauses_and_goes_on(self):
        async with python_server(require_approval={"always": {"tool_names": ["add"]}}) as server:
            agent, _ = scripted(
                calls(("pid", {}), ("add", {"a": 1, "b": 1})), text("two"), mcp_servers=[server]
            )
            paused = await Runner.run(agent, "Hi")
            assert [item.tool_name for item in paused.interruptions] == ["add"]
            state = await RunState.from_string(agent, paused.to_state().to_string())
            state.approve(state.get_interruptions()[0])
            result = await Runner.run(agent, state)
        assert result.final_output == "two"

    async def test_a_function_is_asked_with_agent_and_tool(self):
        asked: list[tuple[str, str]] = []

        async def ask(_context: Any, agent: Any, tool: Any) -> bool:
            asked.append((agent.name, tool.name))
            return tool.name == "add"

        async with python_server(require_approval=ask) as server:
            agent, _ = scripted(calls(("pid", {}), ("add", {"a": 1, "b": 1})), mcp_servers=[server])
            paused = await Runner.run(agent, "Hi")
        assert [item.tool_name for item in paused.interruptions] == ["add"]
        assert sorted(asked) == [("a", "add"), ("a", "pid")]

    async def test_an_approval_does_not_hold_for_the_tool_of_another_server(self):
        async with python_server(require_approval="always") as first:
            agent, model = scripted(calls(("add", {"a": 1, "b": 1})), text(), mcp_servers=[first])
            state = (await Runner.run(agent, "Hi")).to_state()
            state.approve(state.get_interruptions()[0])
        async with python_server(require_approval="always", name="other") as second:
            agent = Agent(name="a", model=model, mcp_servers=[second])
            with pytest.raises(UserError, match="a different recipient"):
                await Runner.run(agent, await RunState.from_string(agent, state.to_string()))

    async def test_an_approval_does_not_hold_for_a_function_of_the_same_name(self):
        @function_tool
        def add(a: int, b: int) -> int:
            return a + b

        async with python_server(require_approval="always") as server:
            agent, model = scripted(calls(("add", {"a": 1, "b": 1})), text(), mcp_servers=[server])
            state = (await Runner.run(agent, "Hi")).to_state()
        state.approve(state.get_interruptions()[0])
        agent = Agent(name="a", model=model, tools=[add])
        with pytest.raises(UserError, match="missing or different recipient binding"):
            await Runner.run(agent, await RunState.from_string(agent, state.to_string()))


class TestNames:
    async def test_two_servers_with_tools_of_one_name_are_refused(self):
        async with python_server() as one, python_server(name="other") as two:
            agent: Agent[None] = Agent(name="a", mcp_servers=[one, two])
            with pytest.raises(UserError) as caught:
                await agent.get_mcp_tools(context())
        message = str(caught.value)
        assert message.startswith(
            "Duplicate tool names found across MCP servers: 'add', 'book', 'busy', 'climb', 'die'"
        )
        assert "include_server_in_tool_names=True" in message

    async def test_prefixed_names_keep_them_apart_and_call_the_right_one(self):
        prefixed = MCPConfig(include_server_in_tool_names=True)
        async with python_server() as one, python_server(name="other") as two:
            agent, _ = scripted(
                calls(("mcp_desk__pid", {}), ("mcp_other__pid", {})),
                text(),
                mcp_servers=[one, two],
                mcp_config=prefixed,
            )
            result = await Runner.run(agent, "Hi")
            pids = [output["text"] for output in outputs(result.new_items)]
            expected = [(await server.call_tool("pid", {})).content for server in (one, two)]
        assert pids == [content[0].text for content in expected if content[0].type == "text"]
        assert pids[0] != pids[1]

    async def test_prefixed_names_stay_clear_of_the_agents_own_tools(self):
        @function_tool
        def mcp_desk__add() -> str:
            return "own"

        async with python_server() as server:
            agent: Agent[None] = Agent(
                name="a",
                tools=[mcp_desk__add],
                mcp_servers=[server],
                mcp_config=MCPConfig(include_server_in_tool_names=True),
            )
            tools: list[Any] = await agent.get_all_tools(context())
            names: list[str] = [tool.qualified_name for tool in tools]
        assert len(set(names)) == len(names)
        assert names[-1] == "mcp_desk__add"


class TestSchemas:
    async def test_schemas_become_strict_where_that_is_asked_for_and_possible(self):
        async with python_server() as server:
            as_they_are: Any = await Agent(name="a", mcp_servers=[server]).get_mcp_tools(context())
            strict: Any = await Agent(
                name="a", mcp_servers=[server], mcp_config=MCPConfig(convert_schemas_to_strict=True)
            ).get_mcp_tools(context())
        assert not any(tool.strict_json_schema for tool in as_they_are)
        add = next(tool for tool in strict if tool.name == "add")
        assert add.strict_json_schema
        assert add.params_json_schema["additionalProperties"] is False


class TestInvoking:
    @pytest.fixture
    def tool(self) -> Any:
        from mcp_types import Tool

        return Tool(name="add", input_schema={"type": "object"})

    @pytest.mark.parametrize("arguments", ["{", "[1]"])
    async def test_arguments_that_are_no_object_are_the_models_mistake(self, tool: Any, arguments: str):
        with pytest.raises(ModelBehaviorError, match="Invalid JSON input for tool add"):
            await MCPUtil.invoke_mcp_tool(python_server(), tool, context(), arguments)

    async def test_a_call_that_the_server_cancels_is_no_cancellation_of_the_run(self, tool: Any):
        class Cancelling(MCPServerStdio):
            async def call_tool(self, *_: Any, **__: Any) -> Any:
                raise asyncio.CancelledError

        server = Cancelling({"command": "none"})
        with pytest.raises(MCPToolCancellationError, match="tool execution was cancelled"):
            await MCPUtil.invoke_mcp_tool(server, tool, context(), "{}")

    async def test_messages_keep_the_secrets_of_addresses(self, tool: Any):
        class Failing(MCPServerStdio):
            async def call_tool(self, *_: Any, **__: Any) -> Any:
                raise ValueError("no answer from https://user:key@example.org/mcp?token=1#x.")

        server = Failing({"command": "none"}, name="desk")
        with pytest.raises(AgentsException) as caught:
            await MCPUtil.invoke_mcp_tool(server, tool, context(), "{}")
        assert str(caught.value) == (
            "Error invoking MCP tool 'add' of server 'desk': no answer from https://example.org/mcp."
        )


class Finished(TracingProcessor):
    """Keeps what every span says of itself."""

    def __init__(self) -> None:
        self.data: list[SpanData] = []

    def on_trace_start(self, trace: Trace) -> None: ...

    def on_trace_end(self, trace: Trace) -> None: ...

    def on_span_start(self, span: Span[Any]) -> None: ...

    def on_span_end(self, span: Span[Any]) -> None:
        self.data.append(span.span_data)

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The only processor of a fresh provider, that of the process for one test."""
    monkeypatch.delenv("OPENAI_AGENTS_DISABLE_TRACING", raising=False)
    before, provider, processor = get_trace_provider(), DefaultTraceProvider(), Finished()
    provider.set_processors([processor])
    set_trace_provider(provider)
    yield processor
    set_trace_provider(before)


async def test_spans_name_the_server_and_its_tools(finished: Finished):
    async with python_server() as server:
        agent, _ = scripted(calls(("add", {"a": 1, "b": 1})), text(), mcp_servers=[server])
        await Runner.run(agent, "Hi", run_config=RunConfig(workflow_name="mcp"))
    listings = [data for data in finished.data if isinstance(data, MCPListToolsSpanData)]
    assert [(listing.server, (listing.result or [])[0]) for listing in listings] == [("desk", "add")] * 2
    called = [data for data in finished.data if isinstance(data, FunctionSpanData)]
    assert [data.mcp_data for data in called] == [{"server": "desk"}]
