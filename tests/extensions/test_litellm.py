"""Models that litellm reaches: the real package against a loopback server, where it is installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents import Agent, RunConfig, Runner
from agents.extensions.models.litellm_model import LitellmModel
from agents.extensions.models.litellm_provider import LitellmProvider

QUIET = RunConfig(tracing_disabled=True)

PROGRAM = """
import asyncio
from agents import Agent, RunConfig, Runner, function_tool
from agents.extensions.models.litellm_model import LitellmModel
from models.chat_server import ChatServer, document, failing, streaming
from models.chats import USAGE, answer, call, chunk, text

QUIET = RunConfig(tracing_disabled=True)

@function_tool
def double(number: int) -> int:
    return 2 * number

ASKING = [chunk({"reasoning_content": "Hm."}), call(0, "call_1", "double", '{"number"'), call(0, arguments=": 4}"),
          chunk({}, "tool_calls"), chunk(usage=USAGE)]
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "double", "arguments": '{"number": 4}'}}]
ANSWERING = [text("It is "), text("8."), chunk({}, "stop"), chunk(usage=USAGE)]

async def main():
    answers = [streaming(ASKING), streaming(ANSWERING), document(answer({"content": None, "tool_calls": CALLS})),
               document(answer({"content": "It is 8."})), failing(400, "no such thing")]
    async with ChatServer(answers) as server:
        model = LitellmModel("openai/m", base_url=server.base_url, api_key="key")
        agent = Agent(name="a", model=model, tools=[double])
        result = Runner.run_streamed(agent, "Hi", run_config=QUIET)
        pieces = [piece async for piece in result.stream_text()]
        assert pieces == ["It is ", "8."], pieces
        asked = await Runner.run(agent, "Hi", run_config=QUIET)
        assert asked.final_output == result.final_output == "It is 8."
        assert [item.type for item in result.new_items][0] == "reasoning_item"
        usages = [one.context_wrapper.usage for one in (asked, result)]
        assert [(one.requests, one.input_tokens, one.output_tokens) for one in usages] == [(2, 6, 8)] * 2, usages
        first = server.requests[0]
        assert first.headers["authorization"] == "Bearer key"
        assert first.body["model"] == "m" and first.body["stream_options"] == {"include_usage": True}, first.body
        try:
            await Runner.run(agent, "Hi", run_config=QUIET)
        except Exception as error:
            print(type(error).__mro__[1].__module__.partition(".")[0], "no such thing" in str(error))

asyncio.run(main())
"""


@pytest.mark.skipif(
    importlib.util.find_spec("litellm") is None,
    reason="litellm is not installed: pip install 'headrace[litellm]'",
)
def test_a_run_over_litellm_is_the_same_streamed_or_not() -> None:
    # In a process of its own: the package asks the network for prices when it is imported, and warns of much.
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "openai True"


async def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(ImportError, match=r"pip install 'headrace\[litellm\]'"):
        await Runner.run(Agent(name="a", model=LitellmModel("x/y")), "Hi", run_config=QUIET)


def test_the_provider_gives_models_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_DEFAULT_MODEL", "gpt-9")
    models = [LitellmProvider().get_model(name) for name in ("anthropic/claude", None)]
    assert [model.model for model in models if isinstance(model, LitellmModel)] == [
        "anthropic/claude",
        "gpt-9",
    ]
