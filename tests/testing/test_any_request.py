"""Law: whatever JSON a client sends, over either transport, it is answered, and nothing breaks."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.client import ClientConnection, connect

from agents.testing import ResponsesServer, Step
from testing.sockets import LAST

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(0, 2) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_ITEM = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["message", "function_call", "function_call_output", "item_reference"])
        | _JSON,
        "role": st.sampled_from(["user", "assistant"]) | _JSON,
        "content": st.just("Hi") | _JSON,
        "call_id": st.sampled_from(["call_1_0", "c"]) | _JSON,
    },
)
_PLAIN = """instructions store stream background temperature top_p max_output_tokens metadata text reasoning include
    tool_choice parallel_tool_calls conversation prompt service_tier"""
_BODY = st.fixed_dictionaries(
    {"model": st.just("m") | _JSON},
    optional={
        "input": st.just("Hi") | st.lists(_ITEM, max_size=3) | _JSON,
        "tools": st.lists(st.just({"type": "function", "name": "f"}) | _JSON, max_size=2) | _JSON,
        "previous_response_id": st.sampled_from(["resp_1", "resp_2"]) | _JSON,
        **{name: st.booleans() | _JSON for name in _PLAIN.split()},
    },
)
_FRAME = _JSON | st.tuples(
    st.sampled_from(["response.create"] * 6 + ["response.steer", "response.cancel"]) | _JSON,
    _BODY,
    st.dictionaries(st.sampled_from(["generate", "stream_id"]), st.just("lane") | st.booleans() | _JSON),
).map(lambda parts: {"type": parts[0], **parts[1], **parts[2]})


@pytest.fixture(scope="module")
def server() -> Generator[ResponsesServer]:
    step = Step().text("Hi").function_call("f")
    with ResponsesServer(lambda _: step) as server:
        yield server
        server.assert_complete()


@pytest.fixture(scope="module")
def socket(server: ResponsesServer) -> Generator[ClientConnection]:
    with connect(server.websocket_base_url + "/responses") as socket:
        yield socket


@given(frame=_FRAME)
def test_every_frame_is_answered_on_a_socket_that_stays_open(socket: ClientConnection, frame: Any):
    socket.send(json.dumps(frame))
    event = json.loads(socket.recv(timeout=10))
    while event["type"] not in LAST and not event["type"].startswith("response.steer."):
        event = json.loads(socket.recv(timeout=10))
    if event["type"] == "error":
        assert event["status"] == 400
        assert event["error"]["type"] == "invalid_request_error"


@given(body=_BODY | _JSON)
def test_every_body_is_answered_with_a_response_or_its_refusal(server: ResponsesServer, body: Any):
    connection = http.client.HTTPConnection(server.base_url.split("/")[2], timeout=10)
    connection.request("POST", "/v1/responses", json.dumps(body))
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    assert answer.status in {200, 400}
    if answer.status == 400:
        assert json.loads(data)["error"]["type"] == "invalid_request_error"
    else:
        assert b'"resp_' in data


def test_nesting_without_end_is_refused(server: ResponsesServer, socket: ClientConnection):
    socket.send("[" * 200_000)
    assert json.loads(socket.recv(timeout=10))["error"]["code"] == "invalid_json"
