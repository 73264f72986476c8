"""Text from the model's own events, for those who want everything that the model streams.

python -m examples.basic.stream_text
"""

from __future__ import annotations

from collections import Counter

from agents import Agent, Runner
from agents.testing import Step
from examples._endpoint import run_example


async def main() -> None:
    agent = Agent(name="Guide", instructions="Explain things to a curious ten-year-old.")
    result = Runner.run_streamed(agent, "Why does a mill need a headrace?")
    seen: Counter[str] = Counter()
    async for event in result.stream_events():
        if event.type != "raw_response_event":
            continue
        seen[event.data.type] += 1
        if event.data.type == "response.output_text.delta":
            print(event.data.delta, end="", flush=True)
    print("\n")
    for kind, count in seen.items():
        print(f"{count:4} {kind}")


SCRIPT = [
    Step().text(
        "A mill wheel wants water that comes evenly and from high up. The headrace is the channel that brings it: it "
        "leaves the stream well above the mill and runs nearly level, so that all the height is left for the wheel."
    )
]

if __name__ == "__main__":
    run_example(main, SCRIPT)
