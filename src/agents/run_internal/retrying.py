"""Whether a model call that failed is made again: what is known of the failure, what the policy says, how long to wait.

Rule 1: nothing is repeated unless the settings have a policy, and it says so.
Rule 2: once part of the response was shown, only where the settings allow it, and no tool has started from it.
Rule 3: a request that may have had an effect is repeated only if it is known to be safe, or the policy approves it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
from typing import TYPE_CHECKING, cast

from agents._core import facts as f
from agents._core.state import CallPhase
from agents.exceptions import ModelResponseFailed, ModelStreamBroken, ModelTimeoutError, UserError
from agents.log import RecordsExpired
from agents.models.responses_result import FAILURE_TYPES
from agents.retry import (
    ModelRetryAdvice,
    ModelRetryAdviceRequest,
    ModelRetryBackoffSettings,
    ModelRetryNormalizedError,
    ModelRetrySettings,
    RetryDecision,
    RetryPolicyContext,
    decision_of,
)
from agents.usage import Usage, request_without_tokens

from .failures import error_data

if TYPE_CHECKING:
    from agents._ports.model import Model

    from .model_input import ModelRequest
    from .run_loop import Run

INITIAL_DELAY_S = 0.5
MAX_DELAY_S = 8.0
MULTIPLIER = 2.0
MAX_ASKED_DELAY_S = 120.0
"""The longest wait that a server or a policy may ask for, where the settings do not say."""

_SHOWS_NOTHING = FAILURE_TYPES | {"response.created", "response.queued", "response.in_progress"}
"""Types of events that hold nothing of the response's output."""


class Attempts:
    """The attempts at the model call of one turn, as far as this process makes them."""

    __slots__ = ("_model", "_request", "_run", "failed", "void_until")

    def __init__(self, run: Run, model: Model, request: ModelRequest) -> None:
        self._run = run
        self._model = model
        self._request = request
        self.void_until = 0
        """The last record of what was shown of attempts that are void."""

        self.failed = 0
        """How many were made in vain and followed by another."""

    async def go_on_after(self, error: Exception, after: int) -> bool:
        """Wait, and record that the response is asked for anew; False when it is not to be.

        `after` is the last record before those of the attempt that failed.
        """
        settings = self._request.settings.retry
        if settings is None or settings.policy is None or self.failed >= (settings.max_retries or 0):
            return False
        is_shown = self._is_shown(after)
        if isinstance(error, UserError) or (is_shown and not self._may_be_voided(settings)):
            return False
        decision = await self._decision(error, settings, is_shown=is_shown)
        if decision is None or (is_shown and not self._may_be_voided(settings)):
            # A tool may have started while the policy was asked.
            return False
        delay_s = self._delay_s(decision, settings)
        if delay_s is None:
            return False
        told = error_data(error)
        state = self._run.state
        reason = decision.reason or f"{told.type}: {told.message}"
        # Before the wait: from here on no tool can start from the response that is void.
        self._run.record(f.AttemptReset(state.turn, state.attempt + 1, reason))
        self.void_until = self._run.log.last_seq
        self.failed += 1
        await asyncio.sleep(delay_s)
        return True

    def usage_of(self, count: int) -> Usage:
        """What so many attempts in vain took: a request each, and no tokens that anybody told."""
        return Usage(requests=count, request_usage_entries=[request_without_tokens() for _ in range(count)])

    def _is_shown(self, after: int) -> bool:
        try:
            entries = self._run.log.entries_after(after)
        except RecordsExpired:
            return True
        return any(
            entry.is_delta and entry.path == self._run.path and entry.live.type not in _SHOWS_NOTHING
            for entry in entries
        )

    def _may_be_voided(self, settings: ModelRetrySettings) -> bool:
        untouched = {CallPhase.PROPOSED, CallPhase.ALLOWED}
        calls = self._run.state.calls.values()
        return bool(settings.after_output) and all(call.phase in untouched for call in calls)

    async def _decision(
        self, error: Exception, settings: ModelRetrySettings, *, is_shown: bool
    ) -> RetryDecision | None:
        request = self._request
        asked = ModelRetryAdviceRequest(
            error,
            self.failed + 1,
            self._run.environment.is_streamed,
            request.previous_response_id,
            request.conversation_id,
        )
        advice = self._model.get_retry_advice(asked)
        if is_shown:
            advice = dataclasses.replace(advice or ModelRetryAdvice(), response_started=True)
        context = RetryPolicyContext(
            error,
            asked.attempt,
            settings.max_retries or 0,
            asked.stream,
            normalized_error(error, advice),
            advice,
            asked.previous_response_id,
            asked.conversation_id,
        )
        assert settings.policy is not None, "asked only where there is one"
        decision = await decision_of(settings.policy, context)
        if not decision.retry or not _is_replayable(decision, context):
            return None
        return decision

    def _delay_s(self, decision: RetryDecision, settings: ModelRetrySettings) -> float | None:
        """How long to wait; None where that would be for longer than anybody waits: then the error is told."""
        backoff = cast("ModelRetryBackoffSettings", settings.backoff or ModelRetryBackoffSettings())
        if decision.delay is not None:
            limit = MAX_ASKED_DELAY_S if backoff.max_delay is None else backoff.max_delay
            return decision.delay if decision.delay <= limit else None
        initial = INITIAL_DELAY_S if backoff.initial_delay is None else backoff.initial_delay
        most = MAX_DELAY_S if backoff.max_delay is None else backoff.max_delay
        multiplier = MULTIPLIER if backoff.multiplier is None else backoff.multiplier
        try:
            delay = min(initial * multiplier**self.failed, most)
        except OverflowError:
            delay = most
        # Many clients that failed together should not return together.
        return delay if backoff.jitter is False else delay * random.uniform(0.75, 1.0)  # noqa: S311


def _is_replayable(decision: RetryDecision, context: RetryPolicyContext) -> bool:
    """Whether making the request twice can do no harm, or somebody takes that upon himself.

    A request that goes on with a stored conversation adds to it: whether the failed one did is not known.
    """
    if decision.approve_unsafe_replay or decision.is_replay_known_safe() or context.replay_safety == "safe":
        return True
    return context.replay_safety != "unsafe" and context.conversation_id is None


def normalized_error(error: Exception, advice: ModelRetryAdvice | None) -> ModelRetryNormalizedError:
    """A failure in terms that hold for every provider: the model's own, or what its class says."""
    if advice is not None and advice.normalized is not None:
        return advice.normalized
    return ModelRetryNormalizedError(
        error_code=error.code if isinstance(error, ModelResponseFailed) else None,
        message=str(error),
        is_network_error=isinstance(error, ConnectionError | ModelStreamBroken),
        is_timeout=isinstance(error, TimeoutError | ModelTimeoutError),
    )
