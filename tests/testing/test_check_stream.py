"""The stream checker: what it finds in streams that are clean, broken in one place, and recorded."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import agents.testing
from agents.models._responses_decoder import ResponsesDecoder
from agents.testing import StreamChecker, Violation, check_stream
from agents.testing.check_stream import RULES, UnreadableStream, main, read_events
from models.recorded import recorded_streams, stream_bytes, stream_cases
from testing.streams import CLEAN, MUTATIONS, TEXT, Events, clean_stream, numbered


def rules_of(violations: list[Violation]) -> set[str]:
    return {violation.rule for violation in violations}


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_stream_has_no_violation(name: str) -> None:
    assert check_stream(CLEAN[name]) == []


#: Mutations that leave a stream of this kind as it was, or that the rules allow there.
HARMLESS = {
    # It has no parts.
    ("tool", "no content_part.*"), ("failed", "no content_part.*"),
    # A response may fail before it is in progress, and without its output.
    ("failed", "final response.output empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_every_mutation_of_one_rule_is_found_and_named(mutation: str, name: str) -> None:
    mutate, rules = MUTATIONS[mutation]
    found = rules_of(check_stream(mutate(copy.deepcopy(CLEAN[name]))))
    if (name, mutation) in HARMLESS:
        assert found == set()
        return
    assert found
    assert found <= rules


#: What recorded streams break, and why: numbers are missing in two old recordings and in one that is probably made
#: by hand, as 30 is; llama.cpp leaves out what it counts and what its clients do without. 02 is a resumed tail.
QUIRKS: dict[str, set[str]] = {
    "04-function-call-text.1": {"number-missing"},
    "05-function-call-text.2": {"number-missing", "event-fields"},
    "27-custom-tool": {"number-missing", "text-done"},
    "30-shell-container": {"item-empty", "text-joined"},
    "responses_auto_malformed": {"number-missing", "response-fields", "event-type", "terminal-missing"},
    "responses_final": {"number-missing", "response-fields", "event-fields", "part-fields"},
    "responses_required": {"number-missing", "response-fields", "event-fields", "text-done"},
}
TAILS = {"02-text-background-resume.2"}


@pytest.mark.parametrize("path", stream_cases())
def test_recorded_streams_keep_the_rules_but_for_known_quirks(path: Path) -> None:
    violations = check_stream(read_events(path.read_bytes()), tail=path.stem in TAILS)
    assert rules_of(violations) == QUIRKS.get(path.stem, set())


@pytest.mark.parametrize("path", stream_cases())
def test_switching_the_broken_rules_off_leaves_nothing(path: Path) -> None:
    off = QUIRKS.get(path.stem, set())
    assert check_stream(read_events(path.read_bytes()), off=off, tail=path.stem in TAILS) == []


#: Events that a right stream may lack, and pairs that may come in either order.
MAY_LACK = {"response.queued", "error", "response.image_generation_call.partial_image"}
HAVE_NO_ORDER = {"response.output_text.delta", "response.output_text.annotation.added"}


#: Recordings of whole responses, short enough to try every place.
WHOLE = [
    path
    for path in sorted(recorded_streams())
    if path.stem not in {*QUIRKS, *TAILS, "21-error-mid-stream", "22-rate-limited"}
    and path.stat().st_size < 80_000
]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_a_recording_with_one_event_out_of_place_breaks_a_rule_beside_the_numbers(path: Path) -> None:
    events = read_events(path.read_bytes())
    for at, event in enumerate(events):
        missing, twice = [*events[:at], *events[at + 1 :]], [*events[: at + 1], *events[at:]]
        assert check_stream(renumbered(missing)) or event["type"] in MAY_LACK, at
        assert check_stream(renumbered(twice)), at
        swapped = [*events[:at], *events[at + 1 : at + 2], event, *events[at + 2 :]]
        kinds = {each["type"] for each in events[at : at + 2]}
        assert check_stream(renumbered(swapped)) or kinds == HAVE_NO_ORDER or swapped == events, at


def renumbered(events: Events) -> Events:
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


@pytest.mark.parametrize("path", stream_cases())
def test_the_clients_objects_are_checked_like_the_json_they_came_from(path: Path) -> None:
    decoder = ResponsesDecoder()
    objects = [*decoder.feed(stream_bytes(path)), *decoder.finish()]
    violations = check_stream(objects, tail=path.stem in TAILS)
    # The decoder gives a bare error a type and a number.
    assert rules_of(violations) == QUIRKS.get(path.stem, set()) - {"event-type"}


# Single rules


def changed(events: Events, index: int, **fields: Any) -> Events:
    copied: Events = json.loads(json.dumps(events))
    copied[index] = {**copied[index], **fields}
    return copied


def place_of(events: Events, type_end: str) -> int:
    return next(index for index, event in enumerate(events) if event["type"].endswith(type_end))


def with_item(events: Events, type_end: str, **fields: Any) -> Events:
    index = place_of(events, type_end)
    return changed(events, index, item={**events[index]["item"], **fields})


def with_response(events: Events, index: int, **fields: Any) -> Events:
    return changed(events, index, response={**events[index]["response"], **fields})


TWO_PARTS = clean_stream(
    {"type": "message", "content": [*TEXT["content"], {"type": "refusal", "refusal": "No."}]}
)
CITED = clean_stream(
    {
        "type": "message",
        "content": [
            {
                "type": "output_text",
                "text": "See.",
                "annotations": [
                    {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 3}
                ],
                "logprobs": [{"token": "See.", "logprob": -0.5, "top_logprobs": []}],
            }
        ],
    }
)
SEARCH = clean_stream({"type": "web_search_call", "action": {"type": "search", "query": "q"}})
IMAGE = clean_stream({"type": "image_generation_call", "result": "aGk="})
T, C, R, F = CLEAN["text"], CLEAN["tool"], CLEAN["reasoning"], CLEAN["failed"]


def with_images(*indexes: int) -> Events:
    at = place_of(IMAGE, "generating") + 1
    image = {"type": "response.image_generation_call.partial_image", "output_index": 0, "item_id": "ig_1_0"}
    partial = [{**image, "partial_image_index": index, "partial_image_b64": "aGk="} for index in indexes]
    return numbered(json.loads(json.dumps([*IMAGE[:at], *partial, *IMAGE[at:]])))


def without(events: Events, *places: int) -> Events:
    return numbered(json.loads(json.dumps([event for at, event in enumerate(events) if at not in places])))


def swapped(events: Events, at: int) -> Events:
    return numbered(json.loads(json.dumps([*events[:at], events[at + 1], events[at], *events[at + 2 :]])))


def repeated(events: Events, at: int) -> Events:
    return numbered(json.loads(json.dumps([*events[: at + 1], *events[at:]])))


def with_error(*after: str) -> Events:
    events = [
        *F[:-1],
        {"type": "error", "error": {"message": "No."}},
        *({"type": each} for each in after),
        F[-1],
    ]
    return numbered(json.loads(json.dumps(events)))


BROKEN: dict[str, Events] = {
    "event-type": changed(T, 5, type=7),
    "event-fields": changed(T, place_of(T, "text.delta"), logprobs=None),
    "stream-id": changed(T, 3, stream_id="lane"),
    "number-missing": changed(T, 3, sequence_number="3"),
    "number-start": T[3:],
    "number-step": changed(T, 3, sequence_number=9),
    "created-first": without(T, 0),
    "opening-order": swapped(T, 1),
    "response-fields": with_response(T, -1, tools=None),
    "response-id": with_response(T, -1, id="resp_2"),
    "response-status": with_response(T, -1, status="in_progress"),
    "usage": with_response(T, -1, usage={"input_tokens": 1, "output_tokens": 1, "total_tokens": 3}),
    "response-output": with_response(T, -1, output=[]),
    "error-end": with_error("error"),
    "terminal-missing": T[:-1],
    "terminal-last": repeated(T, len(T) - 1),
    "item-announced": without(T, place_of(T, "item.added")),
    "item-order": with_item(changed(T, 2, output_index=1), "item.added"),
    "item-sequence": without(C, place_of(C, "item.done")),
    "item-fields": with_item(T, "item.added", role=None),
    "item-empty": with_item(T, "item.added", status="completed"),
    "item-index": changed(T, place_of(T, "text.delta"), output_index=4),
    "item-id": changed(T, place_of(T, "text.done"), item_id="msg_2"),
    "item-events": changed(T, place_of(T, "text.done"), type="response.web_search_call.searching"),
    "item-identity": with_item(C, "item.done", name="other"),
    "item-status": with_item(T, "item.done", status="in_progress"),
    "item-done": without(T, place_of(T, "item.done")),
    "item-closed": swapped(C, place_of(C, "arguments.done")),
    "stage-order": swapped(SEARCH, place_of(SEARCH, "searching")),
    "stage-missing": without(SEARCH, place_of(SEARCH, "searching")),
    "image-order": with_images(0, 2),
    "part-announced": without(T, place_of(T, "part.added")),
    "part-order": changed(TWO_PARTS, place_of(TWO_PARTS, "part.added"), content_index=1),
    "part-fields": changed(T, place_of(T, "part.done"), part={"type": "output_text"}),
    "part-empty": changed(T, place_of(T, "part.added"), part=TEXT["content"][0] | {"annotations": []}),
    "part-type": changed(T, place_of(T, "part.added"), part={"type": "refusal", "refusal": ""}),
    "part-done": without(T, place_of(T, "part.done")),
    "part-closed": repeated(T, place_of(T, "part.done")),
    "text-joined": without(T, place_of(T, "text.delta")),
    "text-done": without(C, place_of(C, "arguments.done")),
    "text-closed": repeated(T, place_of(T, "text.done")),
    "text-part": changed(
        T, place_of(T, "part.done"), part=TEXT["content"][0] | {"text": "?", "annotations": []}
    ),
    "text-item": with_item(C, "item.done", arguments="{}"),
    "annotations": without(CITED, place_of(CITED, "annotation.added")),
    "logprobs": changed(CITED, place_of(CITED, "text.done"), logprobs=[]),
}


def test_there_is_an_example_for_every_rule() -> None:
    assert list(BROKEN) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_stream_that_breaks_a_rule_is_told_so(rule: str) -> None:
    assert rule in rules_of(check_stream(BROKEN[rule]))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_off_is_not_told(rule: str) -> None:
    others = rules_of(check_stream(BROKEN[rule])) - {rule}
    assert rules_of(check_stream(BROKEN[rule], off=[rule])) == others


@pytest.mark.parametrize("events", [TWO_PARTS, CITED, SEARCH, IMAGE, with_images(0, 1), with_error()])
def test_what_the_rules_allow_is_no_violation(events: Events) -> None:
    assert check_stream(events) == []


def test_a_violation_says_where_and_what() -> None:
    first, second = check_stream(BROKEN["number-step"])
    assert first == Violation(
        rule="number-step",
        index=3,
        sequence_number=9,
        event="response.content_part.added",
        expected="number 3",
        found="9",
    )
    assert str(second) == (
        "event 4, number 4 (response.output_text.delta): [number-step] expected number 10; found 4"
    )


def test_what_is_missing_at_the_end_is_told_by_finish() -> None:
    checker = StreamChecker()
    assert [violation for event in T[:-1] for violation in checker.feed(event)] == []
    (violation,) = checker.finish()
    assert (violation.rule, violation.index, violation.sequence_number) == (
        "terminal-missing",
        len(T) - 1,
        None,
    )


def test_an_empty_response_lacks_everything() -> None:
    missing = check_stream(changed(T, -1, response={}), off=["response-id", "response-status", "usage"])
    assert {violation.rule for violation in missing} == {"response-fields", "response-output"}


def test_encrypted_content_and_fingerprints_may_differ_between_copies() -> None:
    events = clean_stream({"type": "reasoning", "summary": [], "encrypted_content": "a", "fingerprint": "b"})
    assert check_stream(with_item(events, "item.done", encrypted_content="c", fingerprint="d")) == []


def test_an_unknown_rule_cannot_be_switched_off() -> None:
    with pytest.raises(ValueError, match="no rule number-of-the-beast"):
        StreamChecker(off=["number-of-the-beast"])


# Tails


@pytest.mark.parametrize("name", CLEAN)
def test_a_tail_is_clean_wherever_it_begins(name: str) -> None:
    events = CLEAN[name]
    for start in range(1, len(events)):
        assert check_stream(events[start:], tail=True) == [], start


def test_a_tail_is_still_checked() -> None:
    assert rules_of(check_stream(T, tail=True)) == {"created-first", "number-start"}
    start = place_of(T, "text.delta") + 1
    assert rules_of(check_stream(changed(T, -1, sequence_number=99)[start:], tail=True)) == {"number-step"}
    assert "text-joined" in rules_of(check_stream(changed(T, start, delta="?")[start:], tail=True))
    other = changed(T, place_of(T, "part.done"), part=T[place_of(T, "part.done")]["part"] | {"text": "?"})
    assert "text-part" in rules_of(check_stream(other[start:], tail=True))
    renamed = with_item(T, "item.done", id="msg_2")
    assert "item-identity" in rules_of(check_stream(renamed[start:], tail=True))


# The command


def write(path: Path, events: Events) -> str:
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return str(path)


def test_the_command_tells_clean_streams_from_broken_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clean, broken = write(tmp_path / "a.jsonl", T), write(tmp_path / "b.jsonl", BROKEN["number-start"])
    assert main([clean]) == 0
    assert main([clean, broken]) == 1
    assert main([broken, "--tail"]) == 0
    assert main([broken, "--off", "number-start,created-first", "--off", "opening-order,item-announced"]) == 0
    assert "[number-start] expected number 0; found 3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "there is no event in it"),
        (b"# Not a stream\n", "there is no event in it; it begins with b'# Not a stream"),
        (b'{"type": "x"}\n{"type": \n', "line 2 is no JSON object: b'{\"type\": '"),
        (b"data: [1]\n\n", "event 0 is no JSON object: b'[1]'"),
        (b"\xff\xfe\x00", "there is no event in it"),
        (b"data: \xff\n\n", "event 0 is no JSON object"),
    ],
)
def test_what_cannot_be_read_is_said_and_is_status_2(
    data: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.sse"
    path.write_bytes(data)
    with pytest.raises(UnreadableStream):
        read_events(data)
    assert main([write(tmp_path / "b.jsonl", BROKEN["number-start"]), str(path)]) == 2
    assert f"{path}: cannot be read: {says}" in capsys.readouterr().err


def test_a_missing_file_is_status_2(tmp_path: Path) -> None:
    assert main([str(tmp_path / "missing")]) == 2


def test_the_command_lists_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rules"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(RULES)


def test_the_command_reads_standard_input() -> None:
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in T) + b"data: [DONE]\n\n"
    command = [sys.executable, "-m", "agents.testing.check_stream", "-"]
    done = subprocess.run(command, input=stream, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == f"-: no violation in {len(T)} events\n".encode()
    wrong = subprocess.run([*command, "--off", "nothing"], capture_output=True, check=False, timeout=60)
    assert wrong.returncode == 2
    assert b"there is no rule nothing" in wrong.stderr


@pytest.mark.parametrize("before", ["import agents.testing.check_stream", "import agents.testing"])
def test_the_name_is_the_function_whatever_was_imported_first(before: str) -> None:
    program = f"{before}\nfrom agents.testing import check_stream\nprint(check_stream([])[0].rule)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "terminal-missing\n"


def test_the_name_is_not_replaced_in_silence() -> None:
    with pytest.raises(AttributeError, match="replace it where it is used"):
        agents.testing.check_stream = print
