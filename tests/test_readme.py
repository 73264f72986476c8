"""Every Python block of the README and of pages in docs runs as it stands, in a process of its own, against a loopback server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
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


DOCUMENTS = (
    "README.md",
    "docs/approvals.md",
    "docs/check_stream.md",
    "docs/extensions.md",
    "docs/testing_server.md",
    "docs/tracing.md",
    "docs/websocket.md",
)


def blocks() -> list[Block]:
    """The Python blocks of the documents, in order."""
    found: list[Block] = []
    for document in DOCUMENTS:
        text = (PROJECT / document).read_text(encoding="utf-8")
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
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


def _sale(customer: str, sacks: int) -> Mapping[str, str | int]:
    return {"customer": customer, "sacks": sacks}


def _payment(payee: str, crowns: int) -> Mapping[str, str | int]:
    return {"payee": payee, "crowns": crowns}


#: What the model says to the program below each heading.
SCRIPTS: dict[str, Sequence[Step | str]] = {
    "A first agent": [HAIKU],
    "Streaming": [HAIKU],
    "Tools": [_WEATHER, _UMBRELLA],
    "Handoffs": [Step().function_call("transfer_to_repairs"), "Push the derailleur forward."],
    "Structured output": [json.dumps({"departure": "06:55", "changes": 1})],
    "Asking a person": [Step().function_call("order_millstone", {"price": 900}), "It is ordered."],
    "Conversations": ["It brings water to the wheel.", "It takes the water away."],
    "Records and readers": [_WEATHER, _UMBRELLA],
    "When something goes wrong": [Step().function_call("check_again"), Step().function_call("check_again")],
    "Pause, decide, resume": [
        Step().function_call("sell_flour", _sale("Ada", 2)).function_call("sell_flour", _sale("Bo", 50)),
        "Ada has hers.",
    ],
    "Decisions": [
        Step()
        .function_call("pay", _payment("smith", 300))
        .function_call("pay", _payment("carter", 20))
        .function_call("pay", _payment("tailor", 12)),
        "Done.",
    ],
    "Standing rules": [
        Step().function_call("pay", _payment("smith", 50)),
        Step().function_call("pay", _payment("carter", 20)).function_call("pay", _payment("smith", 51)),
    ],
    "While the run goes on": [Step().function_call("ring_bell"), "It is noon."],
    "Nested runs": [
        Step().function_call("ask_forester", {"input": "A beam, please."}),
        Step().function_call("cut_tree", {"kind": "oak"}),
        "Here is an oak.",
        "There is a beam.",
    ],
    "In doubt": [Step().function_call("send_invoice", {"customer": "Ada"}), "She has it."],
    "States as JSON": [Step().function_call("lend_cart", {"name": "Bo"}), "Lent."],
    "Signed states": [Step().function_call("pay", _payment("smith", 50))],
    "Resumed twice": [Step().function_call("open_sluice"), "It is open."],
    "A session": ["It brings the water to the wheel.", "It takes the water away."],
    "Where traces go": [HAIKU],
    "A processor of your own": [HAIKU],
    "OpenTelemetry": [HAIKU],
    "Pictures of agents": [],
    "Shorter outputs of tools": [HAIKU],
}

#: What that program then prints, as a pattern.
PRINTED = {
    "A first agent": HAIKU,
    "Streaming": HAIKU,
    "Tools": "call: check_weather\noutput: Copenhagen: showers until noon\nmessage: Take an umbrella\\.",
    "Handoffs": "now at work: Front desk\nnow at work: Repairs\nRepairs: Push the derailleur forward\\.",
    "Structured output": "06:55 1",
    "Asking a person": 'order_millstone {"price": 900}\nIt is ordered\\.',
    "Conversations": "It brings water to the wheel\\.\nIt takes the water away\\.",
    "Records and readers": (
        r"check_weather took [\d.]+ ms\nthen: turn_started … run_finished\nLogStatistics\(records=\d+, .*\)"
    ),
    "When something goes wrong": r"Max turns \(2\) exceeded\nitems so far: 4",
    "Pause, decide, resume": (
        'waits: sell_flour {"customer": "Ada", "sacks": 2}\n'
        'waits: sell_flour {"customer": "Bo", "sacks": 50}\n'
        "output: sold 2 to Ada\noutput: Not so many\\.\nAda has hers\\."
    ),
    "Decisions": "paid smith 30 crowns\nThe cart never came\\.\npaid in cash, 12 crowns",
    "Standing rules": r"""not covered: \['{"payee": "smith", "crowns": 51}'\]""",
    "While the run goes on": "It is noon\\.",
    "Nested runs": "Forester cut_tree 2\nThere is a beam\\.",
    "In doubt": 'in doubt: send_invoice {"customer": "Ada"}\nShe has it\\.',
    "States as JSON": "Lent\\. {'mill': 'Lower'}",
    "Signed states": "refused: .+",
    "Resumed twice": (
        r"the sluice opens\nIt is open\.\nrefused: run run_\w+ was resumed already as epoch 1: .*"
    ),
    "A session": "It brings the water to the wheel\\.\nIt takes the water away\\.",
    "Where traces go": HAIKU,
    "A processor of your own": "Agent workflow\n  response\n  turn\n  agent\n  task",
    "OpenTelemetry": (
        "chat any-model\nturn 1\ninvoke_agent Miller\ntask Agent workflow\ninvoke_workflow Agent workflow"
    ),
    "Pictures of agents": (
        "flowchart TD\n.*Front desk.*\n.*Miller.*\n.*open_sluice.*\n    n1 --> finish\\(\\(end\\)\\)"
    ),
    "Shorter outputs of tools": HAIKU,
}


#: Those that say themselves where traces go; the others would export them.
TRACED = {"A processor of your own", "OpenTelemetry"}


def test_every_program_of_the_documents_has_a_script_here() -> None:
    assert set(PROGRAMS) == set(SCRIPTS) == set(PRINTED)
    assert len(PROGRAMS) + len(TESTS) == len(blocks())


@pytest.mark.parametrize("heading", PROGRAMS)
def test_a_program_of_the_documents_does_what_it_says(heading: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAMS[heading].code, encoding="utf-8")

    with ResponsesServer(SCRIPTS[heading]) as server:
        # In a folder of its own: some of them write files.
        program = start(str(path), base_url=server.base_url, folder=tmp_path, traces=heading in TRACED)
        printed = output_of(program)

    assert re.fullmatch(PRINTED[heading], printed.rstrip("\n")), printed
    server.assert_complete()


@pytest.mark.parametrize("number", range(len(TESTS)))
def test_a_test_of_the_documents_passes(number: int, tmp_path: Path) -> None:
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

    assert re.search(r"^[1-9]\d* passed in", printed, re.MULTILINE)
