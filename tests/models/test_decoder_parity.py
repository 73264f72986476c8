from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import BaseModel
from openai._models import construct_type
from openai.types.responses import ResponseErrorEvent, ResponseStreamEvent

from agents.exceptions import ModelBehaviorError, ModelStreamBroken
from agents.models._responses_decoder import ResponsesDecoder
from agents.models._responses_events import PLAIN_TYPES, filled_directly, responses_event
from models.recorded import client_events, recorded_streams, stream_bytes, stream_cases


def decoded(*chunks: bytes) -> list[ResponseStreamEvent]:
    decoder = ResponsesDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.finish()


def assert_same_object(ours: BaseModel, theirs: BaseModel) -> None:
    """Equal in everything that a program can see."""
    assert type(ours) is type(theirs)
    assert ours == theirs
    # Without warnings: the client's own objects cause them where a server sends odd values.
    assert ours.model_dump(warnings=False) == theirs.model_dump(warnings=False)
    assert ours.to_dict(warnings=False) == theirs.to_dict(warnings=False)
    assert ours.to_json(warnings=False) == theirs.to_json(warnings=False)
    assert ours.model_fields_set == theirs.model_fields_set
    assert ours.model_extra == theirs.model_extra
    assert list(vars(ours)) == list(vars(theirs))
    assert ours.__pydantic_private__ == theirs.__pydantic_private__
    assert repr(ours) == repr(theirs)
    assert ours.model_copy(deep=True) == theirs


@pytest.mark.parametrize("path", stream_cases())
def test_every_recorded_event_is_the_object_the_client_makes(path: Path) -> None:
    body = stream_bytes(path)
    theirs, error = client_events(body)
    ours = decoded(body)
    for own, other in zip(ours, theirs, strict=False):
        assert_same_object(own, other)
    if error is None:
        assert len(ours) == len(theirs)
        return
    # Where the client raises for a nested error, the decoder gives the event.
    reported = ours[len(theirs)]
    assert isinstance(reported, ResponseErrorEvent)
    assert reported.message == error.message
    assert reported.code == (None if error.code is None else str(error.code))


@cache
def small_stream() -> bytes:
    """A stream with characters of every length, every line end, comments and two data lines."""
    text = {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "m", "output_index": 0}
    text |= {"content_index": 0, "delta": "é€😀", "logprobs": []}
    end: dict[str, Any] = {
        "type": "response.completed",
        "sequence_number": 2,
        "response": {"id": "r", "output": []},
    }
    raw = json.dumps(text, ensure_ascii=False).encode()
    half = raw.index(b", ") + 1
    return b"".join(
        (
            *(b"\xef\xbb\xbf: hello\r\n\r\n", b"event: x\r\ndata: ", raw, b"\r\n\r\n"),
            *(b"data: ", raw[:half], b"\ndata:", raw[half:], b"\n\n", b"id: 7\rdata: ", raw, b"\r\r"),
            *(b"retry: 3\ndata: ", json.dumps(end).encode(), b"\n\ndata: [DONE]\n\ndata: not json\n\n"),
        )
    )


def test_a_stream_may_be_cut_at_every_byte() -> None:
    body = small_stream()
    whole = decoded(body)
    assert [event.type for event in whole] == ["response.output_text.delta"] * 3 + ["response.completed"]
    for cut in range(len(body)):
        assert decoded(body[:cut], body[cut:]) == whole
    assert decoded(*(body[at : at + 1] for at in range(len(body)))) == whole


@pytest.mark.skipif(not recorded_streams(), reason="the recorded streams are not here")
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_recorded_stream_may_be_cut_anywhere(data: st.DataObject) -> None:
    small = [path for path in recorded_streams() if path.stat().st_size < 12_000]
    body = stream_bytes(data.draw(st.sampled_from(sorted(small))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=30)))
    edges = [0, *cuts, len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges)]
    assert decoded(*chunks) == decoded(body)


PLAIN = sorted(PLAIN_TYPES)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5),
    st.just([]), st.just([{"token": "a", "logprob": -1.5}]), st.just({"a": 1}),
)  # fmt: skip

RIGHT: dict[str, st.SearchStrategy[Any]] = {str(str): st.text(max_size=5), str(int): st.integers()}


@cache
def event_class(name: str) -> type[BaseModel]:
    kinds: tuple[type[BaseModel], ...] = get_args(get_args(ResponseStreamEvent)[0])
    return next(kind for kind in kinds if name in get_args(kind.model_fields["type"].annotation))


def event_types() -> list[str]:
    kinds: tuple[type[BaseModel], ...] = get_args(get_args(ResponseStreamEvent)[0])
    return sorted(name for kind in kinds for name in get_args(kind.model_fields["type"].annotation))


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    """An event of a directly filled type: mostly right, sometimes with a field missing, odd or unknown."""
    name = draw(st.sampled_from(PLAIN))
    payload: dict[str, Any] = {}
    for field, info in event_class(name).model_fields.items():
        right: st.SearchStrategy[Any] = RIGHT.get(str(info.annotation), st.just([]))
        kind = draw(st.sampled_from(["right", "right", "right", "right", "odd", "missing"]))
        if field == "type":
            payload[field] = name
        elif kind != "missing":
            payload[field] = draw(right if kind == "right" else VALUES)
    extras = draw(st.dictionaries(st.sampled_from(["obfuscation", "stream_id", "zebra"]), VALUES))
    items = draw(st.permutations([*payload.items(), *extras.items()]))
    return dict(items)


def test_every_directly_filled_type_has_a_row() -> None:
    assert sorted(filled_directly()) == PLAIN


@settings(max_examples=300, deadline=None)
@given(payload=payloads())
def test_a_directly_filled_event_equals_the_clients_whatever_its_fields_hold(payload: dict[str, Any]) -> None:
    theirs: Any = construct_type(type_=ResponseStreamEvent, value=json.loads(json.dumps(payload)))
    assert_same_object(responses_event(payload), theirs)


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "response.novel.delta", "delta": "x", "n": 1},
        {"type": "response.completed", "sequence_number": 1, "response": {"id": "r", "usage": {"novel": 1}}},
        {"no": "type"},
        {"type": 7},
        {"type": None},
    ],
)
def test_unknown_and_incomplete_events_are_what_the_client_makes_of_them(payload: dict[str, Any]) -> None:
    theirs: Any = construct_type(type_=ResponseStreamEvent, value=payload)
    assert_same_object(responses_event(dict(payload)), theirs)


def test_two_events_share_nothing() -> None:
    payload = {"type": "response.refusal.delta", "delta": "a"}
    first, second = responses_event(dict(payload)), responses_event(dict(payload))
    first.model_fields_set.add("zebra")
    assert first.model_extra is not second.model_extra
    assert second.model_fields_set == {"type", "delta"}


def completed() -> bytes:
    return b'data: {"type":"response.completed","sequence_number":1,"response":{"id":"r","output":[]}}\n\n'


def delta() -> bytes:
    return b'data: {"type":"response.refusal.delta","delta":"a"}\n\n'


def test_garbage_fails_after_the_events_before_it() -> None:
    decoder = ResponsesDecoder()
    events = decoder.feed(delta() + b"data: <html>\n\n" + delta())
    assert [event.type for event in events] == ["response.refusal.delta"]
    assert isinstance(decoder.failure, ModelBehaviorError)
    assert "<html>" in str(decoder.failure)
    assert decoder.feed(completed()) == []
    with pytest.raises(ModelBehaviorError, match="no JSON object"):
        decoder.finish()


@pytest.mark.parametrize(
    "body", [b"data: [1]\n\n", b'data: {"\xff": 1}\n\n', b"data: 3\n\n", b"data: null\n\n", b'data: "x"\n\n']
)
def test_json_that_is_no_object_is_garbage(body: bytes) -> None:
    with pytest.raises(ModelBehaviorError, match="no JSON object"):
        decoded(body)


@pytest.mark.parametrize("body", [b"", delta(), delta() + b"data: [DONE]\n\n", b"event: response.crea"])
def test_an_end_before_the_response_is_complete_is_an_error(body: bytes) -> None:
    decoder = ResponsesDecoder()
    decoder.feed(body)
    with pytest.raises(ModelBehaviorError, match="ended before the response was complete") as caught:
        decoder.finish()
    assert body[:20].decode() in str(caught.value)


def test_an_error_in_place_of_a_stream_is_its_event() -> None:
    [event] = decoded(b'{"error": {"message": "x", "code": "y"}}')
    assert isinstance(event, ResponseErrorEvent)
    assert (event.message, event.code) == ("x", "y")


@pytest.mark.parametrize(
    "body", [b"<!doctype html>", b' {"id": "resp_1"}', b'{"error": {"message": "' + b"x" * 900]
)
def test_another_document_is_no_stream_that_broke(body: bytes) -> None:
    with pytest.raises(ModelBehaviorError, match="document and no event stream") as caught:
        decoded(body)
    assert type(caught.value) is ModelBehaviorError


def test_what_comes_after_the_end_of_the_response_is_ignored() -> None:
    assert [event.type for event in decoded(completed() + delta() + completed())] == ["response.completed"]


def test_garbage_after_the_end_of_the_response_is_ignored() -> None:
    assert [event.type for event in decoded(completed() + b"data: junk\n\n" + delta())] == [
        "response.completed"
    ]


def test_json_that_is_nested_too_deep_is_garbage() -> None:
    with pytest.raises(ModelBehaviorError, match="no JSON object"):
        decoded(b"data: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n")


@given(
    chunks=st.lists(st.binary(max_size=40) | st.sampled_from([delta(), completed(), b"data: "]), max_size=8)
)
def test_whatever_comes_only_finish_raises_and_only_its_own_error(chunks: list[bytes]) -> None:
    decoder = ResponsesDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
    with suppress(ModelBehaviorError):
        decoder.finish()


JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
FIELDS = st.sampled_from(
    ["response", "item", "part", "output", "id", "usage", "error", "_fields_set", "self"]
)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(event_types()) | st.text(max_size=5), rest=st.dictionaries(FIELDS, JSON))
def test_any_object_becomes_some_event(name: str, rest: dict[str, Any]) -> None:
    assert responses_event({"type": name, **rest}).type == name


def test_a_half_event_at_the_end_is_garbage_not_an_event() -> None:
    with pytest.raises(ModelBehaviorError):
        decoded(delta() + completed().rstrip()[:-1])


def test_a_whole_event_at_the_end_counts_without_its_blank_line() -> None:
    assert [event.type for event in decoded(completed().rstrip())] == ["response.completed"]


@pytest.mark.parametrize("kind", ["response.failed", "response.incomplete", "error", "response.error"])
def test_failures_are_given_as_events(kind: str) -> None:
    body = json.dumps({"type": kind, "code": "c", "message": "m", "param": None, "sequence_number": 3})
    assert [event.type for event in decoded(f"data: {body}\n\n".encode())] == [kind]


@pytest.mark.parametrize("typed", [{}, {"type": "error"}])
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "rate_limit_exceeded", "message": "slow down"}, "rate_limit_exceeded", "slow down"),
        ({"code": 500, "message": "broken"}, "500", "broken"),
        ("broken", None, "broken"),
        ({}, None, "The server reported an error without a message."),
    ],
)
def test_a_nested_error_also_reads_flat(
    typed: dict[str, Any], error: object, code: str | None, message: str
) -> None:
    body = json.dumps({**typed, "error": error})
    (event,) = decoded(f"data: {body}\n\n".encode())
    assert isinstance(event, ResponseErrorEvent)
    assert (event.type, event.code, event.message) == ("error", code, message)
    assert event.model_extra == {"error": error}


def test_numbers_and_texts_that_only_pythons_json_takes_are_taken() -> None:
    body = (
        b'data: {"type":"response.refusal.delta","delta":"a","output_index":123456789012345678901234}\n\n'
        b'data: {"type":"response.refusal.delta","delta":"a","odd":[NaN,-Infinity,1e999]}\n\n'
        b'data: {"type":"response.refusal.delta","delta":"\\ud83d"}\n\n'
    )
    theirs, _ = client_events(body + completed())
    assert repr(decoded(body + completed())) == repr(theirs)


def test_client_errors_are_api_errors() -> None:
    # The reference itself: the client raises on the nested form, which the decoder does not.
    _, error = client_events(b'data: {"error": {"message": "m"}}\n\n')
    assert isinstance(error, openai.APIError)


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_a_stream_that_is_cut_in_or_behind_an_event_gives_that_event_if_it_is_whole_and_breaks(
    cut: int,
) -> None:
    delta = b'data: {"type": "response.output_text.delta", "delta": "a", "item_id": "m"}\n\n'
    decoder = ResponsesDecoder()
    events = decoder.feed(delta + delta[:-cut])
    assert len(events) == 1
    if cut <= 2:
        assert [event.type for event in decoder.finish()] == ["response.output_text.delta"]
    else:
        with pytest.raises(ModelStreamBroken):
            decoder.finish()
    assert isinstance(decoder.failure, ModelStreamBroken)
