"""States of `openai-agents` with calls that are no functions': shells, patches, custom tools and hosted MCP servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents import (
    Agent,
    ApplyPatchTool,
    CustomTool,
    HostedMCPTool,
    Runner,
    RunState,
    ShellTool,
    UserError,
    function_tool,
)
from agents.testing import ScriptedModel, assistant_message
from run.machines import Editor
from run.scripts import UNTRACED

STATES = Path(__file__).parent.parent / "corpus" / "openai_agents" / "0.24.0"


class Workshop:
    """The agent of the scenarios, as a program that has moved here has it; `ran` is what its tools did."""

    def __init__(self, *, is_nested: bool = False) -> None:
        self.ran: list[str] = []
        self.editor = Editor()
        self.model = ScriptedModel([[assistant_message("done")]])

        @function_tool(needs_approval=True)
        async def pay(amount: int) -> str:
            """Pay an amount."""
            self.ran.append(f"pay {amount}")
            return f"paid {amount}"

        async def query(_: Any, text: str) -> str:
            self.ran.append(text)
            return f"rows of {text}"

        async def execute(request: Any) -> str:
            self.ran.append(" ".join(request.data.action.commands))
            return "ran"

        server: Any = {"type": "mcp", "server_label": "links", "server_url": "https://mcp.example.org"}
        tools: list[Any] = [
            pay,
            CustomTool("query", "Ask.", query, needs_approval=True),
            ShellTool(execute, needs_approval=True),
            ApplyPatchTool(self.editor, needs_approval=True),
            HostedMCPTool(server),
        ]
        self.agent: Agent[Any] = Agent("Workshop", tools=tools, model=self.model)
        if is_nested:
            self.outer_model = ScriptedModel([[assistant_message("all done")]])
            self.agent = Agent("Desk", tools=[self.agent.as_tool("ask", "Ask.")], model=self.outer_model)

    def sent(self) -> dict[str, Any]:
        """What the model was sent in answer to calls, by type and id."""
        given: Any = self.model.calls[0].input
        ids = ("call_id", "approval_request_id")
        return {
            next(item[key] for key in ids if key in item): item
            for item in given
            if str(item.get("type")).endswith(("_output", "_response"))
        }


async def load(scenario: str, **options: bool) -> tuple[Workshop, RunState[Any]]:
    workshop = Workshop(**options)
    text = (STATES / f"{scenario}.json").read_text(encoding="utf-8")
    return workshop, await RunState.from_string(workshop.agent, text)


async def test_every_kind_of_call_that_waits_is_asked_about_and_carried_out_once_approved() -> None:
    workshop, state = await load("other_kinds_pending")
    asked = [(item.call_id, item.name) for item in state.get_interruptions()]
    assert asked == [
        ("s1", "shell"),
        ("p1", "apply_patch"),
        ("q1", "query"),
        ("mcpr_1", "shorten"),
        ("c1", "pay"),
    ]
    state = await RunState.from_string(workshop.agent, state.to_string())
    for item in state.get_interruptions():
        state.approve(item)
    result = await Runner.run(workshop.agent, state, run_config=UNTRACED)
    assert result.final_output == "done"
    assert sorted(workshop.ran) == ["ls pwd", "pay 3", "select 1"]
    assert workshop.editor.done == ["create_file a.txt +a"]
    sent = workshop.sent()
    assert sorted(sent) == ["c1", "mcpr_1", "p1", "q1", "s1"]
    assert sent["mcpr_1"]["approve"] is True


async def test_decisions_about_every_kind_that_were_taken_before_the_move_count() -> None:
    workshop, state = await load("other_kinds_decided")
    result = await Runner.run(workshop.agent, state, run_config=UNTRACED)
    assert [item.call_id for item in result.interruptions] == ["c1"]
    assert (workshop.ran, workshop.editor.done) == (["ls pwd"], [])
    state = result.to_state()
    state.approve(result.interruptions[0])
    await Runner.run(workshop.agent, state, run_config=UNTRACED)
    sent = workshop.sent()
    assert sent["mcpr_1"]["approve"] is True
    assert sent["q1"]["output"] == "no"
    assert (sent["p1"]["status"], sent["p1"]["output"]) == ("failed", "no")


@pytest.mark.parametrize("scenario", ["other_kinds_settled", "other_kinds_resumed"])
async def test_what_was_settled_before_the_move_is_sent_and_not_done_again(scenario: str) -> None:
    workshop, state = await load(scenario)
    [item] = state.get_interruptions()
    state.approve(item)
    result = await Runner.run(workshop.agent, state, run_config=UNTRACED)
    assert result.final_output == "done"
    assert (workshop.ran, workshop.editor.done) == (["pay 3"], [])
    written: Any = json.loads((STATES / f"{scenario}.json").read_text(encoding="utf-8"))
    sent = workshop.sent()
    for each in written["generated_items"]:
        raw = each["raw_item"]
        if each["type"] == "tool_call_output_item":
            answer = sent[raw["call_id"]]
            assert answer["output"] == raw["output"]
            # What the API does not take stays here.
            assert "shell_output" not in answer
        elif each["type"] == "mcp_approval_response_item":
            assert sent[raw["approval_request_id"]] == raw


async def test_a_shell_call_of_a_nested_run_is_decided_on_the_outermost() -> None:
    workshop, state = await load("other_kinds_nested", is_nested=True)
    [item] = state.get_interruptions()
    assert item.call_path == ("c1", "s1")
    state.approve(item)
    result = await Runner.run(workshop.agent, state, run_config=UNTRACED)
    assert result.final_output == "all done"
    assert workshop.ran == ["ls"]


@pytest.mark.parametrize("key", ["call_id", "name"])
async def test_a_damaged_call_of_any_kind_is_named(key: str) -> None:
    workshop = Workshop()
    payload: Any = json.loads((STATES / "other_kinds_pending.json").read_text(encoding="utf-8"))
    for raw in payload["model_responses"][0]["output"]:
        if raw["type"] == "custom_tool_call":
            raw[key] = ""
            raw.pop("name" if key == "name" else "", None)
    with pytest.raises(UserError, match="the run state"):
        await RunState.from_json(workshop.agent, payload)
