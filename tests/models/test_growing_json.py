"""A text that grows is whole when it is one JSON value, and asking is cheap."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models._growing_json import GrowingJson

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\{}[]é\n', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
_TEXTS = _VALUES.map(json.dumps) | st.text(alphabet='"\\{}[]:,1 n', max_size=12)


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


@given(st.lists(_TEXTS, min_size=1, max_size=2), st.lists(st.integers(1, 4), min_size=1), st.data())
def test_a_text_is_whole_exactly_when_it_is_one_json_value(
    texts: list[str], sizes: list[int], data: st.DataObject
) -> None:
    told = " ".join(texts)
    grown, so_far = GrowingJson(), ""
    while told and len(so_far) < 16:
        size = data.draw(st.sampled_from(sizes))
        piece, told = told[:size], told[size:]
        so_far += piece
        grown.append(piece)
        if data.draw(st.booleans()):
            assert grown.is_whole() == is_json(so_far), so_far
    if told:
        grown.append(told)
    assert grown.is_whole() == is_json(so_far + told)
    assert grown.text() == so_far + told


@pytest.mark.parametrize("text", ['"\ud800"', "[" * 5_000 + "]" * 5_000])
def test_what_cannot_be_read_is_not_whole(text: str) -> None:
    grown = GrowingJson()
    assert not grown
    grown.append(text)
    assert grown
    assert not grown.is_whole()
