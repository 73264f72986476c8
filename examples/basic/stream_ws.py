"""Runs over one WebSocket: reasoning and answer as they come, tools, an agent as a tool, approvals, a second question.

The connection stays open from turn to turn, for the nested agent and for the second run; the second run sends the
new question only, and goes on from the last response.

python -m examples.basic.stream_ws [--auto]
"""

from __future__ import annotations

from openai.types.shared import Reasoning

from agents import (
    Agent,
    ModelSettings,
    RunResultStreaming,
    RunState,
    StreamEvent,
    function_tool,
    responses_websocket_session,
)
from agents.testing import ResponsesRequest, Step
from examples._endpoint import run_example
from examples._terminal import ask


@function_tool(side_effects="none")
async def read_tide() -> str:
    """Tell how high the tide stands, and when it turns."""
    return "3.1 m, falling until 18:40"


@function_tool(needs_approval=True)
async def move_bridge(bridge: str, opens: bool) -> str:
    """Open or close a bridge; the traffic stops meanwhile."""
    return f"the {bridge} bridge is {'open' if opens else 'closed'}"


pilot = Agent(
    name="Pilot",
    instructions="You know the channel. Answer in one short sentence.",
)
harbour_master = Agent(
    name="Harbour master",
    instructions="Read the tide and ask the pilot, both at once, and move the bridges that have to be moved.",
    # How the model thinks is streamed as a summary.
    model_settings=ModelSettings(reasoning=Reasoning(effort="low", summary="auto")),
    tools=[read_tide, move_bridge, pilot.as_tool("ask_pilot", "Ask the pilot about the channel.")],
)


class Printer:
    """Prints events; text of one kind goes on in its line, anything else begins a new one."""

    def __init__(self) -> None:
        self._kind = ""

    def text(self, kind: str, text: str) -> None:
        """A piece of text of this kind."""
        if kind != self._kind:
            self.end_line()
            print(f"{kind}: ", end="")
            self._kind = kind
        print(text, end="", flush=True)

    def line(self, text: str) -> None:
        """A whole line."""
        self.end_line()
        print(text)

    def end_line(self) -> None:
        """Text goes on no further."""
        if self._kind:
            print()
        self._kind = ""

    def event(self, event: StreamEvent) -> None:
        """What of an event is worth printing."""
        if event.type == "raw_response_event":
            if event.data.type == "response.reasoning_summary_text.delta":
                self.text("thinks", event.data.delta)
            elif event.data.type == "response.output_text.delta":
                self.text("says", event.data.delta)
        elif event.type == "run_item_stream_event":
            if event.item.type == "tool_call_item":
                self.line(f"calls {event.item.tool_name}")
            elif event.item.type == "tool_call_output_item":
                self.line(f"  output: {event.item.output}")


async def show(result: RunResultStreaming) -> None:
    """Print a run until it ends, or until it waits for decisions."""
    printer = Printer()
    async for event in result.stream_events():
        printer.event(event)
    printer.end_line()


async def decide(state: RunState[None]) -> None:
    """Put each pending call before the person at the terminal."""
    for item in state.get_interruptions():
        # Ready for `--auto`: yes to opening, no to closing.
        is_opening = '"opens": true' in (item.arguments or "")
        answer = await ask(f"{item.tool_name} {item.arguments} [y/n]?", "y" if is_opening else "n")
        if answer == "y":
            state.approve(item)
        else:
            state.reject(item, rejection_message="No: the bus is on it.")


async def main() -> None:
    async with responses_websocket_session() as ws:
        result = ws.run_streamed(harbour_master, "A tall ship wants to leave at five. See to it.")
        await show(result)
        while result.interruptions:
            state = result.to_state()
            await decide(state)
            result = ws.run_streamed(harbour_master, state)
            await show(result)
        follow_up = ws.run_streamed(
            harbour_master, "And until when can she?", previous_response_id=result.last_response_id
        )
        await show(follow_up)


def script(request: ResponsesRequest) -> Step:
    """What the loopback server says: it looks who is asking, and what is known."""
    outputs = request.function_outputs
    if "channel" in str(request.body.get("instructions")).partition(".")[0]:
        return Step().text("With 3 m of tide the channel carries a tall ship.")
    if request.body.get("previous_response_id"):
        return (
            Step().reasoning("The tide turns at 18:40.").text("Until a quarter past six, then it is too low.")
        )
    if not outputs:
        return (
            Step()
            .reasoning("A tall ship needs water under her and no bridge above.")
            .text("I read the tide and ask the pilot, and would move both bridges.")
            .function_call("read_tide", call_id="call_tide")
            .function_call("ask_pilot", {"input": "Can a tall ship leave at five?"}, call_id="call_pilot")
            .function_call("move_bridge", {"bridge": "harbour", "opens": True}, call_id="call_harbour")
            .function_call("move_bridge", {"bridge": "town", "opens": False}, call_id="call_town")
        )
    return (
        Step()
        .reasoning("Water and harbour bridge are fine.")
        .text(f"She can leave: tide {outputs['call_tide']}, and {outputs['call_harbour']}.")
    )


if __name__ == "__main__":
    run_example(main, script, wire="a real WebSocket")
