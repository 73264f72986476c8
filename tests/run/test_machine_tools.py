"""Tools that act on a machine: shells, patches and computers, through executors of the program's."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from openai.types import responses as rt
from openai.types.responses.response_function_shell_tool_call import CallerProgram

from agents import (
    Agent,
    ApplyPatchOperation,
    ApplyPatchResult,
    ApplyPatchTool,
    LocalShellCommandRequest,
    LocalShellTool,
    ModelBehaviorError,
    OpenAIProvider,
    ProgrammaticToolCallingTool,
    RunConfig,
    RunHooks,
    Runner,
    RunState,
    ShellActionRequest,
    ShellCallOutcome,
    ShellCommandOutput,
    ShellCommandRequest,
    ShellResult,
    ShellTool,
    SQLiteSession,
    UserError,
    function_tool,
)
from agents.approvals import Approve, DecisionError, Reject, Supply
from agents.models.openai_responses import Converter
from agents.run_config import ToolErrorFormatterArgs
from agents.testing import ResponsesServer, Step
from models.recorded import DATA
from run.machines import Editor, last_answer, local_call, patch, played, run, shell_call
from run.scripts import UNTRACED, AnyResult, RunIt, always, both_ways, calls, text, types


async def echo(request: ShellCommandRequest) -> str:
    return "ran " + "; ".join(request.data.action.commands)


def exited(stdout: str, stderr: str = "", code: int | None = 0) -> dict[str, Any]:
    return {"stdout": stdout, "stderr": stderr, "outcome": {"type": "exit", "exit_code": code}}


def shell_answer(*chunks: dict[str, Any], call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"type": "shell_call_output", "call_id": call_id, "output": list(chunks), **fields}


# --- shell


async def test_a_shell_call_is_run_by_the_executor_and_answered_in_kind() -> None:
    agent, model = played([shell_call("ls", "pwd")], text(), tools=[ShellTool(echo)])
    result = await run(agent)
    assert last_answer(model) == shell_answer(exited("ran ls; pwd"))
    assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    assert result.new_items[1].output == "ran ls; pwd"


async def test_a_sync_executor_runs_in_a_thread_and_says_how_each_command_ended() -> None:
    threads: list[int] = []

    def execute(request: ShellCommandRequest) -> ShellResult:
        threads.append(threading.get_ident())
        return ShellResult(
            [
                ShellCommandOutput("fine\n"),
                ShellCommandOutput("", "no such file\n", ShellCallOutcome("exit", 2)),
                ShellCommandOutput("half", outcome=ShellCallOutcome("timeout")),
                ShellCommandOutput(outcome=ShellCallOutcome("exit")),
            ]
        )

    agent, model = played([shell_call("a")], text(), tools=[ShellTool(execute)])
    result = await run(agent)
    assert threads != [threading.get_ident()]
    assert last_answer(model) == shell_answer(
        exited("fine\n"),
        exited("", "no such file\n", 2),
        {"stdout": "half", "stderr": "", "outcome": {"type": "timeout"}},
        exited("", "", None),
    )
    assert result.new_items[1].output == "fine\nstderr:\nno such file\nexit code: 2\nhalf\ntimed out\n"


async def test_output_is_cut_to_what_the_model_asked_for() -> None:
    def execute(_: ShellCommandRequest) -> ShellResult:
        return ShellResult([ShellCommandOutput("12345", "678"), ShellCommandOutput("9")])

    agent, model = played([shell_call("a", max_output_length=7)], text(), tools=[ShellTool(execute)])
    await run(agent)
    assert last_answer(model) == shell_answer(exited("12345", "67"), exited(""), max_output_length=7)


async def test_what_the_model_asks_for_reaches_the_executor() -> None:
    seen: list[ShellCommandRequest] = []

    def execute(request: ShellCommandRequest) -> str:
        seen.append(request)
        return ""

    call = shell_call("a", timeout_ms=500, max_output_length=80)
    agent, _ = played([call], text(), tools=[ShellTool(execute)])
    await run(agent, context={"user": 7})
    [request] = seen
    assert request.data.action == ShellActionRequest(["a"], 500, 80)
    assert (request.data.call_id, request.data.status, request.data.raw) == ("c1", "completed", call)
    assert request.ctx_wrapper.context == {"user": 7}


async def broken(_: ShellCommandRequest) -> str:
    raise OSError("no space left")


async def test_the_model_is_told_why_a_shell_failed() -> None:
    agent, model = played([shell_call("a")], text(), tools=[ShellTool(broken)])
    await run(agent)
    assert last_answer(model) == shell_answer(exited("", "no space left", 1))


async def test_a_formatter_words_why_a_shell_failed() -> None:
    seen: list[str] = []

    def word(args: ToolErrorFormatterArgs[Any]) -> str:
        seen.append(args.tool_type)
        return "Sorry."

    agent, model = played([shell_call("a")], text(), tools=[ShellTool(broken)])
    await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True, tool_error_formatter=word))
    assert last_answer(model) == shell_answer(exited("", "Sorry.", 1))
    assert seen == ["shell"]


async def test_what_is_no_result_of_a_shell_is_an_error_that_says_so() -> None:
    agent, model = played([shell_call("a")], text(), tools=[ShellTool(always(3))])
    await run(agent)
    told = last_answer(model)["output"][0]["stderr"]
    assert told == "a shell executor returns a text or a ShellResult, got int"


def test_a_local_shell_needs_an_executor_and_a_hosted_one_takes_none() -> None:
    with pytest.raises(UserError, match="needs an executor"):
        ShellTool()
    hosted = {"type": "container_auto", "memory_limit": "4g", "novelty": 1}
    assert ShellTool(environment=hosted).environment == hosted
    with pytest.raises(UserError, match="does not accept an executor"):
        ShellTool(echo, environment=hosted)
    with pytest.raises(UserError, match="does not support needs_approval or on_approval"):
        ShellTool(environment=hosted, needs_approval=True)


async def test_a_shell_call_without_a_shell_tool_ends_the_run() -> None:
    agent, _ = played([shell_call("a")], tools=[])
    with pytest.raises(ModelBehaviorError, match="shell_call without a shell tool"):
        await run(agent)


async def test_an_unfinished_call_of_the_servers_shell_is_shown_and_not_sent_back() -> None:
    agent, model = played(
        [shell_call("a"), *text("so far")], text(), tools=[ShellTool(environment={"type": "container_auto"})]
    )
    result = await run(agent)
    assert types(result.new_items) == ["tool_call_item", "message_output_item"]
    await run(agent, result.to_input_list()[:1])
    assert all(item.get("type") != "shell_call" for item in model.calls[-1].input)


async def test_what_the_servers_shell_did_is_shown_and_sent_back_in_pairs_also_once_resumed() -> None:
    call = shell_call("ls", call_id="h1")
    output = rt.ResponseFunctionShellToolCallOutput.model_validate(
        {
            **shell_answer(exited("a.txt"), call_id="h1"),
            "id": "sho_1",
            "status": "completed",
            "created_by": "x",
        }
    )
    unknown = rt.ResponseFunctionShellToolCall.construct(id="n_1", type="news")
    wait = function_tool(lambda: "waited", name_override="wait", needs_approval=True)
    tools = [ShellTool(environment={"type": "container_auto"}), wait]
    agent, model = played([call, output, unknown, *calls(("wait", {}, "c1"))], text(), tools=tools)
    result = await run(agent)
    shown = ["tool_call_item", "tool_call_output_item", "tool_call_item", "tool_approval_item"]
    assert types(result.new_items) == shown
    assert result.new_items[1].output == "a.txt"
    state = await RunState.from_string(agent, result.to_state().to_string())
    state.approve(state.get_interruptions()[0])
    result = await run(agent, state)
    assert types(result.new_items) == [*shown, "tool_call_output_item", "message_output_item"]
    assert result.new_items[1].output == "a.txt"
    sent = {**shell_answer(exited("a.txt"), call_id="h1"), "id": "sho_1", "status": "completed"}
    assert sent in model.calls[-1].input
    assert [item for item in result.to_input_list() if item.get("call_id") == "h1"][1:] == [sent]


async def test_an_approved_call_does_not_run_where_the_shell_has_become_the_servers() -> None:
    agent, _ = played([shell_call("a")], tools=[ShellTool(echo, needs_approval=True)])
    state = (await run(agent)).to_state()
    state.approve(state.get_interruptions()[0])
    agent, _ = played(text(), tools=[ShellTool(environment={"type": "container_auto"})])
    state = await RunState.from_string(agent, state.to_string())
    with pytest.raises(ModelBehaviorError, match="Tool shell not found in agent a"):
        await run(agent, state)


# --- local shell


async def test_a_local_shell_call_is_run_and_answered_in_kind() -> None:
    seen: list[Any] = []

    async def execute(request: LocalShellCommandRequest) -> str:
        seen.append(request.data)
        return "out"

    agent, model = played([local_call("ls", "-a")], text(), tools=[LocalShellTool(execute)])
    result = await run(agent)
    assert last_answer(model) == {"type": "local_shell_call_output", "call_id": "c1", "output": "out"}
    assert (seen[0].action.command, seen[0].call_id, seen[0].id) == (["ls", "-a"], "c1", "lsh_1")
    assert result.new_items[1].call_id == "c1"


async def test_a_local_shell_call_and_its_answer_are_a_pair_in_a_session() -> None:
    session = SQLiteSession("s")
    agent, model = played([local_call("ls")], text(), text(), tools=[LocalShellTool(lambda request: "out")])
    for _ in range(2):
        await Runner.run(agent, "Hi", session=session, run_config=UNTRACED)
    sent: Any = model.calls[-1].input
    assert [item.get("type", item.get("role")) for item in sent] == [
        "user",
        "local_shell_call",
        "local_shell_call_output",
        "message",
        "user",
    ]


# --- apply patch


async def test_changes_are_carried_out_in_their_order() -> None:
    editor = Editor()
    calls = [
        patch("create_file", "a", "+1", "c1"),
        patch("update_file", "a", "-1\n+2", "c2"),
        patch("delete_file", "a", None, "c3"),
    ]
    agent, model = played(calls, text(), tools=[ApplyPatchTool(editor)])
    await run(agent)
    assert editor.done == ["create_file a +1", "update_file a -1\n+2", "delete_file a None"]
    sent: Any = model.calls[-1].input
    assert sent[-3:] == [
        {"type": "apply_patch_call_output", "call_id": call_id, "status": "completed", "output": output}
        for call_id, output in (("c1", "made"), ("c2", "changed"), ("c3", "gone"))
    ]


async def test_an_editor_may_say_nothing_or_that_it_failed() -> None:
    class Other(Editor):
        async def update_file(self, operation: ApplyPatchOperation) -> Any:
            return None

        def delete_file(self, operation: ApplyPatchOperation) -> Any:
            return ApplyPatchResult("failed", "it is in use")

    calls = [patch("update_file", "a", "+1", "c1"), patch("delete_file", "a", None, "c2")]
    agent, model = played(calls, text(), tools=[ApplyPatchTool(Other())])
    await run(agent)
    sent: Any = model.calls[-1].input
    assert sent[-2] == {"type": "apply_patch_call_output", "call_id": "c1", "status": "completed"}
    assert (sent[-1]["status"], sent[-1]["output"]) == ("failed", "it is in use")


async def test_the_model_is_told_why_a_patch_does_not_apply() -> None:
    class Other(Editor):
        def create_file(self, operation: ApplyPatchOperation) -> Any:
            raise ValueError("Invalid Context 3")

    agent, model = played([patch("create_file", "a", "+1")], text(), tools=[ApplyPatchTool(Other())])
    await run(agent)
    assert last_answer(model) == {
        "type": "apply_patch_call_output",
        "call_id": "c1",
        "status": "failed",
        "output": "Invalid Context 3",
    }


async def test_the_next_call_waits_for_one_that_somebody_has_to_decide_about() -> None:
    editor = Editor()

    def is_risky(_: Any, operation: ApplyPatchOperation, call_id: str) -> bool:
        return operation.type == "delete_file"

    calls = [
        patch("create_file", "a", "+1", "c1"),
        patch("delete_file", "a", None, "c2"),
        patch("create_file", "a", "+2", "c3"),
    ]
    agent, _ = played(calls, text(), tools=[ApplyPatchTool(editor, needs_approval=is_risky)])
    result = await run(agent)
    assert editor.done == ["create_file a +1"]
    [item] = result.interruptions
    assert (item.name, json.loads(item.arguments)) == ("apply_patch", {"type": "delete_file", "path": "a"})
    state = result.to_state()
    state.approve(item)
    await run(agent, state)
    assert editor.done == ["create_file a +1", "delete_file a None", "create_file a +2"]


async def test_calls_of_different_machine_tools_keep_their_order_too() -> None:
    order: list[str] = []

    class Slow(Editor):
        async def create_file(self, operation: ApplyPatchOperation) -> Any:
            await asyncio.to_thread(order.append, "patch begins")
            await asyncio.to_thread(order.append, "patch ends")

    async def execute(_: ShellCommandRequest) -> str:
        order.append("shell")
        return ""

    agent, _ = played(
        [patch("create_file", "a", "+1", "c1"), shell_call("make test", call_id="c2")],
        text(),
        tools=[ShellTool(execute), ApplyPatchTool(Slow())],
    )
    await run(agent)
    assert order == ["patch begins", "patch ends", "shell"]


# --- decisions


def approved_shell(calls: list[list[str]], **options: Any) -> ShellTool:
    def execute(request: ShellCommandRequest) -> str:
        calls.append(request.data.action.commands)
        return "ok"

    return ShellTool(execute, needs_approval=True, **options)


async def paused(*tools: Any, call: Any = None) -> tuple[Agent[Any], Any, Any]:
    agent, model = played([call or shell_call("rm a")], text(), tools=list(tools))
    result = await run(agent)
    assert len(result.interruptions) == 1
    state = await RunState.from_string(agent, result.to_state().to_string())
    return agent, model, state


async def test_a_shell_call_waits_and_its_arguments_may_be_edited() -> None:
    ran: list[list[str]] = []
    agent, model, state = await paused(approved_shell(ran))
    [item] = state.get_interruptions()
    assert (item.name, json.loads(item.arguments)) == ("shell", {"commands": ["rm a"]})
    with pytest.raises(DecisionError, match=r"none of 'shell'.*commands"):
        state.decide(item, Approve(arguments={"command": "ls"}))
    state.decide(item, Approve(arguments={"commands": ["ls a"]}))
    result = await run(agent, state)
    assert ran == [["ls a"]]
    assert last_answer(model) == shell_answer(exited("ok"))
    # What the model said stays what it said.
    assert result.raw_responses[0].output[0].action.commands == ["rm a"]


async def test_a_rejected_shell_call_is_answered_with_the_reason() -> None:
    ran: list[list[str]] = []
    agent, model, state = await paused(approved_shell(ran))
    state.decide(state.get_interruptions()[0], Reject("Never delete."))
    await run(agent, state)
    assert ran == []
    assert last_answer(model) == shell_answer(exited("", "Never delete.", 1))


async def test_a_result_made_outside_takes_the_place_of_the_shell() -> None:
    ran: list[list[str]] = []
    agent, model, state = await paused(approved_shell(ran))
    state.decide(state.get_interruptions()[0], Supply("gone already"))
    result = await run(agent, state)
    assert ran == []
    assert last_answer(model) == shell_answer(exited("gone already"))
    assert result.new_items[-2].output == "gone already"


@pytest.mark.parametrize("approve", [True, False])
async def test_a_program_decides_in_the_place_of_a_person(approve: bool) -> None:
    ran: list[list[str]] = []

    async def decide(_: Any, item: Any) -> Any:
        assert item.raw_item.type == "shell_call"
        return {"approve": approve, "reason": "Not today."}

    agent, model = played([shell_call("a")], text(), tools=[approved_shell(ran, on_approval=decide)])
    await run(agent)
    assert ran == ([["a"]] if approve else [])
    assert last_answer(model)["output"][0]["stderr"] == ("" if approve else "Not today.")


async def test_a_rejected_patch_has_failed_and_a_rejected_local_shell_says_why() -> None:
    agent, model, state = await paused(
        ApplyPatchTool(Editor(), needs_approval=True), call=patch("create_file", "a", "+1")
    )
    state.decide(state.get_interruptions()[0], Reject("No."))
    await run(agent, state)
    assert (last_answer(model)["status"], last_answer(model)["output"]) == ("failed", "No.")
    local = LocalShellTool(lambda request: "out", needs_approval=True)
    agent, model, state = await paused(local, call=local_call("ls"))
    state.decide(state.get_interruptions()[0], Reject("No."))
    await run(agent, state)
    assert last_answer(model) == {"type": "local_shell_call_output", "call_id": "c1", "output": "No."}


async def test_what_an_approval_function_is_given_says_what_the_call_asks_for() -> None:
    seen: list[Any] = []

    def judge(_: Any, asked: Any, call_id: str) -> bool:
        seen.append((asked, call_id))
        return False

    tools = [
        ShellTool(echo, needs_approval=judge),
        ApplyPatchTool(Editor(), needs_approval=judge),
        LocalShellTool(lambda request: "out", needs_approval=judge),
    ]
    calls = [shell_call("a"), patch("create_file", "f", "+1", "c2"), local_call("ls", call_id="c3")]
    agent, _ = played(calls, text(), tools=tools)
    await run(agent)
    by_call = {call_id: asked for asked, call_id in seen}
    assert by_call["c1"] == ShellActionRequest(["a"])
    assert (by_call["c2"].type, by_call["c2"].path, by_call["c2"].diff) == ("create_file", "f", "+1")
    assert by_call["c3"].action.command == ["ls"]


async def test_a_call_that_a_crash_left_open_is_not_run_again_unasked() -> None:
    began = asyncio.Event()

    async def execute(_: ShellCommandRequest) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    agent, _ = played([shell_call("pay")], text(), tools=[ShellTool(execute)])
    result = Runner.run_streamed(agent, "Hi", run_config=UNTRACED)
    await began.wait()
    text_of_state = result.to_state().to_string()
    result.cancel()
    ran: list[list[str]] = []
    agent, _ = played(text(), tools=[approved_shell(ran)])
    resumed = await run(agent, await RunState.from_string(agent, text_of_state))
    assert ran == []
    assert [item.name for item in resumed.interruptions] == ["shell"]


async def test_a_call_that_lacks_its_commands_is_an_error_that_says_so() -> None:
    call = shell_call("a")
    call.action = None  # pyright: ignore[reportAttributeAccessIssue]
    agent, _ = played([call], tools=[ShellTool(echo)])
    with pytest.raises(ModelBehaviorError, match="shell call cannot be carried out as it came"):
        await run(agent)


# --- the rest of a run


def test_what_the_model_is_offered() -> None:
    tools: list[Any] = [
        ShellTool(echo, allowed_callers=["direct", "programmatic"]),
        ShellTool(environment={"type": "container_auto", "file_ids": ["f1"]}),
        LocalShellTool(always("out")),
        ApplyPatchTool(Editor()),
        ProgrammaticToolCallingTool(),
    ]
    assert Converter.convert_tools(tools, []).tools == [
        {
            "type": "shell",
            "environment": {"type": "local"},
            "allowed_callers": ["direct", "programmatic"],
        },
        {"type": "shell", "environment": {"type": "container_auto", "file_ids": ["f1"]}},
        {"type": "local_shell"},
        {"type": "apply_patch"},
        {"type": "programmatic_tool_calling"},
    ]
    for kind in ("shell", "apply_patch"):
        assert Converter.convert_tool_choice(kind, tools=tools) == {"type": kind}
        assert Converter.convert_tool_choice(kind) == {"type": "function", "name": kind}


async def test_a_program_of_the_models_gets_the_answer_to_its_call() -> None:
    call = shell_call("a")
    call.caller = CallerProgram(type="program", caller_id="prog_1")
    agent, model = played([call], text(), tools=[ShellTool(echo)])
    await run(agent)
    assert last_answer(model)["caller"] == {"type": "program", "caller_id": "prog_1"}


async def test_two_tools_of_one_form_are_told_of() -> None:
    agent, _ = played([shell_call("a")], tools=[ShellTool(echo), ShellTool(echo)])
    config = RunConfig(tracing_disabled=True, tool_name_collision_policy="error")
    with pytest.raises(UserError, match="the tool name `shell` is used by multiple tools"):
        await Runner.run(agent, "Hi", run_config=config)


@both_ways
async def test_hooks_hear_of_machine_tools(run: RunIt) -> None:
    heard: list[Any] = []

    class Hooks(RunHooks[Any]):
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            heard.append((tool.name, context.tool_call_id))

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
            heard.append(result)

    agent, _ = played([patch("create_file", "a", "+1")], text(), tools=[ApplyPatchTool(Editor())])
    result: AnyResult = await run(agent, "Hi", hooks=Hooks(), run_config=UNTRACED)
    assert heard == [("apply_patch", "c1"), "made"]
    assert result.final_output == "done"


RECORDINGS = {
    "26-apply-patch.jsonl": ApplyPatchTool(Editor()),
    "28-shell-tool.part1.jsonl": ShellTool(echo),
    "31-local-shell.jsonl": LocalShellTool(lambda request: " ".join(request.data.action.command)),
}
SAID = {
    "26-apply-patch.jsonl": "made",
    "28-shell-tool.part1.jsonl": [exited("ran ls -a ~/Desktop")],
    "31-local-shell.jsonl": "ls -a ~",
}


@pytest.mark.skipif(not DATA.exists(), reason=f"the recorded streams are not at {DATA}")
@pytest.mark.parametrize("websocket", [False, True], ids=["http", "websocket"])
@pytest.mark.parametrize("name", sorted(RECORDINGS))
async def test_recorded_calls_run(name: str, websocket: bool) -> None:
    path: Path = DATA / "responses_streams" / name
    async with ResponsesServer([Step.recorded(path), "done"]) as server:
        provider = OpenAIProvider(api_key="x", base_url=server.base_url, use_responses_websocket=websocket)
        config = RunConfig(model_provider=provider, tracing_disabled=True)
        result = Runner.run_streamed(Agent("a", tools=[RECORDINGS[name]]), "Hi", run_config=config)
        async for _ in result.stream_events():
            pass
        await provider.aclose()
        assert server.requests[-1].body["input"][-1]["output"] == SAID[name]
        [tool] = server.requests[0].body["tools"]
        assert tool["type"] == RECORDINGS[name].name
