"""What a request over a WebSocket is made of, and the conversations that are remembered."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseOutputMessage, ResponseOutputText, ResponseReasoningItem
from openai.types.shared import Reasoning

from agents.models._websocket_request import ResponseChains, create_frame, socket_request


def sent(body: dict[str, Any], lane: str | None = None) -> dict[str, Any]:
    return json.loads(create_frame(body, lane))


def test_a_frame_has_what_is_set_and_nothing_of_the_transport() -> None:
    request = socket_request(
        {
            "model": "m",
            "temperature": openai.omit,
            "top_p": openai.not_given,
            "stream": True,
            "stream_options": {"include_obfuscation": False},
            "background": True,
            "extra_headers": {"a": "b"},
            "extra_query": {"c": "d"},
            "extra_body": {"model": "n", "own": None},
            "timeout": 3,
        }
    )
    assert sent(request.body) == {"type": "response.create", "model": "n", "own": None}
    assert (request.headers, request.query, request.timeout) == ({"a": "b"}, {"c": "d"}, 3)


def test_a_lane_is_named_in_the_frame() -> None:
    assert sent({"model": "m"}, "lane_1") == {"type": "response.create", "model": "m", "stream_id": "lane_1"}


def test_objects_of_the_client_and_of_python_are_written_as_json() -> None:
    text = ResponseOutputText(type="output_text", text="Hi", annotations=[])
    message = ResponseOutputMessage.model_construct(type="message", role="assistant", content=[text])
    body = {
        "reasoning": Reasoning(effort="low"),
        "input": [message],
        "metadata": MappingProxyType({"a": "b"}),
        "include": ("x",),
    }
    assert sent(body) == {
        "type": "response.create",
        "reasoning": {"effort": "low"},
        "input": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
            }
        ],
        "metadata": {"a": "b"},
        "include": ["x"],
    }


def test_what_is_no_json_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="cannot hold a value of type object"):
        create_frame({"metadata": object()}, None)


# Chains

ME = "the address and key of the requests"


def expanded(chains: ResponseChains, parent: object, *items: object, owner: str = ME) -> list[Any] | None:
    """The input that these items become behind that parent."""
    body = chains.expanded(owner, {"model": "m", "input": list(items), "previous_response_id": parent})
    if body is None:
        return None
    frame = sent(body)
    assert frame == {"type": "response.create", "model": "m", "input": frame["input"]}
    return frame["input"]


def test_a_chain_is_known_to_its_owner_only() -> None:
    chains = ResponseChains()
    chains.note("A", "r1", {"input": ["a1"]}, [])
    assert expanded(chains, "r1", "i2", owner="B") is None
    # Servers may give the same id to two owners.
    chains.note("B", "r1", {"input": ["b1"]}, [])
    assert expanded(chains, "r1", "i2", owner="A") == ["a1", "i2"]
    assert expanded(chains, "r1", "i2", owner="B") == ["b1", "i2"]


def test_a_chain_is_the_inputs_and_outputs_from_its_beginning() -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": ["i1"]}, ["o1"])
    chains.note(ME, "r2", {"input": ["i2"], "previous_response_id": "r1"}, ["o2", "p2"])
    body = {"model": "m", "input": ["i3"], "previous_response_id": "r2"}
    assert expanded(chains, "r2", "i3") == ["i1", "o1", "i2", "o2", "p2", "i3"]
    chains.expanded(ME, body)
    assert body["previous_response_id"] == "r2"


def test_a_chain_may_fork() -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": ["i1"]}, ["o1"])
    for name in ("a", "b"):
        chains.note(ME, name, {"input": [f"i{name}"], "previous_response_id": "r1"}, [f"o{name}"])
    assert expanded(chains, "b") == ["i1", "o1", "ib", "ob"]


@pytest.mark.parametrize("parent", ["r9", "loop", 3])
def test_a_chain_with_an_unknown_part_is_none(parent: object) -> None:
    chains = ResponseChains()
    chains.note(ME, "r2", {"input": ["i2"], "previous_response_id": "r1"}, ["o2"])
    chains.note(ME, "loop", {"input": [], "previous_response_id": "loop"}, [])
    assert expanded(chains, parent) is None
    assert expanded(chains, "r2") is None


def test_a_chain_holds_what_was_sent_and_not_what_became_of_it() -> None:
    chains = ResponseChains()
    items: list[Any] = [{"role": "user", "content": "first"}]
    output = [{"content": "one"}]
    request = socket_request({"input": items})
    items[0]["content"] = "changed"
    chains.note(ME, "r1", request.body, output)
    output.clear()
    assert sent(request.body)["input"] == [{"role": "user", "content": "first"}]
    assert expanded(chains, "r1", 2) == [{"role": "user", "content": "first"}, {"content": "one"}, 2]


@pytest.mark.parametrize("store", [False, True, None])
def test_reasoning_that_no_server_has_is_not_sent_again(store: bool | None) -> None:
    bare: Any = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    output: list[Any] = [
        ResponseReasoningItem.model_validate(bare),
        bare,
        {**bare, "encrypted_content": "abc"},
        {**bare, "content": [{"type": "reasoning_text", "text": "Hm, hm."}]},
        {"type": "message", "role": "assistant", "content": []},
    ]
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": [], "store": store}, output)
    assert expanded(chains, "r1") == (output[2:] if store is False else [bare, *output[1:]])


@pytest.mark.parametrize("item", ["\ud800", object()])
def test_an_output_that_cannot_be_sent_is_not_part_of_a_chain(item: object) -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": []}, [item])
    assert expanded(chains, "r1") is None


def test_what_is_remembered_is_bounded_in_bytes_and_the_oldest_goes_first() -> None:
    chains = ResponseChains()
    for number in range(100):
        body = {"input": [{"image": "x" * 499_000}]}
        chains.note(ME, f"r{number}", body, ["o" * 499_000])
        # A response that comes again takes no place of its own.
        chains.note(ME, f"r{number}", body, ["o" * 499_000])
    known = [number for number in range(100) if expanded(chains, f"r{number}") is not None]
    assert known == list(range(84, 100))
    for number in range(100_000):
        chains.note(ME, f"s{number}", {}, [])
    assert sum(expanded(chains, f"s{number}") is not None for number in range(100_000)) < 20_000
    chains.note(ME, "huge", {"input": ["x" * 20_000_000]}, [])
    assert expanded(chains, "huge") is None


@pytest.mark.parametrize("given", ["Hi", 3, {"role": "user"}])
def test_an_input_that_is_no_list_is_not_part_of_a_chain(given: object) -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": given}, [])
    assert expanded(chains, "r1") is None
    chains.note(ME, "r2", {"input": ["i2"]}, [])
    assert chains.expanded(ME, {"input": given, "previous_response_id": "r2"}) is None
