"""A streamed run that stops to ask a person, as often as it has to, and streams on with the answers.

python -m examples.agent_patterns.human_in_the_loop_stream [--auto]
"""

from __future__ import annotations

from agents import Agent, Runner, RunResultStreaming, RunState, function_tool
from agents.testing import ResponsesRequest, Step
from examples._endpoint import run_example
from examples._terminal import ask


@function_tool(side_effects="none")
async def read_water_level() -> str:
    """Tell how high the water stands above the mill."""
    return "1.40 m, rising"


@function_tool(needs_approval=True)
async def open_gate(gate: str, centimetres: int) -> str:
    """Open a gate of the weir by so many centimetres."""
    return f"the {gate} gate is open by {centimetres} cm"


async def show(result: RunResultStreaming) -> None:
    """Print a run until it ends, or until it waits for decisions: `stream_events()` ends with either."""
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            print(event.data.delta, end="", flush=True)
        elif event.type == "run_item_stream_event":
            if event.item.type == "message_output_item":
                print()
            elif event.item.type == "tool_call_output_item":
                print(f"  output: {event.item.output}")


async def decide(state: RunState[None]) -> None:
    """Put each pending call before the person at the terminal."""
    for item in state.get_interruptions():
        # Ready for `--auto`: yes to the small opening, no to the large one.
        is_small = '"centimetres": 20' in (item.arguments or "")
        answer = await ask(f"{item.tool_name} {item.arguments} [y/n]?", "y" if is_small else "n")
        if answer == "y":
            state.approve(item)
        else:
            state.reject(item, rejection_message="No: there are people at the ford.")


async def main() -> None:
    agent = Agent(
        name="Weir keeper",
        instructions="Keep the water below 1.30 m. Say what you do.",
        tools=[read_water_level, open_gate],
    )
    result = Runner.run_streamed(agent, "It rains. See to the weir.")
    await show(result)
    while result.interruptions:
        state = result.to_state()
        await decide(state)
        result = Runner.run_streamed(agent, state)
        await show(result)


def script(request: ResponsesRequest) -> Step:
    """What the loopback server says: the gates first, then what has come of them."""
    outputs = request.function_outputs
    if not outputs:
        return (
            Step()
            .text("I read the level, and would open both gates.")
            .function_call("read_water_level", call_id="call_level")
            .function_call("open_gate", {"gate": "north", "centimetres": 20}, call_id="call_north")
            .function_call("open_gate", {"gate": "south", "centimetres": 90}, call_id="call_south")
        )
    return Step().text(
        f"The water stands at {outputs['call_level']}.\nNorth: {outputs['call_north']}\n"
        f"South: {outputs['call_south']}"
    )


if __name__ == "__main__":
    run_example(main, script)
