"""Chat Completions answers as events: what the API says, and what servers send instead."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.exceptions import AgentsException, ModelBehaviorError, ModelStreamBroken, UserError
from models.chats import (
    USAGE,
    Json,
    answer,
    broken_rules,
    call,
    chunk,
    decoded,
    kinds,
    response_of,
    said,
    sse,
    streamed,
    text,
    translator,
    whole,
)

END = chunk({}, "stop")
RECORDED = sorted((Path(__file__).parent / "llama_cpp_streams").glob("chat_*.sse"))


# The order of events


def test_a_text_is_a_message_with_one_part() -> None:
    events = streamed(
        [chunk({"role": "assistant", "content": ""}), text("Hel"), text("lo"), END, chunk(usage=USAGE)]
    )
    assert kinds(events) == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.delta", "output_text.done", "content_part.done"),
        *("output_item.done", "completed"),
    ]
    assert said(response_of(events)) == ["Hello"]
    usage = response_of(events).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (3, 4, 7)


def test_reasoning_is_done_before_the_answer_and_the_answer_before_the_calls() -> None:
    events = streamed(
        [
            chunk({"reasoning_content": "Hm."}),
            text("Let me look."),
            call(0, "a", "look", ""),
            call(0, arguments="{}"),
            call(1, "b", "see", '{"x"'),
            call(1, arguments=":1}"),
            chunk({}, "tool_calls"),
        ]
    )
    assert kinds(events)[2:] == [
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done", "completed"),
    ]


def test_a_reasoning_field_is_shown_as_the_text_itself() -> None:
    events = streamed([chunk({"reasoning": "Hm."}), text("A"), END])
    assert kinds(events)[2:8] == [
        *("output_item.added", "content_part.added", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
    ]
    item: Any = response_of(events).output[0]
    assert (item.summary, item.content[0].text) == ([], "Hm.")
    assert item.provider_data["_chat_completions_reasoning_field"] == "reasoning"


def test_signed_blocks_are_kept_with_their_signatures() -> None:
    blocks: list[Json] = [
        {"type": "thinking", "thinking": "a", "signature": ""},
        {"type": "thinking", "thinking": "b", "signature": None},
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "thinking", "thinking": "c"},
        {"type": "thinking", "signature": "s2"},
        {"type": "redacted_thinking", "data": "zz"},
    ]
    events = streamed([*(chunk({"thinking_blocks": [block]}) for block in blocks), text("A"), END])
    assert broken_rules(events) == []
    item: Any = response_of(events).output[0]
    assert (item.summary[0].text, item.content[0].text, item.encrypted_content) == ("abc", "abc", "s2")
    assert item.provider_data["thinking_blocks"] == [
        {"type": "thinking", "thinking": "ab", "signature": "s1"},
        {"type": "thinking", "thinking": "c", "signature": "s2"},
        {"type": "redacted_thinking", "data": "zz"},
    ]


def test_a_block_that_is_none_is_refused() -> None:
    broken = chunk({"thinking_blocks": [{"type": "thinking", "thinking": 3}]})
    _, error = decoded(sse([broken, END]))
    assert isinstance(error, ModelBehaviorError)
    assert "'thinking' to be a string, got int" in str(error)


def test_text_and_refusal_are_parts_of_one_message() -> None:
    events = streamed([text("A"), chunk({"refusal": "no"}), chunk({"refusal": "pe"}), text("B"), END])
    assert broken_rules(events) == []
    assert len(response_of(events).output) == 1
    assert said(response_of(events)) == ["A", ("refusal", "nope"), "B"]


def test_log_probabilities_are_in_deltas_done_and_item() -> None:
    told: Json = {"token": "A", "logprob": -0.1, "bytes": [65]}
    told["top_logprobs"] = [{"token": "B", "logprob": -1, "bytes": None}]
    nonsense: list[Any] = [{"token": 1, "logprob": "x"}, None, 7]
    first = chunk({"content": "A"}, logprobs={"content": [told, *nonsense]})
    events: list[Any] = [*streamed([first, text("B"), END])]
    delta = next(event for event in events if event.type == "response.output_text.delta")
    done = next(event for event in events if event.type == "response.output_text.done")
    part = events[-1].response.output[0].content[0]
    assert [one.token for one in delta.logprobs] == [one.token for one in done.logprobs] == ["A"]
    assert part.logprobs[0].bytes == [65]
    assert (part.logprobs[0].top_logprobs[0].token, part.logprobs[0].top_logprobs[0].bytes) == ("B", [])


def test_citations_stand_in_the_text_they_belong_to() -> None:
    cited = {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}
    citation = chunk(
        {"annotations": [{"type": "url_citation", "url_citation": cited}, {"type": "other"}, None]}
    )
    for chunks in ([citation, text("A"), END], [text("A"), citation, END]):
        events = streamed(chunks)
        assert kinds(events).count("output_text.annotation.added") == 1
        part: Any = response_of(events).output[0]
        assert [one.url for one in part.content[0].annotations] == ["u"]


def test_items_tell_model_and_answer() -> None:
    item: Any = response_of(streamed([text("A"), END])).output[0]
    assert item.provider_data == {"model": "m", "response_id": "chatcmpl-1"}


# What servers send

TOLERATED: list[tuple[str, list[Json], list[Any]]] = [
    ("null content", [chunk({"role": "assistant", "content": None}), text("A"), END], ["A"]),
    ("empty deltas", [chunk({}), text(""), text("A"), text(""), END], ["A"]),
    ("no delta", [{"choices": [{"index": 0, "finish_reason": None}]}, text("A"), END], ["A"]),
    ("no finish reason", [text("A")], ["A"]),
    ("an unknown finish reason", [text("A"), chunk({}, "eos")], ["A"]),
    ("an empty finish reason", [text("A", ""), text("B", ""), END], ["AB"]),
    ("a finish reason with the text", [text("A", "stop")], ["A"]),
    ("text behind the finish reason", [text("A", "stop"), text("B")], ["AB"]),
    ("no index of the choice", [{"choices": [{"delta": {"content": "A"}}]}, END], ["A"]),
    ("text in parts", [chunk({"content": [{"type": "text", "text": "A"}, {"type": "x"}, 3]}), END], ["A"]),
    ("nothing at all", [chunk({"role": "assistant"}), END], []),
    ("cut text", [text("A"), chunk({}, "length")], ["A"]),
    ("unexpected kinds", [chunk({"content": 3, "refusal": [], "tool_calls": "x"}), text("A"), END], ["A"]),
    ("unexpected choices", [chunk(choices="x"), chunk(choices=[3]), chunk(usage=3), text("A"), END], ["A"]),
    ("arguments in one piece", [call(0, "a", "f", '{"x":1}'), END], [("f", '{"x":1}')]),
    ("arguments as an object", [call(0, "a", "f", {"x": 1}), END], [("f", '{"x":1}')]),
    ("no arguments", [call(0, "a", "f"), END], [("f", "")]),
    ("a name repeated", [call(0, "a", "f", "{"), call(0, "a", "f", "}"), END], [("f", "{}")]),
    ("arguments without name, then a call",
     [call(0, "a", None, "{"), call(0, None, "f"), call(1, "b", "g", "{}"), call(0, arguments="}"), END],
     [("f", "{}"), ("g", "{}")]),
    ("a name in pieces", [call(0, "a", "get_"), call(0, None, "it", "{}"), END], [("get_it", "{}")]),
    ("no index", [call(None, "a", "f", "{"), call(None, None, None, "}"), END], [("f", "{}")]),
    ("calls without index", [call(None, "a", "f", "{}"), call(None, "b", "f", "{}"), END], [("f", "{}")] * 2),
    ("calls without index and id", [call(None, None, "f"), call(None, None, "g"), END], [("f", ""), ("g", "")]),
    ("calls in pieces without index and id",
     [call(None, None, "f", "{}"), call(None, None, "g", "{"), call(None, None, None, "}"), END],
     [("f", "{}"), ("g", "{}")]),
    ("arguments as an object with a large number",
     [call(0, "a", "f", {"x": 2**80, "y": float("nan")}), END], [("f", '{"x":1208925819614629174706176,"y":null}')]),
    ("calls of one index", [call(0, "a", "f", "{}"), call(0, "b", "g", "{}"), END], [("f", "{}"), ("g", "{}")]),
    ("calls of one index before their arguments",
     [call(0, "a", "f"), call(0, "b", "g"), call(0, arguments="{}"), END], [("f", ""), ("g", "{}")]),
    ("a call of one index behind a cut one",
     [call(0, "a", "f", "{"), call(0, "b", "g", "{}"), END], [("f", "{"), ("g", "{}")]),
    ("a fresh id in every piece",
     [call(0, "a", "f", "{"), call(0, "b", "f", "}"), call(0, "c", "f"), END], [("f", "{}"), ("f", "")]),
    ("a call told again", [call(0, "a", "f", "{}"), call(1, "b", "g", "{}"), call(0, arguments="{}")],
     [("f", "{}"), ("g", "{}")]),
    ("arguments before the name", [call(0, "a", None, "{"), call(0, None, "f", "}"), END], [("f", "{}")]),
    ("indexes with gaps", [call(3, "a", "f", "{}"), call(1, "b", "g", "{}"), END], [("f", "{}"), ("g", "{}")]),
    ("names first, then arguments in turn",
     [call(0, "a", "f", ""), call(1, "b", "g", ""), call(0, arguments="[1"), call(1, arguments="[2"),
      call(0, arguments="]"), call(1, arguments="]"), END], [("f", "[1]"), ("g", "[2]")]),
    ("a custom call", [chunk({"tool_calls": [{"index": 0, "type": "custom", "custom": {"name": "f"}}]}), END], []),
    ("text behind a call", [text("A"), call(0, "a", "f", "{}"), text("B"), END], ["A", ("f", "{}"), "B"]),
    ("late reasoning", [text("A"), chunk({"reasoning_content": "r"}), text("B"), END], ["AB", ("reasoning", "r")]),
    ("withheld", [chunk({}, "content_filter")], [("refusal", "Response withheld by the provider's content filter.")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("chunks", "output"), [case[1:] for case in TOLERATED], ids=[case[0] for case in TOLERATED]
)
def test_what_servers_send_is_understood(chunks: list[Json], output: list[Any]) -> None:
    events = streamed(chunks)
    assert said(response_of(events)) == output
    assert broken_rules(events) == []
    # A server may end the stream without saying so.
    assert decoded(sse(chunks, done=False)) == (events, None)


def test_missing_and_repeated_ids_are_replaced() -> None:
    events = streamed(
        [call(0, None, "f", "{}"), call(1, "a", "f", "{}"), call(2, "a", "f", "{}"), call(3, "", "f")]
    )
    ids = [item.call_id for item in response_of(events).output if item.type == "function_call"]
    assert ids == ["call_made_0", "a", "call_made_1", "call_made_2"]


def test_an_id_that_comes_late_is_taken() -> None:
    item: Any = response_of(streamed([call(0, None, "f"), call(0, "a", None, "{}"), END])).output[0]
    assert item.call_id == "a"


def test_the_last_usage_counts_and_odd_figures_are_zero() -> None:
    late: Json = {"prompt_tokens": 3, "completion_tokens": None, "total_tokens": "x"}
    late["prompt_tokens_details"] = {"cached_tokens": 2, "audio_tokens": None}
    response = response_of(streamed([text("A"), chunk({}, "stop", usage=USAGE), chunk(usage=late)]))
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (
        3,
        0,
        0,
    )
    assert response.usage.input_tokens_details.cached_tokens == 2


def test_an_answer_without_usage_has_none() -> None:
    assert response_of(streamed([text("A"), END])).usage is None


def test_buffered_calls_are_told_whole() -> None:
    chunks = [
        call(0, "a", "f", "{"),
        call(1, "b", "g", "["),
        call(0, arguments="}"),
        call(1, arguments="]"),
        END,
    ]
    events = streamed(chunks, buffers_calls=True)
    assert broken_rules(events) == []
    assert [event.delta for event in events if event.type == "response.function_call_arguments.delta"] == [
        "{}",
        "[]",
    ]
    assert response_of(events).output == response_of(streamed(chunks)).output


def test_other_choices_are_left_out_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    two: Json = {
        "choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]
    }
    assert said(response_of(streamed([two, two, END]))) == ["AA"]
    assert len(caplog.records) == 1
    events, error = decoded(sse([text("A"), two]), is_strict=True)
    assert isinstance(error, UserError)
    assert "multiple choices or nonzero" in str(error)
    assert kinds(events)[-1] == "output_text.delta"


def test_a_server_that_does_not_stream_is_read_all_the_same() -> None:
    given = answer(
        {"content": "A", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}]}
    )
    events, error = decoded(json.dumps(given).encode())
    assert error is None
    assert said(response_of(events)) == ["A", ("f", "{}")]


def test_comments_and_other_fields_are_read_over() -> None:
    body = (
        b": keep-alive\n\nevent: x\nid: 3\n" + sse([text("A")], done=False) + b": PROCESSING\n\n" + sse([END])
    )
    events, error = decoded(body)
    assert error is None
    assert said(response_of(events)) == ["A"]


def test_text_that_is_no_unicode_is_replaced() -> None:
    body = b'data: {"choices": [{"delta": {"content": "a\\ud83d", "x": NaN}}]}\n\n'
    events, error = decoded(body)
    assert error is None
    assert said(response_of(events)) == ["a?"]


# What is wrong

BROKEN: list[tuple[str, bytes, type[Exception], str]] = [
    ("nothing", b"", ModelStreamBroken, "began with nothing"),
    ("only the end", b"data: [DONE]\n\n", ModelBehaviorError, "without any chunk"),
    ("a web page", b"<html>Hello</html>", ModelBehaviorError, "began with '<html>"),
    ("garbage", sse([text("A")], done=False) + b"data: {oops\n\n", ModelBehaviorError, "no JSON object: '{oops'"),
    ("no UTF-8", b'data: {"\xff": 1}\n\n', ModelBehaviorError, "no JSON object"),
    ("a list", b"data: []\n\n", ModelBehaviorError, "no JSON object"),
    ("a cut chunk", sse([text("A")], done=False) + b'data: {"choices": [{"del', ModelStreamBroken, "ended inside a chunk"),
    ("an error", sse([text("A"), {"error": {"message": "boo", "code": 500}}]), openai.APIError, "boo"),
    ("an error as text", sse([text("A"), {"error": "boo"}]), openai.APIError, "boo"),
    ("an error beside choices", sse([{**text("A"), "error": {"message": "boo"}}]), openai.APIError, "boo"),
    ("an error without words", sse([{"error": {"code": 3}}]), openai.APIError, "error occurred"),
    ("an error object", sse([{"object": "error", "message": "boo"}]), openai.APIError, "boo"),
    ("an error as the body", b'{"error": {"message": "boo"}}', openai.APIError, "boo"),
    ("a message as the body", b'{"message": "boo"}', openai.APIError, "boo"),
    ("audio", sse([chunk({"audio": {"data": "x"}})]), AgentsException, "Audio is not currently supported"),
    ("a call without name", sse([call(0, "a", None, "{}")]), ModelBehaviorError, "call without a name"),
    ("a call that goes on", sse([call(0, "a", "f", "{}"), call(1, "b", "g", "{}"), call(0, arguments="[")]),
     ModelBehaviorError, "after they were whole"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "message"), [case[1:] for case in BROKEN], ids=[one[0] for one in BROKEN]
)
def test_what_breaks_an_answer_is_raised_behind_its_events(
    body: bytes, kind: type[Exception], message: str
) -> None:
    events, error = decoded(body)
    assert type(error) is kind
    assert message in str(error)
    assert broken_rules(events) == [] if events else not body.startswith(sse([text("A")], done=False))
    assert "completed" not in kinds(events)


def test_custom_calls_are_refused_in_strict_mode() -> None:
    _, error = decoded(sse([chunk({"tool_calls": [{"index": 0, "custom": {"name": "f"}}]})]), is_strict=True)
    assert isinstance(error, UserError)
    assert "Custom tool calls are not supported" in str(error)


def test_an_empty_answer_that_was_cut_is_refused_where_it_is_asked() -> None:
    chunks = [chunk({"reasoning_content": "Hm"}), chunk({}, "length")]
    _, error = decoded(sse(chunks), refuses_empty_length=True)
    assert isinstance(error, ModelBehaviorError)
    assert "finish_reason='length'" in str(error)
    assert said(response_of(streamed(chunks))) == [("reasoning", "Hm")]


def test_a_missing_finish_reason_is_an_error_where_it_is_asked() -> None:
    events, error = decoded(sse([text("A")]), needs_finish_reason=True)
    assert isinstance(error, ModelStreamBroken)
    assert "before receiving a finish_reason" in str(error)
    assert kinds(events)[-1] == "output_text.delta"


def test_a_last_chunk_without_its_blank_line_is_given_before_the_error() -> None:
    body = sse([text("A"), text("B")], done=False).removesuffix(b"\n\n")
    events, error = decoded(body, needs_finish_reason=True)
    assert isinstance(error, ModelStreamBroken)
    assert [event.delta for event in events if event.type == "response.output_text.delta"] == ["A", "B"]


def test_what_comes_behind_the_end_is_ignored() -> None:
    events, error = decoded(sse([text("A"), END]) + b"data: garbage\n\n" + sse([text("B")]))
    assert error is None
    assert said(response_of(events)) == ["A"]


def test_a_broken_translator_takes_nothing_more() -> None:
    events = translator()
    events.take({"error": "boo"})
    assert events.take(text("A")) == events.finish() == []


# Laws

_TEXTS = st.text(alphabet="ab é😀\n", min_size=1, max_size=12)
_CALLS = st.lists(st.tuples(st.sampled_from("fgh"), st.dictionaries(_TEXTS, _TEXTS, max_size=2)), max_size=3)


@st.composite
def messages(draw: st.DrawFn) -> Json:
    """A message as a server gives it at once."""
    message: Json = {"content": draw(st.none() | _TEXTS)}
    for name in draw(
        st.lists(st.sampled_from(["reasoning_content", "reasoning", "refusal"]), unique=True, max_size=2)
    ):
        message[name] = draw(_TEXTS)
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(draw(_CALLS))
    ]
    return {**message, "tool_calls": calls} if calls else message


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    """A message, and a stream of it in pieces of any size."""
    message = draw(messages())
    chunks: list[Json] = [chunk({"role": "assistant", "content": draw(st.sampled_from([None, ""]))})]

    def cut(value: str) -> list[str]:
        places = sorted(draw(st.sets(st.integers(1, max(1, len(value) - 1)), max_size=3)))
        return [value[start:end] for start, end in zip([0, *places], [*places, len(value)], strict=True)]

    field = "reasoning_content" if "reasoning_content" in message else "reasoning"
    for name in (field, "content", "refusal"):
        chunks.extend(chunk({name: piece}) for piece in cut(message.get(name) or ""))
    for number, one in enumerate(message.get("tool_calls", ())):
        chunks.append(call(number, one["id"], one["function"]["name"], ""))
        chunks.extend(call(number, arguments=piece) for piece in cut(one["function"]["arguments"]))
    chunks.extend([chunk({}, "stop"), chunk(usage=USAGE)])
    return message, sse(chunks, done=draw(st.booleans()))


@given(streams(), st.booleans())
def test_a_streamed_answer_equals_the_one_that_is_not(made: tuple[Json, bytes], buffered: bool) -> None:
    message, body = made
    events, error = decoded(body, buffers_calls=buffered)
    assert error is None
    assert broken_rules(events) == []
    assert response_of(events) == whole(answer(message))


@given(streams(), st.data())
def test_a_stream_may_be_cut_anywhere(made: tuple[Json, bytes], data: st.DataObject) -> None:
    _, body = made
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decoded(*pieces) == decoded(body)


@given(streams(), st.data())
def test_a_stream_that_breaks_off_gives_the_events_until_then(
    made: tuple[Json, bytes], data: st.DataObject
) -> None:
    _, body = made
    part = body[: data.draw(st.integers(0, len(body)))]
    events, _ = decoded(part, needs_finish_reason=True)
    assert broken_rules(events) == [] or events == []
    assert kinds(decoded(body)[0])[: len(events)] == kinds(events)


STYLES = ("as documented", "names in every piece", "no ids", "no index", "neither", "index 0 for all")


@given(_CALLS, st.sampled_from(STYLES), st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_calls_are_the_same_however_a_server_marks_their_pieces(
    calls: list[tuple[str, Json]], style: str, sizes: list[int]
) -> None:
    chunks: list[Json] = [text("A")]
    for number, (name, arguments) in enumerate(calls):
        index = None if style in {"no index", "neither"} else 0 if style == "index 0 for all" else number
        call_id = None if style in {"no ids", "neither"} else f"call_{number}"
        told = json.dumps(arguments)
        # All pieces of a size, the sizes taking turns from call to call.
        size = sizes[number % len(sizes)]
        pieces = [told[at : at + size] for at in range(0, len(told), size)]
        again = name if style == "names in every piece" else None
        chunks.append(call(index, call_id, name, pieces[0]))
        chunks.extend(call(index, call_id if again else None, again, piece) for piece in pieces[1:])
    events = streamed([*chunks, chunk({}, "tool_calls")])
    assert said(response_of(events)) == ["A", *((name, json.dumps(arguments)) for name, arguments in calls)]
    assert broken_rules(events) == []


# Recordings


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_a_recorded_stream_may_be_cut_at_every_byte(path: Path) -> None:
    body = path.read_bytes()
    events, error = decoded(body)
    assert broken_rules(events) == []
    for cut in range(0, len(body), 7):
        again, same_error = decoded(body[:cut], body[cut:])
        assert again == events
        assert repr(same_error) == repr(error)


def test_a_recorded_call_is_read() -> None:
    path = next(path for path in RECORDED if path.stem == "chat_required")
    events, error = decoded(path.read_bytes())
    assert error is None
    assert said(response_of(events)) == [("get_weather", '{"city": "Paris"}')]
    usage = response_of(events).usage
    assert usage is not None
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens) == (
        293,
        79,
        19,
    )


def test_a_recorded_error_in_mid_stream_is_the_clients_own() -> None:
    path = next(path for path in RECORDED if path.stem == "chat_auto_malformed")
    events, error = decoded(path.read_bytes())
    assert kinds(events) == ["created", "in_progress"]
    assert isinstance(error, openai.APIError)
    assert "does not match the expected peg-native format" in str(error)


@pytest.mark.parametrize("chunks", [case[1] for case in TOLERATED], ids=[case[0] for case in TOLERATED])
def test_the_stream_checker_finds_nothing_but_what_the_contract_asks_for(chunks: list[Json]) -> None:
    try:
        checker: Any = importlib.import_module("agents.testing.check_stream")
    except ModuleNotFoundError:
        pytest.skip("there is no agents.testing.check_stream")
    found = {violation.rule for violation in checker.check_stream(streamed(chunks))}
    # Ids are the same for all items, usage is told when the server tells it, servers may take turns.
    assert found <= {"item-id", "usage", "item-sequence"}


# Cost


def thinking(number: int) -> Json:
    return chunk({"thinking_blocks": [{"type": "thinking", "thinking": f"thought {number} of many. " * 4}]})


def fresh_call(number: int) -> Json:
    return call(0, f"c{number}", "f", "abcd " if number else '{"a": "')


@pytest.mark.parametrize("piece", [thinking, fresh_call])
def test_a_piece_costs_the_same_however_many_came_before(piece: Callable[[int], Json]) -> None:
    def cost_s(count: int) -> float:
        pieces = [piece(number) for number in range(count)]
        began = time.process_time()
        events = translator()
        for one in pieces:
            events.take(one)
        assert events.failure is None
        return time.process_time() - began

    # Four times as much if the cost is the same for each, sixteen times if it grows with those before.
    assert min(cost_s(16_000) for _ in range(2)) < 8 * min(cost_s(4_000) for _ in range(2))
