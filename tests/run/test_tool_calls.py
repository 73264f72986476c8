from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents import (
    Agent,
    MaxTurnsExceeded,
    ModelBehaviorError,
    ModelSettings,
    RunConfig,
    RunContextWrapper,
    RunHooks,
    Runner,
    ToolCallOutputItem,
    ToolErrorFormatterArgs,
    ToolExecutionConfig,
    ToolTimeoutError,
    UserError,
    function_tool,
    handoff,
)
from agents.tool_context import ToolContext
from run.scripts import RunIt, always, both_ways, calls, scripted, text, types


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


def outputs(items: list[Any]) -> list[Any]:
    return [item.output for item in items if isinstance(item, ToolCallOutputItem)]


def sent(model: Any, turn: int) -> list[Any]:
    """The outputs that the model of a turn was given."""
    return [
        item["output"] for item in model.calls[turn - 1].input if item.get("type") == "function_call_output"
    ]


@both_ways
class TestOrder:
    async def test_outputs_keep_call_order_whatever_order_tools_finish_in(self, run: RunIt):
        second_done = asyncio.Event()

        @function_tool
        async def slow() -> str:
            await second_done.wait()
            return "slow"

        @function_tool
        async def fast() -> str:
            second_done.set()
            return "fast"

        agent, model = scripted(calls(("slow", {}), ("fast", {})), text(), tools=[slow, fast])
        result = await run(agent)
        assert sent(model, 2) == ["slow", "fast"]
        assert outputs(result.new_items) == ["slow", "fast"]
        assert types(result.new_items) == [
            "tool_call_item",
            "tool_call_item",
            "tool_call_output_item",
            "tool_call_output_item",
            "message_output_item",
        ]

    async def test_every_turn_sends_the_whole_history(self, run: RunIt):
        agent, model = scripted(
            calls(("look", {"word": "x"}, "c1")), calls(("look", {"word": "y"}, "c2")), text(), tools=[look]
        )
        await run(agent)
        assert [len(call.input) for call in model.calls] == [1, 3, 5]
        assert model.calls[2].input[:3] == model.calls[1].input
        assert model.calls[2].input[3:] == [
            {
                "type": "function_call",
                "id": "c2",
                "call_id": "c2",
                "name": "look",
                "arguments": '{"word":"y"}',
            },
            {"type": "function_call_output", "call_id": "c2", "output": "seen y"},
        ]

    async def test_a_sync_tool_runs_off_the_event_loop(self, run: RunIt):
        seen: list[Any] = []

        @function_tool
        def where() -> str:
            seen.append(threading.current_thread() is threading.main_thread())
            return "here"

        agent, _ = scripted(calls(("where", {})), text(), tools=[where])
        await run(agent)
        assert seen == [False]

    async def test_a_tool_that_a_tool_adds_is_offered_on_the_next_turn(self, run: RunIt):
        @function_tool
        def grow() -> str:
            agent.tools.append(look)
            return "grown"

        agent, model = scripted(calls(("grow", {})), calls(("look", {}, "c2")), text(), tools=[grow])
        result = await run(agent)
        assert [[tool.name for tool in call.tools] for call in model.calls] == [
            ["grow"],
            ["grow", "look"],
            ["grow", "look"],
        ]
        assert outputs(result.new_items) == ["grown", "seen "]

    async def test_a_disabled_tool_is_neither_offered_nor_found(self, run: RunIt):
        @function_tool(is_enabled=always(False))
        def hidden() -> str:
            return "hidden"

        agent, model = scripted(calls(("hidden", {})), tools=[look, hidden])
        with pytest.raises(ModelBehaviorError, match="Tool hidden not found in agent a"):
            await run(agent)
        assert [tool.name for tool in model.calls[0].tools] == ["look"]

    async def test_the_tool_sees_which_call_it_is(self, run: RunIt):
        seen: list[ToolContext[Any]] = []

        @function_tool
        def note(context: ToolContext[Any], word: str) -> str:
            seen.append(context)
            return word

        agent, _ = scripted(calls(("note", {"word": "x"}, "call_7")), text(), tools=[note])
        result = await run(agent, context="mine")
        [context] = seen
        assert (context.tool_name, context.tool_call_id, context.tool_arguments) == (
            "note",
            "call_7",
            '{"word":"x"}',
        )
        assert (context.context, context.agent, context.usage) == (
            "mine",
            agent,
            result.context_wrapper.usage,
        )
        assert context.tool_call is not None
        assert context.tool_call.call_id == "call_7"


@both_ways
class TestConcurrency:
    async def run_limited(self, run: RunIt, limit: int | None) -> tuple[int, list[int], list[Any]]:
        started: list[int] = []
        running = most = 0

        @function_tool
        async def work(number: int) -> str:
            nonlocal running, most
            started.append(number)
            running += 1
            most = max(most, running)
            for _ in range(3):
                await asyncio.sleep(0)
            running -= 1
            return str(number)

        agent, model = scripted(
            calls(*[("work", {"number": number}) for number in range(5)]), text(), tools=[work]
        )
        execution = ToolExecutionConfig(max_function_tool_concurrency=limit)
        await run(agent, run_config=RunConfig(tool_execution=execution))
        return most, started, sent(model, 2)

    async def test_all_tools_of_a_turn_run_at_once_by_default(self, run: RunIt):
        assert (await self.run_limited(run, None))[0] == 5

    @pytest.mark.parametrize("limit", [1, 2])
    async def test_the_limit_holds_and_queued_tools_start_in_call_order(self, run: RunIt, limit: int):
        most, started, results = await self.run_limited(run, limit)
        assert (most, started) == (limit, [0, 1, 2, 3, 4])
        assert results == ["0", "1", "2", "3", "4"]

    async def test_a_queued_tool_starts_when_any_place_is_free(self, run: RunIt):
        third_started = asyncio.Event()

        @function_tool
        async def work(number: int) -> str:
            if number == 0:
                await third_started.wait()
            if number == 2:
                third_started.set()
            return str(number)

        agent, model = scripted(
            calls(*[("work", {"number": number}) for number in range(3)]), text(), tools=[work]
        )
        execution = ToolExecutionConfig(max_function_tool_concurrency=2)
        await run(agent, run_config=RunConfig(tool_execution=execution))
        assert sent(model, 2) == ["0", "1", "2"]


@both_ways
class TestUnknownTools:
    async def test_one_is_a_model_error_and_nothing_runs(self, run: RunIt):
        ran: list[str] = []

        @function_tool
        def note() -> str:
            ran.append("note")
            return "noted"

        agent, _ = scripted(calls(("note", {}), ("missing_tool", {})), tools=[note])
        with pytest.raises(ModelBehaviorError, match="Tool missing_tool not found in agent a") as caught:
            await run(agent)
        data = caught.value.run_data
        assert data is not None
        assert (len(data.raw_responses), data.last_agent, ran) == (1, agent, [])

    async def test_the_model_may_be_told_instead_while_siblings_run(self, run: RunIt):
        agent, model = scripted(calls(("look", {"word": "x"}), ("missing_tool", {})), text(), tools=[look])
        result = await run(agent, run_config=RunConfig(tool_not_found_behavior="return_error_to_model"))
        assert sent(model, 2) == ["seen x", "Tool 'missing_tool' not found."]
        assert result.final_output == "done"

    @pytest.mark.parametrize("is_async", [False, True])
    async def test_the_formatter_may_say_it_otherwise(self, run: RunIt, is_async: bool):
        seen: list[ToolErrorFormatterArgs[Any]] = []

        def say(args: ToolErrorFormatterArgs[Any]) -> str:
            seen.append(args)
            return "Use look."

        async def say_later(args: ToolErrorFormatterArgs[Any]) -> str:
            return say(args)

        agent, model = scripted(calls(("missing_tool", {})), text(), tools=[look])
        config = RunConfig(
            tool_not_found_behavior="return_error_to_model",
            tool_error_formatter=say_later if is_async else say,
        )
        await run(agent, run_config=config)
        assert sent(model, 2) == ["Use look."]
        [args] = seen
        assert (args.kind, args.tool_type, args.tool_name, args.call_id, args.default_message) == (
            "tool_not_found",
            "function",
            "missing_tool",
            "c1",
            "Tool 'missing_tool' not found.",
        )

    async def test_a_formatter_without_an_opinion_keeps_the_text(self, run: RunIt):
        agent, model = scripted(calls(("missing_tool", {})), text(), tools=[look])
        config = RunConfig(tool_not_found_behavior="return_error_to_model", tool_error_formatter=always(None))
        await run(agent, run_config=config)
        assert sent(model, 2) == ["Tool 'missing_tool' not found."]

    async def test_a_handoff_to_nowhere_is_an_unknown_tool(self, run: RunIt):
        agent, _ = scripted(calls(("transfer_to_nobody", {})))
        with pytest.raises(
            ModelBehaviorError, match="Tool transfer_to_nobody not found in agent a"
        ) as caught:
            await run(agent)
        assert caught.value.run_data is not None


@both_ways
class TestCallIds:
    async def test_an_id_that_is_used_twice_in_a_response_is_a_model_error(self, run: RunIt):
        agent, _ = scripted(calls(("look", {"word": "x"}, "c"), ("look", {"word": "y"}, "c")), tools=[look])
        with pytest.raises(ModelBehaviorError, match=r"reused a tool call ID.*unique call ID") as caught:
            await run(agent)
        assert caught.value.run_data is not None

    async def test_an_empty_id_is_a_model_error(self, run: RunIt):
        agent, _ = scripted(calls(("look", {}, "")), tools=[look])
        with pytest.raises(ModelBehaviorError, match="non-empty string call ID"):
            await run(agent)

    async def test_a_settled_call_that_the_model_repeats_is_not_run_again_and_the_run_goes_on(
        self, run: RunIt
    ):
        ran: list[str] = []

        @function_tool
        def note() -> str:
            ran.append("note")
            return "noted"

        agent, _ = scripted(calls(("note", {}, "c")), calls(("note", {}, "c")), text(), tools=[note])
        result = await run(agent)
        assert (result.final_output, ran) == ("done", ["note"])
        assert types(result.new_items) == ["tool_call_item", "tool_call_output_item", "message_output_item"]

    async def test_a_message_beside_a_repeated_call_is_the_output(self, run: RunIt):
        agent, model = scripted(
            calls(("look", {}, "c")), [*text("so"), *calls(("look", {}, "c"))], text(), tools=[look]
        )
        assert (await run(agent)).final_output == "so"
        assert len(model.calls) == 2

    async def test_an_id_of_an_earlier_turn_with_other_arguments_is_a_model_error(self, run: RunIt):
        agent, _ = scripted(
            calls(("look", {"word": "x"}, "c")), calls(("look", {"word": "y"}, "c")), tools=[look]
        )
        with pytest.raises(ModelBehaviorError, match="reused a tool call ID"):
            await run(agent)


@both_ways
class TestBadArguments:
    @pytest.mark.parametrize("arguments", ["{", "[1]", "null", '{"word": 3}'])
    async def test_the_model_is_told_and_the_run_goes_on(self, run: RunIt, arguments: str):
        agent, model = scripted(calls(("look", arguments)), text(), tools=[look])
        result = await run(agent)
        assert "An error occurred while running the tool" in sent(model, 2)[0]
        assert result.final_output == "done"

    async def test_without_a_failure_function_it_is_a_model_error(self, run: RunIt):
        @function_tool(failure_error_function=None)
        def strict(word: str) -> str:
            return word

        agent, _ = scripted(calls(("strict", "{")), tools=[strict])
        with pytest.raises(ModelBehaviorError, match="Invalid JSON input for tool strict") as caught:
            await run(agent)
        assert caught.value.run_data is not None
        assert len(caught.value.run_data.raw_responses) == 1


@both_ways
class TestFailures:
    async def test_a_tool_that_raises_is_told_to_the_model_without_its_words(self, run: RunIt):
        @function_tool
        def broken() -> str:
            raise ValueError("secret")

        agent, model = scripted(calls(("broken", {})), text(), tools=[broken])
        result = await run(agent)
        [told] = sent(model, 2)
        assert "An error occurred while running the tool" in told
        assert "secret" not in told
        assert result.final_output == "done"

    async def test_its_own_failure_function_says_it(self, run: RunIt):
        def say(context: RunContextWrapper[Any], error: Exception) -> str:
            return f"failed: {error}"

        @function_tool(failure_error_function=say)
        def broken() -> str:
            raise ValueError("why")

        agent, model = scripted(calls(("broken", {})), text(), tools=[broken])
        await run(agent)
        assert sent(model, 2) == ["failed: why"]

    async def test_the_runs_formatter_says_it_for_tools_that_have_none(self, run: RunIt):
        seen: list[ToolErrorFormatterArgs[Any]] = []

        def say(args: ToolErrorFormatterArgs[Any]) -> str:
            seen.append(args)
            return "told"

        @function_tool
        def broken() -> str:
            raise ValueError("why")

        agent, model = scripted(calls(("broken", {})), text(), tools=[broken])
        await run(agent, run_config=RunConfig(tool_error_formatter=say))
        assert sent(model, 2) == ["told"]
        assert (seen[0].kind, seen[0].tool_name, str(seen[0].error)) == ("tool_exception", "broken", "why")

    async def test_without_a_failure_function_the_run_fails_and_keeps_the_finished_siblings(self, run: RunIt):
        done = asyncio.Event()

        class Hooks(RunHooks[Any]):
            async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: object) -> None:
                if tool.name == "good":
                    done.set()

        @function_tool
        async def good() -> str:
            return "good"

        @function_tool(failure_error_function=None)
        async def bad() -> str:
            await done.wait()
            raise ValueError("bad")

        agent, _ = scripted(calls(("good", {}), ("bad", {})), tools=[good, bad])
        with pytest.raises(UserError, match="Error running tool bad: bad") as caught:
            await run(agent, hooks=Hooks())
        data = caught.value.run_data
        assert data is not None
        assert outputs(data.new_items) == ["good"]
        assert isinstance(caught.value.__cause__, ValueError)

    async def test_a_failed_batch_never_shows_half_of_a_pair(self, run: RunIt):
        @function_tool(failure_error_function=None)
        async def bad() -> str:
            raise ValueError("bad")

        @function_tool
        async def never() -> str:
            await asyncio.Event().wait()
            return "never"

        agent, _ = scripted(calls(("bad", {}), ("never", {})), tools=[bad, never])
        with pytest.raises(UserError) as caught:
            await run(agent)
        data = caught.value.run_data
        assert data is not None
        called = {item.call_id for item in data.new_items if item.type == "tool_call_item"}
        answered = {item.call_id for item in data.new_items if item.type == "tool_call_output_item"}
        assert called == answered

    async def test_a_tool_that_cancels_itself_is_told_and_its_siblings_are_unaffected(self, run: RunIt):
        @function_tool
        async def quitter() -> str:
            raise asyncio.CancelledError

        agent, model = scripted(
            calls(("quitter", {}), ("look", {"word": "x"})), text(), tools=[quitter, look]
        )
        result = await run(agent)
        told, seen = sent(model, 2)
        assert "An error occurred while running the tool" in told
        assert (seen, result.final_output) == ("seen x", "done")

    async def test_without_a_failure_function_its_cancellation_ends_the_run_as_one(self, run: RunIt):
        @function_tool(failure_error_function=None)
        async def quitter() -> str:
            raise asyncio.CancelledError

        agent, _ = scripted(calls(("quitter", {})), tools=[quitter])
        with pytest.raises(asyncio.CancelledError):
            await run(agent)


@both_ways
class TestTimeouts:
    async def test_a_tool_that_never_returns_is_told_to_the_model(self, run: RunIt):
        ended = asyncio.Event()

        @function_tool(timeout=0.01)
        async def stuck() -> str:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return "never"

        agent, model = scripted(calls(("stuck", {}), ("look", {"word": "x"})), text(), tools=[stuck, look])
        result = await run(agent)
        assert sent(model, 2) == ["Tool 'stuck' timed out after 0.01 seconds.", "seen x"]
        assert (result.final_output, ended.is_set()) == ("done", True)

    async def test_it_may_end_the_run_instead(self, run: RunIt):
        @function_tool(timeout=0.01, timeout_behavior="raise_exception")
        async def stuck() -> str:
            await asyncio.Event().wait()
            return "never"

        agent, _ = scripted(calls(("stuck", {})), tools=[stuck])
        with pytest.raises(ToolTimeoutError, match="timed out") as caught:
            await run(agent)
        assert (caught.value.tool_name, caught.value.timeout_seconds) == ("stuck", 0.01)
        assert caught.value.run_data is not None

    async def test_its_own_function_says_it(self, run: RunIt):
        @function_tool(timeout=0.01, timeout_error_function=always("too slow"))
        async def stuck() -> str:
            await asyncio.Event().wait()
            return "never"

        agent, model = scripted(calls(("stuck", {})), text(), tools=[stuck])
        await run(agent)
        assert sent(model, 2) == ["too slow"]


@both_ways
class TestToolChoice:
    async def test_a_forced_choice_ends_once_a_tool_was_used_and_is_back_in_a_new_run(self, run: RunIt):
        agent, model = scripted(
            *[calls(("look", {}, "c1")), text()] * 2,
            tools=[look],
            model_settings=ModelSettings(tool_choice="required"),
        )
        await run(agent)
        await run(agent)
        assert [call.model_settings.tool_choice for call in model.calls] == ["required", None] * 2
        assert agent.model_settings.tool_choice == "required"

    async def test_it_is_kept_when_the_agent_says_so(self, run: RunIt):
        agent, model = scripted(
            calls(("look", {}, "c1")),
            calls(("look", {}, "c2")),
            tools=[look],
            model_settings=ModelSettings(tool_choice="look"),
            reset_tool_choice=False,
        )
        with pytest.raises(MaxTurnsExceeded):
            await run(agent, max_turns=2)
        assert [call.model_settings.tool_choice for call in model.calls] == ["look", "look"]

    async def test_a_choice_of_the_run_ends_as_well(self, run: RunIt):
        agent, model = scripted(calls(("look", {})), text(), tools=[look])
        await run(agent, run_config=RunConfig(model_settings=ModelSettings(tool_choice="required")))
        assert [call.model_settings.tool_choice for call in model.calls] == ["required", None]


@both_ways
class TestNameCollisions:
    async def test_by_default_a_warning_is_logged(self, run: RunIt, caplog: pytest.LogCaptureFixture):
        twin = function_tool(always("twin"), name_override="look", strict_mode=False)
        agent, _ = scripted(text(), tools=[look, twin])
        await run(agent)
        assert "the tool name `look` is used by multiple tools" in caplog.text

    async def test_the_run_may_refuse_before_any_model_call(self, run: RunIt):
        target: Agent[Any] = Agent(name="b")
        refused: list[dict[str, Any]] = [
            {"tools": [look, function_tool(always("twin"), name_override="look", strict_mode=False)]},
            {"tools": [look], "handoffs": [handoff(target, tool_name_override="look")]},
        ]
        for fields in refused:
            agent, model = scripted(text(), **fields)
            with pytest.raises(UserError, match="the tool name `look` is used by multiple tools"):
                await run(agent, run_config=RunConfig(tool_name_collision_policy="error"))
            assert model.calls == ()


async def test_progress_of_a_generator_tool_is_recorded_and_its_last_value_is_the_output():
    @function_tool
    async def steps() -> AsyncIterator[Any]:
        yield {"done": 1}
        yield {"done": 2}
        yield "all"

    agent, model = scripted(calls(("steps", {})), text(), tools=[steps])
    result = Runner.run_streamed(agent, "Hi")
    records = [record async for record in result.records()]
    progress = [record.data["progress"] for record in records if record.kind == "tool_progressed"]
    assert progress == [{"done": 1}, {"done": 2}, "all"]
    kinds = [record.kind for record in records if record.kind.startswith("tool_")]
    assert kinds == ["tool_claimed", *["tool_progressed"] * 3, "tool_returned"]
    assert sent(model, 2) == ["all"]


async def test_progress_that_a_thread_reports_is_recorded_before_the_result():
    @function_tool
    def steps(context: ToolContext[Any]) -> str:
        context.report_progress(1)
        context.report_progress(2)
        return "all"

    agent, _ = scripted(calls(("steps", {})), text(), tools=[steps])
    result = Runner.run_streamed(agent, "Hi")
    records = [record async for record in result.records() if record.kind.startswith("tool_")]
    assert [record.kind for record in records] == [
        "tool_claimed",
        "tool_progressed",
        "tool_progressed",
        "tool_returned",
    ]


async def test_a_record_of_a_tool_says_how_long_it_took_and_how_it_failed():
    @function_tool
    def broken() -> str:
        raise ValueError("why")

    agent, _ = scripted(calls(("look", {}), ("broken", {})), text(), tools=[look, broken])
    result = Runner.run_streamed(agent, "Hi")
    records = {record.kind: record.data async for record in result.records()}
    assert records["tool_returned"]["duration_ms"] >= 0
    assert records["tool_failed"]["error"] == {"type": "ValueError", "message": "why"}
    assert records["tool_failed"]["duration_ms"] >= 0
