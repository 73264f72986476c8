"""`make demo`: a run with a handoff, two tools at once and streamed text, rendered from the run's records.

python -m examples.demo
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from agents import Agent, Record, Runner, RunResultStreaming, function_tool
from agents.testing import Step
from examples._endpoint import run_example

QUESTION = "I am in Oslo and want to be in Copenhagen tomorrow. By train, please, and do I need an umbrella?"

console = Console(highlight=False)


@function_tool(side_effects="none")
async def check_weather(city: str) -> str:
    """Tell tomorrow's weather in a city."""
    await asyncio.sleep(1.6)
    return f"{city}: showers until noon, 9 °C"


@function_tool(side_effects="none")
async def find_trains(origin: str, destination: str) -> AsyncIterator[str | dict[str, str]]:
    """Find tomorrow's trains between two cities."""
    for railway in ("Vy", "SJ", "DSB"):
        yield {"asking": railway}
        await asyncio.sleep(0.2)
    yield f"{origin} 06:55, change in Göteborg 10:37, {destination} 14:33"


planner = Agent(
    name="Trip planner",
    handoff_description="Plans journeys.",
    instructions="Look up trains and weather, both at once. Then give the journey in a few short lines.",
    tools=[check_weather, find_trains],
)
front_desk = Agent(
    name="Front desk",
    instructions="Say in one sentence what you understood, then hand over to the one who can help.",
    handoffs=[planner],
)


class Screen:
    """Renders records as they come. Text is written where it stands; everything else gets a line of its own."""

    def __init__(self) -> None:
        self._is_in_text = False
        self._running: dict[str, str] = {}
        self._spinner = console.status("")

    def _started(self, call: str, name: str) -> None:
        self._running[call] = name
        self._spin()

    def _ended(self, call: str) -> None:
        self._running.pop(call, None)
        self._spin()

    def _spin(self) -> None:
        """Have a spinner at the bottom of a terminal while tools run."""
        self._spinner.update(f"[dim]running {', '.join(self._running.values())}[/]")
        if self._running:
            self._spinner.start()
        else:
            self._spinner.stop()

    def line(self, text: str) -> None:
        """Write one line of markup, after ending the text that is being written."""
        self.end_text()
        console.print(text)

    def end_text(self) -> None:
        """End the line that is being written, if there is one."""
        if self._is_in_text:
            console.print()
        self._is_in_text = False

    def show(self, record: Record) -> None:
        """Render one record."""
        match record.kind, record.data:
            case "run_started", {"agent": agent}:
                self.line(f"\n[bold cyan]{escape(agent)}[/]")
            case "model_delta", {"event": {"type": "response.output_text.delta", "delta": text}}:
                console.print(text, end="", markup=False, soft_wrap=True)
                self._is_in_text = True
            case "call_proposed", {"call": {"kind": "function", "name": name, "arguments": arguments}}:
                self.line(f"  [yellow]→ {escape(name)}[/][dim]({_plain(arguments)})[/]")
            case "tool_claimed", {"call": call, "name": name}:
                self._started(call, name)
            case "tool_progressed", {"progress": {"asking": railway}}:
                self.line(f"  [dim]… asking {escape(railway)}[/]")
            case "tool_returned", {"call": call, "name": name, "duration_ms": duration_ms, "output": output}:
                self._ended(call)
                taken = f"{duration_ms / 1000:.2f} s"
                self.line(f"  [green]✓ {escape(name)}[/] [bold]{taken}[/]  {escape(_shown(output))}")
            case "tool_failed", {"call": call, "name": name, "error": error}:
                self._ended(call)
                self.line(f"  [red]✗ {escape(name)}[/]  {escape(error['message'])}")
            case "handed_off", {"source": source, "agent": agent}:
                self.line(f"  [magenta]⇢ {escape(source)} hands over[/]\n\n[bold cyan]{escape(agent)}[/]")
            case "run_failed", {"error": error}:
                self.line(f"[bold red]{escape(error['type'])}[/]: {escape(error['message'])}")
            case _:
                pass


def _plain(arguments: str) -> str:
    """The arguments of a call as one would write them in Python."""
    given: dict[str, Any] = json.loads(arguments or "{}")
    return escape(", ".join(f"{name}={value!r}" for name, value in given.items()))


def _shown(output: dict[str, Any]) -> str:
    return str(output.get("output"))


def statistics(result: RunResultStreaming, taken_s: float) -> str:
    """One line about the run."""
    usage = result.context_wrapper.usage
    parts = [
        f"{taken_s:.1f} s",
        f"{result.current_turn} turns",
        f"{usage.requests} model requests",
        f"{usage.input_tokens} + {usage.output_tokens} tokens",
        f"{result.statistics().records} records",
    ]
    return " · ".join(parts)


async def main() -> None:
    console.print(f"\n[bold]You[/]\n{escape(QUESTION)}")
    screen = Screen()
    began = time.perf_counter()
    result = Runner.run_streamed(front_desk, QUESTION)
    async for record in result.records():
        screen.show(record)
    screen.line(f"\n[dim]{statistics(result, time.perf_counter() - began)}[/]")
    if result.run_loop_exception is not None:
        sys.exit(1)


SCRIPT = [
    Step()
    .text("A train from Oslo to Copenhagen tomorrow, and the weather there: I know just the person.")
    .function_call("transfer_to_trip_planner"),
    Step()
    .function_call("check_weather", {"city": "Copenhagen"}, call_id="call_weather")
    .function_call("find_trains", {"origin": "Oslo", "destination": "Copenhagen"}, call_id="call_trains"),
    Step().text(
        "Take the 06:55 from Oslo S and change in Göteborg at 10:37; you are in Copenhagen at 14:33.\n"
        "The showers end at noon, before you arrive: leave the umbrella, take a jacket for 9 °C.\n"
        "Sit on the right-hand side for the last hour, the sea is there."
    ),
]

if __name__ == "__main__":
    run_example(main, SCRIPT, pace_s=0.03)
