"""What tracing costs: CPU of runs with their spans exported to a loopback endpoint, over that of runs that are not traced.

The runs take turns with one function tool each, over HTTP (`wire`) or with a model in the same process (`in_process`).
Both kinds of run alternate, so that both see the same machine; the exporter's thread is in the figure. Besides: the
CPU of the span of one model call where tracing is off.
"""

import asyncio
import gc
import json
import os
import sys
import time

from openai import AsyncOpenAI
from prepared_model import PreparedModel, call_turn, text_turn

from agents import Agent, RunConfig, Runner, flush_traces, function_tool, set_trace_processors
from agents.models.openai_responses import OpenAIResponsesModel
from agents.tracing import response_span
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor

TURNS = 10
ROUNDS = 5


@function_tool
async def add_one(number: int) -> int:
    return number + 1


def prepared() -> PreparedModel:
    """Ten turns of 100 deltas."""
    calls = [
        call_turn(f"c{turn}", '{"number": 1}'.rjust(100), 100, name="add_one") for turn in range(TURNS - 1)
    ]
    return PreparedModel([*calls, text_turn(100)])


async def cpu_s(kind: str, client: AsyncOpenAI, *, is_traced: bool, runs: int) -> float:
    # What is collected in a sample is that sample's own.
    gc.collect()
    gc.freeze()
    start = time.process_time()
    for _ in range(runs):
        model = (
            prepared_models.pop() if kind == "in_process" else OpenAIResponsesModel(f"turns-{TURNS}", client)
        )
        agent = Agent(name="bench", model=model, tools=[add_one])
        config = RunConfig(tracing_disabled=not is_traced)
        result = Runner.run_streamed(agent, "go", run_config=config, max_turns=TURNS + 1)
        async for _ in result.stream_events():
            pass
    if is_traced:
        await asyncio.to_thread(flush_traces)
    return time.process_time() - start


def disabled_us(calls: int = 20_000) -> float:
    start = time.process_time()
    for _ in range(calls):
        with response_span(disabled=True):
            pass
    return (time.process_time() - start) / calls * 1e6


prepared_models: list[PreparedModel] = []


async def main(kind: str, runs: int) -> None:
    exporter = BackendSpanExporter(api_key="unused", endpoint=os.environ["BENCH_CHAT_URL"] + "/traces/ingest")
    set_trace_processors([BatchTraceProcessor(exporter)])
    if kind == "in_process":
        prepared_models.extend(prepared() for _ in range(2 * (ROUNDS * runs + 1)))
    async with AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="unused") as client:
        for is_traced in (False, True):
            await cpu_s(kind, client, is_traced=is_traced, runs=1)
        times = {False: 0.0, True: 0.0}
        for _ in range(ROUNDS):
            for is_traced in times:
                times[is_traced] += await cpu_s(kind, client, is_traced=is_traced, runs=runs)
    percent = (times[True] / times[False] - 1) * 100
    print(json.dumps({"percent": percent, "disabled_us": disabled_us()}))


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
