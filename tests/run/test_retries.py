"""Model calls that fail and are made again: by policy, before and after output, and what readers are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI

from agents import (
    Agent,
    ModelRetryAdvice,
    ModelSettings,
    ModelTimeoutError,
    OpenAIResponsesModel,
    RunConfig,
    RunHooks,
    Runner,
    UserError,
    function_tool,
    retry_policies,
)
from agents.exceptions import ModelResponseFailed, ModelStreamBroken
from agents.model_timeouts import ModelTimeouts
from agents.retry import ModelRetrySettings, RetryDecision, RetryPolicyContext
from agents.testing import ModelStep, ResponsesServer, ScriptedModel, Step
from laws.virtual_time import run_in_virtual_time
from models.asking import arguments
from run.scripts import RunIt, both_ways, calls, collect, run_drained, text

BROKEN = ConnectionError("the line is dead")


def always(_: RetryPolicyContext) -> bool:
    return True


def at_once(policy: Any = always, retries: int = 3, **more: Any) -> ModelSettings:
    """Settings that repeat without a pause."""
    backoff: dict[str, Any] = {"initial_delay": 0}
    return ModelSettings(
        retry=ModelRetrySettings(max_retries=retries, policy=policy, backoff=backoff, **more)
    )


def agent_of(*steps: Any, settings: ModelSettings, **fields: Any) -> tuple[Agent[Any], ScriptedModel]:
    model = ScriptedModel(steps)
    return Agent(name="a", model=model, model_settings=settings, **fields), model


@both_ways
class TestPolicies:
    async def test_a_call_that_failed_is_made_again(self, run: RunIt):
        agent, model = agent_of(BROKEN, BROKEN, text(), settings=at_once())
        result = await run(agent)
        assert result.final_output == "done"
        assert [call.input for call in model.calls] == [model.calls[0].input] * 3
        assert [item.type for item in result.new_items] == ["message_output_item"]

    @pytest.mark.parametrize("settings", [ModelSettings(), at_once(policy=None), at_once(retries=0)])
    async def test_nothing_is_repeated_without_policy_and_count(self, run: RunIt, settings: ModelSettings):
        agent, model = agent_of(BROKEN, text(), settings=settings)
        with pytest.raises(ConnectionError) as caught:
            await run(agent)
        assert caught.value is BROKEN
        assert len(model.calls) == 1

    async def test_the_last_error_is_raised_when_all_failed(self, run: RunIt):
        errors = [ConnectionError(str(number)) for number in range(3)]
        agent, model = agent_of(*errors, settings=at_once(retries=2))
        with pytest.raises(ConnectionError) as caught:
            await run(agent)
        assert caught.value is errors[-1]
        assert len(model.calls) == 3

    async def test_a_policy_is_told_what_is_known(self, run: RunIt):
        seen: list[RetryPolicyContext] = []

        async def policy(context: RetryPolicyContext) -> bool:
            seen.append(context)
            return context.attempt < 2

        agent, _ = agent_of(BROKEN, TimeoutError("slow"), settings=at_once(policy))
        with pytest.raises(TimeoutError):
            await run(agent, previous_response_id="resp_0")
        first, second = seen
        assert (first.attempt, second.attempt, first.max_retries) == (1, 2, 3)
        assert first.error is BROKEN
        assert first.stream is (run is run_drained)
        assert (first.normalized.is_network_error, first.normalized.is_timeout) == (True, False)
        assert second.normalized.is_timeout
        assert (first.previous_response_id, first.stateful_request) == ("resp_0", True)

    async def test_mistakes_of_the_program_are_not_repeated(self, run: RunIt):
        agent, model = agent_of(UserError("no"), text(), settings=at_once())
        with pytest.raises(UserError):
            await run(agent)
        assert len(model.calls) == 1

    async def test_a_failed_attempt_counts_as_a_request_without_tokens(self, run: RunIt):
        agent, _ = agent_of(BROKEN, text(), settings=at_once())
        result = await run(agent)
        usage = result.context_wrapper.usage
        assert usage.requests == 2
        assert [entry.total_tokens for entry in usage.request_usage_entries][:1] == [0]
        assert result.raw_responses[0].usage.requests == 2

    async def test_hooks_see_one_call(self, run: RunIt):
        heard: list[str] = []

        class Ear(RunHooks[Any]):
            async def on_llm_start(
                self, context: Any, agent: Any, system_prompt: Any, input_items: Any
            ) -> None:
                heard.append("start")

            async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
                heard.append("end")

        agent, _ = agent_of(BROKEN, text(), settings=at_once())
        await run(agent, hooks=Ear())
        assert heard == ["start", "end"]

    @pytest.mark.parametrize(
        ("advice", "decision", "is_repeated"),
        [
            (None, True, False),
            (None, RetryDecision(retry=True, approve_unsafe_replay=True), True),
            (ModelRetryAdvice(replay_safety="safe"), True, True),
            (ModelRetryAdvice(replay_safety="unsafe"), True, False),
        ],
    )
    async def test_what_a_conversation_may_have_taken_in_is_not_sent_twice(
        self, run: RunIt, advice: ModelRetryAdvice | None, decision: Any, is_repeated: bool
    ):
        step = ModelStep.raise_error(BROKEN, retry_advice=advice)

        def policy(_: RetryPolicyContext) -> Any:
            return decision

        agent, model = agent_of(step, text(), settings=at_once(policy))
        try:
            await run(agent, conversation_id="conv_1")
        except ConnectionError:
            assert not is_repeated
        assert len(model.calls) == 1 + is_repeated


class TestWaits:
    @pytest.mark.parametrize(
        ("decision", "backoff", "expected"),
        [
            (True, {"initial_delay": 1, "multiplier": 3, "max_delay": 5, "jitter": False}, 1 + 3 + 5),
            (RetryDecision(retry=True, delay=7), {"initial_delay": 1}, 21),
        ],
    )
    def test_they_are_those_of_the_decision_or_of_the_backoff(
        self, decision: Any, backoff: Any, expected: float
    ):
        def policy(_: RetryPolicyContext) -> Any:
            return decision

        retry = ModelRetrySettings(max_retries=3, policy=policy, backoff=backoff)
        agent, _ = agent_of(BROKEN, BROKEN, BROKEN, text(), settings=ModelSettings(retry=retry))

        async def timed() -> float:
            began = asyncio.get_running_loop().time()
            await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
            return asyncio.get_running_loop().time() - began

        assert run_in_virtual_time(timed()) == pytest.approx(expected)

    def test_a_provider_says_how_long(self):
        step = ModelStep.raise_error(BROKEN, retry_advice=ModelRetryAdvice(suggested=True, retry_after=40))
        agent, _ = agent_of(step, text(), settings=at_once(retry_policies.provider_suggested()))

        async def timed() -> float:
            began = asyncio.get_running_loop().time()
            await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
            return asyncio.get_running_loop().time() - began

        assert run_in_virtual_time(timed()) == pytest.approx(40)

    @pytest.mark.parametrize(("most", "is_repeated"), [(None, False), (10, False), (4000, True)])
    def test_who_asks_for_more_than_anybody_waits_is_not_asked_again(self, most: Any, is_repeated: bool):
        step = ModelStep.raise_error(BROKEN, retry_advice=ModelRetryAdvice(suggested=True, retry_after=3600))
        retry = ModelRetrySettings(
            max_retries=1, policy=retry_policies.provider_suggested(), backoff={"max_delay": most}
        )
        agent, model = agent_of(step, text(), settings=ModelSettings(retry=retry))

        async def outcome() -> Any:
            try:
                return (
                    await Runner.run(agent, "Hi", run_config=RunConfig(tracing_disabled=True))
                ).final_output
            except ConnectionError as error:
                return error

        assert run_in_virtual_time(outcome()) == ("done" if is_repeated else BROKEN)
        assert len(model.calls) == 1 + is_repeated

    async def test_text_that_is_void_is_no_partial_item(self):
        has_failed = asyncio.Event()

        def policy(_: RetryPolicyContext) -> RetryDecision:
            has_failed.set()
            return RetryDecision(retry=True, delay=100)

        async with against([broken_off(6), "whole"], at_once(policy, after_output=True)) as (agent, _):
            result = Runner.run_streamed(agent, "Hi")
            await has_failed.wait()
            async for record in result.records():
                if record.kind == "attempt_reset":
                    break
            result.cancel()
            assert result.run_loop_task is not None
            await result.run_loop_task
        assert result.new_items == []

    async def test_cancelling_ends_them(self):
        has_failed = asyncio.Event()

        def policy(_: RetryPolicyContext) -> RetryDecision:
            has_failed.set()
            return RetryDecision(retry=True, delay=3600)

        retry = ModelRetrySettings(max_retries=1, policy=policy, backoff={"max_delay": 7200})
        agent, _ = agent_of(BROKEN, text(), settings=ModelSettings(retry=retry))
        result = Runner.run_streamed(agent, "Hi")
        await has_failed.wait()
        result.cancel()
        assert result.run_loop_task is not None
        await asyncio.wait_for(result.run_loop_task, 5)
        assert result.context_wrapper.usage.requests == 1


@asynccontextmanager
async def against(
    steps: list[Any], settings: ModelSettings, **fields: Any
) -> AsyncGenerator[tuple[Agent[Any], ResponsesServer]]:
    """An agent whose model is a real server, whose client itself repeats nothing."""
    async with (
        ResponsesServer(steps) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
    ):
        model = OpenAIResponsesModel("m", client)
        yield Agent(name="a", model=model, model_settings=settings, **fields), server


def broken_off(after: int) -> Step:
    return Step().text("one two three").truncate(after_events=after)


class TestAfterOutput:
    async def test_what_shows_nothing_yet_may_be_repeated(self):
        async with against([broken_off(2), "whole"], at_once()) as (agent, server):
            result = await run_drained(agent)
        assert (result.final_output, len(server.requests)) == ("whole", 2)

    async def test_what_was_shown_is_not_repeated_by_itself(self):
        async with against([broken_off(6), "whole"], at_once()) as (agent, server):
            with pytest.raises(ModelStreamBroken):
                await run_drained(agent)
            assert len(server.requests) == 1

    async def test_where_the_user_allows_it_readers_are_told_to_drop_what_they_have(self):
        async with against([broken_off(6), "whole"], at_once(after_output=True)) as (agent, _):
            result = await run_drained(agent)
        assert result.final_output == "whole"
        assert [item.type for item in result.new_items] == ["message_output_item"]
        kinds = [record.kind async for record in result.records()]
        assert kinds.count("model_requested") == 2
        reset = kinds.index("attempt_reset")
        assert "model_delta" in kinds[:reset]
        (told,) = [record.data async for record in result.records() if record.kind == "attempt_reset"]
        assert told["attempt"] == 2
        assert "ended before the response was complete" in told["reason"]

    async def test_the_policy_knows_that_output_had_begun(self):
        seen: list[bool] = []

        def policy(context: RetryPolicyContext) -> bool:
            seen.append(context.response_started)
            return True

        steps = [broken_off(2), broken_off(6), "whole"]
        async with against(steps, at_once(policy, after_output=True)) as (agent, _):
            await run_drained(agent)
        assert seen == [False, True]

    async def test_nothing_is_repeated_once_a_tool_has_started_from_it(self):
        has_started = asyncio.Event()

        @function_tool(side_effects="none")
        async def look() -> str:
            has_started.set()
            return "seen"

        async def events(_call: Any) -> AsyncGenerator[Any]:
            async for event in ScriptedModel([calls(("look", {}))]).stream_response(**arguments()):
                if event.type == "response.completed":
                    await has_started.wait()
                    raise ModelStreamBroken("broken off")
                yield event

        settings, config = at_once(after_output=True), RunConfig(start_read_only_tools_early=True)
        agent, model = agent_of(ModelStep.stream(events), text(), settings=settings, tools=[look])
        with pytest.raises(ModelStreamBroken):
            await run_drained(agent, run_config=config)
        assert len(model.calls) == 1

    async def test_calls_that_have_not_started_are_forgotten(self):
        ran: list[int] = []

        @function_tool
        def pay(amount: int) -> str:
            ran.append(amount)
            return "paid"

        first = Step().function_call("pay", {"amount": 1}, call_id="c").truncate()
        second = Step().function_call("pay", {"amount": 2}, call_id="c")
        async with against([first, second, "whole"], at_once(after_output=True), tools=[pay]) as (agent, _):
            result = await run_drained(agent)
        assert (result.final_output, ran) == ("whole", [2])


@both_ways
class TestRealServers:
    async def test_a_failure_that_may_pass_is_advised_to_be_repeated(self, run: RunIt):
        policy = retry_policies.provider_suggested()
        steps = [Step().text("x").fail(after_events=2), Step.http_error(503), "whole"]
        async with against(steps, at_once(policy)) as (agent, server):
            result = await run(agent)
        assert (result.final_output, len(server.requests)) == ("whole", 3)

    async def test_a_failure_that_will_not_pass_is_raised_with_its_code(self, run: RunIt):
        policy = retry_policies.provider_suggested()
        steps = [Step().text("x").fail(code="invalid_prompt", after_events=2), "whole"]
        async with against(steps, at_once(policy)) as (agent, server):
            with pytest.raises(ModelResponseFailed) as caught:
                await run(agent)
            assert len(server.requests) == 1
        assert caught.value.code == "invalid_prompt"

    async def test_a_dead_connection_is_a_network_error(self, run: RunIt):
        steps = [Step().text("x").drop(after_events=0), "whole"]
        async with against(steps, at_once(retry_policies.network_error())) as (agent, _):
            assert (await run(agent)).final_output == "whole"

    async def test_rate_limits_say_when(self, run: RunIt):
        seen: list[float | None] = []

        def policy(context: RetryPolicyContext) -> RetryDecision:
            seen.append(context.normalized.retry_after)
            return RetryDecision(retry=True, delay=0)

        steps = [Step.http_error(429, retry_after_s=3), "whole"]
        async with against(steps, at_once(policy)) as (agent, _):
            assert (await run(agent)).final_output == "whole"
        assert seen == [3]


class TestTimeouts:
    @pytest.mark.parametrize(
        ("after", "limits", "waited_for"),
        [
            (0, ModelTimeouts(first_event=0.05), "first event"),
            (3, ModelTimeouts(between_events=0.05), "next event"),
            (3, ModelTimeouts(first_event=60, between_events=0.05), "next event"),
        ],
    )
    async def test_events_that_do_not_come_end_the_call(
        self, after: int, limits: ModelTimeouts, waited_for: str
    ):
        steps = [Step().text("one two").stall(after_events=after)]
        async with against(steps, ModelSettings(timeouts=limits)) as (agent, server):
            result = Runner.run_streamed(agent, "Hi")
            seen: list[Any] = []
            with pytest.raises(ModelTimeoutError, match=f"waiting for the {waited_for}") as caught:
                await collect(result.stream_events(), seen)
            await server.settled()
        assert len([event for event in seen if event.type == "raw_response_event"]) == after
        assert (caught.value.waited_for, caught.value.timeout_seconds) == (waited_for, 0.05)

    async def test_they_are_time_outs_to_policies(self):
        settings = at_once(retry_policies.network_error()).resolve(
            ModelSettings(timeouts=ModelTimeouts(first_event=0.05))
        )
        async with against([Step().text("x").stall(), "whole"], settings) as (agent, _):
            assert (await run_drained(agent)).final_output == "whole"

    def test_slow_but_steady_events_are_no_reason(self):
        async def events(_call: Any) -> AsyncGenerator[Any]:
            async for event in ScriptedModel([text()]).stream_response(**arguments()):
                await asyncio.sleep(3)
                yield event

        limits = ModelTimeouts(first_event=4, between_events=4)
        agent, _ = agent_of(ModelStep.stream(events), settings=ModelSettings(timeouts=limits))

        async def timed() -> Any:
            return await run_drained(agent, run_config=RunConfig(tracing_disabled=True))

        assert run_in_virtual_time(timed()).final_output == "done"

    @pytest.mark.parametrize("values", [{"connect": 0}, {"first_event": -1}, {"between_events": "soon"}])
    def test_limits_are_positive_numbers(self, values: Any):
        with pytest.raises(ValueError, match="ModelTimeouts"):
            ModelTimeouts(**values)

    def test_they_may_be_a_dict_and_are_merged(self):
        under = ModelSettings(timeouts={"connect": 1, "first_event": 2})  # pyright: ignore[reportArgumentType] (a dict is welcome)
        merged = under.resolve({"timeouts": {"first_event": 3}})
        assert merged.timeouts == ModelTimeouts(connect=1, first_event=3)
        with pytest.raises(TypeError, match="Unknown model settings in timeouts: conect"):
            under.resolve({"timeouts": {"conect": 3}})


async def test_a_tool_that_started_while_the_policy_was_asked_keeps_its_response():
    """Its output must not answer the same call of another response."""
    asked, has_started = asyncio.Event(), asyncio.Event()
    model_is_done = asyncio.Event()

    @function_tool(side_effects="none")
    async def look(city: str) -> str:
        has_started.set()
        await model_is_done.wait()
        return f"weather of {city}"

    async def policy(_: RetryPolicyContext) -> bool:
        asked.set()
        await has_started.wait()
        return True

    async def broken(_call: Any) -> AsyncGenerator[Any]:
        first = ScriptedModel([calls(("look", {"city": "Oslo"}, "c"))])
        async for event in first.stream_response(**arguments()):
            if event.type == "response.completed":
                raise ModelStreamBroken("broken off")
            yield event

    settings, config = at_once(policy, after_output=True), RunConfig(start_read_only_tools_early=True)
    agent, model = agent_of(
        ModelStep.stream(broken),
        calls(("look", {"city": "Rome"}, "c")),
        text(),
        settings=settings,
        tools=[look],
    )
    result = Runner.run_streamed(agent, "Hi", run_config=config)
    await asyncio.wait([asyncio.ensure_future(asked.wait())], timeout=5)
    model_is_done.set()
    with pytest.raises(ModelStreamBroken):
        await collect(result.stream_events())
    assert len(model.calls) == 1


@both_ways
async def test_a_response_that_the_model_gives_again_is_not_changed(run: RunIt):
    agent, model = agent_of(BROKEN, text(), settings=at_once())
    given: list[Any] = []
    original = model.get_response

    async def kept(*args: Any, **named: Any) -> Any:
        given.append(await original(*args, **named))
        return given[-1]

    model.get_response = kept
    result = await run(agent)
    assert result.raw_responses[0].usage.requests == 2
    assert [each.usage.requests for each in given] in ([], [1])


async def test_retries_without_end_wait_no_longer_than_the_most():
    retry = ModelRetrySettings(
        max_retries=3000, policy=always, backoff={"initial_delay": 1, "max_delay": 0, "multiplier": 1e300}
    )
    agent, model = agent_of(*[BROKEN] * 20, text(), settings=ModelSettings(retry=retry))
    assert (await Runner.run(agent, "Hi")).final_output == "done"
    assert len(model.calls) == 21


def test_policies_that_are_not_made_yet_are_refused():
    with pytest.raises(TypeError, match=r"call it, retry_policies\.network_error"):
        ModelRetrySettings(max_retries=1, policy=retry_policies.network_error)
    with pytest.raises(TypeError, match="numbers"):
        retry_policies.http_status("429")  # pyright: ignore[reportArgumentType]


@both_ways
async def test_errors_of_others_carry_what_was_done(run: RunIt):
    agent, _ = agent_of(calls(("look", {})), BROKEN, settings=ModelSettings())

    @function_tool
    def look() -> str:
        return "seen"

    agent.tools = [look]
    with pytest.raises(ConnectionError) as caught:
        await run(agent)
    details: Any = caught.value
    assert [item.type for item in details.run_data.new_items] == ["tool_call_item", "tool_call_output_item"]
