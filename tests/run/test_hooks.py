from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from openai.types import responses as rt

from agents import (
    Agent,
    AgentHookContext,
    AgentHooks,
    HandoffInputData,
    ModelBehaviorError,
    RunHooks,
    Runner,
    UserError,
    function_tool,
    handoff,
)
from agents.run_context import RunContextWrapper
from agents.testing import ModelStep, ScriptedModel
from agents.tool import FunctionTool
from agents.tool_context import ToolContext
from run.scripts import RunIt, both_ways, calls, collect, scripted, text, without_raw

Noted = list[tuple[Any, ...]]


class RunNotes(RunHooks[Any]):
    """Notes every moment of a run."""

    def __init__(self, noted: Noted) -> None:
        self.noted = noted

    async def on_agent_start(self, context: AgentHookContext[Any], agent: Any) -> None:
        self.noted.append(("run", "agent_start", agent.name))

    async def on_agent_end(self, context: AgentHookContext[Any], agent: Any, output: Any) -> None:
        self.noted.append(("run", "agent_end", agent.name, output))

    async def on_llm_start(
        self, context: RunContextWrapper[Any], agent: Any, system_prompt: str | None, input_items: list[Any]
    ) -> None:
        self.noted.append(("run", "llm_start", agent.name, system_prompt, len(input_items)))

    async def on_llm_end(self, context: RunContextWrapper[Any], agent: Any, response: Any) -> None:
        self.noted.append(("run", "llm_end", agent.name, len(response.output)))

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Any) -> None:
        self.noted.append(("run", "tool_start", agent.name, tool.name))

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Any, tool: Any, result: object
    ) -> None:
        self.noted.append(("run", "tool_end", agent.name, tool.name, result))

    async def on_handoff(self, context: RunContextWrapper[Any], from_agent: Any, to_agent: Any) -> None:
        self.noted.append(("run", "handoff", from_agent.name, to_agent.name))


class AgentNotes(AgentHooks[Any]):
    """Notes every moment of one agent."""

    def __init__(self, owner: str, noted: Noted) -> None:
        self.owner = owner
        self.noted = noted

    async def on_start(self, context: AgentHookContext[Any], agent: Any) -> None:
        self.noted.append((self.owner, "start", agent.name))

    async def on_end(self, context: AgentHookContext[Any], agent: Any, output: Any) -> None:
        self.noted.append((self.owner, "end", agent.name, output))

    async def on_llm_start(
        self, context: RunContextWrapper[Any], agent: Any, system_prompt: str | None, input_items: list[Any]
    ) -> None:
        self.noted.append((self.owner, "llm_start", agent.name, system_prompt, len(input_items)))

    async def on_llm_end(self, context: RunContextWrapper[Any], agent: Any, response: Any) -> None:
        self.noted.append((self.owner, "llm_end", agent.name, len(response.output)))

    async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Any) -> None:
        self.noted.append((self.owner, "tool_start", agent.name, tool.name))

    async def on_tool_end(
        self, context: RunContextWrapper[Any], agent: Any, tool: Any, result: object
    ) -> None:
        self.noted.append((self.owner, "tool_end", agent.name, tool.name, result))

    async def on_handoff(self, context: RunContextWrapper[Any], agent: Any, source: Any) -> None:
        self.noted.append((self.owner, "handoff", agent.name, source.name))


@function_tool
def weigh(word: str = "") -> dict[str, int]:
    return {"grams": 7}


def relay(*steps: Any, noted: Noted | None = None) -> Agent[Any]:
    """Agents `a` and `b` that can hand to each other, on one script."""
    model = ScriptedModel(steps)
    a: Agent[Any] = Agent(name="a", instructions="Be a.", model=model, tools=[weigh])
    b: Agent[Any] = Agent(name="b", model=model, tools=[weigh], handoffs=[a])
    a.handoffs = [b]
    if noted is not None:
        a.hooks, b.hooks = AgentNotes("hooks of a", noted), AgentNotes("hooks of b", noted)
    return a


def of(noted: Noted, owner: str) -> Noted:
    return [note[1:] for note in noted if note[0] == owner]


@both_ways
class TestMoments:
    async def test_every_moment_is_told_to_run_hooks_and_to_the_hooks_of_its_agent(self, run: RunIt):
        noted: Noted = []
        agent = relay(calls(("weigh", {})), calls(("transfer_to_b", {}, "h")), text(), noted=noted)
        await run(agent, hooks=RunNotes(noted))
        assert of(noted, "run") == [
            ("agent_start", "a"),
            ("llm_start", "a", "Be a.", 1),
            ("llm_end", "a", 1),
            ("tool_start", "a", "weigh"),
            ("tool_end", "a", "weigh", {"grams": 7}),
            ("llm_start", "a", "Be a.", 3),
            ("llm_end", "a", 1),
            ("handoff", "a", "b"),
            ("agent_start", "b"),
            ("llm_start", "b", None, 5),
            ("llm_end", "b", 1),
            ("agent_end", "b", "done"),
        ]
        assert of(noted, "hooks of a") == [
            ("start", "a"),
            ("llm_start", "a", "Be a.", 1),
            ("llm_end", "a", 1),
            ("tool_start", "a", "weigh"),
            ("tool_end", "a", "weigh", {"grams": 7}),
            ("llm_start", "a", "Be a.", 3),
            ("llm_end", "a", 1),
            ("handoff", "b", "a"),
        ]
        assert of(noted, "hooks of b") == [
            ("start", "b"),
            ("llm_start", "b", None, 5),
            ("llm_end", "b", 1),
            ("end", "b", "done"),
        ]

    async def test_an_agent_starts_once_per_activation(self, run: RunIt):
        noted: Noted = []
        agent = relay(
            calls(("weigh", {}, "c1")),
            calls(("transfer_to_b", {}, "h1")),
            calls(("weigh", {}, "c2")),
            calls(("transfer_to_a", {}, "h2")),
            calls(("weigh", {}, "c3")),
            text(),
            noted=noted,
        )
        await run(agent, hooks=RunNotes(noted))
        starts = [note for note in noted if note[1] in {"start", "agent_start"}]
        assert sorted(starts) == sorted(
            [
                *[("run", "agent_start", name) for name in "aba"],
                *[(f"hooks of {name}", "start", name) for name in "aba"],
            ]
        )
        assert [note for note in noted if note[1] == "end"] == [("hooks of a", "end", "a", "done")]

    async def test_each_call_of_a_turn_has_its_own_start_and_end(self, run: RunIt):
        noted: Noted = []
        agent, _ = scripted(calls(("weigh", {}), ("weigh", {})), text(), tools=[weigh])
        await run(agent, hooks=RunNotes(noted))
        assert [note[1] for note in noted].count("tool_start") == 2
        assert [note[1] for note in noted].count("tool_end") == 2

    async def test_hooks_set_on_the_object_count_as_overridden(self, run: RunIt):
        seen: list[str] = []

        async def start(context: Any, agent: Any) -> None:
            seen.append(agent.name)

        hooks: RunHooks[Any] = RunHooks()
        vars(hooks)["on_agent_start"] = start
        agent, _ = scripted(text())
        await run(agent, hooks=hooks)
        assert seen == ["a"]

    async def test_hooks_that_are_false_are_told(self, run: RunIt):
        class Empty(RunNotes):
            def __bool__(self) -> bool:
                return False

        class EmptyToo(AgentNotes):
            def __bool__(self) -> bool:
                return False

        noted: Noted = []
        agent, _ = scripted(text(), hooks=EmptyToo("agent", noted))
        await run(agent, hooks=Empty(noted))
        assert sorted({note[0] for note in noted}) == ["agent", "run"]

    async def test_base_hooks_do_nothing(self, run: RunIt):
        agent = relay(calls(("weigh", {})), calls(("transfer_to_b", {}, "h")), text())
        agent.hooks = AgentHooks()
        result = await run(agent, hooks=RunHooks())
        assert result.final_output == "done"


def test_hooks_are_told_under_run_sync(default_loop: asyncio.AbstractEventLoop):
    noted: Noted = []
    agent = relay(calls(("weigh", {})), text())
    Runner.run_sync(agent, "Hi", hooks=RunNotes(noted))
    assert [note[1] for note in noted] == [
        "agent_start",
        "llm_start",
        "llm_end",
        "tool_start",
        "tool_end",
        "llm_start",
        "llm_end",
        "agent_end",
    ]


class TestWrongHooks:
    @pytest.mark.parametrize("hooks", [AgentHooks(), object()])
    async def test_run_refuses_what_is_no_run_hooks(self, hooks: Any):
        agent, model = scripted(text())
        with pytest.raises(TypeError, match="Run hooks must be instances of RunHooks"):
            await Runner.run(agent, "Hi", hooks=hooks)
        assert model.calls == ()

    @pytest.mark.parametrize("hooks", [AgentHooks(), object()])
    async def test_run_streamed_refuses_it_at_once(self, hooks: Any):
        agent, _ = scripted(text())
        with pytest.raises(TypeError, match="Run hooks must be instances of RunHooks"):
            Runner.run_streamed(agent, "Hi", hooks=hooks)


@both_ways
class TestContexts:
    async def test_start_hooks_see_a_string_input_as_a_list(self, run: RunIt):
        seen: list[Any] = []

        class Run(RunHooks[Any]):
            async def on_agent_start(self, context: AgentHookContext[Any], agent: Any) -> None:
                seen.append((type(context), context.context, context.turn_input))

        class Own(AgentHooks[Any]):
            async def on_start(self, context: AgentHookContext[Any], agent: Any) -> None:
                seen.append((type(context), context.context, context.turn_input))

        agent, _ = scripted(text(), hooks=Own())
        await run(agent, "Hi", hooks=Run(), context="mine")
        assert seen == [(AgentHookContext, "mine", [{"role": "user", "content": "Hi"}])] * 2

    async def test_turn_input_is_the_runs_input_or_what_a_filter_made_of_it(self, run: RunIt):
        seen: list[Any] = []

        class Run(RunHooks[Any]):
            async def on_agent_start(self, context: AgentHookContext[Any], agent: Any) -> None:
                seen.append(("start", [item["content"] for item in context.turn_input]))  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues] (all are messages)

            async def on_llm_start(
                self, context: RunContextWrapper[Any], agent: Any, system_prompt: Any, input_items: Any
            ) -> None:
                seen.append(("llm", [item["content"] for item in context.turn_input]))  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues] (all are messages)

            async def on_agent_end(self, context: AgentHookContext[Any], agent: Any, output: Any) -> None:
                seen.append(("end", [item["content"] for item in context.turn_input]))  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues] (all are messages)

        @function_tool
        def look(context: ToolContext[Any]) -> str:
            seen.append(("tool", [item["content"] for item in context.turn_input]))  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues] (all are messages)
            return "ok"

        def shorten(data: HandoffInputData) -> HandoffInputData:
            return replace(data, input_history=({"role": "user", "content": "short"},))

        model = ScriptedModel([calls(("look", {})), calls(("transfer_to_b", {}, "h")), text()])
        b: Agent[Any] = Agent(name="b", model=model)
        a: Agent[Any] = Agent(
            name="a", model=model, tools=[look], handoffs=[handoff(b, input_filter=shorten)]
        )
        given = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
        await run(a, given, hooks=Run())
        assert seen == [
            ("start", ["one", "two"]),
            ("llm", ["one", "two"]),
            ("tool", ["one", "two"]),
            ("llm", ["one", "two"]),
            ("start", ["short"]),
            ("llm", ["short"]),
            ("end", ["short"]),
        ]

    async def test_tool_hooks_get_the_context_of_their_call_and_the_raw_result(self, run: RunIt):
        seen: list[Any] = []
        product = object()

        class Run(RunHooks[Any]):
            async def on_tool_start(self, context: RunContextWrapper[Any], agent: Any, tool: Any) -> None:
                assert isinstance(context, ToolContext)
                seen.append(("start", context.tool_call_id, context.tool_name, context.tool_arguments))

            async def on_tool_end(
                self, context: RunContextWrapper[Any], agent: Any, tool: Any, result: object
            ) -> None:
                assert isinstance(context, ToolContext)
                seen.append(("end", context.tool_call_id, result is product))

        @function_tool
        def produce(word: str) -> Any:
            return product

        agent, _ = scripted(calls(("produce", {"word": "x"}, "call_7")), text(), tools=[produce])
        await run(agent, hooks=Run())
        assert seen == [("start", "call_7", "produce", '{"word":"x"}'), ("end", "call_7", True)]

    async def test_a_tool_that_failed_ends_with_the_text_that_the_model_gets(self, run: RunIt):
        noted: Noted = []

        @function_tool
        def fail() -> str:
            raise ValueError("secret")

        agent, _ = scripted(calls(("fail", {})), text(), tools=[fail])
        await run(agent, hooks=RunNotes(noted))
        [ended] = [note for note in noted if note[1] == "tool_end"]
        assert ended[-1] == "An error occurred while running the tool. Please try again."


@both_ways
class TestFailures:
    async def test_a_model_error_has_started_the_call_and_ended_nothing(self, run: RunIt):
        noted: Noted = []
        agent, _ = scripted(ModelStep.raise_error(ValueError("down")), hooks=AgentNotes("agent", noted))
        with pytest.raises(ValueError, match="down"):
            await run(agent, hooks=RunNotes(noted))
        assert sorted(note[:2] for note in noted) == [
            ("agent", "llm_start"),
            ("agent", "start"),
            ("run", "agent_start"),
            ("run", "llm_start"),
        ]

    async def test_a_call_that_nobody_can_execute_comes_after_the_end_of_the_model_call(self, run: RunIt):
        noted: Noted = []
        call = rt.ResponseComputerToolCall(
            id="x", type="computer_call", call_id="x", pending_safety_checks=[], status="completed"
        )
        agent, _ = scripted(streamable([call]), hooks=AgentNotes("agent", noted))
        with pytest.raises(ModelBehaviorError, match="without a computer tool"):
            await run(agent, hooks=RunNotes(noted))
        assert [note[:2] for note in noted if "end" in note[1]] == [("run", "llm_end"), ("agent", "llm_end")]

    async def test_an_unknown_tool_comes_after_the_end_of_the_model_call(self, run: RunIt):
        noted: Noted = []
        agent, _ = scripted(calls(("missing", {})), tools=[weigh])
        with pytest.raises(ModelBehaviorError, match="missing not found in agent a"):
            await run(agent, hooks=RunNotes(noted))
        assert [note[1] for note in noted] == ["agent_start", "llm_start", "llm_end"]

    async def test_a_reused_call_id_does_not_end_the_model_call_again(self, run: RunIt):
        noted: Noted = []
        agent, _ = scripted(
            calls(("weigh", {}, "c")), calls(("weigh", {"word": "other"}, "c")), tools=[weigh]
        )
        with pytest.raises(ModelBehaviorError, match="unique call ID"):
            await run(agent, hooks=RunNotes(noted))
        assert [note[1] for note in noted].count("llm_end") == 1

    @pytest.mark.parametrize(
        "moment",
        [
            "on_agent_start",
            "on_llm_start",
            "on_llm_end",
            "on_tool_start",
            "on_tool_end",
            "on_handoff",
            "on_agent_end",
        ],
    )
    async def test_an_error_of_any_hook_ends_the_run(self, run: RunIt, moment: str):
        hooks = failing(RunHooks(), moment)
        agent = relay(calls(("weigh", {})), calls(("transfer_to_b", {}, "h")), text())
        error = UserError if moment.startswith("on_tool") else ValueError
        with pytest.raises(error, match=moment) as caught:
            await run(agent, hooks=hooks)
        assert isinstance(caught.value if error is ValueError else caught.value.__cause__, ValueError)


def failing(hooks: Any, moment: str) -> Any:
    async def fail(*args: Any) -> None:
        raise ValueError(moment)

    vars(hooks)[moment] = fail
    return hooks


def streamable(output: list[Any]) -> ModelStep:
    """A step whose stream is its completed response alone, for items that have no scripted stream."""
    response = rt.Response(
        id="r",
        created_at=0,
        model="m",
        object="response",
        output=output,
        tool_choice="none",
        tools=[],
        parallel_tool_calls=False,
    )
    event = rt.ResponseCompletedEvent(response=response, sequence_number=0, type="response.completed")
    return ModelStep.stream([event], output=output)


class TestStreamedFailures:
    async def test_calls_are_shown_before_a_failing_end_of_the_model_call_and_do_not_run(self):
        ran: list[str] = []

        @function_tool
        def act() -> str:
            ran.append("act")
            return "ok"

        agent, _ = scripted(calls(("act", {})), tools=[act])
        result = Runner.run_streamed(agent, "Hi", hooks=failing(RunHooks(), "on_llm_end"))
        events: list[Any] = []
        with pytest.raises(ValueError, match="on_llm_end"):
            await collect(result.stream_events(), events)
        assert without_raw(events) == ["agent:a", "tool_called"]
        assert ran == []

    async def test_a_failing_tool_end_leaves_what_the_tool_returned(self):
        agent, model = scripted(calls(("weigh", {})), tools=[weigh])
        result = Runner.run_streamed(agent, "Hi", hooks=failing(RunHooks(), "on_tool_end"))
        kinds = [record.kind async for record in result.records()]
        assert kinds[-4:] == ["tool_claimed", "tool_returned", "effect_failed", "run_failed"]
        assert isinstance(result.run_loop_exception, UserError)
        assert [item.type for item in result.new_items] == ["tool_call_item", "tool_call_output_item"]
        assert len(model.calls) == 1

    async def test_a_failing_tool_start_leaves_the_tool_unrun(self):
        ran: list[str] = []

        @function_tool
        def act() -> str:
            ran.append("act")
            return "ok"

        agent, _ = scripted(calls(("act", {})), tools=[act])
        result = Runner.run_streamed(agent, "Hi", hooks=failing(RunHooks(), "on_tool_start"))
        kinds = [record.kind async for record in result.records()]
        assert "tool_returned" not in kinds
        assert ran == []


class TestRecords:
    async def test_a_settled_moment_is_a_record_where_a_hook_is_overridden(self):
        agent = relay(calls(("weigh", {})), calls(("transfer_to_b", {}, "h")), text())
        result = Runner.run_streamed(agent, "Hi", hooks=RunNotes([]))
        settled = [
            record.data["moment"] async for record in result.records() if record.kind == "hook_settled"
        ]
        assert settled == [
            "t1/agent_start",
            "t1/llm_end",
            "t1/tool_end/c1",
            "t2/llm_end",
            "t2/handoff/h",
            "t3/agent_start",
            "t3/llm_end",
            "t3/agent_end",
        ]

    async def test_only_the_overridden_moments_are_records(self):
        class One(AgentHooks[Any]):
            async def on_end(self, context: Any, agent: Any, output: Any) -> None:
                pass

        agent, _ = scripted(calls(("weigh", {})), text(), tools=[weigh], hooks=One())
        result = Runner.run_streamed(agent, "Hi")
        settled = [
            record.data["moment"] async for record in result.records() if record.kind == "hook_settled"
        ]
        assert settled == ["t2/agent_end"]

    async def test_hooks_that_override_nothing_leave_no_record(self):
        agent, _ = scripted(calls(("weigh", {})), text(), tools=[weigh], hooks=AgentHooks())
        result = Runner.run_streamed(agent, "Hi", hooks=RunHooks())
        assert "hook_settled" not in [record.kind async for record in result.records()]


@both_ways
class TestChangingTools:
    async def test_a_start_hook_changes_what_the_model_of_this_turn_is_offered(self, run: RunIt):
        @function_tool
        def extra() -> str:
            return "extra"

        class Swap(AgentHooks[Any]):
            async def on_start(self, context: Any, agent: Any) -> None:
                agent.tools = [extra]

        agent, model = scripted(calls(("extra", {})), text(), tools=[weigh], hooks=Swap())
        result = await run(agent)
        assert [[tool.name for tool in call.tools] for call in model.calls] == [["extra"], ["extra"]]
        assert result.final_output == "done"

    async def test_a_call_of_a_tool_that_a_start_hook_removed_is_refused_by_name(self, run: RunIt):
        class Remove(RunHooks[Any]):
            async def on_agent_start(self, context: Any, agent: Any) -> None:
                agent.tools.clear()

        agent, _ = scripted(calls(("weigh", {})), tools=[weigh])
        with pytest.raises(ModelBehaviorError, match="weigh not found in agent a"):
            await run(agent, hooks=Remove())

    async def test_a_start_hook_changes_enablement(self, run: RunIt):
        def is_enabled(context: RunContextWrapper[Any], agent: Any) -> bool:
            return context.context["on"]

        class Enable(RunHooks[Any]):
            async def on_agent_start(self, context: Any, agent: Any) -> None:
                context.context["on"] = True

        tool = function_tool(lambda: "x", name_override="maybe", is_enabled=is_enabled)
        assert isinstance(tool, FunctionTool)
        agent, model = scripted(text(), tools=[tool])
        await run(agent, hooks=Enable(), context={"on": False})
        assert model.last_call is not None
        assert [offered.name for offered in model.last_call.tools] == ["maybe"]
