"""Records: the public form of what a log keeps."""

from __future__ import annotations

from agents._core import facts as f
from agents.log import Record, RunLog, decode_record, encode_record


def records_of(*facts: f.Fact) -> list[Record]:
    log = RunLog("run_1", clock=lambda: 1.0)
    return [Record.of(log.append(fact), log.run_id) for fact in facts]


def test_a_record_equals_itself_after_a_json_round_trip():
    guards = (f.Guard("input/0", "is it polite"),)
    call = f.Call(f.CallId("call_1"), "function", "check_weather", "{}")
    records = records_of(
        f.RunStarted(f.AgentKey("Poet"), "Hi", guards=guards, handlers=("max_turns",)),
        f.ModelResponded(1, [{"type": "message"}], calls=(call,)),
        f.OutputProposed("message", {"departure": "06:55"}, guards=guards),
    )

    assert [decode_record(encode_record(record)) for record in records] == records
