from __future__ import annotations

import logging
from typing import Any

import pytest

from agents import (
    GuardrailFunctionOutput,
    HandoffInputData,
    OutputGuardrail,
    RunConfig,
    Runner,
    RunResult,
    RunResultStreaming,
    UserError,
    function_tool,
    handoff,
)
from agents.testing import ModelStep
from run.scripts import RunIt, both_ways, calls, scripted, text


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


USER = {"role": "user", "content": "Hi"}


def turns() -> list[Any]:
    return [
        ModelStep(output=calls(("look", {"word": "x"}, "c1")), response_id="resp_1"),
        ModelStep(output=calls(("look", {"word": "y"}, "c2")), response_id="resp_2"),
        ModelStep(output=text(), response_id="resp_3"),
    ]


def output(call_id: str, words: str) -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": words}


ONLY_NEW = [[USER], [output("c1", "seen x")], [output("c2", "seen y")]]


@both_ways
class TestWhatIsSent:
    async def test_in_a_conversation_later_turns_send_only_what_is_new(self, run: RunIt):
        agent, model = scripted(*turns(), tools=[look])
        result = await run(agent, conversation_id="conv")
        assert [call.input for call in model.calls] == ONLY_NEW
        assert [call.conversation_id for call in model.calls] == ["conv"] * 3
        assert [call.previous_response_id for call in model.calls] == [None] * 3
        assert result.last_response_id == "resp_3"

    async def test_a_previous_response_is_followed_by_those_of_the_run(self, run: RunIt):
        agent, model = scripted(*turns(), tools=[look])
        await run(agent, previous_response_id="resp_0")
        assert [call.input for call in model.calls] == ONLY_NEW
        assert [call.previous_response_id for call in model.calls] == ["resp_0", "resp_1", "resp_2"]

    async def test_chaining_starts_with_none_and_follows_from_the_first_turn(self, run: RunIt):
        agent, model = scripted(*turns(), tools=[look])
        await run(agent, auto_previous_response_id=True)
        assert [call.input for call in model.calls] == ONLY_NEW
        assert [call.previous_response_id for call in model.calls] == [None, "resp_1", "resp_2"]

    async def test_with_neither_everything_is_sent_and_no_response_named(self, run: RunIt):
        agent, model = scripted(*turns(), tools=[look])
        result = await run(agent)
        assert [len(call.input) for call in model.calls] == [1, 3, 5]
        assert [call.previous_response_id for call in model.calls] == [None] * 3
        assert [call.conversation_id for call in model.calls] == [None] * 3
        assert len(result.to_input_list()) == 6

    async def test_the_result_still_shows_the_whole_run(self, run: RunIt):
        agent, _ = scripted(*turns(), tools=[look])
        result = await run(agent, conversation_id="conv")
        assert len(result.to_input_list()) == 6

    async def test_after_a_handoff_only_its_output_is_sent(self, run: RunIt):
        target, model = scripted(text("from b"), name="b")
        agent, _ = scripted(
            ModelStep(output=calls(("transfer_to_b", {})), response_id="resp_1"), handoffs=[target]
        )
        await run(agent, auto_previous_response_id=True)
        assert model.calls[0].input == [output("c1", '{"assistant": "b"}')]
        assert model.calls[0].previous_response_id == "resp_1"


@both_ways
class TestRefused:
    @pytest.mark.parametrize(
        "options",
        [{"conversation_id": "c"}, {"previous_response_id": "r"}, {"auto_previous_response_id": True}],
    )
    @pytest.mark.parametrize("is_the_runs", [False, True])
    async def test_output_guardrails_before_any_model_call(
        self, run: RunIt, options: dict[str, Any], is_the_runs: bool
    ):
        def check(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        guardrails = [OutputGuardrail(check)]
        agent, model = scripted(text(), output_guardrails=[] if is_the_runs else guardrails)
        config = RunConfig(output_guardrails=guardrails if is_the_runs else None)
        with pytest.raises(UserError, match="server-managed conversation history"):
            await run(agent, run_config=config, **options)
        assert model.calls == ()

    async def test_handoff_input_filters(self, run: RunIt):
        def keep(data: HandoffInputData) -> HandoffInputData:
            return data

        target, model = scripted(text("from b"), name="b")
        filters: list[tuple[Any, RunConfig]] = [
            (handoff(target, input_filter=keep), RunConfig()),
            (target, RunConfig(handoff_input_filter=keep)),
        ]
        for offered, config in filters:
            agent, _ = scripted(calls(("transfer_to_b", {})), handoffs=[offered])
            with pytest.raises(
                UserError, match="Server-managed conversations do not support handoff input filters"
            ):
                await run(agent, run_config=config, conversation_id="conv")
        assert model.calls == ()

    async def test_nested_history_is_switched_off_with_a_warning(
        self, run: RunIt, caplog: pytest.LogCaptureFixture
    ):
        target, model = scripted(text("from b"), name="b")
        agent, _ = scripted(calls(("transfer_to_b", {})), handoffs=[target])
        with caplog.at_level(logging.WARNING, "openai.agents"):
            await run(agent, run_config=RunConfig(nest_handoff_history=True), conversation_id="conv")
        assert "do not support nest_handoff_history" in caplog.text
        assert model.calls[0].input == [output("c1", '{"assistant": "b"}')]


async def test_an_output_guardrail_of_an_agent_that_is_handed_over_to_is_refused_before_its_model_call():
    def check(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    target, model = scripted(text("from b"), name="b", output_guardrails=[OutputGuardrail(check)])
    agent, _ = scripted(calls(("transfer_to_b", {})), handoffs=[target])
    with pytest.raises(UserError, match="server-managed conversation history"):
        await Runner.run(agent, "Hi", conversation_id="conv")
    assert model.calls == ()


async def test_the_previous_response_id_keeps_its_place_among_the_arguments():
    agent, model = scripted(text())
    result: RunResult | RunResultStreaming = Runner.run_streamed(agent, "Hi", None, 10, None, None, "resp_0")
    async for _ in result.stream_events():
        pass
    assert model.calls[0].previous_response_id == "resp_0"
