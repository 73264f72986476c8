"""Law 4, Prefix: killed after any fact and started again, a run reaches the same end, and does nothing twice.

Proven here for the core: the facts of a prefix, as another process reads them from JSON, are folded, `RunResumed`
follows, and `decide` drives the rest with deterministic effects. The environment that a resumed run finds its tools
and agents in is not part of this law's test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.evolve import evolve, fold
from agents._core.state import CallPhase, Phase, State
from laws.core_runs import Core, RunPlan, plan_of, through_log
from laws.strategies import run_plans, schedules


def lives(plan: RunPlan, first: list[int], second: list[int]) -> Iterator[tuple[Core, State, Core]]:
    """A whole run, and for each of its prefixes the state at its end and the life that goes on from there."""
    whole = Core(plan, first)
    whole.drive()
    for cut in range(1, len(whole.facts) + 1):
        prefix = through_log(whole.facts[:cut])
        again = Core(plan, second, prefix, life=2)
        again.drive()
        yield whole, fold(prefix), again


def without_lives(history: list[f.Json]) -> list[f.Json]:
    return [{**item, "output": "any"} if "output" in item else item for item in history]


@given(run_plans, schedules, schedules)
def test_every_prefix_reaches_the_same_end(plan: RunPlan, first: list[int], second: list[int]) -> None:
    for whole, at, again in lives(plan, first, second):
        end, other = whole.state, again.state
        if fails_in_doubt(plan, at):
            assert other.error is not None
            continue
        assert other.phase == end.phase
        if end.phase is Phase.FAILED:
            # Which of several failures comes first is the world's choice; all of them are in the plan.
            assert other.error is not None
            assert other.error.type in {"Broken", "InputGuardrailTripwireTriggered", "MaxTurnsExceeded"}
            continue
        assert without_lives(other.history) == without_lives(end.history)
        assert (other.agent, other.turn, other.output, other.usage) == (
            end.agent,
            end.turn,
            end.output,
            end.usage,
        )


def fails_in_doubt(plan: RunPlan, at: State) -> bool:
    return at.phase is Phase.CALLS and any(
        call.phase is CallPhase.CLAIMED and plan_of(plan, call_id).in_doubt == "fail"
        for call_id, call in at.calls.items()
    )


@given(run_plans, schedules, schedules)
def test_every_recorded_result_is_kept(plan: RunPlan, first: list[int], second: list[int]) -> None:
    for _, at, again in lives(plan, first, second):
        if again.state.phase is not Phase.FINISHED:
            continue
        outputs = {item["call_id"]: item for item in again.state.history if "output" in item}
        recorded = [item for item in at.history if "output" in item]
        if at.phase is not Phase.MODEL:
            # What an early tool gave belongs to a response that is void when its stream was cut.
            recorded += [call.output for call in at.calls.values() if call.output is not None]
        for item in recorded:
            assert outputs[item["call_id"]] == item


@given(run_plans, schedules, schedules)
def test_no_settled_effect_is_performed_again(plan: RunPlan, first: list[int], second: list[int]) -> None:
    for whole, at, again in lives(plan, first, second):
        done = settled_effects(whole.facts[: again.begun], at)
        assert [effect for effect in again.performed if effect in done] == []
        twice = [effect for effect, times in Counter(again.performed).items() if times > 1]
        # A tool that waited for calls nested in it is taken up again, once.
        assert [effect for effect in twice if effect not in pausing_tools(plan)] == []


def pausing_tools(plan: RunPlan) -> set[str]:
    return {
        f"t{turn}/tool/{turn}.{index}"
        for turn, calls in enumerate(plan.turns, 1)
        for index, call in enumerate(calls)
        if call.pauses
    }


def settled_effects(facts: list[f.Fact], at: State) -> set[str]:
    """The effects that had been settled when the first life ended, by id."""
    done: set[str] = set()
    turn = 0
    early: set[str] = set()
    for fact in facts:
        match fact:
            case f.TurnStarted():
                turn = fact.turn
            case f.ModelResponded():
                done.add(f"t{turn}/model")
                early = set()
            case f.ToolReturned() | f.ToolFailed():
                done.add(f"t{turn}/tool/{fact.call}")
                early.add(f"t{turn}/tool/{fact.call}")
            case f.CallAnswered():
                done.add(f"t{turn}/answer/{fact.call}")
            case f.HandedOff():
                done.add(f"t{turn}/take_handoff/{fact.call}")
            case f.GuardrailChecked():
                done.add(fact.guard)
            case f.HookSettled():
                done.add(fact.moment)
                if "/tool_end/" in fact.moment:
                    early.add(fact.moment)
            case f.ApprovalRequested() | f.ApprovalWaived():
                done.add(f"t{turn}/approval/{fact.call}")
                early.add(f"t{turn}/approval/{fact.call}")
            case _:
                pass
    # A response that was cut off is asked for anew, with the early tools that belonged to it.
    return done - early if at.phase is Phase.MODEL else done


@given(run_plans, schedules, schedules)
def test_an_in_doubt_call_is_run_again_only_if_its_policy_or_a_person_says_so(
    plan: RunPlan, first: list[int], second: list[int]
) -> None:
    for _, at, again in lives(plan, first, second):
        if at.phase is not Phase.CALLS:
            continue
        for call_id, call in at.calls.items():
            if call.phase is CallPhase.CLAIMED:
                policy = plan_of(plan, call_id).in_doubt
                said = [
                    type(fact)
                    for fact in again.facts[again.begun :]
                    if getattr(fact, "call", None) == call_id
                ]
                expected = {"retry": f.ToolClaimed, "ask": f.ApprovalRequested, "fail": f.ToolFailed}[policy]
                ran = f"t{at.turn}/tool/{call_id}" in again.performed
                # Another call's failure may end the run before anything is said about this one.
                assert said[:1] in ([expected], [])
                assert not ran or policy == "retry" or f.ApprovalDecided in said


@given(run_plans, schedules, schedules, st.integers(1, 60), st.sampled_from(["immediate", "after_turn"]))
def test_a_cancelled_run_that_is_taken_up_again_reaches_the_same_end(
    plan: RunPlan, first: list[int], second: list[int], after: int, mode: f.CancelMode
) -> None:
    whole = Core(plan, first)
    whole.drive()
    cancelled = Core(plan, first, cancel=(after, mode))
    cancelled.drive()
    if cancelled.state.phase is not Phase.CANCELLED:
        return
    again = Core(plan, second, through_log(cancelled.facts), life=2)
    again.drive()
    assert again.state.is_closed
    assert again.state.phase is not Phase.CANCELLED
    if whole.state.phase is Phase.FINISHED and again.state.phase is Phase.FINISHED:
        assert without_lives(again.state.history) == without_lives(whole.state.history)
    done = settled_effects(cancelled.facts, fold(cancelled.facts[:-1]))
    assert [effect for effect in again.performed if effect in done] == []


@given(run_plans, schedules)
def test_the_log_folds_to_the_state_at_its_end(plan: RunPlan, schedule: list[int]) -> None:
    whole = Core(plan, schedule)
    whole.drive()
    assert fold(through_log(whole.facts)) == whole.state


@given(run_plans, schedules, schedules)
def test_a_run_may_die_after_every_fact(plan: RunPlan, first: list[int], second: list[int]) -> None:
    # Progress must not depend on a process living long enough: each life here adds one step and dies.
    one = Core(plan, first)
    one.drive()
    facts, life = one.facts[:1], 2
    while not fold(facts).is_closed:
        again = Core(plan, second, through_log(facts), life)
        again.drive()
        # `RunResumed`, and as much as it takes to be further than before.
        facts = _one_step(again.facts, len(facts))
        life += 1
        assert life < 100
    if fold(facts).phase is Phase.FINISHED and one.state.phase is Phase.FINISHED:
        assert without_lives(fold(facts).history) == without_lives(one.state.history)


def _one_step(facts: list[f.Fact], done: int) -> list[f.Fact]:
    state = fold(facts[:done])
    for index in range(done, len(facts)):
        fact = facts[index]
        evolve(state, fact)
        # While its response streams, a tool that started early may have to be run again.
        is_early = state.phase is Phase.MODEL and "tool_end" in getattr(fact, "moment", "")
        always = isinstance(fact, f.HookSettled | f.GuardrailChecked | f.TurnStarted) and not is_early
        if always or (state.phase is not Phase.MODEL and isinstance(fact, _STEPS)):
            return facts[: index + 1]
    return facts


_STEPS = (
    f.ModelResponded,
    f.ToolReturned,
    f.ToolFailed,
    f.CallAnswered,
    f.HandedOff,
    f.OutputProposed,
    f.OutputDeferred,
    f.ApprovalDecided,
)
