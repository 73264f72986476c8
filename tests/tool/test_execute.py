"""Performing calls: outputs, failures, cancellation, time limits, threads and generators."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.exceptions import AgentsException, ModelBehaviorError, ToolTimeoutError, UserError
from agents.run_context import RunContextWrapper
from agents.tool import (
    FunctionTool,
    default_tool_error_function,
    default_tool_timeout_error_message,
    execute_function_tool,
    function_tool,
    invoke_function_tool,
    maybe_invoke_function_tool_failure_error_function,
    resolve_function_tool_failure_error_function,
    run_failure,
    set_function_tool_failure_error_function,
    tool_namespace,
    with_function_tool_failure_error_handler,
)
from agents.tool_context import ToolContext
from agents.usage import Usage

DEFAULT = "An error occurred while running the tool. Please try again."


class Unprintable(Exception):
    """Fails the test that formats it."""

    def __str__(self) -> str:
        raise AssertionError("the exception was formatted")

    __repr__ = __str__


def call_context(tool: FunctionTool, **fields: Any) -> ToolContext[Any]:
    return ToolContext(None, Usage(), tool.name, "c1", "{}", **fields)


async def invoked(tool: FunctionTool, arguments: str = "{}", **fields: Any) -> Any:
    return await invoke_function_tool(
        function_tool=tool, context=call_context(tool, **fields), arguments=arguments
    )


async def told(context: RunContextWrapper[Any], error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@function_tool
async def add(left: int, right: int = 1) -> int:
    return left + right


@function_tool
async def fails() -> None:
    raise Unprintable


# --- Arguments --------------------------------------------------------------------------------------------------------


async def test_arguments_are_validated_and_defaults_filled_in() -> None:
    assert await invoked(add, '{"left":1,"right":2}') == 3
    assert await invoked(add, '{"left":1}') == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{", "Invalid JSON input for tool add"),
        ("", "Invalid JSON input for tool add"),
        ('{"left":"no"}', "Invalid JSON input for tool add"),
        ("[]", "Invalid JSON input for tool add: expected a JSON object"),
        ("null", "Invalid JSON input for tool add: expected a JSON object"),
    ],
)
async def test_bad_arguments_are_the_models_fault(arguments: str, message: str) -> None:
    tool = function_tool(add_one, name_override="add", failure_error_function=None)
    with pytest.raises(ModelBehaviorError) as raised:
        await invoked(tool, arguments)
    assert str(raised.value) == message
    assert await invoked(add, arguments) == DEFAULT


async def add_one(left: int) -> int:
    return left + 1


async def test_no_text_is_no_arguments() -> None:
    assert await invoked(function_tool(answer), "") == 42


async def answer() -> int:
    return 42


async def test_the_context_comes_first_when_the_function_asks_for_it() -> None:
    @function_tool
    async def whoami(context: ToolContext[Any], greeting: str) -> str:
        return f"{greeting} {context.tool_call_id}"

    @function_tool
    def whoami_sync(context: RunContextWrapper[Any], greeting: str) -> str:
        return f"{greeting} {type(context).__name__}"

    assert await invoked(whoami, '{"greeting":"hi"}') == "hi c1"
    assert await invoked(whoami_sync, '{"greeting":"hi"}') == "hi ToolContext"


# --- Failures ---------------------------------------------------------------------------------------------------------


async def test_a_failure_becomes_one_fixed_text_and_the_exception_is_never_formatted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await invoked(fails) == DEFAULT
    assert caplog.records == []


async def test_the_outcome_keeps_the_error_that_became_text() -> None:
    outcome = await execute_function_tool(fails, call_context(fails), "{}")
    assert outcome.output == DEFAULT
    assert isinstance(outcome.error, Unprintable)
    fine = await execute_function_tool(add, call_context(add), '{"left":1}')
    assert (fine.output, fine.error) == (2, None)


async def test_without_a_failure_function_the_error_is_raised_as_it_is() -> None:
    error = ValueError("secret")

    @function_tool(failure_error_function=None)
    async def raises() -> None:
        raise error

    for attempt in (
        invoked(raises),
        execute_function_tool(raises, call_context(raises), "{}"),
        raises.on_invoke_tool(call_context(raises), "{}"),
    ):
        with pytest.raises(ValueError, match="secret") as raised:
            await attempt
        assert raised.value is error


@pytest.mark.parametrize("returned", ["", "text", 7, {"a": 1}])
async def test_what_the_failure_function_returns_is_the_output(returned: Any) -> None:
    tool = function_tool(add_one, failure_error_function=lambda context, error: returned)
    assert await invoked(tool, "{") == returned


async def test_a_failure_function_that_returns_nothing_declines() -> None:
    def declines(context: RunContextWrapper[Any], error: Exception) -> Any:
        return None

    tool = function_tool(add_one, failure_error_function=declines)
    with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
        await invoked(tool, "{")


async def test_the_error_of_a_failure_function_is_raised() -> None:
    def broken(context: RunContextWrapper[Any], error: Exception) -> str:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await invoked(function_tool(add_one, failure_error_function=broken), "{")


async def test_a_failure_function_may_be_async_or_falsy() -> None:
    class Falsy:
        def __bool__(self) -> bool:
            return False

        def __call__(self, context: RunContextWrapper[Any], error: Exception) -> str:
            return "falsy"

    assert await invoked(function_tool(add_one, failure_error_function=told), "{") == (
        "ModelBehaviorError: Invalid JSON input for tool add_one"
    )
    assert await invoked(function_tool(add_one, failure_error_function=Falsy()), "{") == "falsy"


async def test_errors_of_a_tool_made_by_hand_are_raised() -> None:
    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        raise ValueError("by hand")

    tool = FunctionTool("hand", "Made by hand.", {}, invoke)
    set_function_tool_failure_error_function(tool, told)
    with pytest.raises(ValueError, match="by hand"):
        await execute_function_tool(tool, call_context(tool), "{}")


def test_the_error_that_ends_a_run_is_ours_or_names_the_tool() -> None:
    own = ModelBehaviorError("own")
    assert run_failure(add, own) is own
    foreign = ValueError("boom")
    failure = run_failure(add, foreign)
    assert isinstance(failure, UserError)
    assert str(failure) == "Error running tool add: boom"
    assert failure.__cause__ is foreign


async def test_a_handler_hears_of_errors_that_became_text() -> None:
    heard: list[tuple[str, str, str]] = []

    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        raise ValueError(arguments)

    def hear(tool: FunctionTool, error: Exception, arguments: str) -> None:
        heard.append((tool.name, str(error), arguments))

    invoker = with_function_tool_failure_error_handler(invoke, hear)
    with pytest.raises(UserError, match="no tool yet"):
        await invoker(call_context(add), "{}")
    tool = FunctionTool("remote", "Elsewhere.", {}, invoker)
    assert await invoked(tool, '{"a":1}') == DEFAULT
    assert await tool.on_invoke_tool(call_context(tool), "{}") == DEFAULT
    set_function_tool_failure_error_function(tool, None)
    with pytest.raises(ValueError, match=r"^\{\}$"):
        await invoked(tool, "{}")
    assert heard == [("remote", '{"a":1}', '{"a":1}'), ("remote", "{}", "{}")]


def test_the_choice_for_failures_can_be_read_set_and_taken_back() -> None:
    tool = function_tool(add_one)
    assert resolve_function_tool_failure_error_function(tool) is default_tool_error_function
    assert set_function_tool_failure_error_function(tool, told) is tool
    assert resolve_function_tool_failure_error_function(tool) is told
    set_function_tool_failure_error_function(tool, None)
    assert resolve_function_tool_failure_error_function(tool) is None
    set_function_tool_failure_error_function(tool)
    assert resolve_function_tool_failure_error_function(tool) is default_tool_error_function


# --- The formatter of the run -----------------------------------------------------------------------------------------


class Formatting:
    """Stands for a run configuration, of which only the formatter counts here."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def tool_error_formatter(self, arguments: Any) -> Any:
        self.asked.append(arguments)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def later(value: Any) -> Any:
    return value


async def test_the_formatter_is_told_which_call_failed_and_how() -> None:
    formatting = Formatting("formatted")
    namespaced = tool_namespace(name="crm", description="Customers.", tools=[fails])[0]
    assert await invoked(namespaced, run_config=formatting, tool_namespace="crm") == "formatted"
    asked = formatting.asked[0]
    assert (asked.kind, asked.tool_type, asked.tool_name, asked.call_id, asked.default_message) == (
        "tool_exception",
        "function",
        "crm.fails",
        "c1",
        DEFAULT,
    )
    assert isinstance(asked.error, Unprintable)
    assert isinstance(asked.run_context, ToolContext)


async def test_the_formatter_may_be_async_and_an_empty_text_is_kept() -> None:
    assert await invoked(fails, run_config=Formatting("")) == ""
    assert await invoked(fails, run_config=Formatting(later("late"))) == "late"


@pytest.mark.parametrize("answer", [None, 5, LookupError("formatter")])
async def test_a_formatter_without_an_answer_leaves_the_default(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert await invoked(fails, run_config=Formatting(answer)) == DEFAULT
    assert [record.name for record in caplog.records] == ([] if answer is None else ["openai.agents"])


@pytest.mark.parametrize("function", [told, default_tool_error_function])
async def test_the_tools_own_choice_is_above_the_formatter(function: Any) -> None:
    formatting = Formatting("formatted")
    tool = function_tool(add_one, failure_error_function=function)
    assert await invoked(tool, "{", run_config=formatting) != "formatted"
    assert formatting.asked == []


# --- Cancellation -----------------------------------------------------------------------------------------------------


async def cancels_itself() -> None:
    raise asyncio.CancelledError


async def test_a_tool_that_cancels_itself_has_failed() -> None:
    silent = function_tool(cancels_itself)
    outcome = await execute_function_tool(silent, call_context(silent), "{}")
    assert outcome.output == DEFAULT
    assert isinstance(outcome.error, asyncio.CancelledError)
    loud = function_tool(cancels_itself, failure_error_function=told)
    outcome = await execute_function_tool(loud, call_context(loud), "{}")
    assert outcome.output == "ToolCancelled: Tool execution cancelled."
    raising = function_tool(cancels_itself, failure_error_function=None)
    with pytest.raises(asyncio.CancelledError):
        await execute_function_tool(raising, call_context(raising), "{}")


async def test_a_tool_with_a_time_limit_that_cancels_itself_has_failed_too() -> None:
    tool = function_tool(cancels_itself, failure_error_function=told, timeout=60)
    outcome = await execute_function_tool(tool, call_context(tool), "{}")
    assert outcome.output == "ToolCancelled: Tool execution cancelled."


async def test_a_cancellation_from_outside_goes_through() -> None:
    started = asyncio.Event()
    asked: list[Exception] = []

    @function_tool(failure_error_function=lambda context, error: asked.append(error) or "told")
    async def waits() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(execute_function_tool(waits, call_context(waits), "{}"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == []


async def test_the_public_call_raises_every_cancellation() -> None:
    with pytest.raises(asyncio.CancelledError):
        await invoked(function_tool(cancels_itself))


async def test_a_cancellation_is_presented_as_an_exception() -> None:
    tool = function_tool(add_one, failure_error_function=told)
    context = RunContextWrapper(context=None)
    for error, text in (
        (asyncio.CancelledError(), "ToolCancelled: Tool execution cancelled."),
        (asyncio.CancelledError("by hand"), "ToolCancelled: by hand"),
        (ValueError("plain"), "ValueError: plain"),
    ):
        assert text == await maybe_invoke_function_tool_failure_error_function(
            function_tool=tool, context=context, error=error
        )


# --- Time limits ------------------------------------------------------------------------------------------------------


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_time_out_becomes_text() -> None:
    tool = function_tool(never, timeout=0.01, failure_error_function=None)
    outcome = await execute_function_tool(tool, call_context(tool), "{}")
    assert outcome.output == "Tool 'never' timed out after 0.01 seconds."
    assert isinstance(outcome.error, ToolTimeoutError)
    assert (outcome.error.tool_name, outcome.error.timeout_seconds) == ("never", 0.01)


async def test_a_time_out_can_be_raised_or_told_otherwise() -> None:
    raising = function_tool(
        never, timeout=0.01, timeout_behavior="raise_exception", failure_error_function=told
    )
    with pytest.raises(ToolTimeoutError, match="timed out"):
        await invoked(raising)
    telling = function_tool(never, timeout=0.01, timeout_error_function=told)
    assert (await invoked(telling)).startswith("ToolTimeoutError: Tool 'never' timed out after 0.01 seconds")


async def test_tools_made_by_hand_have_time_limits_too() -> None:
    async def invoke(context: ToolContext[Any], arguments: str) -> None:
        await asyncio.Event().wait()

    tool = FunctionTool("hand", "Made by hand.", {}, invoke, timeout_seconds=0.01)
    assert await invoked(tool) == "Tool 'hand' timed out after 0.01 seconds."


async def test_a_time_out_of_the_tools_own_is_an_error_like_others() -> None:
    async def own() -> None:
        raise TimeoutError("own")

    assert await invoked(function_tool(own, timeout=60, failure_error_function=told)) == "TimeoutError: own"
    with pytest.raises(TimeoutError, match="own"):
        await invoked(function_tool(own, timeout=60, failure_error_function=None))


def test_the_default_text_of_a_time_out_has_no_superfluous_digits() -> None:
    assert default_tool_timeout_error_message(tool_name="x", timeout_seconds=5.0) == (
        "Tool 'x' timed out after 5 seconds."
    )


# --- Threads ----------------------------------------------------------------------------------------------------------


async def test_a_sync_function_runs_in_a_thread_with_the_callers_context_variables() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("carried")

    @function_tool
    def where() -> tuple[str, bool]:
        return variable.get(), threading.current_thread() is threading.main_thread()

    assert await invoked(where) == ("carried", False)


async def test_an_awaitable_from_a_sync_function_is_handed_back() -> None:
    @function_tool
    def deferred() -> Any:
        return later("value")

    assert await (await invoked(deferred)) == "value"


async def test_a_stop_iteration_of_a_sync_function_is_an_error_and_not_a_hang() -> None:
    @function_tool(failure_error_function=told)
    def stops() -> None:
        raise StopIteration

    assert await invoked(stops) == "RuntimeError: the tool raised StopIteration"


async def test_progress_from_a_thread_arrives_in_order_before_the_result() -> None:
    seen: list[tuple[int, bool]] = []

    @function_tool
    def counts(context: ToolContext[Any]) -> str:
        for step in range(3):
            context.report_progress(step)
        return "done"

    def see(step: int) -> None:
        seen.append((step, threading.current_thread() is threading.main_thread()))

    assert await invoked(counts, progress_sink=see) == "done"
    assert seen == [(0, True), (1, True), (2, True)]


# --- Generators -------------------------------------------------------------------------------------------------------


async def test_an_async_generator_yields_progress_and_its_last_value_is_the_output() -> None:
    seen: list[Any] = []

    @function_tool
    async def searches(item: int) -> AsyncIterator[str]:
        yield "searching"
        assert seen == ["searching"]
        yield f"found {item}"

    assert await invoked(searches, '{"item":3}', progress_sink=seen.append) == "found 3"
    assert seen == ["searching", "found 3"]


async def test_a_sync_generator_does_the_same_in_one_thread() -> None:
    seen: list[Any] = []
    threads: set[int] = set()

    @function_tool
    def searches() -> Iterator[str]:
        threads.add(threading.get_ident())
        yield "searching"
        threads.add(threading.get_ident())
        yield "found"

    assert await invoked(searches, progress_sink=seen.append) == "found"
    assert seen == ["searching", "found"]
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_what_a_sync_generator_returns_is_the_output() -> None:
    @function_tool
    def searches() -> Any:
        yield "searching"
        return "found"

    assert await invoked(searches) == "found"


async def test_a_generator_that_yields_nothing_gives_nothing() -> None:
    @function_tool
    async def nothing() -> AsyncIterator[str]:
        for text in ():
            yield text

    assert await invoked(nothing) is None


async def test_a_generator_that_fails_is_closed_and_told_like_any_tool() -> None:
    seen: list[Any] = []

    @function_tool(failure_error_function=told)
    async def breaks() -> AsyncIterator[str]:
        yield "so far"
        raise ValueError("broke")

    assert await invoked(breaks, progress_sink=seen.append) == "ValueError: broke"
    assert seen == ["so far"]


async def test_an_async_generator_is_stopped_by_its_time_limit() -> None:
    closed = asyncio.Event()

    @function_tool(timeout=0.01)
    async def waits() -> AsyncIterator[str]:
        try:
            yield "waiting"
            await asyncio.Event().wait()
        finally:
            closed.set()

    assert await invoked(waits) == "Tool 'waits' timed out after 0.01 seconds."
    assert closed.is_set()


def test_every_error_of_ours_ends_a_run_as_it_is() -> None:
    assert isinstance(run_failure(add, ToolTimeoutError("add", 1.0)), AgentsException)
