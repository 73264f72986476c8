"""Serve a ChatKit thread whose answers are streamed runs, and print the events that its client would get.

Arguments: the base URL of a server for the model. Prints a list of events for each of these requests:

1. a message: the answer takes a thought, a tool that reports progress, a handoff and a text;
2. a message: the answer is a call of a tool on the client;
3. its output: the answer is a text;
4. a message: the answer trips a guardrail;
5. a message: the model fails.
"""

import asyncio
import importlib
import json
import logging
import sys
from typing import Any

from openai import AsyncOpenAI

from agents import (
    Agent,
    GuardrailFunctionOutput,
    OpenAIResponsesModel,
    RunContextWrapper,
    Runner,
    StopAtTools,
    function_tool,
    output_guardrail,
    set_trace_processors,
)

chatkit: Any = importlib.import_module("chatkit.agents")
types: Any = importlib.import_module("chatkit.types")
server: Any = importlib.import_module("chatkit.server")
new_id: Any = importlib.import_module("chatkit.store").default_generate_id


@function_tool
async def look(context: RunContextWrapper[Any], word: str) -> str:
    """Look at a word."""
    await context.context.stream(types.ProgressUpdateEvent(text=f"Looking at {word}"))
    return f"seen {word}"


@function_tool
async def paint(context: RunContextWrapper[Any], color: str) -> str:
    """Paint the page."""
    context.context.client_tool_call = chatkit.ClientToolCall(name="paint", arguments={"color": color})
    return "asked"


@output_guardrail
async def no_secrets(
    context: RunContextWrapper[Any], agent: Agent[Any], output: str
) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered="secret" in output)


class OneThread:
    """What of ChatKit's store a single thread asks for."""

    def __init__(self) -> None:
        self.thread: Any = None
        self.items: dict[str, Any] = {}

    def generate_thread_id(self, context: Any) -> str:
        return new_id("thread")

    def generate_item_id(self, kind: str, thread: Any, context: Any) -> str:
        return new_id(kind)

    async def save_thread(self, thread: Any, context: Any) -> None:
        self.thread = thread

    async def load_thread(self, thread_id: str, context: Any) -> Any:
        return self.thread

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Any:
        items = list(self.items.values())
        return types.Page(data=items[::-1][:limit] if order == "desc" else items[:limit])

    async def add_thread_item(self, thread_id: str, item: Any, context: Any) -> None:
        self.items[item.id] = item

    save_item = add_thread_item

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self.items.pop(item_id, None)


class Mill(server.ChatKitServer):
    """A server whose answers are runs of an agent."""

    def __init__(self, agent: Agent[Any]) -> None:
        server.ChatKitServer.__init__(self, OneThread())
        self.agent = agent

    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        items = await self.store.load_thread_items(thread.id, None, 100, "asc", context)
        said = await chatkit.simple_to_agent_input(items.data)
        turn = chatkit.AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(self.agent, said, context=turn)
        async for event in chatkit.stream_agent_response(turn, result):
            yield event

    async def answer(self, kind: str, **params: Any) -> list[Any]:
        """The events of one request."""
        result = await self.process(json.dumps({"type": kind, "params": params}), None)
        events = [chunk.decode() async for chunk in result]
        return [json.loads(event.removeprefix("data: ")) for event in events]


def message(text: str) -> dict[str, Any]:
    return {"content": [{"type": "input_text", "text": text}], "attachments": [], "inference_options": {}}


async def converse(base_url: str) -> None:
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        model = OpenAIResponsesModel("any-model", client)
        heir: Agent[Any] = Agent(name="heir", model=model)
        mill = Mill(
            Agent(
                name="asker",
                model=model,
                tools=[look, paint],
                handoffs=[heir],
                tool_use_behavior=StopAtTools(stop_at_tool_names=["paint"]),
                output_guardrails=[no_secrets],
            )
        )
        print(json.dumps(await mill.answer("threads.create", input=message("Hi"))))
        thread = {"thread_id": mill.store.thread.id}
        print(json.dumps(await mill.answer("threads.add_user_message", **thread, input=message("Paint it"))))
        print(json.dumps(await mill.answer("threads.add_client_tool_output", **thread, result="painted")))
        # ChatKit logs what it makes events of next.
        logging.getLogger("chatkit").setLevel(logging.CRITICAL)
        print(json.dumps(await mill.answer("threads.add_user_message", **thread, input=message("A secret?"))))
        # Where a stream fails, ChatKit leaves a task of its own behind, of which asyncio tells.
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        print(json.dumps(await mill.answer("threads.add_user_message", **thread, input=message("Well?"))))


set_trace_processors([])
asyncio.run(converse(sys.argv[1]))
