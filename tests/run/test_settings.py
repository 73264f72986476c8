from __future__ import annotations

from typing import Any

import pytest

from agents import (
    Agent,
    Model,
    ModelProvider,
    ModelSettings,
    ModelTimeoutError,
    ModelTracing,
    RunConfig,
    ToolExecutionConfig,
    UserError,
    function_tool,
)
from agents.testing import ModelStep, ScriptedModel
from run.scripts import RunIt, both_ways, scripted, text


class Provider(ModelProvider):
    def __init__(self, *steps: Any) -> None:
        self.asked: list[str | None] = []
        self.model = ScriptedModel(steps)

    def get_model(self, model_name: str | None) -> Model:
        self.asked.append(model_name)
        return self.model


@both_ways
class TestModels:
    async def test_the_runs_model_object_comes_first(self, run: RunIt):
        provider, chosen = Provider(), ScriptedModel([text("the run's")])
        agent, _ = scripted(text("the agent's"))
        result = await run(agent, run_config=RunConfig(model=chosen, model_provider=provider))
        assert (result.final_output, provider.asked) == ("the run's", [])

    async def test_then_the_runs_model_name_through_its_provider(self, run: RunIt):
        provider = Provider(text("the provider's"))
        agent, _ = scripted(text("the agent's"))
        result = await run(agent, run_config=RunConfig(model="m", model_provider=provider))
        assert (result.final_output, provider.asked) == ("the provider's", ["m"])

    async def test_then_the_agents_model_object(self, run: RunIt):
        provider = Provider()
        agent, _ = scripted(text("the agent's"))
        result = await run(agent, run_config=RunConfig(model_provider=provider))
        assert (result.final_output, provider.asked) == ("the agent's", [])

    async def test_then_the_agents_model_name_through_the_provider(self, run: RunIt):
        for name in ("m", None):
            provider = Provider(text("the provider's"))
            agent: Agent[Any] = Agent(name="a", model=name)
            result = await run(agent, run_config=RunConfig(model_provider=provider))
            assert (result.final_output, provider.asked) == ("the provider's", [name])

    async def test_a_provider_that_is_false_is_asked(self, run: RunIt):
        class Empty(Provider):
            def __len__(self) -> int:
                return 0

        provider = Empty(text("found"))
        result = await run(Agent(name="a", model="m"), run_config=RunConfig(model_provider=provider))
        assert (result.final_output, provider.asked) == ("found", ["m"])


@both_ways
class TestModelSettings:
    async def test_those_of_the_run_lie_over_those_of_the_agent(self, run: RunIt):
        agent, model = scripted(text(), model_settings=ModelSettings(temperature=0.1, max_tokens=5))
        await run(agent, run_config=RunConfig(model_settings=ModelSettings(temperature=0.9)))
        used = model.calls[0].model_settings
        assert (used.temperature, used.max_tokens) == (0.9, 5)
        assert agent.model_settings.temperature == 0.1

    async def test_another_model_brings_its_own_implicit_settings(self, run: RunIt):
        provider = Provider(text(), text())
        agent: Agent[Any] = Agent(name="a", model="gpt-4.1")
        await run(agent, run_config=RunConfig(model="gpt-5", model_provider=provider))
        await run(agent, run_config=RunConfig(model_provider=provider))
        first, second = (call.model_settings for call in provider.model.calls)
        assert first.reasoning is not None
        assert (first.reasoning.effort, first.verbosity) == ("low", "low")
        assert (second.reasoning, second.verbosity) == (None, None)

    async def test_implicit_settings_of_the_agents_model_go_when_the_run_names_another(self, run: RunIt):
        provider = Provider(text())
        agent: Agent[Any] = Agent(name="a", model="gpt-5")
        settings = ModelSettings(temperature=0.5)
        config = RunConfig(model="gpt-4.1", model_provider=provider, model_settings=settings)
        await run(agent, run_config=config)
        used = provider.model.calls[0].model_settings
        assert (used.reasoning, used.verbosity, used.temperature) == (None, None, 0.5)

    async def test_explicit_settings_stay_whatever_the_model(self, run: RunIt):
        provider = Provider(text())
        agent: Agent[Any] = Agent(name="a", model="gpt-4.1", model_settings=ModelSettings(verbosity="high"))
        await run(agent, run_config=RunConfig(model="gpt-5", model_provider=provider))
        used = provider.model.calls[0].model_settings
        assert (used.verbosity, used.reasoning) == ("high", None)

    async def test_a_model_that_takes_too_long_is_a_typed_error(self, run: RunIt):
        import asyncio

        closed: list[bool] = []

        async def answer(call: Any) -> Any:
            try:
                await asyncio.Event().wait()
            finally:
                closed.append(True)

        agent, _ = scripted(ModelStep.respond(answer), model_settings=ModelSettings(timeout=0.01))
        with pytest.raises(ModelTimeoutError, match=r"timed out after 0\.01 seconds") as caught:
            await run(agent)
        assert caught.value.timeout_seconds == 0.01
        assert caught.value.run_data is not None
        assert closed == [True]


@both_ways
class TestRunConfig:
    async def test_a_dict_is_as_good(self, run: RunIt):
        agent, model = scripted(text())
        given: dict[str, Any] = {
            "tracing_disabled": True,
            "model_settings": {"temperature": 0.3},
            "tool_execution": {"max_function_tool_concurrency": 2},
        }
        await run(agent, run_config=given)
        assert model.calls[0].model_settings.temperature == 0.3
        assert model.calls[0].tracing is ModelTracing.DISABLED

    @pytest.mark.parametrize(
        ("given", "error", "said"),
        [
            ({"modle": "m"}, TypeError, r"Unknown run_config settings: modle"),
            ({"model_settings": {"temperatur": 1}}, TypeError, r"Unknown model settings: temperatur"),
            (
                {"tool_execution": {"limit": 1}},
                TypeError,
                r"Unknown run_config\.tool_execution settings: limit",
            ),
            (
                {"tool_execution": {"max_function_tool_concurrency": 0}},
                ValueError,
                r"tool_execution\.max_function_tool_concurrency must be at least 1",
            ),
            (
                {"tool_name_collision_policy": "no"},
                ValueError,
                "tool_name_collision_policy must be either 'warn' or 'error'",
            ),
            ({"tool_not_found_behavior": "no"}, ValueError, "tool_not_found_behavior must be either"),
            ({"log_retention": 0}, ValueError, "log_retention must be at least 1"),
            (3, UserError, "run_config must be a RunConfig, a dict or None"),
        ],
    )
    async def test_what_is_wrong_in_it_is_refused_before_a_model_call(
        self, run: RunIt, given: Any, error: type[Exception], said: str
    ):
        agent, model = scripted(text())
        with pytest.raises(error, match=said):
            await run(agent, run_config=given)
        assert model.calls == ()

    async def test_how_much_may_be_traced_reaches_the_model(self, run: RunIt):
        for config, level in (
            (RunConfig(), ModelTracing.ENABLED),
            (RunConfig(trace_include_sensitive_data=False), ModelTracing.ENABLED_WITHOUT_DATA),
            (RunConfig(tracing_disabled=True), ModelTracing.DISABLED),
        ):
            agent, model = scripted(text())
            await run(agent, run_config=config)
            assert model.calls[0].tracing is level

    async def test_everything_that_a_model_sees_is_on_the_call(self, run: RunIt):
        @function_tool
        def look() -> str:
            return "seen"

        target: Agent[Any] = Agent(name="b")
        agent, model = scripted(
            text(), instructions="Be brief.", tools=[look], handoffs=[target], prompt={"id": "p"}
        )
        await run(agent, previous_response_id="r")
        call = model.calls[0]
        assert (call.system_instructions, call.tools, call.output_schema) == ("Be brief.", [look], None)
        assert [handoff.tool_name for handoff in call.handoffs] == ["transfer_to_b"]
        assert (call.previous_response_id, call.conversation_id) == ("r", None)
        assert call.prompt == {"id": "p", "version": None, "variables": None}


class TestPlaces:
    def test_new_fields_of_run_config_come_last(self):
        import dataclasses

        names = [field.name for field in dataclasses.fields(RunConfig)]
        late = ["session_settings", "reasoning_item_id_policy", "sandbox", "tool_execution"]
        late += ["tool_not_found_behavior", "tool_name_collision_policy"]
        places = [names.index(name) for name in late if name in names]
        assert places == list(range(places[0], places[0] + len(places)))

    def test_a_limit_below_one_is_refused(self):
        with pytest.raises(ValueError, match="must be at least 1"):
            ToolExecutionConfig(max_function_tool_concurrency=0)
        wrong: Any = "yes"
        with pytest.raises(
            ValueError, match=r"tool_execution\.pre_approval_tool_input_guardrails must be a bool"
        ):
            ToolExecutionConfig(pre_approval_tool_input_guardrails=wrong)
