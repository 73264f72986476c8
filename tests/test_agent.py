from __future__ import annotations

import dataclasses
import gc
import weakref
from typing import Any

import pytest

from agents import (
    Agent,
    AgentHooks,
    InputGuardrail,
    ModelSettings,
    RunContextWrapper,
    RunHooks,
    function_tool,
    input_guardrail,
)
from agents.agent import AgentBase
from agents.guardrail import GuardrailFunctionOutput


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


CONTEXT: RunContextWrapper[Any] = RunContextWrapper(None)


class TestFieldsOfTheWrongKind:
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"name": 1}, "Agent name must be a string, got int"),
            ({"name": None}, "Agent name must be a string, got NoneType"),
            ({"tools": (look,)}, "Agent tools must be a list"),
            ({"handoffs": None}, "Agent handoffs must be a list"),
            ({"input_guardrails": "x"}, "Agent input_guardrails must be a list"),
            ({"output_guardrails": "x"}, "Agent output_guardrails must be a list"),
            ({"hooks": RunHooks[Any]()}, "Agent hooks must be an AgentHooks instance"),
            ({"hooks": 0}, "Agent hooks must be an AgentHooks instance"),
            ({"tool_use_behavior": "sometimes"}, "Agent tool_use_behavior must be"),
            ({"tool_use_behavior": {"stop": []}}, "Agent tool_use_behavior must be"),
            ({"model_settings": 1}, "Agent model_settings must be a ModelSettings instance or a dict"),
            ({"instructions": 1}, "Agent instructions must be a string, callable, or None, got int"),
            ({"handoff_description": 1}, "Agent handoff_description must be a string or None"),
            ({"reset_tool_choice": 1}, "Agent reset_tool_choice must be a boolean"),
            ({"temperature": 1}, "unexpected keyword argument"),
        ],
    )
    def test_are_refused_at_once(self, fields: dict[str, Any], said: str):
        given: dict[str, Any] = {"name": "a", **fields}
        with pytest.raises(TypeError, match=said):
            Agent(**given)

    def test_what_may_be_left_out_may_be_none(self):
        agent: Agent[Any] = Agent(name="a", instructions=None, hooks=None, prompt=None, output_type=None)
        assert agent.hooks is None

    def test_hooks_that_are_false_are_hooks(self):
        class Hooks(AgentHooks[Any]):
            def __bool__(self) -> bool:
                return False

        hooks = Hooks()
        assert Agent(name="a", hooks=hooks).hooks is hooks


class TestModelSettings:
    def test_a_dict_is_turned_into_settings_with_all_that_is_nested(self):
        given: dict[str, Any] = {
            "temperature": 0.5,
            "reasoning": {"effort": "low", "later": 1},
            "retry": {"max_retries": 2, "backoff": {"initial_delay": 1.0}},
        }
        settings = Agent[Any](name="a", model_settings=given).model_settings  # pyright: ignore[reportArgumentType] (a dict is allowed)
        assert isinstance(settings, ModelSettings)
        assert settings.temperature == 0.5
        assert settings.reasoning is not None
        assert (settings.reasoning.effort, settings.reasoning.model_extra) == ("low", {"later": 1})
        assert settings.retry is not None
        assert settings.retry.backoff is not None

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"temperatur": 1}, "Unknown model settings: temperatur"),
            ({"retry": {"max_retry": 1}}, "Unknown model settings in retry: max_retry"),
            (
                {"retry": {"backoff": {"initial_delai": 1}}},
                r"Unknown model settings in retry\.backoff: initial_delai",
            ),
        ],
    )
    def test_unknown_keys_are_named_with_their_path(self, given: dict[str, Any], said: str):
        with pytest.raises(TypeError, match=said):
            Agent(name="a", model_settings=given)  # pyright: ignore[reportArgumentType] (a dict is allowed)

    def test_those_that_nobody_gave_follow_from_the_model(self):
        agent: Agent[Any] = Agent(name="a", model="gpt-5")
        assert agent.model_settings.reasoning is not None
        assert agent.model_settings.verbosity == "low"
        assert Agent[Any](name="a", model="gpt-4.1").model_settings == ModelSettings()

    def test_a_clone_with_another_model_has_that_models(self):
        agent: Agent[Any] = Agent(name="a", model="gpt-5")
        assert agent.clone(model="gpt-4.1").model_settings == ModelSettings()
        assert agent.clone().model_settings == agent.model_settings

    def test_a_clone_keeps_those_that_were_given(self):
        settings = ModelSettings(temperature=0.2)
        agent: Agent[Any] = Agent(name="a", model="gpt-5", model_settings=settings)
        assert agent.clone(model="gpt-4.1").model_settings is settings


class TestClone:
    def test_it_is_another_agent_that_shares_the_lists(self):
        agent: Agent[Any] = Agent(name="a", tools=[look], instructions="x")
        other = agent.clone(name="b")
        assert (other.name, other.instructions, agent.name) == ("b", "x", "a")
        assert other.tools is agent.tools
        assert other.handoffs is agent.handoffs
        other.tools.append(look)
        assert len(agent.tools) == 2

    def test_a_list_that_is_given_is_taken_as_it_is(self):
        mine: list[Any] = []
        agent: Agent[Any] = Agent(name="a", tools=[look])
        assert agent.clone(tools=mine).tools is mine

    def test_it_is_checked_like_any_agent(self):
        with pytest.raises(TypeError, match="Agent tools must be a list"):
            Agent[Any](name="a").clone(tools=())

    def test_a_subclass_stays_one(self):
        @dataclasses.dataclass
        class Special(Agent[Any]):
            extra: int = 0

        other = Special(name="a", extra=3).clone(name="b")
        assert isinstance(other, Special)
        assert (other.name, other.extra) == ("b", 3)


class TestInstructions:
    async def test_none_and_text_are_given_as_they_are(self):
        assert await Agent[Any](name="a").get_system_prompt(CONTEXT) is None
        assert await Agent[Any](name="a", instructions="x").get_system_prompt(CONTEXT) == "x"
        assert await Agent[Any](name="a", instructions="").get_system_prompt(CONTEXT) == ""

    async def test_a_function_gets_context_and_agent(self):
        seen: list[Any] = []

        def say(context: RunContextWrapper[Any], agent: Agent[Any]) -> str:
            seen.extend([context, agent])
            return "said"

        async def say_later(context: RunContextWrapper[Any], agent: Agent[Any]) -> str:
            return say(context, agent)

        class Say:
            async def __call__(self, context: RunContextWrapper[Any], agent: Agent[Any]) -> str:
                return say(context, agent)

        for instructions in (say, say_later, Say()):
            seen.clear()
            agent: Agent[Any] = Agent(name="a", instructions=instructions)
            assert await agent.get_system_prompt(CONTEXT) == "said"
            assert seen == [CONTEXT, agent]

    async def test_other_shapes_are_refused_when_they_are_resolved(self):
        def one(context: Any) -> str:
            return "x"

        def three(context: Any, agent: Any, more: Any) -> str:
            return "x"

        def starred(*args: Any) -> str:
            return "x"

        def keyed(context: Any, **more: Any) -> str:
            return "x"

        cases: list[tuple[Any, int]] = [(one, 1), (three, 3), (starred, 1), (keyed, 2)]
        for instructions, count in cases:
            agent: Agent[Any] = Agent(name="a", instructions=instructions)
            with pytest.raises(TypeError, match=rf"must accept exactly 2 arguments .*but got {count}"):
                await agent.get_system_prompt(CONTEXT)


class TestPrompt:
    async def test_a_dict_is_resolved_to_its_three_keys(self):
        agent: Agent[Any] = Agent(name="a", prompt={"id": "p", "version": "2", "variables": {"x": "1"}})
        assert await agent.get_prompt(CONTEXT) == {"id": "p", "version": "2", "variables": {"x": "1"}}
        assert await Agent[Any](name="a").get_prompt(CONTEXT) is None

    async def test_a_function_may_leave_out_the_variables(self):
        async def prompt(data: Any) -> Any:
            return {"id": data.agent.name, "version": "1"}

        agent: Agent[Any] = Agent(name="a", prompt=prompt)
        assert await agent.get_prompt(CONTEXT) == {"id": "a", "version": "1", "variables": None}


class TestTools:
    async def test_only_those_that_are_enabled_now_are_given_in_order(self):
        seen: list[Any] = []

        def never(context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
            seen.append((context, agent))
            return False

        async def always(context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
            return True

        def tool(name: str, is_enabled: Any) -> Any:
            return function_tool(lambda: name, name_override=name, is_enabled=is_enabled)

        agent: Agent[Any] = Agent(
            name="a",
            tools=[tool("one", True), tool("two", never), tool("three", always), tool("four", False)],
        )
        assert [each.name for each in await agent.get_all_tools(CONTEXT)] == ["one", "three"]
        assert seen == [(CONTEXT, agent)]

    async def test_the_first_check_that_fails_is_raised_and_the_others_are_cancelled(self):
        import asyncio

        ended = asyncio.Event()

        async def wait(context: Any, agent: Any) -> bool:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return True

        async def fail(context: Any, agent: Any) -> bool:
            raise ValueError("check")

        tools = [
            function_tool(lambda: "x", name_override=f"t{i}", is_enabled=c)
            for i, c in enumerate((wait, fail))
        ]
        agent: Agent[Any] = Agent(name="a", tools=[*tools])
        with pytest.raises(ValueError, match="check"):
            await agent.get_all_tools(CONTEXT)
        assert ended.is_set()


def test_an_agent_is_a_dataclass_whose_fields_can_be_listed():
    agent: Agent[Any] = Agent(name="a", tools=[look])
    names = [field.name for field in dataclasses.fields(agent)]
    assert names[:3] == ["name", "handoff_description", "tools"]
    shallow = {name: getattr(agent, name) for name in names}
    assert Agent[Any](**shallow) == agent
    assert "Agent(name='a'" in repr(agent)
    replaced = dataclasses.replace(agent, name="b")
    assert replaced.name == "b"


def test_an_agent_that_nobody_holds_is_gone():
    agent: Agent[Any] | None = Agent(name="a", tools=[look])
    gone = weakref.ref(agent)
    agent = None
    gc.collect()
    assert gone() is None


def test_guardrails_made_by_a_decorator_fit():
    @input_guardrail
    def check(context: Any, agent: Any, given: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered=False)

    assert isinstance(check, InputGuardrail)
    assert Agent[Any](name="a", input_guardrails=[check]).input_guardrails == [check]
