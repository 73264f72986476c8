"""Finding, before a resumed run does anything, what its calls are addressed to: the program may have changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agents._core import facts as f
from agents._core.effects import AnswerCall
from agents._core.evolve import fold
from agents._core.state import CallPhase, CallState, State
from agents.exceptions import UserError
from agents.run_config import RunConfig, coerce_run_config
from agents.tool import FunctionTool
from agents.tool.preparation import recipient_of, still_fit

from . import approvals
from .environment import AgentBook, Environment
from .failures import tool_not_found

if TYPE_CHECKING:
    from agents.log import Path

    from .environment import Toolset
    from .run_loop import Run


async def find(run: Run) -> None:
    """Make sure that everything that the calls of the turn are about to need is there, in nested runs too.

    Calls that are denied, or that nobody has decided about, need nothing yet. An approval whose arguments the tool,
    whose schema has changed, does not take any more is asked for anew.

    Raises:
        ModelBehaviorError: a tool or a handoff is gone, or is of another kind, and the run is set to fail for it.
        UserError: what was the tool of an MCP server is now that of another, or none.
    """
    agent = run.environment.agents[run.state.agent]
    wanted = list(_wanted(run.state))
    if not wanted:
        return
    toolset = await run.environment.toolset_for(agent)
    for call in wanted:
        if not _is_there(call.call, toolset):
            if call.call.kind == "handoff" or call.phase is not CallPhase.ALLOWED:
                raise tool_not_found(call.call, agent)
            effect = AnswerCall(f"resume/answer/{call.call.id}", call.call, "unknown_tool")
            await approvals.answer_call(run, effect)
            continue
        _refuse_other_recipient(call, toolset)
        if _is_approved_for_another(call, toolset):
            schema = toolset.fingerprint_of(toolset.tools_by_name[call.call.name])
            run.record(f.ApprovalRequested(call.call.id, schema), approvals.approval_item(run, call.call))
        else:
            await _find_below(run, run.path, run.environment.config, call.call, toolset)


async def _find_below(run: Run, path: Path, config: RunConfig, call: f.Call, toolset: Toolset) -> None:
    """The same for the run that an agent used as a tool will take up again, as far as it can fail for it.

    `path` and `config` are those of the run that made the call: where the tool has no config, it passes its own on.
    """
    tool = toolset.tool_of(call)
    if not isinstance(tool, FunctionTool) or tool.traits.agent is None:
        return
    path = (*path, call.id)
    moments = run.root.restored.get(path)
    own = tool.traits.agent_run_config
    config = config if own is None else coerce_run_config(own)
    if not moments or config.tool_not_found_behavior != "raise_error":
        return
    state = fold(moment.fact for moment in moments)
    if state.is_closed and state.stopped_in is None:
        return
    fold([f.RunResumed(state.epoch + 1)], state)
    book = AgentBook()
    book.learn(tool.traits.agent)
    if state.agent not in book:
        return
    agent = book[state.agent]
    below = await Environment(book, run.environment.context, config).toolset_for(agent)
    for each in _wanted(state):
        if not _is_there(each.call, below):
            raise tool_not_found(each.call, agent)
        _refuse_other_recipient(each, below)
        await _find_below(run, path, config, each.call, below)


def _wanted(state: State) -> Iterator[CallState]:
    """The calls that are about to run, or to be claimed again."""
    for call in list(state.calls.values()):
        if call.phase is CallPhase.IN_DOUBT:
            if call.call.on_in_doubt == "retry":
                yield call
        elif call.phase is CallPhase.ALLOWED and call.call.kind != "unknown":
            yield call


def _is_there(call: f.Call, toolset: Toolset) -> bool:
    if call.kind == "handoff":
        return call.name in toolset.handoffs_by_name
    # A prompt may bring servers that nobody here knows.
    return toolset.tool_of(call) is not None or (call.kind == "hosted" and toolset.agent.prompt is not None)


def _refuse_other_recipient(call: CallState, toolset: Toolset) -> None:
    """Refuse to send a call, and what somebody may have approved, to another MCP server than it was made for."""
    tool = toolset.tool_of(call.call)
    if not isinstance(tool, FunctionTool) or not call.schema:
        return
    if recipient_of(call.schema) != recipient_of(toolset.fingerprint_of(tool)):
        raise UserError(
            f"The call {call.call.id!r} of tool {call.call.name!r} has a missing or different recipient binding: it "
            "was made to another MCP server, or to none. A call cannot go to a different recipient: resume with the "
            "servers, and the names of servers, of the first run."
        )


def _is_approved_for_another(call: CallState, toolset: Toolset) -> bool:
    """Whether somebody approved arguments that the tool, which has changed since, does not take."""
    if call.decision is None or not call.schema:
        return False
    tool = toolset.tool_of(call.call)
    if not isinstance(tool, FunctionTool):
        return False
    return call.schema != toolset.fingerprint_of(tool) and not still_fit(tool, call.arguments)
