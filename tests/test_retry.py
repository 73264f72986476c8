from __future__ import annotations

import math
from inspect import isawaitable
from typing import Any

import pydantic
import pytest

from agents.retry import (
    ModelRetryAdvice,
    ModelRetryBackoffSettings,
    ModelRetryNormalizedError,
    ModelRetrySettings,
    RetryDecision,
    RetryPolicy,
    RetryPolicyContext,
    retry_policies,
    retry_policy_retries_all_transient_errors,
    retry_policy_retries_safe_transport_errors,
)

NETWORK = ModelRetryNormalizedError(is_network_error=True)
VETO = ModelRetryAdvice(suggested=False, reason="veto")


def always(context: RetryPolicyContext) -> bool:
    return True


def answering(**values: Any) -> RetryPolicy:
    def policy(context: RetryPolicyContext) -> RetryDecision:
        return RetryDecision(**values)

    return policy


async def ask(
    policy: RetryPolicy,
    normalized: ModelRetryNormalizedError | None = None,
    advice: ModelRetryAdvice | None = None,
) -> RetryDecision:
    answer = policy(context(normalized, advice))
    if isawaitable(answer):
        answer = await answer
    return answer if isinstance(answer, RetryDecision) else RetryDecision(retry=answer)


def context(
    normalized: ModelRetryNormalizedError | None = None,
    advice: ModelRetryAdvice | None = None,
    **values: Any,
) -> RetryPolicyContext:
    return RetryPolicyContext(
        error=RuntimeError("x"),
        attempt=1,
        max_retries=2,
        stream=False,
        normalized=ModelRetryNormalizedError() if normalized is None else normalized,
        provider_advice=advice,
        **values,
    )


@pytest.mark.parametrize("name", ["initial_delay", "max_delay", "multiplier"])
@pytest.mark.parametrize("value", [-1, -0.5, math.nan])
def test_negative_backoff_is_refused(name: str, value: float) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(pydantic.ValidationError, match="greater than or equal to 0"):
        ModelRetryBackoffSettings(**values)


def test_the_policy_is_in_neither_json_nor_repr() -> None:
    settings = ModelRetrySettings(max_retries=2, backoff={"initial_delay": 1}, policy=always)
    assert settings.to_json_dict() == {
        "max_retries": 2,
        "backoff": {"initial_delay": 1.0, "max_delay": None, "multiplier": None, "jitter": None},
    }
    assert "always" not in repr(settings)


@pytest.mark.parametrize(
    ("policy", "normalized", "expected"),
    [
        (retry_policies.never(), NETWORK, False),
        (retry_policies.network_error(), NETWORK, True),
        (retry_policies.network_error(), ModelRetryNormalizedError(is_timeout=True), True),
        (retry_policies.network_error(), ModelRetryNormalizedError(status_code=500), False),
        (retry_policies.http_status([500]), ModelRetryNormalizedError(status_code=500), True),
        (retry_policies.http_status([500]), ModelRetryNormalizedError(status_code=429), False),
        (retry_policies.retry_after(), ModelRetryNormalizedError(), False),
        (retry_policies.provider_suggested(), NETWORK, False),
        (retry_policies.any(), NETWORK, False),
        (retry_policies.all(), NETWORK, False),
        (retry_policies.any(retry_policies.never(), always), NETWORK, True),
        (retry_policies.all(retry_policies.never(), always), NETWORK, False),
        (retry_policies.all(retry_policies.network_error(), always), NETWORK, True),
    ],
)
async def test_policies_decide_by_the_normalized_error(
    policy: RetryPolicy, normalized: ModelRetryNormalizedError, expected: bool
) -> None:
    assert (await ask(policy, normalized)).retry is expected


async def test_retry_after_takes_the_delay_from_the_error_or_the_advice() -> None:
    policy = retry_policies.retry_after()
    assert await ask(policy, ModelRetryNormalizedError(retry_after=2.0)) == RetryDecision(True, 2.0)
    assert await ask(policy, advice=ModelRetryAdvice(retry_after=5)) == RetryDecision(True, 5)


async def test_the_providers_refusal_overrules_every_other_policy() -> None:
    policy = retry_policies.any(always, retry_policies.provider_suggested())
    assert await ask(policy, NETWORK, VETO) == RetryDecision(retry=False, reason="veto")


async def test_the_providers_word_that_a_replay_is_safe_survives_combination() -> None:
    safe = ModelRetryAdvice(suggested=True, replay_safety="safe")
    policy = retry_policies.any(retry_policies.provider_suggested(), always)
    assert (await ask(policy, NETWORK, safe)).is_replay_known_safe()
    assert not (await ask(retry_policies.any(always), NETWORK, safe)).is_replay_known_safe()


async def test_of_several_agreeing_policies_the_last_to_set_a_value_wins() -> None:
    first = answering(retry=True, delay=3, reason="a")
    second = answering(retry=True, reason="b", approve_unsafe_replay=True)
    for combined in (retry_policies.any(first, second), retry_policies.all(first, second)):
        assert await ask(combined) == RetryDecision(True, 3, "b", approve_unsafe_replay=True)


async def test_an_async_policy_is_awaited() -> None:
    async def policy(context: RetryPolicyContext) -> bool:
        return True

    assert (await ask(retry_policies.any(policy))).retry


def test_a_policy_tells_whether_it_covers_the_transport() -> None:
    network, suggested = retry_policies.network_error(), retry_policies.provider_suggested()
    covers = retry_policy_retries_safe_transport_errors
    assert covers(network)
    assert covers(retry_policies.any(retry_policies.never(), suggested))
    assert covers(retry_policies.all(network, suggested))
    assert not covers(retry_policies.all(network, always))
    assert not covers(retry_policies.any())
    assert not covers(always)
    assert not covers(None)
    assert not retry_policy_retries_all_transient_errors(retry_policies.any(network, suggested))


def test_the_context_reads_the_advice() -> None:
    plain = context()
    assert (plain.replay_safety, plain.response_started, plain.stateful_request) == ("unknown", False, False)
    told = context(None, ModelRetryAdvice(replay_safety="safe", response_started=True), conversation_id="c")
    assert (told.replay_safety, told.response_started, told.stateful_request) == ("safe", True, True)
