from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents import (
    Agent,
    Record,
    RecordsExpired,
    RunConfig,
    RunItemStreamEvent,
    Runner,
    RunResultStreaming,
    ToolCallOutputItem,
    function_tool,
)
from agents.testing import ModelCall, ModelStep, assistant_message
from run.scripts import calls, collect, gated, label, scripted, text, without_raw


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


class Waiting:
    """A run that stands still in its second model call, until `gate` opens."""

    def __init__(self) -> None:
        self.gate, self.asked = asyncio.Event(), asyncio.Event()
        self.agent, self.model = scripted(
            calls(("look", {})), gated(self.gate, text(), self.asked), tools=[look]
        )
        self.result = Runner.run_streamed(self.agent, "Hi")

    async def end(self) -> RunResultStreaming:
        self.gate.set()
        assert self.result.run_loop_task is not None
        await self.result.run_loop_task
        return self.result


WHOLE = ["agent:a", "tool_called", "tool_output", "message_output_created"]


async def drain(waiting: Waiting) -> list[str]:
    return [label(event) async for event in waiting.result.stream_events()]


async def read_until_it_takes_long(stream: Any, seen: list[str]) -> None:
    while True:
        seen.append(label(await asyncio.wait_for(anext(stream), 0.05)))


class TestLeaving:
    async def test_a_reader_that_leaves_neither_stops_nor_hangs_the_run(self):
        waiting = Waiting()
        async for event in waiting.result.stream_events():
            if label(event) == "tool_output":
                break
        result = await waiting.end()
        assert (result.final_output, result.is_complete) == ("done", True)

    async def test_a_closed_iterator_ends_and_the_next_goes_on_from_there(self):
        waiting = Waiting()
        stream: Any = waiting.result.stream_events()
        first = [label(await anext(stream)) for _ in range(3)]
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        waiting.gate.set()
        rest = await collect(waiting.result.stream_events())
        whole = [*first, *(label(event) for event in rest)]
        assert [name for name in whole if not name.startswith("response.")] == WHOLE
        assert whole.count("response.created") == 2

    async def test_a_time_out_while_waiting_is_prompt_and_loses_nothing(self):
        waiting = Waiting()
        stream = waiting.result.stream_events()
        seen: list[str] = []
        with pytest.raises(TimeoutError):
            await read_until_it_takes_long(stream, seen)
        assert waiting.asked.is_set()
        # Again, with nothing new: neither the iterator nor the run has ended.
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        assert asyncio.get_running_loop().time() - began < 0.3
        assert not waiting.result.is_complete
        waiting.gate.set()
        seen += [label(event) async for event in stream]
        assert [name for name in seen if not name.startswith("response.")] == WHOLE
        assert waiting.result.final_output == "done"

    async def test_a_task_for_each_event_loses_nothing(self):
        waiting = Waiting()
        waiting.gate.set()
        stream = waiting.result.stream_events()
        seen: list[str] = []
        while True:
            task = asyncio.ensure_future(anext(stream, None))
            event = await task
            if event is None:
                break
            seen.append(label(event))
        assert [name for name in seen if not name.startswith("response.")] == WHOLE

    async def test_a_cancelled_reader_task_leaves_the_run_alone(self):
        waiting = Waiting()
        reader = asyncio.ensure_future(drain(waiting))
        await waiting.asked.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert (await waiting.end()).final_output == "done"

    async def test_polling_with_the_smallest_time_outs_sees_every_event_once(self):
        waiting = Waiting()
        stream = waiting.result.stream_events()
        seen: list[str] = []
        while True:
            try:
                async with asyncio.timeout(0):
                    event = await anext(stream, None)
            except TimeoutError:
                if waiting.asked.is_set():
                    waiting.gate.set()
                await asyncio.sleep(0)
                continue
            if event is None:
                break
            seen.append(label(event))
        assert [name for name in seen if not name.startswith("response.")] == WHOLE
        assert seen.count("response.completed") == 2


class TestSecondReaders:
    async def test_readers_side_by_side_each_see_every_event(self):
        waiting = Waiting()
        streams = [waiting.result.stream_events() for _ in range(3)]
        waiting.gate.set()
        seen = await asyncio.gather(*(collect(stream) for stream in streams))
        assert [without_raw(events) for events in seen] == [WHOLE] * 3
        assert [label(event) for event in seen[0]] == [label(event) for event in seen[1]]

    async def test_one_that_opens_later_sees_what_comes_from_there(self):
        waiting = Waiting()
        first = waiting.result.stream_events()
        async for event in first:
            if label(event) == "tool_called":
                break
        second = waiting.result.stream_events()
        waiting.gate.set()
        late, rest = await asyncio.gather(collect(second), collect(first))
        assert without_raw(late) == without_raw(rest) == ["tool_output", "message_output_created"]

    async def test_after_the_end_there_is_nothing_more(self):
        waiting = Waiting()
        waiting.gate.set()
        assert len(await drain(waiting)) > 4
        assert await drain(waiting) == []

    async def test_a_first_reader_that_comes_after_the_end_still_gets_everything(self):
        waiting = Waiting()
        await waiting.end()
        events = await collect(waiting.result.stream_events())
        assert without_raw(events) == WHOLE

    async def test_a_late_first_reader_of_a_failed_run_gets_the_events_and_the_error(self):
        agent, _ = scripted(calls(("look", {})), ValueError("offline"), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        assert result.run_loop_task is not None
        await asyncio.wait([result.run_loop_task])
        events: list[Any] = []
        with pytest.raises(ValueError, match="offline"):
            await collect(result.stream_events(), events)
        assert without_raw(events) == ["agent:a", "tool_called", "tool_output"]

    async def test_an_event_is_one_object_for_all_readers(self):
        waiting = Waiting()
        streams = [waiting.result.stream_events() for _ in range(2)]
        waiting.gate.set()
        one, other = [
            [event.item for event in await collect(stream) if isinstance(event, RunItemStreamEvent)]
            for stream in streams
        ]
        assert [id(item) for item in one] == [id(item) for item in other]


class TestText:
    async def test_the_pieces_of_text_come_as_the_model_sends_them(self):
        agent, _ = scripted([assistant_message("wait "), *calls(("look", {}))], text("done"), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        assert "".join([piece async for piece in result.stream_text()]) == "wait done"

    async def test_the_error_of_the_run_comes_after_its_text(self):
        agent, _ = scripted([assistant_message("wait"), *calls(("look", {}))], ValueError("no"), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        pieces: list[str] = []
        with pytest.raises(ValueError, match="no"):
            await collect(result.stream_text(), pieces)
        assert "".join(pieces) == "wait"

    async def test_leaving_it_stops_nothing(self):
        agent, _ = scripted([assistant_message("wait"), *calls(("look", {}))], text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        async for _ in result.stream_text():
            break
        assert result.run_loop_task is not None
        await result.run_loop_task
        assert result.final_output == "done"


class TestRecords:
    async def test_they_number_everything_that_happened_from_one(self):
        agent, _ = scripted(calls(("look", {})), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        records = await collect(result.records())
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        assert len({record.run_id for record in records}) == 1
        assert {record.path for record in records} == {()}
        kinds = [record.kind for record in records if record.kind != "model_delta"]
        assert kinds == [
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

    async def test_every_reader_from_anywhere_gets_exactly_what_comes_after(self):
        agent, _ = scripted(calls(("look", {})), text(), tools=[look])
        result = Runner.run_streamed(agent, "Hi")
        live = await collect(result.records())
        for after in range(len(live) + 1):
            assert await collect(result.records(after=after)) == live[after:]

    async def test_they_are_replayed_after_classic_events_were_read(self):
        agent, _ = scripted(text())
        result = Runner.run_streamed(agent, "Hi")
        await collect(result.stream_events())
        assert [record.kind async for record in result.records()][-1] == "run_finished"

    async def test_each_survives_a_json_round_trip(self):
        agent, _ = scripted(
            [assistant_message("wait"), *calls(("look", {}), ("broken", "{"))], text(), tools=[look]
        )
        result = Runner.run_streamed(
            agent,
            "Hi",
            context=object(),
            run_config=RunConfig(tool_not_found_behavior="return_error_to_model"),
        )
        async for record in result.records():
            assert json.loads(json.dumps(record.data)) == record.data
            again = Record(
                record.seq,
                record.last_seq,
                record.at_ms,
                record.run_id,
                record.path,
                record.kind,
                record.data,
            )
            assert again == record
            assert again.fact == record.fact

    async def test_a_failed_run_ends_them_with_the_failure_and_raises_nothing(self):
        agent, _ = scripted(ValueError("offline"))
        result = Runner.run_streamed(agent, "Hi")
        records = await collect(result.records())
        assert records[-1].kind == "run_failed"
        assert records[-1].data["error"] == {"type": "ValueError", "message": "offline"}

    async def test_a_nested_run_is_told_apart_by_its_path(self):
        inner, _ = scripted(text("inner says"), name="inner")
        outer, _ = scripted(
            calls(("ask", {"input": "x"}, "c1"), ("ask", {"input": "y"}, "c2")),
            text(),
            tools=[inner.as_tool("ask", "Asks.")],
        )
        inner.model = scripted(text("one"), text("two"))[1]
        result = Runner.run_streamed(outer, "Hi")
        records = await collect(result.records())
        assert {record.path for record in records} == {(), ("c1",), ("c2",)}
        for call_id in ("c1", "c2"):
            nested = [record for record in records if record.path == (call_id,)]
            assert (nested[0].kind, nested[-1].kind) == ("run_started", "run_finished")
        assert [record.seq for record in records] == list(range(1, len(records) + 1))

    async def test_classic_events_of_a_nested_run_stay_its_own(self):
        inner, _ = scripted(text("inner says"), name="inner")
        outer, _ = scripted(calls(("ask", {"input": "x"})), text(), tools=[inner.as_tool("ask", "Asks.")])
        result = Runner.run_streamed(outer, "Hi")
        events = await collect(result.stream_events())
        assert without_raw(events) == WHOLE
        [output] = [item for item in result.new_items if isinstance(item, ToolCallOutputItem)]
        assert output.output == "inner says"


class TestRetention:
    async def test_beyond_it_adjacent_deltas_are_joined_and_their_text_is_exact(self):
        words = " ".join(f"word{number}" for number in range(400))
        agent, _ = scripted(text(words))
        result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(log_retention=50))
        assert result.run_loop_task is not None
        await result.run_loop_task
        records = await collect(result.records())
        statistics = result.statistics()
        assert statistics.kept <= 63
        assert statistics.records >= statistics.kept
        assert records[-1].last_seq == statistics.records
        ends = [record.last_seq for record in records]
        starts = [record.seq for record in records]
        assert starts[1:] == [end + 1 for end in ends[:-1]]
        deltas = [
            record.data["event"]["delta"]
            for record in records
            if record.kind == "model_delta" and record.data["event"]["type"] == "response.output_text.delta"
        ]
        assert "".join(deltas) == words

    async def test_a_cursor_inside_a_joined_range_gets_the_remainder(self):
        words = " ".join(f"word{number}" for number in range(400))
        agent, _ = scripted(many_deltas(words.split(" ")))
        result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(log_retention=50))
        assert result.run_loop_task is not None
        await result.run_loop_task
        records = await collect(result.records())
        joined = next(record for record in records if record.last_seq > record.seq)
        middle = (joined.seq + joined.last_seq) // 2
        first = await anext(result.records(after=middle))
        assert (first.seq, first.last_seq) == (middle + 1, joined.last_seq)
        assert joined.data["event"]["delta"].endswith(first.data["event"]["delta"])

    async def test_a_reader_asleep_still_gets_all_the_text(self):
        words = [f"word{number} " for number in range(400)]
        agent, _ = scripted(many_deltas(words))
        result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(log_retention=50))
        stream = result.stream_events()
        await anext(stream)
        assert result.run_loop_task is not None
        await result.run_loop_task
        rest = await collect(stream)
        pieces = [event.data.delta for event in rest if label(event) == "response.output_text.delta"]
        assert "".join(pieces) == "".join(words)

    async def test_records_that_are_gone_are_said_to_be_gone(self):
        @function_tool
        async def chatty() -> Any:
            for number in range(400):
                yield number

        agent, _ = scripted(calls(("chatty", {})), text(), tools=[chatty])
        result = Runner.run_streamed(agent, "Hi", run_config=RunConfig(log_retention=50))
        assert result.run_loop_task is not None
        await result.run_loop_task
        with pytest.raises(RecordsExpired) as caught:
            await collect(result.records())
        first = caught.value.first_seq
        assert first == result.statistics().first_seq
        rest = await collect(result.records(after=first - 1))
        assert rest[0].seq == first


def many_deltas(pieces: list[str]) -> ModelStep:
    """A response whose text comes in these pieces."""

    async def step(call: ModelCall) -> AsyncIterator[Any]:
        model = scripted(text("".join(pieces)))[1]
        agent: Agent[Any] = Agent(name="x", model=model)
        async for event in Runner.run_streamed(agent, "Hi").stream_events():
            if event.type != "raw_response_event":
                continue
            if event.data.type != "response.output_text.delta":
                yield event.data
                continue
            for piece in pieces:
                yield event.data.model_copy(update={"delta": piece, "logprobs": []})

    return ModelStep.stream(step)


async def test_statistics_say_how_much_the_log_holds():
    waiting = Waiting()
    reader = asyncio.ensure_future(drain(waiting))
    await waiting.asked.wait()
    await asyncio.sleep(0)
    statistics = waiting.result.statistics()
    assert statistics.records == statistics.kept > 10
    assert (statistics.joined, statistics.dropped, statistics.first_seq) == (0, 0, 1)
    assert statistics.waiting_readers == 1
    waiting.gate.set()
    await reader
    assert waiting.result.statistics().waiting_readers == 0
