"""The computer tool: actions in order, a picture after each call, safety checks, and computers made for a run."""

from __future__ import annotations

import asyncio
import base64
import struct
import threading
import zlib
from typing import Any

import pytest

from agents import (
    Agent,
    AsyncComputer,
    Button,
    ComputerProvider,
    ComputerTool,
    ComputerToolSafetyCheckData,
    Environment,
    ModelBehaviorError,
    RunConfig,
    Runner,
    RunState,
    UserError,
)
from agents.approvals import Approve, Reject
from agents.models.openai_responses import Converter
from agents.testing import ScriptedModel
from run.machines import Screen, computer_call, last_answer, played, run
from run.scripts import UNTRACED, calls, text, types


class AsyncScreen(AsyncComputer):
    """The same, asynchronous, with what the first form of the tool has to know."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    @property
    def environment(self) -> Environment:
        return "browser"

    @property
    def dimensions(self) -> tuple[int, int]:
        return 1024, 768

    async def screenshot(self) -> str:
        return "https://pictures.example/1.png"

    async def click(self, x: int, y: int, button: Button) -> None:
        self.done.append(("click", x, y, button))

    async def double_click(self, x: int, y: int) -> None:
        raise AssertionError

    async def scroll(self, x: int, y: int, scroll_x: int, scroll_y: int) -> None:
        raise AssertionError

    async def type(self, text: str) -> None:
        raise AssertionError

    async def wait(self) -> None:
        raise AssertionError

    async def move(self, x: int, y: int) -> None:
        raise AssertionError

    async def keypress(self, keys: list[str]) -> None:
        raise AssertionError

    async def drag(self, path: list[tuple[int, int]]) -> None:
        raise AssertionError


def picture(url: str, call_id: str = "c1", **fields: Any) -> dict[str, Any]:
    screen = {"type": "computer_screenshot", "image_url": url}
    return {"type": "computer_call_output", "call_id": call_id, "output": screen, **fields}


def after(count: int) -> str:
    return "data:image/png;base64," + base64.b64encode(f"after {count}".encode()).decode()


CLICK = {"type": "click", "x": 1, "y": 2, "button": "right"}
CHECK = {"id": "sc_1", "code": "malicious_instructions", "message": "The page asks for money."}


async def test_actions_are_done_in_order_and_answered_with_one_picture() -> None:
    screen = Screen()
    actions = [
        CLICK,
        {"type": "double_click", "x": 3, "y": 4, "keys": ["CTRL"]},
        {"type": "scroll", "x": 5, "y": 6, "scroll_x": 0, "scroll_y": -120},
        {"type": "type", "text": "hej"},
        {"type": "wait"},
        {"type": "move", "x": 7, "y": 8},
        {"type": "keypress", "keys": ["CTRL", "S"]},
        {"type": "drag", "path": [{"x": 0, "y": 0}, {"x": 9, "y": 9}]},
        {"type": "screenshot"},
    ]
    agent, model = played([computer_call(*actions)], text(), tools=[ComputerTool(screen)])
    result = await run(agent)
    assert screen.done == [
        ("click", 1, 2, "right"),
        ("double_click", 3, 4, ["CTRL"]),
        ("scroll", 5, 6, 0, -120),
        ("type", "hej"),
        ("wait",),
        ("move", 7, 8),
        ("keypress", ["CTRL", "S"]),
        ("drag", [(0, 0), (9, 9)]),
    ]
    assert threading.get_ident() not in screen.threads
    assert last_answer(model) == picture(after(8))
    assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    assert result.new_items[1].output == after(8)


async def test_the_single_action_of_the_first_form_is_done_too() -> None:
    screen = AsyncScreen()
    agent, model = played([computer_call(action=CLICK)], text(), tools=[ComputerTool(screen)])
    await run(agent)
    assert screen.done == [("click", 1, 2, "right")]
    assert last_answer(model) == picture("https://pictures.example/1.png")


async def test_keys_that_the_computer_cannot_hold_are_refused() -> None:
    call = computer_call({**CLICK, "keys": ["SHIFT", "CTRL"]})
    agent, _ = played([call], tools=[ComputerTool(Screen())])
    with pytest.raises(UserError, match=r"holds SHIFT\+CTRL during a click.*takes no `keys`"):
        await run(agent)


async def test_an_error_of_the_computer_ends_the_run() -> None:
    class Broken(Screen):
        def click(self, x: int, y: int, button: Button) -> None:
            raise OSError("the cable is out")

    agent, _ = played([computer_call(CLICK)], tools=[ComputerTool(Broken())])
    with pytest.raises(UserError, match="the cable is out") as caught:
        await run(agent)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("action", [{"type": "teleport"}, {"type": "click", "x": "one", "y": 2}])
async def test_an_action_that_does_not_exist_is_an_error_that_says_so(action: dict[str, Any]) -> None:
    call = computer_call(CLICK)
    object.__setattr__(call, "actions", [action])
    agent, _ = played([call], tools=[ComputerTool(Screen())])
    with pytest.raises(ModelBehaviorError, match="computer call cannot be carried out as it came"):
        await run(agent)


# --- safety checks and approvals


@pytest.mark.parametrize("is_sync", [True, False])
async def test_a_program_acknowledges_safety_checks(is_sync: bool) -> None:
    seen: list[ComputerToolSafetyCheckData] = []

    def acknowledge(data: ComputerToolSafetyCheckData) -> Any:
        seen.append(data)
        return True if is_sync else asyncio.sleep(0, result=True)

    tool = ComputerTool(Screen(), on_safety_check=acknowledge)
    agent, model = played([computer_call(CLICK, checks=(CHECK,))], text(), tools=[tool])
    await run(agent)
    assert last_answer(model) == picture(after(1), acknowledged_safety_checks=[CHECK])
    [data] = seen
    assert (data.agent, data.tool_call.call_id, data.safety_check.code) == (agent, "c1", CHECK["code"])


async def test_a_safety_check_that_a_program_does_not_acknowledge_ends_the_run() -> None:
    screen = Screen()
    tool = ComputerTool(screen, on_safety_check=lambda data: False)
    agent, _ = played([computer_call(CLICK, checks=(CHECK,))], tools=[tool])
    with pytest.raises(
        UserError, match=r"not acknowledged: malicious_instructions: The page asks for money\."
    ):
        await run(agent)
    assert screen.done == []


async def test_a_safety_check_that_no_program_answers_for_waits_for_a_person() -> None:
    screen = Screen()
    agent, model = played([computer_call(CLICK, checks=(CHECK,))], text(), tools=[ComputerTool(screen)])
    result = await run(agent)
    assert screen.done == []
    state = await RunState.from_string(agent, result.to_state().to_string())
    [item] = state.get_interruptions()
    state.decide(item, Approve())
    await run(agent, state)
    assert last_answer(model) == picture(after(1), acknowledged_safety_checks=[CHECK])


@pytest.mark.parametrize(
    "arguments", [{"actions": [CLICK]}, {"actions": [CLICK], "pending_safety_checks": []}]
)
async def test_editing_the_actions_of_a_call_leaves_its_safety_checks(arguments: dict[str, Any]) -> None:
    asked: list[str] = []

    def acknowledge(data: ComputerToolSafetyCheckData) -> bool:
        asked.append(data.safety_check.id)
        return True

    for tool in (
        ComputerTool(Screen()),
        ComputerTool(Screen(), needs_approval=True, on_safety_check=acknowledge),
    ):
        call = computer_call({"type": "wait"}, checks=(CHECK,))
        agent, model = played([call], text(), tools=[tool])
        state = (await run(agent)).to_state()
        state.decide(state.get_interruptions()[0], Approve(arguments=arguments))
        state = await RunState.from_string(agent, state.to_string())
        await run(agent, state)
        assert last_answer(model) == picture(after(1), acknowledged_safety_checks=[CHECK])
    assert asked == [CHECK["id"]]


async def test_a_standing_approval_acknowledges_no_safety_check() -> None:
    screen = Screen()
    later = [computer_call(CLICK, call_id="c3"), computer_call(CLICK, call_id="c4", checks=(CHECK,))]
    first = [computer_call(CLICK), computer_call(CLICK, call_id="c2", checks=(CHECK,))]
    agent, _ = played(first, later, tools=[ComputerTool(screen, needs_approval=True)])
    state = (await run(agent)).to_state()
    state.approve(state.get_interruptions()[0], always_approve=True)
    state = (await run(agent, state)).to_state()
    [item] = state.get_interruptions()
    assert (item.call_id, len(screen.done)) == ("c2", 1)
    state.decide(item, Approve())
    [item] = (await run(agent, state)).interruptions
    assert (item.call_id, len(screen.done)) == ("c4", 3)


async def test_a_rejected_call_is_answered_with_an_empty_picture() -> None:
    screen = Screen()
    seen: list[Any] = []

    def judge(_: Any, actions: list[dict[str, Any]], call_id: str) -> bool:
        seen.append((actions, call_id))
        return True

    agent, model = played([computer_call(CLICK)], text(), tools=[ComputerTool(screen, needs_approval=judge)])
    state = (await run(agent)).to_state()
    assert seen == [([{**CLICK, "keys": None}], "c1")]
    state.decide(state.get_interruptions()[0], Reject("No."))
    await run(agent, state)
    assert screen.done == []
    url = last_answer(model)["output"]["image_url"]
    png = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (1, 1)
    length = struct.unpack(">I", png[33:37])[0]
    assert len(zlib.decompress(png[41 : 41 + length])) == 5  # a filter byte and one RGBA pixel


# --- computers that are made for a run


async def test_a_computer_is_made_once_for_a_run_and_put_away_with_it() -> None:
    made: list[Screen] = []
    gone: list[Screen] = []

    async def create(context: Any) -> Screen:
        assert context.context == "mine"
        made.append(Screen())
        return made[-1]

    def dispose(context: Any, computer: Screen) -> None:
        gone.append(computer)

    tool = ComputerTool(ComputerProvider(create, dispose))
    steps = [[computer_call(CLICK, call_id="c1")], [computer_call(CLICK, call_id="c2")], text()]
    for number in (1, 2):
        agent, _ = played(*steps, tools=[tool])
        await run(agent, context="mine")
        assert [len(screen.done) for screen in made] == [2] * number
        assert gone == made


async def test_a_computer_that_is_not_needed_is_not_made() -> None:
    agent, _ = played(text(), tools=[ComputerTool(lambda context: Screen())])
    await run(agent)
    wrong: Any = "screen"
    agent, _ = played([computer_call(CLICK)], tools=[ComputerTool(wrong)])
    with pytest.raises(UserError, match="got str"):
        await run(agent)
    agent, _ = played([computer_call(CLICK)], tools=[ComputerTool(lambda context: wrong)])
    with pytest.raises(UserError, match="returns a Computer or an AsyncComputer, got str"):
        await run(agent)


async def test_a_run_that_is_cancelled_while_its_computer_is_made_ends() -> None:
    began = asyncio.Event()
    ended: list[str] = []

    async def create(context: Any) -> Screen:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")
        raise AssertionError

    model = ScriptedModel([[computer_call(CLICK)]])
    agent: Agent[Any] = Agent("a", model=model, tools=[ComputerTool(create)])
    task = asyncio.create_task(Runner.run(agent, "Hi", run_config=UNTRACED))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled"]


async def test_a_provider_that_cannot_put_its_computer_away_does_not_hide_how_the_run_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def dispose(context: Any, computer: Screen) -> None:
        raise OSError("it is stuck")

    provider = ComputerProvider(lambda context: Screen(), dispose)
    agent, _ = played([computer_call(CLICK)], text("done"), tools=[ComputerTool(provider)])
    assert (await run(agent)).final_output == "done"
    assert "it is stuck" in caplog.text


# --- what the model is offered


def test_the_tool_has_the_form_that_the_model_knows() -> None:
    tools: list[Any] = [ComputerTool(AsyncScreen())]
    assert Converter.convert_tools(tools, [], model="gpt-5.4").tools == [{"type": "computer"}]
    assert Converter.convert_tools(tools, [], model="computer-use-preview").tools == [
        {
            "type": "computer_use_preview",
            "environment": "browser",
            "display_width": 1024,
            "display_height": 768,
        }
    ]
    with pytest.raises(UserError, match="has to know the computer's environment and dimensions"):
        Converter.convert_tools([ComputerTool(Screen())], [], model="computer-use-preview-2025-03-11")
    assert Converter.convert_tool_choice("computer", tools=tools) == {"type": "computer"}


async def test_nested_runs_have_computers_of_their_own() -> None:
    made: list[Screen] = []

    def create(context: Any) -> Screen:
        made.append(Screen())
        return made[-1]

    inner, _ = played([computer_call(CLICK)], text("seen"), tools=[ComputerTool(create)])
    outer = Agent(
        "outer",
        model=ScriptedModel([calls(("look", {"input": "?"})), text()]),
        tools=[inner.as_tool("look", "Looks.")],
    )
    await Runner.run(outer, "Hi", run_config=RunConfig(tracing_disabled=True))
    assert [screen.done for screen in made] == [[("click", 1, 2, "right")]]
