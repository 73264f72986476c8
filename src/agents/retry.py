"""When a failed model call may be made again: settings, what is known about the failure, and policies.

A policy is a function of one `RetryPolicyContext`, plain or async, that answers
True, False or a `RetryDecision`. Take one from `retry_policies` or write your
own, and give it to `ModelSettings(retry=ModelRetrySettings(max_retries=2,
policy=...))`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from .util._field_values import check_known_keys, validated_value

__all__ = [
    "ModelRetryAdvice",
    "ModelRetryAdviceRequest",
    "ModelRetryBackoffInput",
    "ModelRetryBackoffSettings",
    "ModelRetryNormalizedError",
    "ModelRetrySettings",
    "RetryDecision",
    "RetryPolicy",
    "RetryPolicyContext",
    "retry_policies",
    "retry_policy_retries_all_transient_errors",
    "retry_policy_retries_safe_transport_errors",
]


@dataclass
class ModelRetryBackoffSettings:
    """How long to wait before a retry that names no delay of its own."""

    initial_delay: float | None = None
    """Seconds before the first retry."""

    max_delay: float | None = None
    """Seconds that no wait exceeds."""

    multiplier: float | None = None
    """By how much each wait is longer than the one before."""

    jitter: bool | None = None
    """Whether waits are varied at random, so that many clients do not return at once."""

    def __post_init__(self) -> None:
        for name in ("initial_delay", "max_delay", "multiplier"):
            value: object = getattr(self, name)
            if value is None or (type(value) is float and value >= 0):
                continue
            setattr(self, name, validated_value("ModelRetryBackoffSettings", name, value, float | None, ge=0))

    def to_json_dict(self) -> dict[str, Any]:
        """The settings as JSON values, unset ones as None."""
        return {
            "initial_delay": self.initial_delay,
            "max_delay": self.max_delay,
            "multiplier": self.multiplier,
            "jitter": self.jitter,
        }


ModelRetryBackoffInput: TypeAlias = ModelRetryBackoffSettings | dict[str, Any]
"""Backoff settings, or a plain dict of their fields."""


@dataclass
class ModelRetrySettings:
    """Whether and how the run repeats a model call that failed."""

    max_retries: int | None = None
    """Retries after the first attempt; None or 0 means none."""

    backoff: ModelRetryBackoffInput | None = None
    """Waits between attempts; a dict is turned into `ModelRetryBackoffSettings`."""

    policy: Callable[..., Any] | None = field(default=None, repr=False)
    """Decides for each failure; without one nothing is repeated. Never part of the JSON form."""

    after_output: bool | None = field(default=None, kw_only=True)
    """Whether a response that broke off after part of it was shown may be asked for anew, while no tool has started.

    Readers are told by an `attempt_reset` record that what they were shown of it is void.
    """

    def __post_init__(self) -> None:
        if isinstance(self.backoff, Mapping):
            self.backoff = backoff_settings_from(self.backoff, path="backoff")
        maker: object = getattr(self.policy, "__self__", None)
        if isinstance(maker, _RetryPolicies):
            name = getattr(self.policy, "__name__", "it")
            raise TypeError(
                f"policy is retry_policies.{name} itself, which makes one: call it, retry_policies.{name}(...)"
            )

    def to_json_dict(self) -> dict[str, Any]:
        """The settings as JSON values, without the policy, which is code."""
        backoff = cast("ModelRetryBackoffSettings | None", self.backoff)
        shown: dict[str, Any] = {
            "max_retries": self.max_retries,
            "backoff": None if backoff is None else backoff.to_json_dict(),
        }
        return shown if self.after_output is None else {**shown, "after_output": self.after_output}


@dataclass
class ModelRetryNormalizedError:
    """A failed model call in terms that hold for every provider."""

    status_code: int | None = None
    """The HTTP status, if an answer came."""

    error_code: str | None = None
    """The provider's own code, `rate_limit_exceeded` for instance."""

    message: str | None = None
    """What the provider, or the transport, said."""

    request_id: str | None = None
    """The provider's id of the request, for its support."""

    retry_after: float | None = None
    """Seconds to wait, as the provider asked."""

    is_abort: bool = False
    """Whether the call was cancelled on our side."""

    is_network_error: bool = False
    """Whether the connection failed or broke."""

    is_timeout: bool = False
    """Whether a time limit ended the call."""


@dataclass
class ModelRetryAdviceRequest:
    """What a model is told when it is asked whether a failed call may be repeated."""

    error: Exception
    """What the call raised."""

    attempt: int
    """Which attempt it was, counted from 1."""

    stream: bool
    """Whether the response was being streamed."""

    previous_response_id: str | None = None
    """The stored response that the call went on from."""

    conversation_id: str | None = None
    """The stored conversation that the call went on with."""


@dataclass
class ModelRetryAdvice:
    """What a model knows about repeating a call that failed."""

    suggested: bool | None = None
    """True: worth repeating. False: must not be repeated. None: no opinion."""

    retry_after: float | None = None
    """Seconds to wait, as the provider asked."""

    replay_safety: str | None = None
    """`"safe"`: the failed request had no effect. `"unsafe"`: it may have had one. None: not known."""

    reason: str | None = None
    """Why, for logs."""

    normalized: ModelRetryNormalizedError | None = None
    """The failure in common terms, where the model can tell better than the run."""

    response_started: bool = False
    """Whether part of a response had come before the failure."""


@dataclass
class RetryDecision:
    """A policy's answer."""

    retry: bool
    """Whether to repeat the call."""

    delay: float | None = None
    """Seconds to wait first; None: by the backoff settings."""

    reason: str | None = None
    """Why, for logs."""

    approve_unsafe_replay: bool = False
    """Whether to repeat even though the failed request may have had an effect."""

    def __post_init__(self) -> None:
        # Not fields: only a decision that comes from the provider's own advice
        # carries them, and they must survive `any` and `all`.
        self._is_provider_veto = False
        self._is_replay_known_safe = False

    def is_provider_veto(self) -> bool:
        """Whether the provider itself forbade the retry; then no other policy may allow it."""
        return self._is_provider_veto

    def is_replay_known_safe(self) -> bool:
        """Whether the provider itself said that the failed request had no effect."""
        return self._is_replay_known_safe

    @classmethod
    def from_advice(cls, advice: ModelRetryAdvice) -> RetryDecision:
        """The decision that follows a provider's advice, which must hold an opinion."""
        decision = cls(retry=bool(advice.suggested), delay=advice.retry_after, reason=advice.reason)
        decision._is_provider_veto = not decision.retry
        decision._is_replay_known_safe = decision.retry and advice.replay_safety == "safe"
        if not decision.retry:
            decision.delay = None
        return decision

    def joined_with(self, later: RetryDecision) -> RetryDecision:
        """Two decisions to retry as one: what the later one sets wins."""
        joined = RetryDecision(
            retry=True,
            delay=self.delay if later.delay is None else later.delay,
            reason=self.reason if later.reason is None else later.reason,
            approve_unsafe_replay=self.approve_unsafe_replay or later.approve_unsafe_replay,
        )
        joined._is_replay_known_safe = self._is_replay_known_safe or later._is_replay_known_safe
        return joined


@dataclass
class RetryPolicyContext:
    """What a policy decides on."""

    error: Exception
    """What the call raised."""

    attempt: int
    """Which attempt it was, counted from 1."""

    max_retries: int
    """How many retries the settings allow."""

    stream: bool
    """Whether the response was being streamed."""

    normalized: ModelRetryNormalizedError
    """The failure in terms that hold for every provider."""

    provider_advice: ModelRetryAdvice | None = None
    """What the model knows about repeating this call."""

    previous_response_id: str | None = None
    """The stored response that the call went on from."""

    conversation_id: str | None = None
    """The stored conversation that the call went on with."""

    @property
    def replay_safety(self) -> str:
        """`"safe"`, `"unsafe"`, or `"unknown"`: may the failed request have had an effect?"""
        advice = self.provider_advice
        return "unknown" if advice is None or advice.replay_safety is None else advice.replay_safety

    @property
    def response_started(self) -> bool:
        """Whether part of a response had come before the failure."""
        return self.provider_advice is not None and self.provider_advice.response_started

    @property
    def stateful_request(self) -> bool:
        """Whether the call went on from state that the server keeps."""
        return bool(self.previous_response_id or self.conversation_id)


RetryPolicy: TypeAlias = Callable[
    [RetryPolicyContext], bool | RetryDecision | Awaitable[bool | RetryDecision]
]
"""Decides whether a failed call is made again."""


@dataclass(frozen=True)
class _KnownPolicy:
    """A policy of ours, which can tell whether it covers failures of the transport."""

    decide: RetryPolicy
    retries_safe_transport_errors: bool = False
    retries_all_transient_errors: bool = False

    def __call__(self, context: RetryPolicyContext) -> bool | RetryDecision | Awaitable[bool | RetryDecision]:
        return self.decide(context)


class _RetryPolicies:
    """The policies that come with the package, and two ways to combine them."""

    def never(self) -> RetryPolicy:
        """Repeat nothing."""

        def decide(context: RetryPolicyContext) -> bool:
            del context
            return False

        return _KnownPolicy(decide)

    def provider_suggested(self) -> RetryPolicy:
        """Do as the provider advises; its refusal also overrules other policies in `any`."""

        def decide(context: RetryPolicyContext) -> bool | RetryDecision:
            advice = context.provider_advice
            if advice is None or advice.suggested is None:
                return False
            return RetryDecision.from_advice(advice)

        return _KnownPolicy(decide, retries_safe_transport_errors=True)

    def network_error(self) -> RetryPolicy:
        """Repeat when the connection failed or a time limit ended the call."""

        def decide(context: RetryPolicyContext) -> bool:
            return context.normalized.is_network_error or context.normalized.is_timeout

        return _KnownPolicy(decide, retries_safe_transport_errors=True)

    def retry_after(self) -> RetryPolicy:
        """Repeat when the provider said how long to wait, after that time."""

        def decide(context: RetryPolicyContext) -> bool | RetryDecision:
            delay = context.normalized.retry_after
            if delay is None and context.provider_advice is not None:
                delay = context.provider_advice.retry_after
            return False if delay is None else RetryDecision(retry=True, delay=delay)

        return _KnownPolicy(decide)

    def http_status(self, statuses: Iterable[int]) -> RetryPolicy:
        """Repeat when the answer had one of these HTTP statuses."""
        wanted = frozenset(statuses)
        if not all(type(status) is int for status in wanted):
            raise TypeError(f"http_status takes HTTP statuses as numbers, got {statuses!r}")

        def decide(context: RetryPolicyContext) -> bool:
            return context.normalized.status_code in wanted

        return _KnownPolicy(decide)

    def any(self, *policies: RetryPolicy) -> RetryPolicy:
        """Repeat when at least one policy says so, unless the provider forbade it.

        Every policy is asked. Of several that agree, the last one to name a
        delay or a reason wins.
        """
        if not policies:
            return self.never()

        async def decide(context: RetryPolicyContext) -> RetryDecision:
            agreed: RetryDecision | None = None
            refused = RetryDecision(retry=False)
            for policy in policies:
                decision = await decision_of(policy, context)
                if decision.is_provider_veto():
                    return decision
                if not decision.retry:
                    refused = decision
                else:
                    agreed = decision if agreed is None else agreed.joined_with(decision)
            return refused if agreed is None else agreed

        return _KnownPolicy(
            decide,
            _any_of(retry_policy_retries_safe_transport_errors, policies),
            _any_of(retry_policy_retries_all_transient_errors, policies),
        )

    def all(self, *policies: RetryPolicy) -> RetryPolicy:
        """Repeat when every policy says so; the first refusal is the answer."""
        if not policies:
            return self.never()

        async def decide(context: RetryPolicyContext) -> RetryDecision:
            agreed: RetryDecision | None = None
            for policy in policies:
                decision = await decision_of(policy, context)
                if not decision.retry:
                    return decision
                agreed = decision if agreed is None else agreed.joined_with(decision)
            return RetryDecision(retry=False) if agreed is None else agreed

        return _KnownPolicy(
            decide,
            _all_of(retry_policy_retries_safe_transport_errors, policies),
            _all_of(retry_policy_retries_all_transient_errors, policies),
        )


retry_policies = _RetryPolicies()
"""Policies to choose from: `retry_policies.any(retry_policies.provider_suggested(), ...)`."""


def retry_policy_retries_safe_transport_errors(policy: RetryPolicy | None) -> bool:
    """Whether the policy itself repeats calls whose connection failed before they had an effect."""
    return isinstance(policy, _KnownPolicy) and policy.retries_safe_transport_errors


def retry_policy_retries_all_transient_errors(policy: RetryPolicy | None) -> bool:
    """Whether the policy itself repeats every failure that may pass by itself."""
    return isinstance(policy, _KnownPolicy) and policy.retries_all_transient_errors


def _any_of(asked: Callable[[RetryPolicy | None], bool], policies: tuple[RetryPolicy, ...]) -> bool:
    return any(asked(policy) for policy in policies)


def _all_of(asked: Callable[[RetryPolicy | None], bool], policies: tuple[RetryPolicy, ...]) -> bool:
    return all(asked(policy) for policy in policies)


async def decision_of(policy: RetryPolicy, context: RetryPolicyContext) -> RetryDecision:
    """Ask one policy, plain or async, and give its answer as a decision."""
    answer = policy(context)
    if isawaitable(answer):
        answer = await answer
    return answer if isinstance(answer, RetryDecision) else RetryDecision(retry=bool(answer))


def backoff_settings_from(values: Mapping[str, Any], *, path: str) -> ModelRetryBackoffSettings:
    """Backoff settings from a plain dict, found at `path` in the settings.

    Raises:
        TypeError: a key is unknown; the message names it and the path.
        pydantic.ValidationError: a value is not allowed.
    """
    check_known_keys(values, ModelRetryBackoffSettings, what="model settings", path=path)
    return ModelRetryBackoffSettings(**values)
