"""Write the states of `tests/corpus` that are not there yet.

A file that is there stays as it is: it stands for what was written once, and has to be read for ever. When the format
changes, give `FORMAT` its number, and this writes the same states anew beside the old ones.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from agents import Agent, RunConfig, Runner, RunState  # noqa: E402
from agents.approvals import Approve, Reject, Supply  # noqa: E402
from corpus.program import AGENTS, Office  # noqa: E402 (found only now)

FORMAT = 2
CONFIG = RunConfig(tracing_disabled=True)
SOME_TIME = 1_760_000_000


async def paused(agent: Agent[Any], context: Any = None) -> RunState[Any]:
    """A run that waits."""
    return (await Runner.run(agent, "hi", context=context, run_config=CONFIG)).to_state()


async def partly_decided(agent: Agent[Any]) -> RunState[Any]:
    """One call decided, one not."""
    state = await paused(agent)
    state.reject(state.get_interruptions()[0], rejection_message="too much")
    return state


async def decided(agent: Agent[Any]) -> RunState[Any]:
    """Every kind of decision, none carried out."""
    state = await paused(agent)
    first, second, third = state.get_interruptions()
    state.decide(first, Approve(arguments={"amount": 10}, by="ada"))
    state.decide(second, Supply(output="paid by hand", by="ada"))
    state.decide(third, Reject(reason="never", by="ada"))
    return state


async def ruled(agent: Agent[Any]) -> RunState[Any]:
    """A decision that stands for others like it."""
    state = await paused(agent)
    first, second = state.get_interruptions()
    state.approve(first, where={"amount": {"max": 100}}, uses=5)
    state.approve(second)
    return state


async def stopped(agent: Agent[Any], office: Office, *, by_cancelling: bool) -> RunState[Any]:
    """The state of a run with a tool in flight: as it stands, or cancelled."""
    began = asyncio.Event()
    office.on_wait = began.set
    result = Runner.run_streamed(agent, "hi", run_config=CONFIG)
    await began.wait()
    await asyncio.sleep(0)
    state = result.to_state()
    result.cancel()
    async for _ in result.stream_events():
        pass
    return result.to_state() if by_cancelling else state


async def state_called(name: str) -> RunState[Any]:
    """The state of this name."""
    office = Office()
    agent = AGENTS[name](office)
    match name:
        case "paused_with_context":
            return await paused(agent, {"user": "ada"})
        case "partly_decided":
            return await partly_decided(agent)
        case "decided":
            return await decided(agent)
        case "ruled":
            return await ruled(agent)
        case "cancelled" | "claimed":
            return await stopped(agent, office, by_cancelling=name == "cancelled")
        case _:
            return await paused(agent)


def steady(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with times, durations and made ids that are the same each time."""
    part = payload["headrace"]
    part["run_id"] = "run_of_the_corpus"
    for number, fact in enumerate((*part["facts"], *part["decisions"])):
        fact["at"] = float(SOME_TIME + number)
        data = fact["data"]
        for key in ("at_ms", "duration_ms"):
            if data.get(key) is not None:
                data[key] = SOME_TIME * 1000 if key == "at_ms" else 1.5
        if "rule" in data and isinstance(data["rule"], dict):
            data["rule"]["id"] = "rule_of_the_corpus"
    return payload


async def main() -> None:
    """Write what is missing."""
    folder = ROOT / "tests" / "corpus" / f"format_{FORMAT}"
    folder.mkdir(exist_ok=True)
    for name in AGENTS:
        path = folder / f"{name}.json"
        if path.exists():
            continue
        payload = steady((await state_called(name)).to_json())
        path.write_text(json.dumps(payload, indent=1) + "\n", encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    asyncio.run(main())
