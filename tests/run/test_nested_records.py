"""Runs of agents used as tools, in the log of the run that calls them."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.types import responses as rt

from agents import Agent, Runner, UserError, function_tool
from agents._core.evolve import fold
from agents.log import Path, Record, decode_record, encode_record
from agents.result import RunResultStreaming
from agents.testing import ModelCall, ModelStep, ScriptedModel
from agents.tool_context import ToolContext
from run.scripts import calls, collect, gated, label, scripted, text, without_raw


@function_tool
def look() -> str:
    return "seen"


def caller(*children: Agent[Any], options: dict[str, Any] | None = None) -> tuple[Agent[Any], ScriptedModel]:
    """An agent that calls each of these once, in one response, and then answers."""
    tools = [child.as_tool(child.name, "", **(options or {})) for child in children]
    wanted = [(child.name, {"input": child.name}, f"call_{child.name}") for child in children]
    return scripted(calls(*wanted), text("all done"), name="caller", tools=list(tools))


def by_path(records: list[Record]) -> dict[Path, list[Record]]:
    paths: defaultdict[Path, list[Record]] = defaultdict(list)
    for record in records:
        paths[record.path].append(record)
    return dict(paths)


def kinds(records: list[Record]) -> list[str]:
    return [record.kind for record in records if record.kind != "model_delta"]


async def records_of(
    agent: Agent[Any], **options: Any
) -> tuple[RunResultStreaming, dict[Path, list[Record]]]:
    result = Runner.run_streamed(agent, "Hi", **options)
    return result, by_path([record async for record in result.records()])


class TestPaths:
    async def test_a_childs_records_stand_under_the_call_that_it_answers(self):
        child, _ = scripted(calls(("look", {})), text("below"), name="child", tools=[look])
        result, paths = await records_of(caller(child)[0])
        assert list(paths) == [(), ("call_child",)]
        assert kinds(paths["call_child",]) == [
            "run_started",
            "turn_started",
            "model_requested",
            "call_proposed",
            "model_responded",
            "tool_claimed",
            "tool_returned",
            "turn_started",
            "model_requested",
            "model_responded",
            "output_proposed",
            "run_finished",
        ]
        assert paths["call_child",][0].data["agent"] == "child"
        assert paths["call_child",][-1].data["output"] == "below"
        assert result.final_output == "all done"

    async def test_they_come_between_claim_and_result_of_that_call(self):
        child, _ = scripted(text("below"), name="child")
        result = Runner.run_streamed(caller(child)[0], "Hi")
        all_records = [record async for record in result.records()]
        assert [record.seq for record in all_records] == list(range(1, len(all_records) + 1))
        [claimed] = [record.seq for record in all_records if record.kind == "tool_claimed"]
        [returned] = [record.seq for record in all_records if record.kind == "tool_returned"]
        nested = [record.seq for record in all_records if record.path]
        assert claimed < min(nested) <= max(nested) < returned
        assert {record.run_id for record in all_records} == {all_records[0].run_id}

    async def test_each_path_folds_to_a_run_of_its_own(self):
        child, _ = scripted(calls(("look", {})), text("below"), name="child", tools=[look])
        _, paths = await records_of(caller(child)[0])
        states = {path: fold(record.fact for record in records) for path, records in paths.items()}
        assert {path: state.output for path, state in states.items()} == {
            (): "all done",
            ("call_child",): "below",
        }

    async def test_deeper_runs_stand_deeper(self):
        inner, _ = scripted(text("deep"), name="inner")
        child, _ = caller(inner)
        child.name = "child"
        _, paths = await records_of(caller(child)[0])
        assert list(paths) == [(), ("call_child",), ("call_child", "call_inner")]

    async def test_the_idempotency_key_of_a_nested_call_is_its_path(self):
        keys: list[str] = []

        @function_tool
        def note(context: ToolContext[Any]) -> str:
            keys.append(context.idempotency_key)
            return "noted"

        child, _ = scripted(calls(("note", {}, "c7")), text(), name="child", tools=[note])
        await records_of(caller(child)[0])
        assert keys == ["call_child/c7"]

    async def test_a_second_run_of_one_call_has_a_path_of_its_own(self):
        child, _ = scripted(text("one"), text("two"), name="child")

        @function_tool
        async def twice(context: ToolContext[Any]) -> str:
            first = await Runner.run(child, "x", context=context)
            second = await Runner.run(child, "y", context=context)
            return f"{first.final_output} {second.final_output}"

        agent, _ = scripted(calls(("twice", {}, "c")), text(), tools=[twice])
        _, paths = await records_of(agent)
        assert list(paths) == [(), ("c",), ("c#2",)]

    async def test_every_record_survives_json(self):
        child, _ = scripted(calls(("look", {})), text("below"), name="child", tools=[look])
        result = Runner.run_streamed(caller(child)[0], "Hi")
        async for record in result.records():
            assert decode_record(encode_record(record)) == record


class TestSiblings:
    async def test_parallel_siblings_are_told_apart(self):
        gate, second_asked = asyncio.Event(), asyncio.Event()
        slow, _ = scripted(gated(gate, text("slow one")), name="slow")

        def quick_answer(call: ModelCall) -> Any:
            second_asked.set()
            return text("quick one")

        quick, _ = scripted(ModelStep.respond(quick_answer), name="quick")
        agent, _ = caller(slow, quick)
        result = Runner.run_streamed(agent, "Hi")
        order: list[tuple[Path, str]] = []
        async for record in result.records():
            order.append((record.path, record.kind))
            if order[-1] == (("call_quick",), "run_finished"):
                gate.set()
        assert order.index((("call_quick",), "run_finished")) < order.index((("call_slow",), "run_finished"))
        assert order.index((("call_slow",), "model_requested")) < order.index(
            (("call_quick",), "run_finished")
        )

    async def test_two_calls_of_one_agent_are_told_apart(self):
        def echo(call: ModelCall) -> Any:
            return text(call.input[0]["content"])

        child, _ = scripted(ModelStep.respond(echo), ModelStep.respond(echo), name="child")
        agent, _ = scripted(
            calls(("ask", {"input": "one"}, "c1"), ("ask", {"input": "two"}, "c2")),
            text(),
            tools=[child.as_tool("ask", "")],
        )
        _, paths = await records_of(agent)
        assert {path: records[-1].data["output"] for path, records in paths.items() if path} == {
            ("c1",): "one",
            ("c2",): "two",
        }


class TestDeltas:
    async def test_a_streaming_parent_shows_its_childs_deltas(self):
        child, nested = scripted(text("below"), name="child")
        _, paths = await records_of(caller(child)[0])
        deltas = [record.data["event"] for record in paths["call_child",] if record.kind == "model_delta"]
        assert (
            "".join(event["delta"] for event in deltas if event["type"] == "response.output_text.delta")
            == "below"
        )
        assert nested.calls[0].streamed

    async def test_a_parent_that_does_not_stream_has_children_that_do_not(self):
        child, nested = scripted(text("below"), name="child")
        await Runner.run(caller(child)[0], "Hi")
        assert not nested.calls[0].streamed

    async def test_on_stream_has_the_child_streamed_whatever_its_parent_does(self):
        seen: list[Any] = []
        child, nested = scripted(text("below"), name="child")
        await Runner.run(caller(child, options={"on_stream": seen.append})[0], "Hi")
        assert nested.calls[0].streamed
        assert len(seen) == 11

    async def test_the_parents_classic_events_are_its_own(self):
        child, _ = scripted(calls(("look", {})), text("below"), name="child", tools=[look])
        result = Runner.run_streamed(caller(child)[0], "Hi")
        events = await collect(result.stream_events())
        assert without_raw(events) == ["agent:caller", "tool_called", "tool_output", "message_output_created"]
        assert [label(event) for event in events].count("response.completed") == 2


class TestEnds:
    async def test_a_nested_failure_is_a_record_of_the_child_and_an_output_of_the_call(self):
        child, _ = scripted(ModelStep.raise_error(ValueError("why")), name="child")
        result, paths = await records_of(caller(child)[0])
        failed = paths["call_child",][-1]
        assert (failed.kind, failed.data["error"]) == ("run_failed", {"type": "ValueError", "message": "why"})
        [told] = [record for record in paths[()] if record.kind == "tool_failed"]
        assert told.data["error"] == {"type": "ValueError", "message": "why"}
        assert told.data["output"]["output"].startswith("An error occurred")
        assert (paths[()][-1].kind, result.final_output) == ("run_finished", "all done")

    async def test_a_failure_that_is_raised_ends_both(self):
        child, _ = scripted(ModelStep.raise_error(ValueError("why")), name="child")
        result, paths = await records_of(caller(child, options={"failure_error_function": None})[0])
        assert {path: records[-1].kind for path, records in paths.items()} == {
            (): "run_failed",
            ("call_child",): "run_failed",
        }
        assert isinstance(result.run_loop_exception, UserError)

    async def test_a_failing_sibling_cancels_a_running_child(self):
        asked, given_up = asyncio.Event(), asyncio.Event()
        child, _ = scripted(never(asked, given_up), name="child")

        @function_tool(failure_error_function=None)
        async def fail() -> str:
            await asked.wait()
            raise ValueError("why")

        agent, _ = scripted(
            calls(("child", {"input": "x"}, "c1"), ("fail", {}, "c2")),
            tools=[child.as_tool("child", ""), fail],
        )
        _, paths = await records_of(agent)
        assert given_up.is_set()
        assert paths["c1",][-1].kind == "run_cancelled"
        assert paths[()][-1].kind == "run_failed"

    @pytest.mark.parametrize("on_stream", [False, True])
    async def test_cancelling_the_parent_cancels_its_children(self, on_stream: bool):
        asked, given_up = asyncio.Event(), asyncio.Event()
        inner, _ = scripted(never(asked, given_up), name="inner")
        child, _ = caller(inner)
        child.name = "child"

        def ignore(event: Any) -> None:
            pass

        agent, model = caller(child, options={"on_stream": ignore} if on_stream else None)
        result = Runner.run_streamed(agent, "Hi")
        await asked.wait()
        result.cancel()
        paths = by_path([record async for record in result.records()])
        assert given_up.is_set()
        assert {path: records[-1].kind for path, records in paths.items()} == {
            (): "run_cancelled",
            ("call_child",): "run_cancelled",
            ("call_child", "call_inner"): "run_cancelled",
        }
        assert len(model.calls) == 1

    async def test_what_a_child_had_said_when_it_was_cancelled_stays(self):
        said, never_set = asyncio.Event(), asyncio.Event()

        async def half(call: ModelCall) -> AsyncIterator[Any]:
            yield rt.ResponseTextDeltaEvent(
                content_index=0,
                delta="half a",
                item_id="m",
                logprobs=[],
                output_index=0,
                sequence_number=0,
                type="response.output_text.delta",
            )
            said.set()
            await never_set.wait()

        child, _ = scripted(ModelStep.stream(half), name="child")
        result = Runner.run_streamed(caller(child)[0], "Hi")
        await said.wait()
        result.cancel()
        paths = by_path([record async for record in result.records()])
        [interrupted] = [record for record in paths["call_child",] if record.kind == "model_interrupted"]
        assert json.dumps(interrupted.data["output"]).count("half a") == 1

    async def test_cancelling_a_plain_parent_cancels_its_children(self):
        asked, given_up = asyncio.Event(), asyncio.Event()
        child, _ = scripted(never(asked, given_up), name="child")
        task = asyncio.ensure_future(Runner.run(caller(child)[0], "Hi"))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert given_up.is_set()


def never(asked: asyncio.Event, given_up: asyncio.Event) -> ModelStep:
    """A model call that never ends by itself."""

    async def wait(call: ModelCall) -> Any:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    return ModelStep.respond(wait)
