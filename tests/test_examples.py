"""Every example runs as a user runs it, without a key, and shows what it is there to show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from subprocess import Popen

import pytest

from agents.testing import ResponsesServer
from program import KEY, PROJECT, output_of, start

NOTICE = "No OPENAI_API_KEY: a scripted server on loopback answers, over real HTTP."

EXAMPLES = {
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in (PROJECT / "examples").rglob("*.py")
    if not path.name.startswith("_")
}

Programs = Mapping[str, "Popen[str]"]


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    """All examples, started at once; each test waits for its own."""
    started = {name: start("-m", name) for name in sorted(EXAMPLES)}
    yield started
    for program in started.values():
        with program:
            program.kill()


def lines_of(programs: Programs, name: str) -> list[str]:
    """The lines that an example prints below the notice of where the answers come from."""
    notice, _, rest = output_of(programs[name]).partition("\n")
    assert notice == NOTICE
    return rest.splitlines()


def in_order(lines: list[str], *expected: str) -> bool:
    """Whether lines that begin with these texts come in this order, whatever is between them."""
    remaining = iter(lines)
    return all(any(line.strip().startswith(text) for line in remaining) for text in expected)


def test_there_is_a_test_for_every_example() -> None:
    tested = {
        f"examples.{name}" for name in re.findall(r'lines_of\(programs, "examples\.([\w.]+)"\)', _own_text())
    }

    assert tested == EXAMPLES


def _own_text() -> str:
    return (PROJECT / "tests" / "test_examples.py").read_text(encoding="utf-8")


def test_hello_stream_prints_the_whole_answer(programs: Programs) -> None:
    assert lines_of(programs, "examples.basic.hello_stream") == [
        "Words before the end,",
        "river over the stone sill:",
        "no need of the lake.",
    ]


def test_stream_text_prints_the_answer_and_counts_the_raw_events(programs: Programs) -> None:
    answer, blank, *counts = lines_of(programs, "examples.basic.stream_text")

    assert answer.startswith("A mill wheel wants water")
    assert blank == ""
    counted = {kind: int(count) for count, kind in (line.split() for line in counts)}
    assert counted["response.created"] == counted["response.completed"] == 1
    assert counted["response.output_text.delta"] > 20


def test_stream_items_prints_finished_things_and_the_faster_tool_first(programs: Programs) -> None:
    assert lines_of(programs, "examples.basic.stream_items") == [
        "agent    Cook",
        "call     look_into_pantry",
        "call     minutes_until",
        "output   35",
        "output   ['chickpeas', 'tomatoes', 'a lemon']",
        "message  Chickpeas in tomato with lemon: twenty minutes, and you have thirty-five.",
    ]


def test_stream_handoff_shows_both_agents_and_the_handoff_between_them(programs: Programs) -> None:
    lines = lines_of(programs, "examples.basic.stream_handoff")

    assert in_order(
        lines,
        "[Front desk]",
        "Hello, a colleague",
        "(Front desk hands over to Repairs)",
        "[Repairs]",
        "Push the rear derailleur",
        "Answered by Repairs.",
    )


def test_nested_agents_tells_the_agents_apart_while_both_are_at_work(programs: Programs) -> None:
    lines = lines_of(programs, "examples.basic.nested_agents")
    said = [tuple(part.strip() for part in line.split("|")) for line in lines if "|" in line]

    assert in_order(lines, "Guide starts at the top", "Botanist starts at call_plants")
    assert in_order(lines, "Guide starts at the top", "Geologist starts at call_rocks")
    assert [text for name, text in said if name == "Botanist"] == [
        "Lichen on the young lava,",
        "spurge where soil gathers,",
        "vines in pits of black ash.",
    ]
    assert [text for name, text in said if name == "Geologist"] == [
        "Basalt, from 1730 and after.",
        "Ash and lapilli on top,",
        "olivine in the older cones.",
    ]
    assert [name for name, _ in said][-1] == "Guide"
    # Both streams are open at once: neither agent has said its last line before the other has begun.
    names = [name for name, _ in said]
    first = {name: names.index(name) for name in ("Botanist", "Geologist")}
    last = {name: len(names) - 1 - names[::-1].index(name) for name in first}
    assert max(first.values()) < min(last.values())


def test_the_demo_shows_text_a_handoff_two_tools_with_the_faster_first_and_statistics(
    programs: Programs,
) -> None:
    lines = lines_of(programs, "examples.demo")

    assert in_order(
        lines,
        "You",
        "Front desk",
        "A train from Oslo to Copenhagen",
        "⇢ Front desk hands over",
        "Trip planner",
        "→ check_weather(city='Copenhagen')",
        "→ find_trains(origin='Oslo', destination='Copenhagen')",
        "… asking Vy",
        "… asking DSB",
        "✓ find_trains",
        "✓ check_weather",
        "Take the 06:55 from Oslo S",
    )
    assert re.fullmatch(
        r"\d+\.\d s · 3 turns · 3 model requests · \d+ \+ \d+ tokens · \d+ records", lines[-1]
    )
    durations = {name: float(taken) for name, taken in re.findall(r"✓ (\w+) (\d+\.\d\d) s", "\n".join(lines))}
    assert durations["find_trains"] < durations["check_weather"]


def test_with_a_key_an_example_asks_the_server_and_the_model_that_the_environment_names() -> None:
    with ResponsesServer(["A real answer."]) as server:
        output = output_of(
            start("-m", "examples.basic.hello_stream", base_url=server.base_url, model="some-model")
        )

    assert output == "A real answer.\n"
    (request,) = server.requests
    assert request.body["model"] == "some-model"
    assert request.headers["authorization"] == f"Bearer {KEY}"
