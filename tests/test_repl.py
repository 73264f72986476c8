from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from agents import Agent, MaxTurnsExceeded, RunContextWrapper, function_tool
from agents.repl import run_demo_loop
from agents.testing import ScriptedModel
from run.scripts import calls, scripted, text


@function_tool
def look(context: RunContextWrapper[Any]) -> str:
    return f"seen by {context.context}"


both_kinds = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is typed at the terminal; it ends where the text ends."""
    lines = io.StringIO()
    monkeypatch.setattr(sys, "stdin", lines)
    return lines


def type_in(typed: io.StringIO, *lines: str) -> None:
    typed.write("".join(f"{line}\n" for line in lines))
    typed.seek(0)


def kinds(items: list[Any]) -> list[str]:
    return [item.get("type") or item["role"] for item in items]


@both_kinds
async def test_an_answer_is_printed(typed: io.StringIO, capsys: pytest.CaptureFixture[str], stream: bool):
    agent, _ = scripted(text("hello there"))
    type_in(typed, "Hi")
    await run_demo_loop(agent, stream=stream)
    assert capsys.readouterr().out.count("hello there") == 1


@both_kinds
async def test_the_conversation_goes_on_from_line_to_line(typed: io.StringIO, stream: bool):
    agent, model = scripted(calls(("look", {})), text("one"), text("two"), tools=[look])
    type_in(typed, "first", "second")
    await run_demo_loop(agent, stream=stream)
    assert model.last_call is not None
    assert kinds(model.last_call.input) == [
        "user",
        "function_call",
        "function_call_output",
        "message",
        "user",
    ]
    assert [item["content"] for item in model.last_call.input if item.get("role") == "user"] == [
        "first",
        "second",
    ]


@both_kinds
async def test_the_agent_that_was_handed_to_goes_on(typed: io.StringIO, stream: bool):
    model = ScriptedModel([calls(("transfer_to_b", {}, "h")), text("from b"), text("b again")])
    b: Agent[Any] = Agent(name="b", instructions="Be b.", model=model)
    agent: Agent[Any] = Agent(name="a", model=model, handoffs=[b])
    type_in(typed, "first", "second")
    await run_demo_loop(agent, stream=stream)
    assert [call.system_instructions for call in model.calls] == [None, "Be b.", "Be b."]


@both_kinds
@pytest.mark.parametrize("word", ["exit", "quit", " EXIT "])
async def test_a_word_ends_it(typed: io.StringIO, stream: bool, word: str):
    agent, model = scripted(text())
    type_in(typed, word, "never read")
    await run_demo_loop(agent, stream=stream)
    assert model.calls == ()
    assert typed.read() == "never read\n"


@both_kinds
async def test_the_end_of_input_ends_it(typed: io.StringIO, stream: bool):
    agent, model = scripted(text())
    await run_demo_loop(agent, stream=stream)
    assert model.calls == ()


@both_kinds
async def test_empty_lines_are_skipped(typed: io.StringIO, stream: bool):
    agent, model = scripted(text())
    type_in(typed, "", "   ", "Hi")
    await run_demo_loop(agent, stream=stream)
    assert len(model.calls) == 1


@both_kinds
async def test_context_and_turn_limit_are_passed_on(typed: io.StringIO, stream: bool):
    agent, model = scripted(calls(("look", {})), tools=[look])
    type_in(typed, "Hi")
    with pytest.raises(MaxTurnsExceeded) as caught:
        await run_demo_loop(agent, stream=stream, context="me", max_turns=1)
    assert len(model.calls) == 1
    assert caught.value.run_data is not None
    output: Any = caught.value.run_data.new_items[-1]
    assert output.output == "seen by me"


async def test_a_stream_tells_of_tools_and_agents(typed: io.StringIO, capsys: pytest.CaptureFixture[str]):
    model = ScriptedModel([calls(("look", {})), calls(("transfer_to_b", {}, "h")), text("from b")])
    b: Agent[Any] = Agent(name="b", model=model)
    agent: Agent[Any] = Agent(name="a", model=model, tools=[look], handoffs=[b])
    type_in(typed, "Hi")
    await run_demo_loop(agent, context="me")
    printed = [line for line in capsys.readouterr().out.splitlines() if line.strip(" >")]
    assert printed == [
        "[Agent updated: a]",
        "[tool called]",
        "[tool output: seen by me]",
        "[Agent updated: b]",
        "from b",
    ]


async def test_without_streaming_only_the_answer_is_told(
    typed: io.StringIO, capsys: pytest.CaptureFixture[str]
):
    agent, _ = scripted(calls(("look", {})), text("hello"), tools=[look])
    type_in(typed, "Hi")
    await run_demo_loop(agent, stream=False)
    assert capsys.readouterr().out.replace(" > ", "").split() == ["hello"]


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    return f"paid {amount}"


@both_kinds
@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("y", "paid 900"),
        ('{"amount": 9}', "paid 9"),
        ("n", "Tool execution was not approved."),
        ("", "Tool execution was not approved."),
        ("Too much.", "Too much."),
    ],
)
async def test_a_call_that_waits_is_asked_about(
    typed: io.StringIO, capsys: pytest.CaptureFixture[str], stream: bool, answer: str, output: str
):
    agent, model = scripted(calls(("pay", {"amount": 900})), text("so be it"), text("again"), tools=[pay])
    type_in(typed, "Pay.", answer, "And?")
    await run_demo_loop(agent, stream=stream)
    shown = capsys.readouterr().out
    assert '[pay {"amount":900}: y, n, a reason, or other arguments]' in shown
    assert shown.count("so be it") == 1
    assert [
        item["output"] for item in model.calls[1].input if item.get("type") == "function_call_output"
    ] == [output]
    assert model.last_call is not None
    assert kinds(model.last_call.input) == [
        "user",
        "function_call",
        "function_call_output",
        "message",
        "user",
    ]


@both_kinds
async def test_the_end_of_input_ends_it_in_front_of_a_decision_too(typed: io.StringIO, stream: bool):
    agent, model = scripted(calls(("pay", {"amount": 900})), tools=[pay])
    type_in(typed, "Pay.")
    await run_demo_loop(agent, stream=stream)
    assert len(model.calls) == 1
