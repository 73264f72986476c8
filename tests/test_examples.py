"""Every example runs as a user runs it, without a key, and shows what it is there to show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import Popen

import pytest

from agents.testing import ResponsesServer
from examples.basic.stream_ws import script
from program import KEY, PROJECT, output_of, start

NOTICE = "No OPENAI_API_KEY: a scripted server on loopback answers, over real HTTP."
SOCKET_NOTICE = "No OPENAI_API_KEY: a scripted server on loopback answers, over a real WebSocket."

EXAMPLES = {
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in (PROJECT / "examples").rglob("*.py")
    # The local model has no script, and tests of its own.
    if not path.name.startswith("_") and path.name != "local_model.py"
}

#: Examples that ask somebody are given their answers.
ARGUMENTS = {
    name: ["--auto"]
    for name in EXAMPLES
    if name.startswith("examples.agent_patterns.") or name == "examples.basic.stream_ws"
}

Programs = Mapping[str, "Popen[str]"]


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    """All examples, started at once; each test waits for its own."""
    started = {name: start("-m", name, *ARGUMENTS.get(name, ())) for name in sorted(EXAMPLES)}
    yield started
    for program in started.values():
        with program:
            program.kill()


def lines_of(programs: Programs, name: str, notice: str = NOTICE) -> list[str]:
    """The lines that an example prints below the notice of where the answers come from."""
    noticed, _, rest = output_of(programs[name]).partition("\n")
    assert noticed == notice
    return rest.splitlines()


def in_order(lines: list[str], *expected: str) -> bool:
    """Whether lines that begin with these texts come in this order, whatever is between them."""
    remaining = iter(lines)
    return all(any(line.strip().startswith(text) for line in remaining) for text in expected)


def test_there_is_a_test_for_every_example() -> None:
    tested = {
        f"examples.{name}" for name in re.findall(r'lines_of\(programs, "examples\.([\w.]+)"', _own_text())
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


def test_stream_ws_shows_reasoning_tools_an_agent_as_a_tool_approvals_and_a_second_question(
    programs: Programs,
) -> None:
    assert lines_of(programs, "examples.basic.stream_ws", SOCKET_NOTICE) == [
        "thinks: A tall ship needs water under her and no bridge above.",
        "says: I read the tide and ask the pilot, and would move both bridges.",
        "calls read_tide",
        "calls ask_pilot",
        "calls move_bridge",
        "calls move_bridge",
        "  output: 3.1 m, falling until 18:40",
        "  output: With 3 m of tide the channel carries a tall ship.",
        'move_bridge {"bridge": "harbour", "opens": true} [y/n]? y',
        'move_bridge {"bridge": "town", "opens": false} [y/n]? n',
        "  output: the harbour bridge is open",
        "  output: No: the bus is on it.",
        "thinks: Water and harbour bridge are fine.",
        "says: She can leave: tide 3.1 m, falling until 18:40, and the harbour bridge is open.",
        "thinks: The tide turns at 18:40.",
        "says: Until a quarter past six, then it is too low.",
    ]


def test_stream_ws_asks_a_server_of_the_users_over_one_websocket() -> None:
    with ResponsesServer(script) as server:
        output = output_of(start("-m", "examples.basic.stream_ws", "--auto", base_url=server.base_url))

    assert "She can leave" in output
    assert [(one.transport, one.connection) for one in server.requests] == [("websocket", 1)] * 4
    *_, last = server.requests
    assert [item["content"] for item in last.input] == ["And until when can she?"]


def test_human_in_the_loop_stream_runs_what_was_approved_and_not_what_was_rejected(
    programs: Programs,
) -> None:
    assert lines_of(programs, "examples.agent_patterns.human_in_the_loop_stream") == [
        "I read the level, and would open both gates.",
        "  output: 1.40 m, rising",
        'open_gate {"gate": "north", "centimetres": 20} [y/n]? y',
        'open_gate {"gate": "south", "centimetres": 90} [y/n]? n',
        "  output: the north gate is open by 20 cm",
        "  output: No: there are people at the ford.",
        "The water stands at 1.40 m, rising.",
        "North: the north gate is open by 20 cm",
        "South: No: there are people at the ford.",
    ]


def test_approve_later_ends_in_a_second_process_what_a_first_one_began(programs: Programs) -> None:
    waits, written, notice, approved, answer = lines_of(programs, "examples.agent_patterns.approve_later")

    assert waits == 'waits for a decision: order_millstone {"quarry": "Hyllestad", "price": 900}'
    assert re.fullmatch(r"state written: \d+ characters", written)
    assert notice == NOTICE
    assert approved == "approved: order_millstone"
    assert answer == "The millstone: ordered from Hyllestad for 900 crowns"


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_approve_later_is_two_commands(answer: str, tmp_path: Path) -> None:
    name, path = "examples.agent_patterns.approve_later", str(tmp_path / "order.json")
    output_of(start("-m", name, "begin", path))

    printed = output_of(start("-m", name, "decide", path, f"--{answer}"))

    assert ("ordered from Hyllestad" in printed) == (answer == "approve")
    assert ("Tool execution was not approved." in printed) == (answer == "reject")


def test_edit_arguments_runs_with_the_decided_ones_and_keeps_the_models_in_history(
    programs: Programs,
) -> None:
    assert lines_of(programs, "examples.agent_patterns.edit_arguments") == [
        "The model wants 400 sacks of rye. How many [n: no]? 40",
        'the model\'s call: order_grain {"grain": "rye", "sacks": 400}',
        "what came of it:  40 sacks of rye are on their way",
        "About the granary: 40 sacks of rye are on their way",
    ]


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_without_auto_and_without_a_terminal_an_example_says_what_is_missing(name: str) -> None:
    with start("-m", name) as program:
        _, errors = program.communicate(timeout=60)

    assert program.returncode != 0
    assert "--auto" in errors
    assert "Traceback" not in errors


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
