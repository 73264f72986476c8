"""A signed state is taken only as it was signed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents import Agent, Runner, RunState, StateTampered, UserError, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    return f"paid {amount}"


async def paused() -> tuple[Agent[Any], RunState[Any]]:
    steps = [[function_call("pay", {"amount": 1}, call_id="c1")], [assistant_message("done")]]
    agent = Agent(name="a", tools=[pay], model=ScriptedModel(steps))
    result = await Runner.run(agent, "Hi")
    return agent, result.to_state()


async def test_a_signed_state_is_read_and_resumed() -> None:
    agent, state = await paused()
    text = state.to_string(signing_key="secret")
    read = await RunState.from_string(agent, text, signing_key=b"secret")
    read.approve(read.get_interruptions()[0])
    assert (await Runner.run(agent, read)).final_output == "done"


async def test_a_signature_survives_another_order_and_layout_of_the_json() -> None:
    agent, state = await paused()
    payload = state.to_json(signing_key="secret")
    text = json.dumps(dict(reversed(list(payload.items()))), indent=2)
    await RunState.from_string(agent, text, signing_key="secret")


def tamper_arguments(payload: dict[str, Any]) -> None:
    text = json.dumps(payload["headrace"]).replace('\\"amount\\":1', '\\"amount\\":1000000')
    text = text.replace('\\"amount\\": 1', '\\"amount\\": 1000000')
    assert "1000000" in text
    payload["headrace"] = json.loads(text)


def tamper_signature(payload: dict[str, Any]) -> None:
    payload["signature"] = "0" * 64


def drop_signature(payload: dict[str, Any]) -> None:
    del payload["signature"]


def decide(payload: dict[str, Any]) -> None:
    fact: dict[str, Any] = {"path": [], "kind": "approval_decided", "data": {"call": "c1", "approved": True}}
    payload["headrace"]["decisions"].append(fact)


@pytest.mark.parametrize("tamper", [tamper_arguments, tamper_signature, drop_signature, decide])
async def test_a_changed_state_is_refused(tamper: Any) -> None:
    agent, state = await paused()
    payload = json.loads(state.to_string(signing_key="secret"))
    tamper(payload)
    with pytest.raises(StateTampered, match="do not resume it"):
        await RunState.from_json(agent, payload, signing_key="secret")


async def test_another_key_is_refused() -> None:
    agent, state = await paused()
    with pytest.raises(StateTampered):
        await RunState.from_string(agent, state.to_string(signing_key="one"), signing_key="two")


async def test_an_empty_key_is_an_error_of_the_caller() -> None:
    _, state = await paused()
    with pytest.raises(UserError, match="must not be empty"):
        state.to_json(signing_key="")
