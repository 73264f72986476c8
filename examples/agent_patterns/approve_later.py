"""A run that one process begins and another one ends: in between it is a file, for a minute or for a month.

python -m examples.agent_patterns.approve_later begin order.json
python -m examples.agent_patterns.approve_later decide order.json [--approve | --reject]
python -m examples.agent_patterns.approve_later --auto
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from agents import Agent, Runner, RunState, function_tool
from agents.testing import ResponsesRequest, Step
from examples._endpoint import run_example
from examples._terminal import ask


@function_tool(needs_approval=True)
def order_millstone(quarry: str, price: int) -> str:
    """Order a new millstone."""
    return f"ordered from {quarry} for {price} crowns"


# Both processes make the agent anew. Code is no part of a state; the agents' names tie one to the other.
agent = Agent(name="Buyer", instructions="Buy what the mill needs.", tools=[order_millstone])


async def begin(path: Path) -> None:
    """Process 1: run until the order waits for somebody's word, and write down how things stand."""
    result = await Runner.run(agent, "The old millstone is worn.")
    for item in result.interruptions:
        print(f"waits for a decision: {item.tool_name} {item.arguments}")
    state = result.to_state().to_string()
    await asyncio.to_thread(path.write_text, state, encoding="utf-8")
    print(f"state written: {len(state)} characters")


async def decide(path: Path, answer: str | None) -> None:
    """Process 2: read how things stand, decide, and stream the rest of the run."""
    written = await asyncio.to_thread(path.read_text, encoding="utf-8")
    state = await RunState.from_string(agent, written)
    for item in state.get_interruptions():
        if (answer or await ask(f"{item.tool_name} {item.arguments} [y/n]?", "y")) == "y":
            state.approve(item)
            print(f"approved: {item.tool_name}")
        else:
            state.reject(item)
            print(f"rejected: {item.tool_name}")
    result = Runner.run_streamed(agent, state)
    async for text in result.stream_text():
        print(text, end="", flush=True)
    print()


def run_both() -> None:
    """Do as a person would: run one process, and when it has ended, the other."""
    program = [sys.executable, "-m", "examples.agent_patterns.approve_later"]
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/order.json"
        for command in (["begin", path], ["decide", path, "--approve"]):
            subprocess.run([*program, *command], check=True)  # noqa: S603 (it runs this very file)


def script(request: ResponsesRequest) -> Step:
    """What the loopback server says: it is asked by two processes, and looks how far the run has come."""
    if request.function_outputs:
        return Step().text(f"The millstone: {request.function_outputs['call_stone']}")
    return Step().function_call(
        "order_millstone", {"quarry": "Hyllestad", "price": 900}, call_id="call_stone"
    )


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", choices=("begin", "decide"), nargs="?")
    parser.add_argument("path", type=Path, nargs="?", help="the file of the state")
    parser.add_argument("--approve", dest="answer", action="store_const", const="y")
    parser.add_argument("--reject", dest="answer", action="store_const", const="n")
    parser.add_argument("--auto", action="store_true", help="run both processes, with nobody to ask")
    arguments = parser.parse_intermixed_args()
    if not arguments.auto and arguments.path is None:
        parser.error("say `begin` or `decide` and a file, or --auto")
    return arguments


if __name__ == "__main__":
    arguments = parsed()
    if arguments.auto:
        run_both()
    elif arguments.command == "begin":
        run_example(lambda: begin(arguments.path), script)
    else:
        run_example(lambda: decide(arguments.path, arguments.answer), script)
