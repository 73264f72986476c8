"""Tools whose input is text that the model writes freely."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from openai.types import responses as rt

from agents import (
    Agent,
    CustomTool,
    CustomToolCustomDataContext,
    ModelBehaviorError,
    OpenAIProvider,
    RunConfig,
    RunHooks,
    Runner,
    RunState,
    ToolCallOutputItem,
    UserError,
    function_tool,
)
from agents.approvals import Approve, DecisionError, Supply
from agents.models.openai_responses import Converter
from agents.run_config import ToolErrorFormatterArgs
from agents.testing import ResponsesServer, ScriptedModel, Step
from agents.tool import execute_custom_tool
from agents.tool_context import ToolContext
from models.recorded import DATA
from run.scripts import UNTRACED, always, text, types

RECORDING = DATA / "responses_streams" / "27-custom-tool.jsonl"


async def rows(context: ToolContext[Any], text: str) -> str:
    return f"{context.tool_call_id} of {context.tool_name}: {text}"


def sql(invoke: Any = rows, **options: Any) -> CustomTool:
    return CustomTool("sql", "Runs a query.", invoke, **options)


def call(name: str = "sql", text: str = "select 1", call_id: str = "c1") -> rt.ResponseCustomToolCall:
    return rt.ResponseCustomToolCall(type="custom_tool_call", name=name, input=text, call_id=call_id)


def played(*steps: Any, tools: list[Any], **fields: Any) -> tuple[Agent[Any], ScriptedModel]:
    model = ScriptedModel([*steps])
    return Agent("a", model=model, tools=tools, **fields), model


def answer(output: str, call_id: str = "c1") -> dict[str, Any]:
    return {"type": "custom_tool_call_output", "call_id": call_id, "output": output}


def last_input(model: ScriptedModel) -> Any:
    given: Any = model.calls[-1].input
    return given[-1]


async def run(agent: Agent[Any], input: Any = "Hi", **config: Any) -> Any:
    return await Runner.run(agent, input, run_config=RunConfig(tracing_disabled=True, **config))


async def test_a_call_runs_with_the_models_text_and_is_answered_in_kind() -> None:
    agent, model = played([call()], text(), tools=[sql()])
    result = await run(agent)
    assert last_input(model) == answer("c1 of sql: select 1")
    assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    assert result.new_items[0].description == "Runs a query."
    assert result.new_items[1].output == "c1 of sql: select 1"


async def test_what_is_no_text_goes_to_the_model_as_text() -> None:
    async def numbers(_: ToolContext[Any], text: str) -> Any:
        return {"a": 1}

    agent, model = played([call()], text(), tools=[sql(numbers)])
    await run(agent)
    assert last_input(model) == answer("{'a': 1}")


async def test_a_sync_function_runs_in_a_thread_and_may_give_an_awaitable() -> None:
    threads: list[int] = []

    def work(_: ToolContext[Any], text: str) -> Any:
        threads.append(threading.get_ident())
        return rows_later(text)

    async def rows_later(text: str) -> str:
        threads.append(threading.get_ident())
        return text

    agent, model = played([call()], text(), tools=[sql(work)])
    await run(agent)
    assert last_input(model) == answer("select 1")
    assert threads[0] != threads[1] == threading.get_ident()


async def broken(_: ToolContext[Any], text: str) -> str:
    raise ValueError(text)


async def test_the_model_is_told_what_went_wrong() -> None:
    agent, model = played([call(text="no such table")], text(), tools=[sql(broken)])
    await run(agent)
    assert last_input(model) == answer("no such table")


async def test_a_formatter_words_what_went_wrong() -> None:
    seen: list[ToolErrorFormatterArgs[Any]] = []

    def word(args: ToolErrorFormatterArgs[Any]) -> str:
        seen.append(args)
        return "Sorry."

    agent, model = played([call()], text(), tools=[sql(broken)])
    await run(agent, tool_error_formatter=word)
    assert last_input(model) == answer("Sorry.")
    assert [(args.kind, args.tool_type, args.tool_name) for args in seen] == [
        ("tool_exception", "custom", "sql")
    ]


async def test_a_failure_without_words_is_told_with_the_default() -> None:
    agent, model = played([call(text="")], text(), tools=[sql(broken)])
    await run(agent)
    assert last_input(model) == answer("An error occurred while running the tool. Please try again.")


async def test_a_tool_that_cancels_itself_has_failed_and_one_that_is_cancelled_is_gone() -> None:
    async def gives_up(_: ToolContext[Any], text: str) -> str:
        raise asyncio.CancelledError

    context = ToolContext(None, tool_name="sql", tool_call_id="c1", tool_arguments="x")
    assert (await execute_custom_tool(sql(gives_up), context, "x")).output == "Tool execution cancelled."

    async def waits(_: ToolContext[Any], text: str) -> str:
        started.set()
        await asyncio.Event().wait()
        return text

    started = asyncio.Event()
    task = asyncio.create_task(execute_custom_tool(sql(waits), context, "x"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_custom_data_is_kept_beside_the_output_and_never_sent() -> None:
    seen: list[CustomToolCustomDataContext] = []

    def keep(context: CustomToolCustomDataContext) -> dict[str, Any]:
        seen.append(context)
        return {"rows": 3}

    agent, model = played([call()], text(), tools=[sql(custom_data_extractor=keep)])
    result = await run(agent)
    [output] = [item for item in result.new_items if isinstance(item, ToolCallOutputItem)]
    assert output.custom_data == {"rows": 3}
    assert (seen[0].input, seen[0].output) == ("select 1", "c1 of sql: select 1")
    assert last_input(model) == seen[0].raw_item == answer("c1 of sql: select 1")


async def test_hooks_are_told_of_it_like_of_any_tool() -> None:
    told: list[Any] = []

    class Hooks(RunHooks[Any]):
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            told.append((tool.name, context.tool_arguments))

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            told.append((tool.name, result))

    agent, _ = played([call()], text(), tools=[sql()])
    await Runner.run(agent, "Hi", hooks=Hooks(), run_config=UNTRACED)
    assert told == [("sql", "select 1"), ("sql", "c1 of sql: select 1")]


async def test_a_function_and_a_custom_tool_of_one_name_stay_apart() -> None:
    @function_tool(name_override="sql")
    def by_arguments(query: str) -> str:
        """Runs a query."""
        return f"function: {query}"

    function_call = rt.ResponseFunctionToolCall(
        type="function_call", name="sql", call_id="c2", arguments='{"query":"q"}'
    )
    agent, model = played([call(), function_call], text(), tools=[sql(), by_arguments])
    await run(agent)
    given: Any = model.calls[-1].input
    assert [item["output"] for item in given[-2:]] == ["c1 of sql: select 1", "function: q"]


async def test_its_output_is_none_that_ends_the_run() -> None:
    agent, _ = played([call()], text(), tools=[sql()], tool_use_behavior="stop_on_first_tool")
    assert (await run(agent)).final_output == "done"


async def test_one_that_the_agent_does_not_have_ends_the_run_unless_the_model_may_be_told() -> None:
    agent, _ = played([call("other")], text(), tools=[sql()])
    with pytest.raises(ModelBehaviorError, match="Tool other not found in agent a"):
        await run(agent)
    agent, model = played([call("other")], text(), tools=[sql()])
    await run(agent, tool_not_found_behavior="return_error_to_model")
    assert last_input(model) == answer("Tool 'other' not found.")


async def test_an_id_stands_for_one_call_of_one_kind() -> None:
    twice = [call(), call(text="select 2")]
    agent, _ = played(twice, text(), tools=[sql()])
    with pytest.raises(ModelBehaviorError, match="unique call ID"):
        await run(agent)


# --- approval


@pytest.mark.parametrize("stored", [False, True], ids=["live", "as JSON"])
@pytest.mark.parametrize("decision", ["approve", "reject", "supply"])
async def test_a_call_that_needs_approval_waits_for_it(decision: str, stored: bool) -> None:
    agent, model = played([call()], text(), tools=[sql(needs_approval=True)])
    state = (await run(agent)).to_state()
    if stored:
        state = await RunState.from_json(agent, json.loads(json.dumps(state.to_json())))
    [item] = state.get_interruptions()
    assert (item.name, item.call_id, item.arguments) == ("sql", "c1", "select 1")
    assert isinstance(item.raw_item, rt.ResponseCustomToolCall)
    if decision == "approve":
        state.approve(item)
    elif decision == "reject":
        state.reject(item)
    else:
        state.decide(item, Supply("from outside"))
    result = await run(agent, state)
    outputs = {
        "approve": "c1 of sql: select 1",
        "reject": "Tool execution was not approved.",
        "supply": "from outside",
    }
    assert last_input(model) == answer(outputs[decision])
    assert result.final_output == "done"


async def test_a_function_says_which_texts_need_approval() -> None:
    seen: list[Any] = []

    async def writes(context: Any, text: str, call_id: str) -> bool:
        seen.append((text, call_id))
        return "drop" in text

    both = [call(), call(text="drop table a", call_id="c2")]
    agent, _ = played(both, text(), tools=[sql(needs_approval=writes)])
    result = await run(agent)
    assert seen == [("select 1", "c1"), ("drop table a", "c2")]
    assert [item.call_id for item in result.interruptions] == ["c2"]


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ({"approve": True}, "c1 of sql: select 1"),
        ({"approve": False}, "Tool execution was not approved."),
        ({"approve": False, "reason": "not now"}, "not now"),
    ],
)
async def test_the_programs_function_decides_without_a_pause(verdict: Any, told: str) -> None:
    agent, model = played([call()], text(), tools=[sql(needs_approval=True, on_approval=always(verdict))])
    result = await run(agent)
    assert (last_input(model), result.interruptions) == (answer(told), [])


async def test_a_text_cannot_be_edited_on_approval() -> None:
    agent, _ = played([call()], text(), tools=[sql(needs_approval=True)])
    state = (await run(agent)).to_state()
    with pytest.raises(DecisionError, match="no arguments that can be edited"):
        state.decide(state.get_interruptions()[0], Approve({"text": "select 2"}))


async def test_a_standing_decision_about_it_is_none_about_a_function_of_its_name() -> None:
    @function_tool(name_override="sql", needs_approval=True)
    def by_arguments(query: str) -> str:
        """Runs a query."""
        return query

    function_call = rt.ResponseFunctionToolCall(
        type="function_call", name="sql", call_id="c3", arguments='{"query":"q"}'
    )
    tools = [sql(needs_approval=True), by_arguments]
    agent, _ = played([call()], [call(call_id="c2"), function_call], tools=tools)
    state = (await run(agent)).to_state()
    state.approve(state.get_interruptions()[0], always_approve=True)
    result = await run(agent, state)
    assert [item.call_id for item in result.interruptions] == ["c3"]


# --- the request, and recorded streams


def test_it_is_sent_as_its_author_made_it() -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "select .*"}
    tool = sql(format=grammar, defer_loading=True, allowed_callers=["direct"])
    expected = {"type": "custom", "name": "sql", "description": "Runs a query."}
    assert Converter.convert_tools([sql()], []).tools == [expected]
    assert Converter.convert_tools([tool], []).tools == [
        {**expected, "format": grammar, "defer_loading": True, "allowed_callers": ["direct"]}
    ]
    assert Converter.convert_tool_choice("sql", tools=[tool]) == {"type": "custom", "name": "sql"}


def test_callers_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UserError, match="allowed_callers"):
        sql(allowed_callers=["nobody"])


@pytest.mark.skipif(not RECORDING.exists(), reason=f"the recorded streams are not at {DATA}")
async def test_a_recorded_call_runs() -> None:
    tool = CustomTool("write_sql", "Writes a query.", rows)
    for websocket in (False, True):
        async with ResponsesServer([Step.recorded(RECORDING), "done"]) as server:
            provider = OpenAIProvider(
                api_key="x", base_url=server.base_url, use_responses_websocket=websocket
            )
            config = RunConfig(model_provider=provider, tracing_disabled=True)
            result = Runner.run_streamed(Agent("a", tools=[tool]), "Hi", run_config=config)
            async for _ in result.stream_events():
                pass
            await provider.aclose()
            assert (
                server.requests[-1].body["input"][-1]["output"]
                == "call_custom_sql_001 of write_sql: SELECT * FROM users WHERE age > 25"
            )
