from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from agents import (
    AgentRunner,
    Model,
    ModelProvider,
    RunConfig,
    Runner,
    function_tool,
)
from agents.run import get_default_agent_runner, set_default_agent_runner
from agents.testing import ModelCall, ModelStep, assistant_message
from run.scripts import calls, scripted, text


@function_tool
def look(word: str = "") -> str:
    return f"seen {word}"


class TestLoops:
    def test_the_default_loop_is_used_and_stays_open(self, default_loop: asyncio.AbstractEventLoop):
        loops: list[Any] = []

        async def answer(call: ModelCall) -> Any:
            loops.append(asyncio.get_running_loop())
            return [assistant_message("done")]

        agent, _ = scripted(ModelStep.respond(answer), ModelStep.respond(answer))
        assert Runner.run_sync(agent, "Hi").final_output == "done"
        assert Runner.run_sync(agent, "Hi").final_output == "done"
        assert loops == [default_loop, default_loop]
        assert not default_loop.is_closed()

    def test_a_closed_default_loop_is_replaced(self, default_loop: asyncio.AbstractEventLoop):
        default_loop.close()
        agent, _ = scripted(text())
        assert Runner.run_sync(agent, "Hi").final_output == "done"
        made = asyncio.get_event_loop()
        assert made is not default_loop
        made.close()

    def test_a_thread_without_a_loop_gets_one(self):
        outputs: list[Any] = []

        def work() -> None:
            agent, _ = scripted(calls(("look", {})), text(), tools=[look])
            outputs.append(Runner.run_sync(agent, "Hi").final_output)
            outputs.append(asyncio.get_event_loop().is_closed())
            asyncio.get_event_loop().close()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert outputs == ["done", False]

    async def test_it_refuses_to_run_inside_a_running_loop_and_says_what_to_do(self):
        agent, model = scripted(text())
        with pytest.raises(RuntimeError, match=r"already running: await run\(\)"):
            Runner.run_sync(agent, "Hi")
        assert model.calls == ()

    def test_an_interrupt_cancels_the_run_and_awaits_its_end(self, default_loop: asyncio.AbstractEventLoop):
        cleaned: list[bool] = []

        async def answer(call: ModelCall) -> Any:
            def interrupt() -> None:
                raise KeyboardInterrupt

            asyncio.get_running_loop().call_soon(interrupt)
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(True)

        agent, _ = scripted(ModelStep.respond(answer))
        with pytest.raises(KeyboardInterrupt):
            Runner.run_sync(agent, "Hi")
        assert cleaned == [True]
        assert asyncio.all_tasks(default_loop) == set()

    def test_async_generators_are_finalized(self, default_loop: asyncio.AbstractEventLoop):
        closed: list[bool] = []
        kept: list[Any] = []

        async def numbers() -> AsyncIterator[int]:
            try:
                yield 1
                yield 2
            finally:
                closed.append(True)

        @function_tool
        async def start() -> str:
            kept.append(numbers())
            return str(await anext(kept[0]))

        agent, _ = scripted(calls(("start", {})), text(), tools=[start])
        Runner.run_sync(agent, "Hi")
        assert closed == [True]

    def test_async_generators_of_a_second_run_are_as_welcome(self, default_loop: asyncio.AbstractEventLoop):
        closed: list[str] = []
        kept: list[Any] = []

        async def words(word: str) -> AsyncIterator[str]:
            try:
                yield word
                yield word
            finally:
                closed.append(word)

        @function_tool
        async def say(word: str) -> str:
            kept.append(words(word))
            return await anext(kept[-1])

        for word in ("one", "two"):
            agent, model = scripted(calls(("say", {"word": word})), text(), tools=[say])
            Runner.run_sync(agent, "Hi")
            assert model.calls[-1].input[-1]["output"] == word
        assert closed == ["one", "two"]

    def test_errors_of_the_run_are_raised(self, default_loop: asyncio.AbstractEventLoop):
        agent, _ = scripted(ValueError("offline"))
        with pytest.raises(ValueError, match="offline"):
            Runner.run_sync(agent, "Hi")


class TestDefaultRunner:
    async def test_another_runner_gets_every_call_even_if_it_is_false(self):
        seen: list[str] = []

        class Loud(AgentRunner):
            def __bool__(self) -> bool:
                return False

            async def run(self, starting_agent: Any, input: Any, **kwargs: Any) -> Any:
                seen.append("run")
                return await super().run(starting_agent, input, **kwargs)

            def run_streamed(self, starting_agent: Any, input: Any, **kwargs: Any) -> Any:
                seen.append("run_streamed")
                return super().run_streamed(starting_agent, input, **kwargs)

        loud = Loud()
        set_default_agent_runner(loud)
        try:
            assert get_default_agent_runner() is loud
            agent, _ = scripted(text(), text())
            await Runner.run(agent, "Hi")
            result = Runner.run_streamed(agent, "Hi")
            assert result.run_loop_task is not None
            await result.run_loop_task
        finally:
            set_default_agent_runner(None)
        assert seen == ["run", "run_streamed"]
        assert get_default_agent_runner() is not loud
        assert type(get_default_agent_runner()) is AgentRunner


class Provider(ModelProvider):
    """Finds one model, and tells whether it was closed."""

    made: ClassVar[list[Provider]] = []
    steps: ClassVar[list[Any]] = []
    close_error: ClassVar[Exception | None] = None

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.closed = 0
        Provider.made.append(self)

    def get_model(self, model_name: str | None) -> Model:
        self.asked.append(model_name)
        return scripted(*Provider.steps)[1]

    async def aclose(self) -> None:
        self.closed += 1
        if Provider.close_error is not None:
            raise Provider.close_error


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> type[Provider]:
    """The class of the provider that runs make for themselves."""
    Provider.made, Provider.steps, Provider.close_error = [], [text()], None
    monkeypatch.setattr("agents.models.multi_provider.MultiProvider", Provider)
    return Provider


class TestProviders:
    async def test_one_that_the_run_made_is_closed_once(self, provider: type[Provider]):
        agent, _ = scripted()
        agent.model = None
        await Runner.run(agent, "Hi")
        [made] = provider.made
        assert (made.asked, made.closed) == ([None], 1)

    async def test_one_that_a_dict_of_settings_made_is_closed(self, provider: type[Provider]):
        agent, _ = scripted()
        agent.model = "m"
        await Runner.run(agent, "Hi", run_config={"workflow_name": "w"})
        [made] = provider.made
        assert (made.asked, made.closed) == (["m"], 1)

    async def test_for_a_streamed_run_that_is_when_it_has_settled(self, provider: type[Provider]):
        agent, _ = scripted()
        agent.model = None
        result = Runner.run_streamed(agent, "Hi")
        assert provider.made[0].closed == 0
        async for _ in result.stream_events():
            assert provider.made[0].closed == 0
        assert provider.made[0].closed == 1

    async def test_a_cancelled_run_closes_it_too(self, provider: type[Provider]):
        agent, _ = scripted()
        agent.model = None
        result = Runner.run_streamed(agent, "Hi")
        result.cancel()
        assert result.run_loop_task is not None
        await asyncio.wait([result.run_loop_task])
        assert provider.made[0].closed == 1

    def test_run_sync_closes_it(self, provider: type[Provider], default_loop: asyncio.AbstractEventLoop):
        agent, _ = scripted()
        agent.model = None
        Runner.run_sync(agent, "Hi")
        assert provider.made[0].closed == 1

    async def test_one_that_was_passed_is_never_closed(self, provider: type[Provider]):
        agent, _ = scripted()
        agent.model = None
        mine = Provider()
        await Runner.run(agent, "Hi", run_config=RunConfig(model_provider=mine))
        await Runner.run(agent, "Hi", run_config={"model_provider": mine})
        assert (len(provider.made), mine.asked, mine.closed) == (1, [None, None], 0)

    async def test_a_failing_close_is_logged_and_hides_nothing(
        self, provider: type[Provider], caplog: pytest.LogCaptureFixture
    ):
        provider.close_error = ValueError("cannot close")
        agent, _ = scripted()
        agent.model = None
        assert (await Runner.run(agent, "Hi")).final_output == "done"
        assert "Failed to close model provider created for run" in caplog.text
        provider.steps = [ValueError("the run's own")]
        with pytest.raises(ValueError, match="the run's own"):
            await Runner.run(agent, "Hi")
