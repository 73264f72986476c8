"""Who performs which effect: one row each.

A performer records its facts and returns None, or returns the coroutine that
will. What it raises becomes a fact in the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from agents._core import effects as e

from .approvals import answer_call, check_approval, confirm_decision
from .final_output import handle_failure, propose_output
from .guardrails import check_guardrail
from .handoff import take_handoff
from .hooks import run_hook
from .model_call import call_model
from .sessions import compact_session, load_session, save_session
from .tools import run_tool

PERFORMERS: Mapping[type, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        e.RunHook: run_hook,
        e.CheckGuardrail: check_guardrail,
        e.CallModel: call_model,
        e.CheckApproval: check_approval,
        e.ConfirmDecision: confirm_decision,
        e.RunTool: run_tool,
        e.AnswerCall: answer_call,
        e.TakeHandoff: take_handoff,
        e.ProposeOutput: propose_output,
        e.HandleFailure: handle_failure,
        e.LoadSession: load_session,
        e.SaveSession: save_session,
        e.CompactSession: compact_session,
    }
)
