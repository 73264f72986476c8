"""Every Python block of the README runs as it stands, in a process of its own, against a loopback server."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.testing import ResponsesServer
from agents.testing.responses_server import Step
from program import PROJECT, output_of, start


@dataclass(frozen=True)
class Block:
    """A Python block, under the heading that it stands below."""

    heading: str
    code: str

    @property
    def is_test(self) -> bool:
        """Whether it is a test module and not a program."""
        return "\ndef test_" in self.code


def blocks() -> list[Block]:
    """The Python blocks of the README, in order."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    found: list[Block] = []
    for section in re.split(r"^## ", readme, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        found += [
            Block(heading, code)
            for code in re.findall(r"^```python\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
        ]
    return found


PROGRAMS = {block.heading: block for block in blocks() if not block.is_test}
TESTS = [block for block in blocks() if block.is_test]

_WEATHER = Step().function_call("check_weather", {"city": "Copenhagen"})
_UMBRELLA = "Take an umbrella."
HAIKU = "Words before the end"

#: What the model says to the program below each heading.
SCRIPTS: dict[str, Sequence[Step | str]] = {
    "A first agent": [HAIKU],
    "Streaming": [HAIKU],
    "Tools": [_WEATHER, _UMBRELLA],
    "Handoffs": [Step().function_call("transfer_to_repairs"), "Push the derailleur forward."],
    "Structured output": [json.dumps({"departure": "06:55", "changes": 1})],
    "Records and readers": [_WEATHER, _UMBRELLA],
    "When something goes wrong": [Step().function_call("check_again"), Step().function_call("check_again")],
}

#: What that program then prints, as a pattern.
PRINTED = {
    "A first agent": HAIKU,
    "Streaming": HAIKU,
    "Tools": "call: check_weather\noutput: Copenhagen: showers until noon\nmessage: Take an umbrella\\.",
    "Handoffs": "now at work: Front desk\nnow at work: Repairs\nRepairs: Push the derailleur forward\\.",
    "Structured output": "06:55 1",
    "Records and readers": (
        r"check_weather took [\d.]+ ms\nthen: turn_started … run_finished\nLogStatistics\(records=\d+, .*\)"
    ),
    "When something goes wrong": r"Max turns \(2\) exceeded\nitems so far: 4",
}


def test_every_program_of_the_readme_has_a_script_here() -> None:
    assert set(PROGRAMS) == set(SCRIPTS) == set(PRINTED)
    assert len(PROGRAMS) + len(TESTS) == len(blocks())


@pytest.mark.parametrize("heading", PROGRAMS)
def test_a_program_of_the_readme_does_what_it_says(heading: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAMS[heading].code, encoding="utf-8")

    with ResponsesServer(SCRIPTS[heading]) as server:
        printed = output_of(start(str(path), base_url=server.base_url))

    assert re.fullmatch(PRINTED[heading], printed.rstrip("\n")), printed
    server.assert_complete()


@pytest.mark.parametrize("number", range(len(TESTS)))
def test_a_test_of_the_readme_passes(number: int, tmp_path: Path) -> None:
    path = tmp_path / "test_from_readme.py"
    path.write_text(TESTS[number].code, encoding="utf-8")

    printed = output_of(
        start(
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:asyncio",
            f"--rootdir={tmp_path}",
            str(path),
        )
    )

    assert "1 passed" in printed
