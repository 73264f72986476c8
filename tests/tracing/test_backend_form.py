from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tracing import (
    CustomSpanData,
    FunctionSpanData,
    GenerationSpanData,
    ResponseSpanData,
    SpanData,
    TaskSpanData,
)
from agents.tracing.backend_form import MAX_FIELD_BYTES, encode, for_openai

USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "details": {"x": 1}, "requests": None}


def sent(data: SpanData) -> dict[str, Any]:
    return for_openai({"object": "trace.span", "span_data": data.export()})["span_data"]


def size_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


class TestUsage:
    def test_of_a_generation_the_tokens_and_the_rest_as_details(self):
        assert sent(GenerationSpanData(usage=USAGE))["usage"] == {
            "input_tokens": 1,
            "output_tokens": 2,
            "details": {"x": 1, "total_tokens": 3},
        }

    @pytest.mark.parametrize("usage", [{"input_tokens": 1}, {"input_tokens": "1", "output_tokens": 2}, {}])
    def test_without_both_counts_there_is_none(self, usage: dict[str, Any]):
        assert "usage" not in sent(GenerationSpanData(usage=usage))

    def test_of_a_response_it_is_left_out(self):
        assert "usage" not in sent(ResponseSpanData(usage=USAGE))

    def test_of_a_task_it_is_data_like_any_other(self):
        assert sent(TaskSpanData("t", usage=USAGE))["data"]["usage"] == USAGE


class TestReasoning:
    def test_messages_of_generations_go_without_it_and_the_span_keeps_it(self):
        message = {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "x"}],
            "reasoning": "hm",
            "reasoning_content": "hm",
            "thinking_blocks": ["hm"],
        }
        data = GenerationSpanData(input=[message], output=[message])
        before = copy.deepcopy(data.export())
        cleaned = [{"role": "assistant", "content": [{"type": "text", "text": "x"}]}]
        assert (sent(data)["input"], sent(data)["output"]) == (cleaned, cleaned)
        assert data.export() == before

    def test_what_is_no_message_keeps_its_names(self):
        response = {"id": "resp_1", "reasoning": {"effort": "low"}}
        assert sent(GenerationSpanData(output=[response]))["output"] == [response]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9).map(lambda text: text * 9_000),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=3), inner, max_size=9),
    max_leaves=20,
)


class TestSizes:
    @given(value=json_values)
    def test_an_input_fits_and_one_that_fits_is_left_alone(self, value: Any):
        found = sent(FunctionSpanData("f", value, None))["input"]
        assert size_bytes(found) <= MAX_FIELD_BYTES
        if size_bytes(value) <= MAX_FIELD_BYTES:
            assert found == value

    def test_a_long_text_is_cut_and_says_so(self):
        found = sent(FunctionSpanData("f", "é" * 90_000, "short"))
        assert found["input"].startswith("ééé")
        assert found["input"].endswith("é... [truncated]")
        assert found["output"] == "short"

    def test_of_very_many_messages_the_last_are_sent(self):
        messages = [{"role": "user", "content": f"{number} " + "x" * 90} for number in range(5_000)]
        found = sent(GenerationSpanData(input=messages))["input"]
        assert 500 < len(found) < 5_000
        assert found == messages[-len(found) :]

    def test_an_object_of_very_many_things_is_named_alone(self):
        found = sent(_with_input({str(n): n for n in range(30_000)}))
        assert found["input"] == {"truncated": True}

    def test_data_of_the_programs_own_is_not_touched(self):
        data = {"text": "x" * 200_000}
        assert sent(CustomSpanData("c", data))["data"] == data


def _with_input(value: Any) -> FunctionSpanData:
    return FunctionSpanData("f", value, None)


def test_texts_and_numbers_of_other_classes_are_what_they_are():
    class Text(str):
        __slots__ = ()

    class Number(int):
        pass

    class Fields(dict[str, Any]):
        pass

    body = json.loads(encode([Fields(text=Text("x"), number=Number(3), big=2**70)]))
    assert body == {"data": [{"text": "x", "number": 3, "big": 2**70}]}
