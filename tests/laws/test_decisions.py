"""Law 7, Decisions: what was approved runs once, as decided; what was rejected or supplied never runs.

This holds through nested agents with equal names and call ids, JSON, cancellation, and a death behind any record.
What was running when a process died runs again only if its policy, or a person who is asked anew, says so.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.state import Phase
from agents.approvals import Approve, Decision, Reject, Supply
from agents.exceptions import ToolInDoubt
from agents.log import Path
from laws.deciding import AgentPlan, CallPlan, Lives, live_through, moments_of, said, states_of

EXAMPLES = 2000 if os.environ.get("HEADRACE_FULL") else 100

_tools = st.builds(
    CallPlan,
    asks=st.sampled_from(["always", "always", "callable", "never"]),
    in_doubt=st.sampled_from(["retry", "ask", "ask", "fail"]),
    takes=st.integers(1, 3),
    raises=st.sampled_from([False, False, False, True]),
)


def _agents(levels: int) -> st.SearchStrategy[AgentPlan]:
    if levels == 1:
        return _plans(_tools, calls=2, turns=2)
    asks = st.sampled_from(["never", "never", "always", "callable"])
    nested = st.builds(CallPlan, agent=_agents(levels - 1), asks=asks)
    # An agent that is asked twice doubles everything below it: only few calls keep four levels small.
    return _plans(st.one_of(nested, nested, _tools), calls=2 if levels == 2 else 1, turns=1)


def _plans(given: st.SearchStrategy[CallPlan], *, calls: int, turns: int) -> st.SearchStrategy[AgentPlan]:
    turn = st.tuples(st.lists(given, min_size=1, max_size=calls), st.booleans()).map(_with_twin)
    return st.lists(turn, min_size=1, max_size=turns).map(lambda made: AgentPlan(tuple(made)))


def _with_twin(drawn: tuple[list[CallPlan], bool]) -> tuple[CallPlan, ...]:
    """Perhaps the first call twice: one tool, or one agent, in parallel with itself."""
    calls, has_twin = drawn
    return (*calls, calls[0]) if has_twin else tuple(calls)


programs = st.integers(1, 4).flatmap(_agents)
choices = st.lists(st.integers(0, 1000), max_size=40)


@settings(max_examples=EXAMPLES)
@given(programs, choices)
def test_what_was_approved_runs_once_as_decided_and_nothing_else_runs(
    plan: AgentPlan, numbers: list[int]
) -> None:
    lives = live_through(plan, numbers)
    assert lives.state is not None
    calls = calls_of(lives)
    check_what_ran(lives, calls)
    check_decisions(lives, calls)
    if lives.error is None:
        assert lives.result.final_output == "done"
        check_history(lives, calls)
    else:
        assert isinstance(lives.error, ToolInDoubt)
        assert fails_in_doubt(calls, ()), f"only a call in doubt may fail a run: {lives.error!r}"


Calls = dict[Path, tuple[f.Call, list[f.Fact]]]
"""Every call by its path: with what happened to it, and when its run was resumed, in order."""


_SETTLED = (f.ToolReturned, f.ToolFailed, f.CallAnswered)


def calls_of(lives: Lives) -> Calls:
    calls: Calls = {}
    assert lives.state is not None
    for moment in moments_of(lives.state):
        fact = moment.fact
        if isinstance(fact, f.ModelResponded):
            calls |= {(*moment.path, call.id): (call, []) for call in fact.calls}
        elif isinstance(fact, f.RunResumed):
            for path, (_, told) in calls.items():
                if path[:-1] == moment.path and not (told and isinstance(told[-1], _SETTLED)):
                    told.append(fact)
        elif (path := (*moment.path, getattr(fact, "call", ""))) in calls:
            calls[path][1].append(fact)
    return calls


def check_what_ran(lives: Lives, calls: Calls) -> None:
    for path, (call, told) in calls.items():
        began = [each for each in lives.began if each.path == path]
        claims = [index for index, fact in enumerate(told) if isinstance(fact, f.ToolClaimed)]
        for claim in claims:
            assert may_run(call, told[:claim])
        for earlier, later in pairwise(claims):
            check_second_claim(call, told[earlier + 1 : later])
        if call.name.startswith("do"):
            assert len(began) <= len(claims)
            assert len(began) >= any(isinstance(fact, f.ToolReturned) for fact in told)
            allowed = [call.arguments, *(edited(one) for one in lives.considered.get(path, []))]
            for each in began:
                assert each.arguments in [json.loads(one) for one in allowed if one is not None]


def may_run(call: f.Call, before: list[f.Fact]) -> bool:
    """Whether whoever had to agree had agreed."""
    decided = [fact for fact in before if isinstance(fact, f.ApprovalDecided)]
    if decided:
        return decided[-1].approved and decided[-1].output is None
    return not call.needs_approval or any(isinstance(fact, f.ApprovalWaived) for fact in before)


def check_second_claim(call: f.Call, between: list[f.Fact]) -> None:
    """A call is claimed again when it was in doubt, or waited for calls below; never when it was settled."""
    kinds = [type(fact) for fact in between]
    assert f.RunResumed in kinds
    assert not set(_SETTLED) & set(kinds)
    if f.ToolPaused not in kinds and call.on_in_doubt != "retry":
        assert call.on_in_doubt == "ask"
        assert kinds.index(f.RunResumed) < kinds.index(f.ApprovalRequested) < kinds.index(f.ApprovalDecided)


def fails_in_doubt(calls: Calls, path: Path) -> bool:
    """Whether a call of this run was in doubt, and its policy is to fail."""
    return any(
        key[:-1] == path and call.on_in_doubt == "fail" and isinstance(told[-1], f.ToolFailed)
        for key, (call, told) in calls.items()
        if told
    )


def has_failed(lives: Lives, path: Path) -> bool:
    """Whether the run of this call, or one above it, failed before the call could be settled."""
    assert lives.state is not None
    states = states_of(lives.state)
    return any(states[path[:depth]].phase is Phase.FAILED for depth in range(len(path)))


def edited(decision: Decision) -> str | None:
    if isinstance(decision, Approve) and decision.arguments is not None:
        return json.dumps(dict(decision.arguments))
    return None


def check_decisions(lives: Lives, calls: Calls) -> None:
    """The decision that counted for a call is the latest that was taken, word by word."""
    for path, decision in lives.decided.items():
        _, told = calls[path]
        facts = [fact for fact in told if isinstance(fact, f.ApprovalDecided)]
        assert facts, "a decision that holds was written down"
        last, settled = facts[-1], told[-1]
        match decision:
            case Reject():
                assert (last.approved, last.message) == (False, decision.reason)
                assert isinstance(settled, f.CallAnswered) or has_failed(lives, path)
            case Supply():
                assert last.output["output"] == decision.output
                assert isinstance(settled, f.CallAnswered) or has_failed(lives, path)
            case Approve():
                assert last.approved
                assert last.output is None
                assert last.arguments == edited(decision)
        if any(isinstance(fact, f.ToolClaimed) for fact in told):
            continue
        assert [each for each in lives.began if each.path == path] == []


def check_history(lives: Lives, calls: Calls) -> None:
    """Each run's history has each of its calls and its output once, and the output is the one that was decided."""
    assert lives.state is not None
    for path, state in states_of(lives.state).items():
        own = [key for key in calls if key[:-1] == path]
        asked = [item["call_id"] for item in state.history if item.get("type") == "function_call"]
        outputs = [item for item in state.history if item.get("type") == "function_call_output"]
        if state.phase is Phase.FAILED:
            # Its caller was told; a call in doubt may end the run that it is a call of.
            assert path
            assert fails_in_doubt(calls, path)
            continue
        if has_failed(lives, path):
            # Cancelled in an earlier life, perhaps, and not taken up again: nobody waits for it any more.
            continue
        assert state.phase is Phase.FINISHED
        assert asked == [key[-1] for key in own]
        assert sorted(item["call_id"] for item in outputs) == sorted(asked)
        for item in outputs:
            check_output(lives, (*path, item["call_id"]), calls, item["output"])
    shown = lives.result.to_input_list()
    assert [item for item in shown if item.get("type") == "function_call_output"] == [
        item for item in states_of(lives.state)[()].history if item.get("type") == "function_call_output"
    ]


def check_output(lives: Lives, path: Path, calls: Calls, output: Any) -> None:
    call, told = calls[path]
    decision = lives.decided.get(path)
    arguments = call.arguments if decision is None else edited(decision) or call.arguments
    if isinstance(decision, Reject):
        assert output == decision.reason
    elif isinstance(decision, Supply):
        assert output == decision.output
    elif call.name.startswith("ask"):
        assert lives.state is not None
        has_failed = states_of(lives.state)[path].phase is Phase.FAILED
        assert ("error occurred" in output) if has_failed else output == "done"
        start = states_of(lives.state)[path].start
        assert start is not None
        assert start.input == json.loads(arguments)["input"]
    elif isinstance(told[-1], f.ToolReturned):
        assert output == said(path, json.loads(arguments)["value"])
        last = [each for each in lives.began if each.path == path][-1]
        assert last.arguments == json.loads(arguments)
    else:
        assert isinstance(told[-1], f.ToolFailed)
        assert "error occurred" in output


def test_a_run_below_one_that_failed_in_doubt_stays_as_it_was_stopped() -> None:
    once = CallPlan(asks="always", in_doubt="fail")
    below = CallPlan(agent=AgentPlan(((CallPlan(asks="always"),),)), asks="never")
    above = CallPlan(agent=AgentPlan(((once, below),)), asks="never")
    lives = live_through(AgentPlan(((above,),)), [0, 0, 0, 0, 0, 0, 1, 1])
    assert lives.state is not None
    assert [state.phase for state in states_of(lives.state).values()] == [
        Phase.FINISHED,
        Phase.FAILED,
        Phase.CANCELLED,
    ]
    check_history(lives, calls_of(lives))
