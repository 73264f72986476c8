"""One agent hands over to another in the middle of a stream.

python -m examples.basic.stream_handoff
"""

from __future__ import annotations

from agents import Agent, Runner
from agents.testing import Step
from examples._endpoint import run_example

repairs = Agent(
    name="Repairs",
    handoff_description="Everything that is broken.",
    instructions="Help to mend what is broken. Be brief.",
)
front_desk = Agent(
    name="Front desk",
    instructions="Greet the caller in one sentence, then hand over to whoever can help.",
    handoffs=[repairs],
)


async def main() -> None:
    result = Runner.run_streamed(front_desk, "My bicycle's chain has come off.")
    async for event in result.stream_events():
        if event.type == "agent_updated_stream_event":
            print(f"\n[{event.new_agent.name}]")
        elif event.type == "run_item_stream_event" and event.item.type == "handoff_output_item":
            print(f"\n({event.item.source_agent.name} hands over to {event.item.target_agent.name})", end="")
        elif event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            print(event.data.delta, end="", flush=True)
    print(f"\n\nAnswered by {result.last_agent.name}.")


SCRIPT = [
    Step().text("Hello, a colleague of mine knows about chains.").function_call("transfer_to_repairs"),
    "Push the rear derailleur forward, lay the chain on the smallest cog, and turn the pedals backward by hand.",
]

if __name__ == "__main__":
    run_example(main, SCRIPT)
