"""Have an installed `openai-agents` write states of runs that stand still: `python make_states.py DIRECTORY`.

Run it with the Python of an environment that has that package, never with the project's own. It uses the public API
that all releases since 0.8 share; a scenario that a release cannot do is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
)
from openai.types.responses.response_output_item import McpApprovalRequest
from openai.types.responses.response_reasoning_item import Summary
from pydantic import TypeAdapter

import agents
from agents import Agent, ModelResponse, RunConfig, Runner, Usage, function_tool, handoff
from agents.extensions import handoff_filters
from agents.models.interface import Model

QUIET = RunConfig(tracing_disabled=True)


class Script(Model):
    """A model that gives what it was told to."""

    def __init__(self, *turns: list[Any]) -> None:
        self.turns = list(turns)
        self.asked = 0

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        self.asked += 1
        usage = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
        return ModelResponse(output=self.turns.pop(0), usage=usage, response_id=f"resp_{self.asked}")

    def stream_response(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


def call(name: str, call_id: str, *, namespace: str | None = None, **arguments: Any) -> Any:
    made = ResponseFunctionToolCall(
        type="function_call",
        id=f"fc_{call_id}",
        call_id=call_id,
        name=name,
        arguments=json.dumps(arguments),
        status="completed",
    )
    if namespace is not None:
        made.namespace = namespace
    return made


def message(text: str) -> Any:
    part = ResponseOutputText(type="output_text", text=text, annotations=[])
    return ResponseOutputMessage(
        id="msg_1", type="message", role="assistant", status="completed", content=[part]
    )


def reasoning() -> Any:
    summary = Summary(type="summary_text", text="Look first.")
    return ResponseReasoningItem(id="rs_1", type="reasoning", summary=[summary])


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    """Pay an amount."""
    return f"paid {amount}"


@function_tool
async def look(what: str) -> str:
    """Look something up."""
    return f"saw {what}"


def clerk(*turns: list[Any], name: str = "Clerk") -> Any:
    return Agent(name=name, instructions="Pay bills.", tools=[pay, look], model=Script(*turns))


async def state_of(agent: Any, given: Any = "Pay the bill.", **options: Any) -> Any:
    return (await Runner.run(agent, given, run_config=options.pop("run_config", QUIET), **options)).to_state()


async def one_pending() -> Any:
    return await state_of(clerk([call("pay", "c1", amount=3)]))


async def some_finished() -> Any:
    calls = [
        call("look", "c1", what="bill"),
        call("pay", "c2", amount=3),
        call("look", "c3", what="purse"),
        call("pay", "c4", amount=4),
    ]
    return await state_of(clerk([reasoning(), message("Let me see."), *calls]))


def reject(state: Any, item: Any, message: str, **options: Any) -> None:
    try:
        state.reject(item, rejection_message=message, **options)
    except TypeError:
        state.reject(item, **options)


async def decided() -> Any:
    state = await state_of(clerk([call("pay", f"c{number}", amount=number) for number in (1, 2, 3)]))
    first, second, _ = state.get_interruptions()
    state.approve(first)
    reject(state, second, "too much")
    return state


async def always_approved() -> Any:
    state = await state_of(clerk([call("pay", "c1", amount=1), call("pay", "c2", amount=2)]))
    state.approve(state.get_interruptions()[0], always_approve=True)
    return state


async def always_rejected() -> Any:
    state = await state_of(clerk([call("pay", "c1", amount=1), call("pay", "c2", amount=2)]))
    reject(state, state.get_interruptions()[0], "never pay", always_reject=True)
    return state


async def several_turns() -> Any:
    agent = clerk(
        [call("look", "c1", what="bill")],
        [reasoning(), call("look", "c2", what="purse"), call("look", "c3", what="rate")],
        [message("Now I pay."), call("pay", "c4", amount=3)],
    )
    return await state_of(agent, max_turns=7)


async def resumed_once() -> Any:
    agent = clerk([call("pay", "c1", amount=1), call("look", "c2", what="x")], [call("pay", "c3", amount=2)])
    state = await state_of(agent)
    state.approve(state.get_interruptions()[0])
    return await state_of(agent, state)


async def rejected_before() -> Any:
    agent = clerk([call("pay", "c1", amount=1)], [call("pay", "c2", amount=2)])
    state = await state_of(agent)
    state.reject(state.get_interruptions()[0])
    return await state_of(agent, state)


def desk(*turns: list[Any], tools: list[Any], handoffs: list[Any]) -> Any:
    return Agent(name="Desk", instructions="Route.", tools=tools, handoffs=handoffs, model=Script(*turns))


async def after_handoff() -> Any:
    second = clerk([call("look", "c2", what="bill"), call("pay", "c3", amount=3)])
    return await state_of(desk([call("transfer_to_clerk", "c1")], tools=[], handoffs=[second]))


async def handoff_back() -> Any:
    second = clerk([call("look", "c2", what="bill")], [call("transfer_to_desk", "c3")])
    turns = [call("transfer_to_clerk", "c1")], [call("pay", "c4", amount=9)]
    first = desk(*turns, tools=[pay], handoffs=[second])
    second.handoffs = [first]
    return await state_of(first, max_turns=20)


ROUTED = [call("look", "c1", what="door")], [message("I pass you on."), call("transfer_to_clerk", "c2")]


async def filtered_handoff() -> Any:
    second = clerk([call("look", "c3", what="bill")], [call("pay", "c4", amount=3)])
    filtered = handoff(second, input_filter=handoff_filters.remove_all_tools)
    return await state_of(desk(*ROUTED, tools=[look], handoffs=[filtered]))


async def nested_history() -> Any:
    second = clerk([call("look", "c3", what="bill")], [call("pay", "c4", amount=3)])
    config = RunConfig(tracing_disabled=True, nest_handoff_history=True)
    return await state_of(desk(*ROUTED, tools=[look], handoffs=[second]), run_config=config)


async def context_mapping() -> Any:
    context = {"customer": "Ada", "limits": [1, 2]}
    return await state_of(clerk([call("pay", "c1", amount=3)]), context=context)


async def message_input() -> Any:
    given = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi!"},
        {"role": "user", "content": "Pay."},
    ]
    return await state_of(clerk([call("pay", "c1", amount=3)]), given)


async def added_input() -> Any:
    state = await one_pending()
    state.add_input("And be quick.")
    return state


async def added_before() -> Any:
    agent = clerk([call("pay", "c1", amount=1)], [call("pay", "c2", amount=2)])
    state = await state_of(agent)
    state.add_input("And be quick.")
    state.approve(state.get_interruptions()[0])
    return await state_of(agent, state)


async def duplicate_names() -> Any:
    second = clerk([call("pay", "c2", amount=3)])
    first = clerk([call("pass_on", "c1")])
    first.tools, first.handoffs = [], [handoff(second, tool_name_override="pass_on")]
    return await state_of(first)


async def namespaced() -> Any:
    from agents import tool_namespace  # not in every release

    tools: Any = tool_namespace(name="billing", description="Billing", tools=[pay])
    calls = [call("pay", call_id, namespace="billing", amount=1) for call_id in ("c1", "c2")]
    agent: Any = Agent(name="Clerk", tools=tools, model=Script(calls))
    state = await state_of(agent)
    state.approve(state.get_interruptions()[0])
    return state


async def nested() -> Any:
    inner = clerk([call("look", "n0", what="bill")], [call("pay", "n1", amount=3)])
    calls = [call("ask_clerk", "c1", input="pay the bill"), call("look", "c2", what="clock")]
    return await state_of(
        desk(calls, tools=[inner.as_tool("ask_clerk", "Ask the clerk."), look], handoffs=[])
    )


async def nested_decided() -> Any:
    state = await nested()
    state.approve(state.get_interruptions()[0])
    return state


async def nested_twice() -> Any:
    inner = clerk([call("pay", "n1", amount=3)])
    middle: Any = Agent(
        name="Middle",
        tools=[inner.as_tool("ask_clerk", "Ask the clerk.")],
        model=Script([call("ask_clerk", "m1", input="pay")]),
    )
    outer = desk(
        [call("ask_middle", "c1", input="pay")], tools=[middle.as_tool("ask_middle", "Ask.")], handoffs=[]
    )
    return await state_of(outer)


async def finished() -> Any:
    return await state_of(clerk([call("look", "c1", what="bill")], [message("Done.")]))


async def chained() -> Any:
    agent = clerk([call("look", "c1", what="bill")], [call("pay", "c2", amount=3)])
    return await state_of(agent, previous_response_id="resp_before")


def machine_call(kind: str, call_id: str, **fields: Any) -> Any:
    """A call of a shell, of a patch, or of a custom tool."""
    item: Any = {"type": kind, "id": f"x_{call_id}", "call_id": call_id, "status": "completed", **fields}
    return TypeAdapter(ResponseOutputItem).validate_python(item)


def shell_call(call_id: str, *commands: str) -> Any:
    return machine_call("shell_call", call_id, action={"commands": list(commands), "timeout_ms": 1000})


def patch_call(call_id: str, path: str) -> Any:
    return machine_call(
        "apply_patch_call", call_id, operation={"type": "create_file", "path": path, "diff": "+a"}
    )


def custom_call(call_id: str, text: str) -> Any:
    return machine_call("custom_tool_call", call_id, name="query", input=text)


def mcp_request(request_id: str) -> Any:
    return McpApprovalRequest(
        type="mcp_approval_request", id=request_id, server_label="links", name="shorten", arguments='{"a": 1}'
    )


class Editor:
    """Changes nothing."""

    def create_file(self, operation: Any) -> Any:
        return agents.ApplyPatchResult(status="completed", output=f"made {operation.path}")

    update_file = delete_file = create_file


def workshop(*turns: list[Any], needs_approval: bool = True) -> Any:
    """An agent with every kind of tool that is no function, beside the clerk's."""

    async def query(_context: Any, text: str) -> str:
        return f"rows of {text}"

    async def execute(request: Any) -> str:
        return "ran " + " ".join(request.data.action.commands)

    tools: list[Any] = [
        pay,
        look,
        agents.CustomTool(
            name="query", description="Ask.", on_invoke_tool=query, needs_approval=needs_approval
        ),
        agents.ShellTool(executor=execute, needs_approval=needs_approval),
        agents.ApplyPatchTool(editor=Editor(), needs_approval=needs_approval),
        agents.HostedMCPTool(
            tool_config={
                "type": "mcp",
                "server_label": "links",
                "server_url": "https://mcp.example.org",
                "require_approval": "always",
            }
        ),
    ]
    return Agent(name="Workshop", instructions="Work.", tools=tools, model=Script(*turns))


async def other_kinds_pending() -> Any:
    return await state_of(
        workshop(
            [
                shell_call("s1", "ls", "pwd"),
                patch_call("p1", "a.txt"),
                custom_call("q1", "select 1"),
                mcp_request("mcpr_1"),
                call("pay", "c1", amount=3),
            ]
        )
    )


def kind_of(item: Any) -> str:
    raw: Any = item.raw_item
    return str(getattr(raw, "type", None) or raw["type"])


async def other_kinds_decided() -> Any:
    state = await other_kinds_pending()
    for item in state.get_interruptions():
        if kind_of(item) in ("shell_call", "mcp_approval_request"):
            state.approve(item)
        elif kind_of(item) != "function_call":
            reject(state, item, "no")
    return state


async def other_kinds_settled() -> Any:
    turn = [shell_call("s1", "ls"), patch_call("p1", "a.txt"), custom_call("q1", "select 1")]
    return await state_of(workshop(turn, [call("pay", "c1", amount=3)], needs_approval=False))


async def other_kinds_resumed() -> Any:
    agent = workshop(
        [shell_call("s1", "ls"), custom_call("q1", "select 1"), mcp_request("mcpr_1")],
        [call("pay", "c1", amount=3)],
    )
    state = await state_of(agent)
    first, *others = state.get_interruptions()
    state.approve(first)
    for item in others:
        state.reject(item)
    return await state_of(agent, state)


async def other_kinds_nested() -> Any:
    inner = workshop([shell_call("s1", "ls")])
    return await state_of(
        desk([call("ask", "c1", input="list")], tools=[inner.as_tool("ask", "Ask.")], handoffs=[])
    )


SCENARIOS: list[Callable[[], Awaitable[Any]]] = [
    one_pending,
    some_finished,
    decided,
    always_approved,
    always_rejected,
    several_turns,
    resumed_once,
    rejected_before,
    after_handoff,
    handoff_back,
    filtered_handoff,
    nested_history,
    context_mapping,
    message_input,
    added_input,
    added_before,
    duplicate_names,
    namespaced,
    nested,
    nested_decided,
    nested_twice,
    finished,
    chained,
    other_kinds_pending,
    other_kinds_decided,
    other_kinds_settled,
    other_kinds_resumed,
    other_kinds_nested,
]


async def written() -> dict[str, str]:
    """The states, by the name of their scenario."""
    texts: dict[str, str] = {}
    for scenario in SCENARIOS:
        try:
            state = await scenario()
        except (AttributeError, ImportError) as error:
            print(f"{scenario.__name__}: not in this release: {error}")
            continue
        texts[scenario.__name__] = state.to_string()
    return texts


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in asyncio.run(written()).items():
        (directory / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
