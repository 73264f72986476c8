"""A run as a sequence of finished things: agents, tool calls, tool outputs, messages. Raw deltas are ignored.

python -m examples.basic.stream_items
"""

from __future__ import annotations

import asyncio

from agents import Agent, ItemHelpers, Runner, function_tool
from agents.testing import Step
from examples._endpoint import run_example


@function_tool
async def look_into_pantry() -> list[str]:
    """List what is in the pantry."""
    await asyncio.sleep(0.4)
    return ["chickpeas", "tomatoes", "a lemon"]


@function_tool
def minutes_until(meal: str) -> int:
    """Tell how many minutes are left until a meal."""
    return {"lunch": 0, "dinner": 35}.get(meal, 120)


async def main() -> None:
    agent = Agent(
        name="Cook",
        instructions="Suggest one dish. Look into the pantry and at the clock first.",
        tools=[look_into_pantry, minutes_until],
    )
    result = Runner.run_streamed(agent, "What is for dinner?")
    async for event in result.stream_events():
        if event.type == "raw_response_event":
            continue
        if event.type == "agent_updated_stream_event":
            print(f"agent    {event.new_agent.name}")
        elif event.item.type == "tool_call_item":
            print(f"call     {event.item.tool_name}")
        elif event.item.type == "tool_call_output_item":
            print(f"output   {event.item.output}")
        elif event.item.type == "message_output_item":
            print(f"message  {ItemHelpers.text_message_output(event.item)}")


SCRIPT = [
    Step().function_call("look_into_pantry").function_call("minutes_until", {"meal": "dinner"}),
    "Chickpeas in tomato with lemon: twenty minutes, and you have thirty-five.",
]

if __name__ == "__main__":
    run_example(main, SCRIPT)
