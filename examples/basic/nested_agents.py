"""Two agents as tools of a third, at work at the same time: one stream, events told apart by path.

A record's path names the calls under which it happened: `()` is the outermost run, `("call_…",)` a run that answers
one of its tool calls.

python -m examples.basic.nested_agents
"""

from __future__ import annotations

from collections import defaultdict

from agents import Agent, Runner
from agents.testing import ResponsesRequest, Step
from examples._endpoint import run_example

botanist = Agent(name="Botanist", instructions="Say in three short lines what grows there.")
geologist = Agent(name="Geologist", instructions="Say in three short lines what the ground is made of.")
guide = Agent(
    name="Guide",
    instructions="Ask the botanist and the geologist, both at once, then answer in one sentence.",
    tools=[
        botanist.as_tool("ask_botanist", "Ask about plants."),
        geologist.as_tool("ask_geologist", "Ask about rocks."),
    ],
)


async def main() -> None:
    result = Runner.run_streamed(guide, "What should I look at on Lanzarote?")
    names: dict[tuple[str, ...], str] = {}
    lines: defaultdict[tuple[str, ...], str] = defaultdict(str)
    async for record in result.records():
        match record.kind, record.data:
            case "run_started", {"agent": name}:
                names[record.path] = name
                print(f"{name:>9} starts at {'/'.join(record.path) or 'the top'}")
            case "model_delta", {"event": {"type": "response.output_text.delta", "delta": text}}:
                *finished, lines[record.path] = (lines[record.path] + text).split("\n")
                for line in finished:
                    print(f"{names[record.path]:>9} | {line}")
            case "run_finished", _:
                print(f"{names[record.path]:>9} | {lines.pop(record.path)}")
            case _:
                pass


def script(request: ResponsesRequest) -> Step:
    """What the loopback server says: the three agents ask it in no certain order, so it looks who is asking."""
    instructions = str(request.body.get("instructions"))
    if "grows" in instructions:
        return Step().text(
            "Lichen on the young lava,\nspurge where soil gathers,\nvines in pits of black ash."
        )
    if "ground" in instructions:
        return Step().text(
            "Basalt, from 1730 and after.\nAsh and lapilli on top,\nolivine in the older cones."
        )
    if request.function_outputs:
        return Step().text(
            "Go to La Geria: vines in pits of ash, over basalt that is younger than the vineyard trade."
        )
    return (
        Step()
        .function_call("ask_botanist", {"input": "What grows on Lanzarote?"}, call_id="call_plants")
        .function_call("ask_geologist", {"input": "What is Lanzarote made of?"}, call_id="call_rocks")
    )


if __name__ == "__main__":
    run_example(main, script)
