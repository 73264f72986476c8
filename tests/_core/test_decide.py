from __future__ import annotations

from agents._core import facts as f
from agents._core.decide import Perform, Record, Suspend, decide
from agents._core.effects import AnswerCall, RunHook
from agents._core.evolve import evolve, fold
from agents._core.state import State

A, B = f.AgentKey("a"), f.AgentKey("b")


def call(call_id: str, kind: f.CallKind = "function", **settings: object) -> f.Call:
    return f.Call(f.CallId(call_id), kind, "t", "{}", **settings)  # pyright: ignore[reportArgumentType] (settings of a test)


def handed_off_facts() -> list[f.Fact]:
    return [
        f.RunStarted(A, "hi"),
        f.TurnStarted(1, A),
        f.ModelRequested(1, 1),
        f.ModelResponded(1, [{"type": "function_call"}], (call("h", "handoff"),)),
        f.HandedOff(f.CallId("h"), A, B, {"call_id": "h"}, hook=True, start_hook=True),
    ]


def handed_off() -> State:
    return fold(handed_off_facts())


def test_a_handoff_is_told_before_its_turn_is_left() -> None:
    state = handed_off()
    assert decide(state) == Perform((RunHook("t1/handoff/h", "handoff", A, "h"),))
    evolve(state, f.HookSettled("t1/handoff/h"))
    assert decide(state) == Record(f.TurnStarted(2, B))


def test_taking_a_handoff_and_telling_of_it_are_two_effects() -> None:
    asked = fold(handed_off_facts()[:-1])
    taking, telling = decide(asked), decide(handed_off())
    assert isinstance(taking, Perform)
    assert isinstance(telling, Perform)
    assert taking.effects[0].id != telling.effects[0].id


def test_an_approved_call_of_the_servers_is_answered_and_never_claimed() -> None:
    state = fold(
        [
            f.RunStarted(A, "hi"),
            f.TurnStarted(1, A),
            f.ModelRequested(1, 1),
            f.ModelResponded(
                1,
                [{"type": "mcp_approval_request"}],
                (call("r", "hosted", needs_approval=True, form="mcp"),),
                tools_may_end=True,
            ),
            f.ApprovalRequested(f.CallId("r")),
        ]
    )
    assert decide(state) == Suspend((f.CallId("r"),))
    evolve(state, f.ApprovalDecided(f.CallId("r"), approved=True))
    hosted = state.calls[f.CallId("r")].call
    assert decide(state) == Perform((AnswerCall("t1/answer/r", hosted, "approved"),))
    response = {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True}
    evolve(state, f.CallAnswered(f.CallId("r"), "t", response, "approved"))
    assert state.history[-1] == response
    # An answer to the server is nothing that could be the run's output.
    assert decide(state) == Record(f.TurnStarted(2, A))
