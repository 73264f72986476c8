"""What a request over a WebSocket is made of, and the conversations that are remembered."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
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


def test_a_chain_is_known_to_its_owner_only() -> None:
    chains = ResponseChains()
    chains.note("A", "r1", {"input": ["a1"]}, [])
    body = {"input": ["i2"], "previous_response_id": "r1"}
    assert chains.expanded("B", body) is None
    # Servers may give the same id to two owners.
    chains.note("B", "r1", {"input": ["b1"]}, [])
    assert chains.expanded("A", body) == {"input": ["a1", "i2"]}
    assert chains.expanded("B", body) == {"input": ["b1", "i2"]}


def test_a_chain_is_the_inputs_and_outputs_from_its_beginning() -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": ["i1"]}, ["o1"])
    chains.note(ME, "r2", {"input": ["i2"], "previous_response_id": "r1"}, ["o2", "p2"])
    body = {"model": "m", "input": ["i3"], "previous_response_id": "r2"}
    assert chains.expanded(ME, body) == {"model": "m", "input": ["i1", "o1", "i2", "o2", "p2", "i3"]}
    assert body["previous_response_id"] == "r2"


def test_a_chain_may_fork() -> None:
    chains = ResponseChains()
    chains.note(ME, "r1", {"input": ["i1"]}, ["o1"])
    for name in ("a", "b"):
        chains.note(ME, name, {"input": [f"i{name}"], "previous_response_id": "r1"}, [f"o{name}"])
    expanded = chains.expanded(ME, {"input": [], "previous_response_id": "b"})
    assert expanded == {"input": ["i1", "o1", "ib", "ob"]}


@pytest.mark.parametrize("parent", ["r9", "loop", 3])
def test_a_chain_with_an_unknown_part_is_none(parent: object) -> None:
    chains = ResponseChains()
    chains.note(ME, "r2", {"input": ["i2"], "previous_response_id": "r1"}, ["o2"])
    chains.note(ME, "loop", {"input": [], "previous_response_id": "loop"}, [])
    assert chains.expanded(ME, {"input": [], "previous_response_id": parent}) is None
    assert chains.expanded(ME, {"input": [], "previous_response_id": "r2"}) is None


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    chains = ResponseChains()
    for number in range(100):
        chains.note(ME, f"r{number}", {"input": list(range(99))}, ["o"])
        # A response that comes again takes no place of its own.
        chains.note(ME, f"r{number}", {"input": list(range(99))}, ["o"])
    known = [
        number
        for number in range(100)
        if chains.expanded(ME, {"previous_response_id": f"r{number}"}) is not None
    ]
    assert known == list(range(60, 100))
