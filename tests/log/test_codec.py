"""Records as JSON: what is written is read, and what is read is a record or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents.log import FORMAT_VERSION, LogFormatError, Record, RunLog, decode_record, encode_record
from laws.strategies import facts

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def record_of(fact: f.Fact, path: tuple[str, ...] = ()) -> Record:
    log = RunLog("run_1", clock=lambda: 1.5)
    return Record.of(log.append(fact, path=path), log.run_id)


records = st.builds(record_of, facts, st.lists(st.text(max_size=4), max_size=2).map(tuple))


@given(records)
def test_a_record_of_any_fact_survives(record: Record) -> None:
    read = decode_record(encode_record(record))
    assert read == record
    assert read.fact == record.fact
    assert encode_record(read) == encode_record(record)


@given(_json)
def test_what_tools_give_survives(value: Any) -> None:
    record = record_of(f.ToolReturned(f.CallId("c1"), "t", {"output": value}))
    assert decode_record(encode_record(record)).fact == record.fact


def test_a_line_holds_the_version_and_no_line_end() -> None:
    line = encode_record(record_of(f.HookSettled("t1/agent_start\n"), ("call_1",)))
    assert b"\n" not in line
    assert json.loads(line) == {
        "v": FORMAT_VERSION,
        "seq": 1,
        "last_seq": 1,
        "at_ms": 1500,
        "run_id": "run_1",
        "path": ["call_1"],
        "kind": "hook_settled",
        "data": {"moment": "t1/agent_start\n"},
    }


def test_what_json_cannot_hold_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError):
        record_of(f.ToolReturned(f.CallId("c1"), "t", {"output": object()}))


def good() -> dict[str, Any]:
    return json.loads(encode_record(record_of(f.TurnStarted(1, f.AgentKey("a")))))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"v": 2}, "format version 2, this version reads 1"),
        ({"v": "1"}, "not a record"),
        ({"kind": "invented"}, "unknown kind 'invented'"),
        ({"kind": "run_finished"}, "no run_finished"),
        ({"data": {"turn": "one", "agent": "a"}}, "no turn_started"),
        ({"data": []}, "not a record"),
        ({"seq": 0}, "not a record"),
        ({"seq": 5, "last_seq": 4}, "last_seq"),
        ({"path": "call_1"}, "not a record"),
    ],
)
def test_a_line_that_is_no_record_is_refused_with_the_reason(change: dict[str, Any], says: str) -> None:
    with pytest.raises(LogFormatError, match=says):
        decode_record(json.dumps({**good(), **change}))


@pytest.mark.parametrize("name", ["v", "seq", "at_ms", "run_id", "kind", "data"])
def test_a_line_without_one_of_its_parts_is_refused(name: str) -> None:
    line = good()
    del line[name]
    with pytest.raises(LogFormatError, match=name):
        decode_record(json.dumps(line))


def test_parts_that_a_later_version_adds_are_ignored() -> None:
    line = {**good(), "added": 1}
    assert decode_record(json.dumps(line)) == decode_record(json.dumps(good()))


# --- fuzz: LogFormatError, or a record that can be written and read again; nothing else


def assert_decodes_or_refuses(line: bytes | str) -> None:
    try:
        record = decode_record(line)
    except LogFormatError:
        return
    assert isinstance(record.fact, f.Fact)
    assert decode_record(encode_record(record)) == record


@given(st.binary() | st.text())
def test_any_bytes_are_decoded_or_refused(line: bytes | str) -> None:
    assert_decodes_or_refuses(line)


@given(
    records, st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=3), st.integers(0, 4)), max_size=4)
)
def test_a_damaged_line_is_decoded_or_refused(record: Record, damages: list[tuple[int, bytes, int]]) -> None:
    line = encode_record(record)
    for at, put, cut in damages:
        line = line[:at] + put + line[at + cut :]
    assert_decodes_or_refuses(line)


@given(records, st.sampled_from(["v", "seq", "last_seq", "at_ms", "run_id", "kind", "path", "data"]), _json)
def test_a_line_with_a_foreign_part_is_decoded_or_refused(record: Record, name: str, value: Any) -> None:
    line: dict[str, Any] = json.loads(encode_record(record))
    assert_decodes_or_refuses(json.dumps({**line, name: value}))


@given(records, st.data(), _json)
def test_a_line_whose_fact_has_a_foreign_field_is_decoded_or_refused(
    record: Record, data: st.DataObject, value: Any
) -> None:
    line: dict[str, Any] = json.loads(encode_record(record))
    name = data.draw(st.sampled_from([*line["data"], "added"]))
    assert_decodes_or_refuses(json.dumps({**line, "data": {**line["data"], name: value}}))


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"data":' * 100_000,
        json.dumps(good()).replace('"a"', '"\\ud800"'),
        json.dumps(good()).replace('"a"', '"\ud800"'),
        json.dumps(good()).encode().replace(b'"a"', b'"\xff"'),
        json.dumps(good()).replace("1500", "1" * 400),
        json.dumps(good()).replace("1500", "1e400"),
        "\ufeff" + json.dumps(good()),
        b"",
        b"null",
    ],
)
def test_what_json_parsers_stumble_over_is_decoded_or_refused(line: bytes | str) -> None:
    assert_decodes_or_refuses(line)
