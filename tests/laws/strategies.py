"""Hypothesis strategies for the laws: whole programs, and facts of any kind."""

from __future__ import annotations

from hypothesis import strategies as st

from agents._core import facts as f
from agents._core.state import CALL_MOVES, LEGAL, RUN_MOVES, State
from laws.core_runs import CallPlan, RunPlan
from laws.playing import Cancel
from laws.world import AGENT_HOOKS, RUN_HOOKS, AgentPlan, Case, GuardPlan, HandlerDeed, ToolPlan, TurnPlan

__all__ = ["any_cases", "calm_cases", "cancels", "fact_lists", "facts", "facts_for", "run_plans", "schedules"]

_takes = st.integers(0, 4)
_calm_deeds = ["return", "return", "progress", "tell", "cancel itself", "linger", "nest", "nest streamed"]
_calm_checks = ["none", "none", "allow", "reject input", "reject output"]

#: What may go wrong in a program. A few of them at once, so that others still get far.
_TROUBLES = (
    "input guardrails",
    "output guardrails",
    "hooks",
    "the model",
    "tools",
    "tool guardrails",
    "unknown tools",
    "texts",
    "few turns",
    "handlers",
)


def _calls(tools: int, agents: int, troubles: frozenset[str]) -> st.SearchStrategy[tuple[str, ...]]:
    names = [f"tool{index}" for index in range(tools)] * 3 + [f"agent{index}" for index in range(agents)]
    if "unknown tools" in troubles:
        names.append("nowhere")
    named = st.sampled_from(names)
    return st.one_of(st.lists(named, min_size=1, max_size=4), st.lists(named, max_size=4)).map(tuple)


def _verdicts(trouble: str, troubles: frozenset[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(["pass", "pass", "trip", "raise"] if trouble in troubles else ["pass"])


def _agent_plans(tools: int, agents: int, troubles: frozenset[str]) -> st.SearchStrategy[AgentPlan]:
    texts = ["plain", "plain", "none", "fits", "refusal"] if "texts" in troubles else ["plain"]
    turns = st.builds(
        TurnPlan,
        text=st.sampled_from(texts),
        calls=_calls(tools, agents, troubles),
        takes=_takes,
        thinks=st.booleans(),
        breaks=st.sampled_from([False, False, True] if "the model" in troubles else [False]),
    )
    return st.builds(
        AgentPlan,
        turns=st.lists(turns, max_size=3).map(tuple),
        is_structured=st.booleans() if "texts" in troubles else st.just(value=False),
        tools_end=st.sampled_from(["never", "never", "never", "first", "tool0", "ask"]),
        output_guards=st.lists(_verdicts("output guardrails", troubles), max_size=2).map(tuple),
    )


def _tool_plans(troubles: frozenset[str]) -> st.SearchStrategy[ToolPlan]:
    deeds = [*_calm_deeds, "raise", "refuse to stop"] if "tools" in troubles else _calm_deeds
    checks = [*_calm_checks, "trip input", "trip output"] if "tool guardrails" in troubles else _calm_checks
    return st.builds(
        ToolPlan,
        does=st.sampled_from(deeds),
        takes=_takes,
        check=st.sampled_from(checks),
        reads_only=st.booleans(),
    )


@st.composite
def _cases(draw: st.DrawFn, *, calm: bool) -> Case:
    chosen = st.frozensets(st.sampled_from(_TROUBLES), max_size=3)
    troubles = draw(st.just(frozenset[str]()) if calm else chosen)
    agents, tools = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    guards = st.builds(
        GuardPlan, verdict=_verdicts("input guardrails", troubles), takes=_takes, is_blocking=st.booleans()
    )
    run_hooks = draw(st.frozensets(st.sampled_from(RUN_HOOKS)))
    agent_hooks = draw(st.frozensets(st.sampled_from(AGENT_HOOKS)))
    listening = [
        *(f"run:{name}" for name in sorted(run_hooks)),
        *(f"agent:{name}" for name in sorted(agent_hooks)),
    ]
    kinds = st.sampled_from(["max_turns", "model_refusal", "invalid_final_output"])
    deeds: list[HandlerDeed] = ["give", "decline", "raise"] if "handlers" in troubles else ["give"]
    handlers = st.dictionaries(kinds, st.sampled_from(deeds), max_size=3)
    return Case(
        agents=tuple(draw(_agent_plans(tools, agents, troubles)) for _ in range(agents)),
        tools=tuple(draw(_tool_plans(troubles)) for _ in range(tools)),
        guards=draw(st.lists(guards, max_size=3).map(tuple)),
        run_hooks=run_hooks,
        agent_hooks=agent_hooks,
        raising_hook=draw(st.sampled_from(listening)) if "hooks" in troubles and listening else None,
        max_turns=draw(st.integers(1, 3) if "few turns" in troubles else st.just(20)),
        tools_at_once=draw(st.sampled_from([None, None, 1, 2])),
        starts_early=draw(st.booleans()),
        tells_unknown=draw(st.booleans()),
        handlers=tuple(draw(handlers).items()),
    )


any_cases = _cases(calm=False)
"""Programs in which anything may go wrong."""

calm_cases = _cases(calm=True)
"""Programs that end with an output: nothing raises, trips, or calls what does not exist."""

cancels = st.builds(Cancel, after=st.integers(1, 40), mode=st.sampled_from(["immediate", "after_turn"]))
"""When and how to cancel a run."""


# --- runs of the core alone

_call_plans = st.builds(
    CallPlan,
    kind=st.sampled_from(["function", "function", "function", "function", "handoff", "hosted", "unknown"]),
    question=st.sampled_from(["none", "none", "waived", "approved", "rejected"]),
    ends=st.sampled_from(["returned", "returned", "returned", "told", "failed"]),
    in_doubt=st.sampled_from(["retry", "ask", "fail"]),
    reads_only=st.booleans(),
    is_guarded=st.booleans(),
    acts=st.booleans(),
    pauses=st.sampled_from([False, False, False, True]),
)

run_plans = st.builds(
    RunPlan,
    turns=st.lists(st.lists(_call_plans, min_size=1, max_size=4).map(tuple), max_size=3).map(tuple),
    guards=st.lists(
        st.tuples(st.booleans(), st.sampled_from([False, False, False, False, True])), max_size=3
    ).map(tuple),
    output_guards=st.integers(0, 2),
    has_hooks=st.booleans(),
    starts_early=st.booleans(),
    tools_at_once=st.sampled_from([None, 1, 2]),
    max_turns=st.sampled_from([10, 10, 2]),
    handles_max_turns=st.booleans(),
    tools_may_end=st.booleans(),
    has_session=st.booleans(),
    compacts=st.booleans(),
)
"""Plans for the core's own driver."""

schedules = st.lists(st.integers(0, 5), max_size=30)
"""Which of what is in flight says something next."""


# --- facts

_ids = st.sampled_from(["c1", "c2", "c3"]).map(f.CallId)
_keys = st.sampled_from(["a", "b"]).map(f.AgentKey)
_turns = st.integers(1, 3)
_errors = st.builds(f.ErrorData, type=st.just("Broken"), message=st.just("broke"))
_guards = st.builds(f.Guard, id=st.sampled_from(["g1", "g2"]), name=st.just("g"), blocking=st.booleans())
_outputs = st.sampled_from([None, {"type": "function_call_output", "call_id": "c1", "output": "o"}])
_call = st.builds(
    f.Call,
    id=_ids,
    kind=st.sampled_from(["function", "function", "handoff", "hosted", "unknown"]),
    name=st.just("t"),
    arguments=st.just("{}"),
    needs_approval=st.booleans(),
    read_only=st.booleans(),
    on_in_doubt=st.sampled_from(["retry", "ask", "fail"]),
    form=st.sampled_from(["function", "function", "custom", "mcp", "shell", "computer"]),
)
_kinds = st.sampled_from(["max_turns", "model_refusal", "invalid_final_output", "error"])
_moments = st.one_of(
    st.builds(
        "t{}/{}".format,
        _turns,
        st.sampled_from(["agent_start", "llm_end", "agent_end"]),
    ),
    st.builds(
        "t{}/{}/{}".format,
        _turns,
        st.sampled_from(["tool_end", "handoff"]),
        _ids,
    ),
)
_fields: dict[str, st.SearchStrategy[object]] = {
    "turn": _turns,
    "attempt": st.integers(1, 2),
    "epoch": st.integers(1, 2),
    "agent": _keys,
    "source": _keys,
    "guards": st.lists(_guards, max_size=2).map(tuple),
    "guard": st.sampled_from(["g1", "g2"]),
    "handlers": st.sampled_from([(), ("max_turns",), ("invalid_final_output", "model_refusal")]),
    "error": _errors,
    "moment": _moments,
    "input": st.sampled_from(["hi", [{"role": "user", "content": "hi"}]]),
    "max_turns": st.sampled_from([None, 1, 2]),
    "output": _outputs,
    "item": _outputs,
    "call": _ids,
    "history": st.sampled_from([None, [{"role": "user", "content": "anew"}]]),
    "info": st.none(),
    "progress": st.none(),
    "event": st.none(),
    "name": st.just("t"),
    "effect": st.sampled_from(["t1/model", "t1/tool/c1", "failure/max_turns"]),
    "reason": st.sampled_from(["approved", "rejected", "supplied", "unknown_tool", "second_handoff"]),
    "max_concurrent_tools": st.sampled_from([None, 1, 2]),
    "duration_ms": st.just(1.0),
}


def _fact(
    fact_type: type, likely: dict[str, st.SearchStrategy[object]] | None = None
) -> st.SearchStrategy[f.Fact]:
    fields = _fields | (likely or {})
    named = {name: fields[name] for name in fact_type.__annotations__ if name in fields}
    if fact_type is f.ModelResponded:
        named |= {
            "output": st.just([{"type": "message"}]),
            "calls": st.lists(_call, max_size=3).map(tuple),
            "usage": st.just(f.UsageData(1, 1, 1, 2)),
        }
    elif fact_type is f.ModelInterrupted:
        named |= {"output": st.just([{"type": "message"}]), "usage": st.just(f.UsageData())}
    elif fact_type is f.OutputProposed:
        named |= {"source": st.sampled_from(["message", "tool", "handler"])}
    elif fact_type is f.ToolUseStated:
        named |= {"tools": st.sampled_from([{}, {"a": ["t"]}])}
    elif fact_type is f.InputAdded:
        named |= {"items": st.just([{"role": "user", "content": "more"}])}
    elif fact_type is f.SessionLoaded:
        items = st.just([{"role": "user", "content": "hi"}])
        named |= {"history": items, "new": items}
    elif fact_type in (f.SessionSaveBegun, f.SessionSaved):
        named |= {"batch": st.integers(1, 2)}
    elif fact_type is f.RuleStated:
        named |= {"rule": st.builds(f.Rule, st.just("r"), st.just("a"), st.just("t"), st.booleans())}
    elif fact_type is f.ApprovalDecided:
        named |= {"output": st.sampled_from([None, {"type": "function_call_output", "output": "made"}])}
    elif fact_type is f.ToolPaused:
        named |= {"waiting": st.just((f.Waiting(("c1", "c2"), "a", "t", "{}"),))}
    elif fact_type is f.CallProposed:
        named |= {"call": _call}
    elif fact_type is f.AttemptReset:
        named |= {"reason": st.just("anew")}
    elif "kind" in fact_type.__annotations__:
        named |= {"kind": _kinds}
    return st.builds(fact_type, **named)


facts = st.sampled_from(sorted(f.KINDS.by_type, key=lambda each: each.__name__)).flatmap(_fact)
"""Facts of any kind."""


def _one_run(start: f.Fact, rest: list[f.Fact]) -> list[f.Fact]:
    return [start, *rest]


fact_lists = st.builds(_one_run, _fact(f.RunStarted), st.lists(facts, max_size=40))
"""Facts that mostly do not follow from one another."""


def facts_for(state: State) -> st.SearchStrategy[f.Fact]:
    """Facts of a kind that the state's phase accepts, and mostly about what is there."""
    likely: dict[str, st.SearchStrategy[object]] = {
        "turn": st.sampled_from([state.turn, state.turn + 1]),
        "attempt": st.just(state.attempt + 1),
        "epoch": st.just(state.epoch + 1),
        "agent": st.sampled_from([state.agent, f.AgentKey("b")]),
        "source": st.just(state.agent),
        "approved": st.booleans(),
    }
    if state.calls:
        likely["call"] = st.sampled_from(sorted(state.calls))
    if state.guards:
        likely["guard"] = st.sampled_from(sorted(state.guards))
    if state.hooks:
        likely["moment"] = st.sampled_from(sorted(state.hooks))
    legal = LEGAL[state.phase]
    moving = [kind for kind in legal if kind in RUN_MOVES or kind in CALL_MOVES or kind in _TO_THE_MODEL]
    moving += [f.ApprovalDecided] if f.ApprovalDecided in legal else []
    others = [kind for kind in legal if kind not in f.TERMINAL]
    if not moving:
        return facts
    # Mostly facts that move something, or a run would hardly get anywhere.
    kinds = st.one_of(
        *(st.sampled_from(sorted(each, key=_name)) for each in (moving, moving, moving, others))
    )
    return kinds.flatmap(lambda kind: _fact(kind, likely))


_TO_THE_MODEL = frozenset({f.ModelRequested, f.CallProposed, f.RunResumed})


def _name(fact_type: type) -> str:
    return fact_type.__name__
