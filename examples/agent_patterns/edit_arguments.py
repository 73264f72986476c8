"""A person lets a call run with other arguments than the model's. History keeps what the model asked for.

python -m examples.agent_patterns.edit_arguments [--auto]
"""

from __future__ import annotations

import json
from typing import Any

from agents import Agent, Approve, Reject, Runner, RunState, function_tool
from agents.testing import ResponsesRequest, Step
from examples._endpoint import run_example
from examples._terminal import ask


@function_tool(needs_approval=True)
def order_grain(grain: str, sacks: int) -> str:
    """Order grain from the cooperative."""
    return f"{sacks} sacks of {grain} are on their way"


async def decide(state: RunState[None]) -> None:
    """Ask how many sacks it may be: a number, or no."""
    for item in state.get_interruptions():
        asked = json.loads(item.arguments or "{}")
        answer = await ask(
            f"The model wants {asked['sacks']} sacks of {asked['grain']}. How many [n: no]?", "40"
        )
        if answer.isdecimal():
            state.decide(item, Approve(arguments={**asked, "sacks": int(answer)}, by="the miller"))
        else:
            state.decide(item, Reject(reason="There is no room for more grain.", by="the miller"))


async def main() -> None:
    agent = Agent(name="Buyer", instructions="Keep the granary full.", tools=[order_grain])
    result = await Runner.run(agent, "The granary is almost empty.")
    while result.interruptions:
        state = result.to_state()
        await decide(state)
        result = await Runner.run(agent, state)
    history: list[dict[str, Any]] = [dict(item) for item in result.to_input_list()]
    for item in history:
        match item:
            case {"type": "function_call", "name": name, "arguments": arguments}:
                print(f"the model's call: {name} {arguments}")
            case {"type": "function_call_output", "output": output}:
                print(f"what came of it:  {output}")
            case _:
                pass
    print(result.final_output)


def script(request: ResponsesRequest) -> Step:
    """What the loopback server says: an order, then what has come of it."""
    if request.function_outputs:
        return Step().text(f"About the granary: {request.function_outputs['call_grain']}")
    return Step().function_call("order_grain", {"grain": "rye", "sacks": 400}, call_id="call_grain")


if __name__ == "__main__":
    run_example(main, script)
