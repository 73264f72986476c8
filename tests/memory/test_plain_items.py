"""Laws of what items say: a server that completes them changes nothing of it, and nothing else is taken for the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents._ports.session import plain_item
from agents.memory._server_items import item_for_server, item_from_server
from agents.testing._responses_items import whole_item

_texts = st.text(max_size=3)
_parts = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("input_text"), "text": _texts}),
        st.fixed_dictionaries({"type": st.just("input_image"), "image_url": _texts}),
    ),
    min_size=1,
    max_size=3,
)
_messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.one_of(_texts, _parts)},
    optional={"type": st.just("message"), "status": st.just("completed"), "id": st.just("msg_own")},
)
_calls = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["function_call", "function_call_output", "program", "reasoning"]),
        "call_id": _texts,
        "output": st.one_of(_texts, _parts),
    },
    optional={"id": _texts, "created_by": _texts},
)
_items: st.SearchStrategy[dict[str, Any]] = st.one_of(_messages, _calls)


@given(_items)
def test_what_a_server_keeps_and_gives_back_says_the_same(item: dict[str, Any]) -> None:
    kept = whole_item(item_for_server(item), "item_1")
    assert plain_item(item_from_server(kept)) == plain_item(item_for_server(item))


@given(_items)
def test_what_an_item_says_says_the_same(item: dict[str, Any]) -> None:
    assert plain_item(plain_item(item)) == plain_item(item)


@given(_items)
def test_an_item_that_came_from_a_server_goes_there_as_it_is(item: dict[str, Any]) -> None:
    given_back = item_from_server(whole_item(item, "item_1"))
    assert item_for_server(given_back) == given_back


@given(_messages, _messages)
def test_other_words_or_another_speaker_are_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    def words(item: dict[str, Any]) -> list[Any]:
        content = item["content"]
        return [{"type": "input_text", "text": content}] if isinstance(content, str) else content

    if one["role"] != other["role"] or words(one) != words(other):
        assert plain_item(one) != plain_item(other)
