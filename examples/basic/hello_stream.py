"""The shortest streamed run: an agent's answer, printed as it is written.

python -m examples.basic.hello_stream
"""

from __future__ import annotations

from agents import Agent, Runner
from examples._endpoint import run_example


async def main() -> None:
    agent = Agent(name="Poet", instructions="Answer in a haiku.")
    result = Runner.run_streamed(agent, "What is streaming?")
    async for text in result.stream_text():
        print(text, end="", flush=True)
    print()


SCRIPT = ["Words before the end,\nriver over the stone sill:\nno need of the lake."]

if __name__ == "__main__":
    run_example(main, SCRIPT, pace_s=0.08)
