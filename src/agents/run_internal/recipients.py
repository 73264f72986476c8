"""Finding, before a resumed run does anything, what its calls are addressed to: the program may have changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._core import facts as f
from agents._core.effects import AnswerCall
from agents._core.state import CallPhase, CallState
from agents.exceptions import ModelBehaviorError
from agents.tool import FunctionTool

from . import approvals

if TYPE_CHECKING:
    from .environment import Toolset
    from .run_loop import Run


async def find(run: Run) -> None:
    """Make sure that everything that the calls of the turn are about to need is there.

    Calls that are denied, or that nobody has decided about, need nothing yet.

    Raises:
        ModelBehaviorError: a tool or a handoff is gone, or is of another kind, and the run is set to fail for it.
    """
    agent = run.environment.agents[run.state.agent]
    wanted = [call.call for call in run.state.calls.values() if _is_wanted(call)]
    if not wanted:
        return
    toolset = await run.environment.toolset_for(agent)
    for call in wanted:
        if _is_there(call, toolset):
            continue
        if call.kind == "handoff" or run.state.calls[call.id].phase is not CallPhase.ALLOWED:
            raise ModelBehaviorError(f"Tool {call.name} not found in agent {agent.name}")
        await approvals.answer_call(run, AnswerCall(f"resume/answer/{call.id}", call, "unknown_tool"))


def _is_wanted(call: CallState) -> bool:
    if call.phase is CallPhase.IN_DOUBT:
        return call.call.on_in_doubt == "retry"
    return call.phase is CallPhase.ALLOWED and call.call.kind != "unknown"


def _is_there(call: f.Call, toolset: Toolset) -> bool:
    if call.kind == "handoff":
        return call.name in toolset.handoffs_by_name
    return isinstance(toolset.tools_by_name.get(call.name), FunctionTool)
