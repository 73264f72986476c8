"""Run an agent with a tool and a handoff under one of the packages, and print the OpenTelemetry spans that it makes.

Arguments: the package, and the base URL of a server for its model. Prints one JSON
object a span, in the order of their end: name, id, parent's id, attributes.
"""

import asyncio
import importlib
import json
import sys

from openai import AsyncOpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_trace_processors


@function_tool
def look(word: str) -> str:
    """Look at a word."""
    with trace.get_tracer("mill").start_as_current_span("inside"):
        return f"seen {word}"


def hook_in(package: str, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
    if package == "logfire":
        logfire = importlib.import_module("logfire")
        processors = [SimpleSpanProcessor(exporter)]
        # It makes a provider of its own.
        logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
        logfire.instrument_openai_agents()
        return
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    if package == "openai-agents-opentelemetry":
        processor = importlib.import_module("openai_agents_opentelemetry").OpenTelemetryTracingProcessor
        set_trace_processors([processor()])
        return
    path = package.removesuffix("-openai-agents").replace("-", ".") + ".openai_agents"
    instrumentor = importlib.import_module(path).OpenAIAgentsInstrumentor
    # The packages ask whether the distribution `openai-agents` is installed.
    instrumentor().instrument(tracer_provider=provider, skip_dep_check=True)


async def converse(base_url: str) -> None:
    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:
        model = OpenAIResponsesModel("any-model", client)
        heir = Agent(name="heir", model=model)
        agent = Agent(name="asker", model=model, tools=[look], handoffs=[heir])
        result = Runner.run_streamed(agent, "Hi")
        async for _ in result.stream_events():
            pass
        assert result.final_output == "Hello."


def main(package: str, base_url: str) -> None:
    set_trace_processors([])
    exporter = InMemorySpanExporter()
    hook_in(package, TracerProvider(), exporter)
    asyncio.run(converse(base_url))
    for span in exporter.get_finished_spans():
        assert span.context is not None
        attributes = span.attributes or {}
        told = {
            # Logfire's names are patterns.
            "name": attributes.get("logfire.msg", span.name),
            "id": span.context.span_id,
            "parent": span.parent.span_id if span.parent else None,
            "attributes": {name: str(value) for name, value in attributes.items()},
        }
        print(json.dumps(told))


main(*sys.argv[1:])
