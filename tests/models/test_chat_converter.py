"""Input items as chat messages, tools and settings as a chat request, and messages back as items."""

from __future__ import annotations

import dataclasses
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessage
from openai.types.chat.chat_completion_token_logprob import ChatCompletionTokenLogprob
from openai.types.shared import Reasoning

from agents import ItemHelpers
from agents.agent_output import AgentOutputSchema
from agents.exceptions import AgentsException, UserError
from agents.model_settings import MCPToolChoice, ModelSettings
from agents.models._chat_request import ChatServer, chat_messages, chat_request
from agents.models._responses_request import ModelCall
from agents.models.chatcmpl_converter import Converter
from agents.models.chatcmpl_helpers import ChatCmplHelpers
from agents.models.chatcmpl_stream_handler import Part, SequenceNumber, StreamingState
from agents.models.openai_client_utils import is_official_openai_base_url, is_official_openai_client
from agents.models.reasoning_content_replay import ReasoningContentReplayContext
from agents.tool import function_tool, tool_namespace
from models.asking import arguments
from models.chats import Json
from models.test_responses_request import transfer

USER: Json = {"role": "user", "content": "U"}


def message(*content: Json | str) -> Json:
    parts: list[Json] = [
        {"type": "output_text", "text": one, "annotations": []} if isinstance(one, str) else one
        for one in content
    ]
    return {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": parts}


def call(call_id: str = "x", arguments: str = "{}") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": arguments}


def output(value: Any = "r", call_id: str | None = "x") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def asked(*call_ids: str) -> list[Json]:
    return [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in call_ids]


def answered(content: Any = "r", call_id: str = "x") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def messages(*items: Any, **options: Any) -> list[Any]:
    return [*Converter.items_to_messages(list(items), **options)]


REFUSAL: Json = {"type": "refusal", "refusal": "no"}
IMAGE: Json = {"type": "input_image", "image_url": "http://i", "detail": "low"}

CONVERTED: list[tuple[str, list[Any], list[Any]]] = [
    ("plain messages", [{"role": role, "content": "c"} for role in ("user", "system", "developer", "assistant")],
     [{"role": role, "content": "c"} for role in ("user", "system", "developer", "assistant")]),
    ("a typed message", [{"type": "message", **USER}], [USER]),
    ("parts", [{"role": "user", "content": [
        {"type": "input_text", "text": "a"}, IMAGE, {"type": "input_image", "image_url": "i"},
        {"type": "input_file", "file_data": "d", "filename": "n"}, {"type": "input_file", "file_id": "i"},
        {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}]}],
     [{"role": "user", "content": [
        {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "http://i", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "i", "detail": "auto"}},
        {"type": "file", "file": {"file_data": "d", "filename": "n"}}, {"type": "file", "file": {"file_id": "i"}},
        {"type": "input_audio", "input_audio": {"data": "d", "format": "wav"}}]}]),
    ("text alone for the system", [{"role": "system", "content": [{"type": "input_text", "text": "a"}, IMAGE]}],
     [{"role": "system", "content": [{"type": "text", "text": "a"}]}]),
    ("an answer", [message("a", "b")], [{"role": "assistant", "content": "a\nb"}]),
    ("a refusal", [message("a", REFUSAL)], [{"role": "assistant", "refusal": "no", "content": "a"}]),
    ("only a refusal", [message(REFUSAL)], [{"role": "assistant", "refusal": "no"}]),
    ("an empty answer", [message()], [{"role": "assistant", "content": ""}]),
    ("audio by id", [message({"type": "output_audio", "id": "a"})], [{"role": "assistant", "audio": {"id": "a"}}]),
    ("an answer of a program", [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}],
     [{"role": "assistant", "content": "a"}]),
    ("an answer, then a call", [USER, message("a"), call(), output()],
     [USER, {"role": "assistant", "content": "a", "tool_calls": asked("x")}, answered()]),
    ("a call, then an answer", [USER, call(), message("a"), output()],
     [USER, {"role": "assistant", "content": "a", "tool_calls": asked("x")}, answered()]),
    ("answers around a call", [message("a"), call(), message("b"), output()],
     [{"role": "assistant", "content": "a\nb", "tool_calls": asked("x")}, answered()]),
    ("two answers", [message("a"), message("b")],
     [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]),
    ("two calls", [call("x"), call("y"), output(), output(call_id="y")],
     [{"role": "assistant", "content": None, "tool_calls": asked("x", "y")}, answered(), answered(call_id="y")]),
    ("two turns", [call("x"), output(), call("y"), output(call_id="y")],
     [{"role": "assistant", "content": None, "tool_calls": asked("x")}, answered(),
      {"role": "assistant", "content": None, "tool_calls": asked("y")}, answered(call_id="y")]),
    ("a call without arguments", [call(arguments=""), output()],
     [{"role": "assistant", "content": None, "tool_calls": asked("x")}, answered()]),
    ("an output in parts", [call(), output([{"type": "input_text", "text": "a"}, IMAGE])],
     [{"role": "assistant", "content": None, "tool_calls": asked("x")}, answered([{"type": "text", "text": "a"}])]),
    ("a file search", [{"type": "file_search_call", "id": "s", "queries": ["q"], "status": "completed"}],
     [{"role": "assistant", "content": None, "tool_calls": [{"id": "s", "type": "function", "function": {
        "name": "file_search_call", "arguments": '{"queries": ["q"], "status": "completed"}'}}]}]),
    ("reasoning", [USER, {"type": "reasoning", "id": "r", "summary": []}, message("a")],
     [USER, {"role": "assistant", "content": "a"}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("items", "expected"), [case[1:] for case in CONVERTED], ids=[one[0] for one in CONVERTED]
)
def test_items_are_messages(items: list[Any], expected: list[Any]) -> None:
    assert messages(*items) == expected


def test_a_text_is_a_users_message() -> None:
    assert [*Converter.items_to_messages("Hi")] == [{"role": "user", "content": "Hi"}]


UNSENDABLE: list[tuple[Any, str]] = [
    ({"role": "bot", "content": "c"}, "Unhandled item type or structure"),
    ({"type": "web_search_call", "id": "w"}, "Unhandled item type or structure"),
    (
        {"type": "custom_tool_call", "call_id": "c", "name": "n", "input": "i"},
        "Unhandled item type or structure",
    ),
    ({}, "Unhandled item type or structure"),
    (3, "Unhandled item type or structure: 3"),
    ({"type": "function_call", "call_id": "c"}, "Unhandled item type or structure.*it lacks 'name'"),
    (
        {"role": "user", "content": [{"type": "input_text"}]},
        "Unhandled item type or structure.*it lacks 'text'",
    ),
    ({"type": "item_reference", "id": "x"}, "Encountered an item_reference, which is not supported"),
    ({"type": "compaction", "encrypted_content": "x"}, "Compaction items are not supported"),
    (output(call_id=None), r"Unpaired function outputs.*Chat Completions.*Use a Responses model"),
    ({"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}, "Only image URLs are supported"),
    ({"role": "user", "content": [{"type": "input_file", "file_url": "u"}]}, "Only file_data or file_id"),
    (
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "d"}}]},
        "data with its format",
    ),
    ({"role": "user", "content": [{"type": "input_audio"}]}, "Only audio data is supported"),
    ({"role": "user", "content": [{"type": "zzz"}]}, "Unknown content"),
    ({"role": "user", "content": ["x"]}, "Unknown content"),
    ({"role": "user", "content": 3}, "Unknown content: 3"),
    (message({"type": "zz"}), "Unknown content type in ResponseOutputMessage"),
    (message({"type": "output_audio", "data": "d"}), "Only audio IDs are supported"),
]


@pytest.mark.parametrize(("item", "told"), UNSENDABLE)
def test_what_cannot_be_sent_is_refused(item: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        messages(USER, item)


@pytest.mark.parametrize("value", [[IMAGE], []])
def test_an_output_without_text_is_a_placeholder_or_refused(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert messages(call(), output(value))[1] == answered("[tool output omitted]")
    assert "cannot be empty or contain only non-text content" in caplog.text
    with pytest.raises(UserError, match="cannot be empty or contain only non-text content"):
        messages(call(), output(value), strict_feature_validation=True)


def test_what_is_left_out_of_an_output_is_named_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    told = output([{"type": "input_text", "text": "a"}, IMAGE, {"type": "input_file", "file_id": "f"}])
    assert messages(call(), told)[1] == answered([{"type": "text", "text": "a"}])
    assert "takes only the text of a tool output, not its image_url, file." in caplog.text
    with pytest.raises(UserError, match=r"not its image_url, file\."):
        messages(call(), told, strict_feature_validation=True)
    caplog.clear()
    assert len(messages(call(), told, preserve_tool_output_all_content=True)[1]["content"]) == 3
    assert messages(call(), output([{"type": "input_text", "text": "a"}]), strict_feature_validation=True)
    assert not caplog.records


def test_all_of_an_output_is_sent_where_the_server_takes_it() -> None:
    sent = messages(call(), output([IMAGE]), preserve_tool_output_all_content=True)
    assert sent[1] == answered([{"type": "image_url", "image_url": {"url": "http://i", "detail": "low"}}])


# Reasoning


def reasoning(model: str | None = None, **fields: Any) -> Json:
    told = {} if model is None else {"provider_data": {"model": model, **fields.pop("provider_data", {})}}
    return {
        "type": "reasoning",
        "id": "r",
        "summary": [{"type": "summary_text", "text": "S"}],
        **fields,
        **told,
    }


@pytest.mark.parametrize(
    ("origin", "model", "is_replayed"),
    [
        ("deepseek-r1", "deepseek-chat", True),
        (None, "DeepSeek-chat", True),
        ("gpt", "deepseek-chat", False),
        ("m", "m", False),
    ],
)
def test_deepseek_gets_its_reasoning_back(origin: str | None, model: str, is_replayed: bool) -> None:
    for items in ([call(), output()], [message("a")]):
        said = messages(USER, reasoning(origin), *items, model=model)[1]
        assert said.get("reasoning_content") == ("S" if is_replayed else None)


def test_a_function_decides_what_is_replayed() -> None:
    seen: list[ReasoningContentReplayContext] = []

    def decide(context: ReasoningContentReplayContext) -> bool:
        seen.append(context)
        return True

    item = reasoning("m")
    options: Json = {"model": "m", "base_url": "http://b", "should_replay_reasoning_content": decide}
    assert messages(USER, item, message("a"), **options)[1]["reasoning_content"] == "S"
    [context] = seen
    assert (context.model, context.base_url, context.reasoning.origin_model) == ("m", "http://b", "m")
    assert context.reasoning.item is item


def test_reasoning_is_dropped_at_the_next_question() -> None:
    assert messages(reasoning(), USER, message("a"), model="deepseek")[1] == {
        "role": "assistant",
        "content": "a",
    }


def test_a_reasoning_field_goes_back_to_the_model_it_came_from() -> None:
    content = [{"type": "reasoning_text", "text": "R"}]
    item = reasoning("m", content=content, provider_data={"_chat_completions_reasoning_field": "reasoning"})
    assert messages(item, call(), output(), model="m")[0]["reasoning"] == "R"
    assert "reasoning" not in messages(item, call(), output(), model="other")[0]


def test_signed_blocks_go_back_to_the_model_that_signed_them() -> None:
    blocks = [{"type": "thinking", "thinking": "R", "signature": "s"}]
    item = reasoning("claude", provider_data={"thinking_blocks": blocks})
    assert (
        messages(item, call(), model="claude", preserve_thinking_blocks=True)[0]["thinking_blocks"] == blocks
    )
    for options in ({"model": "claude"}, {"model": "other", "preserve_thinking_blocks": True}):
        assert "thinking_blocks" not in messages(item, call(), **options)[0]


# Messages as items


def test_a_message_is_items() -> None:
    told = ChatCompletionMessage.construct(
        None, role="assistant", content="A", refusal="no", reasoning_content="R", tool_calls=asked("x", "y")
    )
    items = Converter.message_to_output_items(told, provider_data={"model": "m"})
    assert [item.type for item in items] == ["reasoning", "message", "function_call", "function_call"]
    assert [item.model_dump()["provider_data"] for item in items] == [{"model": "m"}] * 4
    assert ItemHelpers.extract_last_text(items[1]) is None
    back = messages(*(item.model_dump(exclude_unset=True) for item in items))
    assert back == [{"role": "assistant", "content": "A", "refusal": "no", "tool_calls": asked("x", "y")}]


def test_a_message_that_cannot_be_items_is_refused() -> None:
    audio = ChatCompletionMessage.construct(None, role="assistant", content=None, audio={"id": "a"})
    with pytest.raises(AgentsException, match="Audio is not currently supported"):
        Converter.message_to_output_items(audio)
    custom = [{"id": "x", "type": "custom", "custom": {"name": "f", "input": ""}}]
    told = ChatCompletionMessage.construct(None, role="assistant", content=None, tool_calls=custom)
    assert Converter.message_to_output_items(told) == []
    with pytest.raises(UserError, match="Custom tool calls are not supported"):
        Converter.message_to_output_items(told, strict_feature_validation=True)


def test_items_are_told_apart() -> None:
    kinds = {
        "maybe_easy_input_message": USER,
        "maybe_input_message": {"type": "message", **USER},
        "maybe_response_output_message": message("a"),
        "maybe_function_tool_call": call(),
        "maybe_function_tool_call_output": output(),
        "maybe_reasoning_message": reasoning(),
        "maybe_item_reference": {"type": "item_reference", "id": "x"},
        "maybe_file_search_call": {"type": "file_search_call"},
    }
    for method, item in kinds.items():
        found = [name for name in kinds if getattr(Converter, name)(item) is item]
        assert method in found
        assert set(found) - {method} <= {"maybe_easy_input_message"}


# Requests


@function_tool
def add(a: int) -> int:
    """Adds."""
    return a


def sent(*, model: str = "m", stream: bool = False, is_official: bool = False, **values: Any) -> Json:
    """What is sent of the request, less the headers."""
    values = arguments(**values)
    values.pop("tracing")
    server = ChatServer(model, "http://b", is_official)
    modelcall = ModelCall(**values)
    request = chat_request(modelcall, chat_messages(modelcall, server), server, stream=stream)
    headers = request.pop("extra_headers")
    assert headers["User-Agent"].startswith("Agents/Python ")
    kept = {name: value for name, value in request.items() if value is not openai.omit}
    return {name: value for name, value in kept.items() if not (name.startswith("extra_") and value is None)}


BARE: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_a_bare_call_sends_next_to_nothing() -> None:
    assert sent() == BARE
    assert sent(stream=True) == {**BARE, "stream": True}
    assert sent(is_official=True) == {**BARE, "store": True}
    streamed = {**BARE, "store": True, "stream": True, "stream_options": {"include_usage": True}}
    assert sent(is_official=True, stream=True) == streamed


def test_settings_go_by_the_apis_names() -> None:
    settings = ModelSettings(
        temperature=0.5,
        top_p=0.2,
        frequency_penalty=0.1,
        presence_penalty=0.3,
        tool_choice="add",
        parallel_tool_calls=False,
        max_tokens=5,
        reasoning=Reasoning(effort="low"),
        verbosity="low",
        metadata={"a": "b"},
        store=False,
        prompt_cache_retention="24h",
        prompt_cache_options={"mode": "explicit"},
        top_logprobs=2,
        extra_query={"q": 1},
        extra_body={"e": 2},
        extra_args={"service_tier": "flex"},
    )
    request = sent(
        model_settings=settings, tools=[add], handoffs=[transfer("go")], system_instructions="Be nice."
    )
    tools = request.pop("tools")
    assert [tool["function"]["name"] for tool in tools] == ["add", "go"]
    assert [tool["function"]["strict"] for tool in tools] == [True, True]
    assert request == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be nice."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "top_p": 0.2,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.3,
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "parallel_tool_calls": False,
        "max_tokens": 5,
        "reasoning_effort": "low",
        "verbosity": "low",
        "metadata": {"a": "b"},
        "store": False,
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "logprobs": True,
        "top_logprobs": 2,
        "extra_query": {"q": 1},
        "extra_body": {"e": 2},
        "service_tier": "flex",
    }


def test_parallel_calls_are_only_spoken_of_where_there_are_tools() -> None:
    assert sent(model_settings=ModelSettings(parallel_tool_calls=True)) == BARE


@pytest.mark.parametrize("choice", ["auto", "required", "none", "go"])
def test_a_tool_choice_is_only_sent_where_there_are_tools(choice: str) -> None:
    settings = ModelSettings(tool_choice=choice)
    assert sent(model_settings=settings) == BARE
    for request in (
        sent(model_settings=settings, tools=[add]),
        sent(model_settings=settings, handoffs=[transfer("go")]),
    ):
        assert request["tool_choice"] == Converter.convert_tool_choice(choice)
    with pytest.raises(UserError, match="MCPToolChoice is not supported"):
        sent(model_settings=ModelSettings(tool_choice=MCPToolChoice("a", "b")))


REASONING_MODELS = ["o1", "o1-mini", "o3-pro", "o4-mini-2025-04-16", "gpt-5", "gpt-5.6-luna", "ft:o4-mini:us"]


@pytest.mark.parametrize(
    ("model", "is_official", "name"),
    [
        *((model, True, "max_completion_tokens") for model in REASONING_MODELS),
        *((model, False, "max_tokens") for model in REASONING_MODELS),
        *((model, True, "max_tokens") for model in ("gpt-4o", "gpt-4.1", "o10x", "omni", "gpt-50")),
    ],
)
def test_openais_own_reasoning_models_get_the_limit_by_the_name_they_take(
    model: str, is_official: bool, name: str
) -> None:
    request = sent(model=model, is_official=is_official, model_settings=ModelSettings(max_tokens=5))
    assert {key: value for key, value in request.items() if key.startswith("max_")} == {name: 5}


def test_an_argument_may_not_be_given_twice() -> None:
    settings = ModelSettings(
        prompt_cache_options={"mode": "explicit"}, extra_args={"prompt_cache_options": {}}
    )
    with pytest.raises(TypeError, match=r"multiple values.*prompt_cache_options"):
        sent(model_settings=settings)


def test_an_output_type_is_a_response_format() -> None:
    schema = AgentOutputSchema(list[int])
    told = sent(output_schema=schema)["response_format"]
    assert told["json_schema"] == {"name": "final_output", "strict": True, "schema": schema.json_schema()}
    assert sent(output_schema=AgentOutputSchema(str)) == BARE


def test_a_tool_choice_is_a_mode_or_a_function() -> None:
    for mode in ("auto", "required", "none"):
        assert Converter.convert_tool_choice(mode) == mode
    assert Converter.convert_tool_choice(None) is openai.omit
    with pytest.raises(UserError, match="MCPToolChoice is not supported"):
        Converter.convert_tool_choice(MCPToolChoice("a", "b"))


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (dataclasses.replace(add, defer_loading=True), "defer_loading=True"),
        (dataclasses.replace(add, allowed_callers=["programmatic"]), "allowed_callers"),
        (tool_namespace(name="n", description="d", tools=[add])[0], r"tool_namespace\(\). Tool `n.add`"),
    ],
)
def test_tools_of_the_responses_api_are_refused(tool: Any, told: str) -> None:
    with pytest.raises(UserError, match=f"only supported with OpenAI Responses models: {told}"):
        Converter.tool_to_openai(tool)


def test_hosted_tools_are_refused() -> None:
    hosted: Any = object()
    with pytest.raises(UserError, match="Hosted tools are not supported with the ChatCompletions API"):
        Converter.tool_to_openai(hosted)


def test_content_can_be_converted_alone() -> None:
    parts: list[Any] = [{"type": "input_text", "text": "a"}, IMAGE]
    assert Converter.extract_text_content("x") == Converter.extract_all_content("x") == "x"
    assert Converter.extract_text_content(parts) == [{"type": "text", "text": "a"}]
    assert len(Converter.extract_all_content(parts)) == 2


# Helpers


@pytest.mark.parametrize(
    ("url", "is_official"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1/", True),
        ("http://api.openai.com/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("https://example.org/api.openai.com", False),
        ("http://127.0.0.1:80/v1", False),
        ("http://[", False),
    ],
)
def test_openais_own_server_is_known(url: str, is_official: bool) -> None:
    assert is_official_openai_base_url(url) is is_official


async def test_a_client_is_judged_by_its_url() -> None:
    async with (
        openai.AsyncOpenAI(api_key="x", base_url="https://api.openai.com/v1") as official,
        openai.AsyncOpenAI(api_key="x", base_url="http://127.0.0.1/v1") as other,
    ):
        assert is_official_openai_client(official)
        assert not ChatCmplHelpers.is_openai(other)
        stores = [ChatCmplHelpers.get_store_param(one, ModelSettings()) for one in (official, other)]
        assert stores == [True, None]
        assert ChatCmplHelpers.get_store_param(official, ModelSettings(store=False)) is False
        options = [
            ChatCmplHelpers.get_stream_options_param(one, ModelSettings(), True) for one in (official, other)
        ]
        assert options == [{"include_usage": True}, None]
        assert ChatCmplHelpers.get_stream_options_param(official, ModelSettings(), False) is None


def test_log_probabilities_and_citations_become_the_clients_objects() -> None:
    top: Json = {"token": "B", "logprob": -1.0, "bytes": None}
    told = ChatCompletionTokenLogprob.model_validate(
        {"token": "A", "logprob": -0.5, "bytes": [65], "top_logprobs": [top]}
    )
    [text] = ChatCmplHelpers.convert_logprobs_for_output_text([told]) or []
    [delta] = ChatCmplHelpers.convert_logprobs_for_text_delta([told]) or []
    assert (text.bytes, text.top_logprobs[0].token, delta.logprob) == ([65], "B", -0.5)
    assert ChatCmplHelpers.convert_logprobs_for_output_text(None) is None
    assert ChatCmplHelpers.convert_logprobs_for_text_delta([]) is None
    cited = {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 1, "title": None, "url": "u"},
    }
    [citation] = ChatCmplHelpers.convert_url_citations([cited, {"type": "x"}])
    assert (citation.url, citation.title) == ("u", "")
    assert ChatCmplHelpers.convert_url_citations(None) == []


def test_geminis_thoughts_are_cut_from_call_ids() -> None:
    clean = ChatCmplHelpers.clean_gemini_tool_call_id
    assert clean("a__thought__b", "gemini-3") == "a"
    assert clean("a__thought__b", "gpt") == clean("a__thought__b") == "a__thought__b"


def test_the_small_parts_of_streams_built_by_hand_work() -> None:
    number, state, part = SequenceNumber(), StreamingState(), Part("t", "summary_text")
    assert [number.get_and_increment() for _ in range(3)] == [0, 1, 2]
    assert (part.text, part.type) == ("t", "summary_text")
    state.accumulate_thinking_block({"type": "thinking", "thinking": "a"})
    state.accumulate_thinking_block({"type": "thinking", "thinking": "b", "signature": "s"})
    assert state.thinking_blocks == [{"type": "thinking", "thinking": "ab", "signature": "s"}]
    assert StreamingState().thinking_blocks == []
