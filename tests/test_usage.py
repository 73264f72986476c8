from __future__ import annotations

import subprocess
import sys

import pydantic
import pytest
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agents.usage import (
    RequestUsage,
    Usage,
    deserialize_usage,
    model_usage_to_span_usage,
    serialize_usage,
    task_usage_to_span_data,
    total_usage_to_span_metadata,
    turn_usage_to_span_data,
)


def one_request() -> Usage:
    return Usage(
        requests=1,
        input_tokens=10,
        input_tokens_details=InputTokensDetails(cached_tokens=4, cache_write_tokens=2),
        output_tokens=4,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=3),
        total_tokens=14,
    )


def test_importing_usage_loads_neither_openai_nor_pydantic() -> None:
    script = "import sys, agents.usage; print([m for m in ('openai', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_new_usage_is_all_zero() -> None:
    usage = Usage()
    assert (usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens) == (0, 0, 0, 0)
    assert usage.input_tokens_details == InputTokensDetails(cached_tokens=0, cache_write_tokens=0)
    assert usage.output_tokens_details == OutputTokensDetails(reasoning_tokens=0)
    assert usage.request_usage_entries == []


def test_two_new_usages_share_nothing() -> None:
    first, second = Usage(), Usage()
    first.input_tokens_details.cached_tokens = 9
    assert second.input_tokens_details.cached_tokens == 0
    assert Usage().input_tokens_details.cached_tokens == 0


def test_missing_details_count_as_zero() -> None:
    nothing: object = None
    usage = Usage(input_tokens_details=nothing, output_tokens_details=nothing)  # pyright: ignore[reportArgumentType]  # callers pass None
    assert usage == Usage()


def test_details_that_hold_none_count_as_zero() -> None:
    hollow = InputTokensDetails.model_construct(cached_tokens=None)
    assert Usage(input_tokens_details=hollow).input_tokens_details.cached_tokens == 0


def test_chat_completions_details_are_taken_over() -> None:
    usage = Usage(
        input_tokens_details=PromptTokensDetails(cached_tokens=4),  # pyright: ignore[reportArgumentType]  # other models are taken too
        output_tokens_details=CompletionTokensDetails(reasoning_tokens=3),  # pyright: ignore[reportArgumentType]  # other models are taken too
    )
    assert usage.input_tokens_details == InputTokensDetails(cached_tokens=4, cache_write_tokens=0)
    assert usage.output_tokens_details == OutputTokensDetails(reasoning_tokens=3)


def test_a_count_that_is_no_number_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="valid integer"):
        Usage(input_tokens=None)  # pyright: ignore[reportArgumentType]  # that is the point


def test_add_sums_every_field() -> None:
    usage = one_request()
    usage.add(one_request())
    assert (usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens) == (2, 20, 8, 28)
    assert usage.input_tokens_details == InputTokensDetails(cached_tokens=8, cache_write_tokens=4)
    assert usage.output_tokens_details == OutputTokensDetails(reasoning_tokens=6)


def test_add_keeps_an_entry_for_a_single_request_detached_from_its_source() -> None:
    usage, request = Usage(), one_request()
    usage.add(request)
    request.input_tokens_details.cached_tokens = 99
    assert usage.request_usage_entries == [
        RequestUsage(
            input_tokens=10,
            output_tokens=4,
            total_tokens=14,
            input_tokens_details=InputTokensDetails(cached_tokens=4, cache_write_tokens=2),
            output_tokens_details=OutputTokensDetails(reasoning_tokens=3),
        )
    ]
    assert usage.input_tokens_details.cached_tokens == 4


@pytest.mark.parametrize(
    "other",
    [Usage(), Usage(requests=1), Usage(requests=2, total_tokens=9), Usage(requests=0, total_tokens=9)],
    ids=["nothing", "no tokens", "two requests", "no request"],
)
def test_add_makes_no_entry_without_exactly_one_request_that_has_tokens(other: Usage) -> None:
    usage = Usage()
    usage.add(other)
    assert usage.request_usage_entries == []


def test_add_takes_copies_of_the_entries_of_a_usage_that_has_some() -> None:
    source = Usage()
    source.add(one_request())
    source.add(one_request())
    usage = Usage()
    usage.add(source)
    assert usage.request_usage_entries == source.request_usage_entries
    assert usage.request_usage_entries[0] is not source.request_usage_entries[0]


def test_add_to_itself_doubles() -> None:
    usage = Usage()
    usage.add(one_request())
    usage.add(usage)
    assert usage.total_tokens == 28
    assert len(usage.request_usage_entries) == 2


def test_a_usage_survives_json() -> None:
    usage = Usage()
    usage.add(one_request())
    usage.add(one_request())
    assert deserialize_usage(serialize_usage(usage)) == usage


def test_serialized_details_are_lists_of_one() -> None:
    data = serialize_usage(one_request())
    assert data["output_tokens_details"] == [{"reasoning_tokens": 3}]
    assert data["input_tokens_details"][0]["cached_tokens"] == 4


def test_a_usage_without_anything_is_read_as_zero() -> None:
    assert deserialize_usage({}) == Usage()
    assert deserialize_usage({"input_tokens_details": [], "request_usage_entries": None}) == Usage()


def test_span_forms_carry_the_numbers() -> None:
    usage = one_request()
    turn = {
        "input_tokens": 10,
        "output_tokens": 4,
        "cached_input_tokens": 4,
        "cache_write_input_tokens": 2,
    }
    assert turn_usage_to_span_data(usage) == turn
    assert task_usage_to_span_data(usage) == {**turn, "requests": 1, "total_tokens": 14}
    assert total_usage_to_span_metadata(usage) == {**turn, "requests": 1, "total_tokens": 14}
    span = model_usage_to_span_usage(usage)
    assert span["requests"] == 1
    assert span["output_tokens_details"] == {"reasoning_tokens": 3}
