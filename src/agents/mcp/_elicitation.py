"""Questions that a server asks in the middle of a call (elicitation), as interruptions of the run that made the call.

1. A question is a run nested in the call: the server is its agent, which asks by calling a tool that needs approval, so
   a question is paused, decided, stored and taken up again like any other call.
2. Where the run pauses, the call ends with the question unanswered. Taken up again, it is made anew, and the question
   is answered from the nested run as soon as it is asked again. The protocol has meant calls to be made so since its
   version of 2026-07-28; to an older server it means that what it does before it asks is done twice.
3. An older server does not say which call a question belongs to, so such a server gets one call at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.exceptions import ValidationError as ContentError
from mcp import MCPError
from referencing import Registry

from agents._lazy import lazy_module
from agents._ports.model import Model
from agents._ports.runner import find_runner
from agents.agent import Agent, ToolsToFinalOutputResult
from agents.approvals import NestedPause
from agents.exceptions import AgentsException
from agents.tool import FunctionTool
from agents.tool_context import ToolContext
from agents.usage import Usage
from agents.util.cancellation import cancellation_watch

if TYPE_CHECKING:
    from agents import items as _items
else:
    _items = lazy_module("agents.items")

# The package knows where this class lives; this floor must not.
_agents: Any = lazy_module("agents")
_responses: Any = lazy_module("openai.types.responses")

QUESTION_TOOL = "elicitation"
"""What a question is called among the calls that wait for a decision."""

_CANCELLED = types.ElicitResult(action="cancel")
_DECLINED = types.ElicitResult(action="decline")


class Asker:
    """Takes the questions about one call to the run that made it."""

    def __init__(self, server_name: str, context: ToolContext[Any]) -> None:
        self._server_name = server_name
        self._context = context
        self._asking: set[asyncio.Task[Any]] = set()
        self._waiting: list[Any] = []
        self._patience: asyncio.Timeout | None = None
        self._left_s: float | None = None
        self._answering = 0

    async def answer(self, params: types.ElicitRequestParams) -> types.ElicitResult | None:
        """What somebody decided; None where the run has to pause for it, or the call is over."""
        was_cancelled = cancellation_watch()
        # A task of its own: a call that is given up takes its questions with it.
        asking = asyncio.create_task(self._ask(_question(params)))
        self._asking.add(asking)
        with self._person_asked():
            try:
                answer = await asyncio.shield(asking)
            except asyncio.CancelledError:
                asking.cancel()
                if was_cancelled():
                    raise
                # This may be the task that serves the connection: the end of a call must not be its end.
                answer = None
            finally:
                self._asking.discard(asking)
        if answer is None:
            return None
        if answer.get("action") != "accept":
            return _DECLINED
        content = answer.get("content") if isinstance(params, types.ElicitRequestFormParams) else None
        return types.ElicitResult(action="accept", content=content)

    def raise_if_paused(self) -> None:
        """Have the call wait for the decisions about its questions, if there are any to wait for.

        Raises:
            NestedPause: there are.
        """
        if self._waiting:
            raise NestedPause(list(self._waiting))

    async def close(self) -> None:
        """End the questions that are still open."""
        for asking in self._asking:
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    @contextlib.contextmanager
    def limited(self, limit: asyncio.Timeout) -> Generator[None]:
        """Inside, the call has a time limit, which does not run while a person is asked."""
        self._patience = limit
        try:
            yield
        finally:
            self._patience = None

    @contextlib.contextmanager
    def _person_asked(self) -> Generator[None]:
        """Inside, the time limit of the call does not run. It goes on when the last of several questions is answered."""
        limit, loop = self._patience, asyncio.get_running_loop()
        if limit is not None and not self._answering:
            ends_at = limit.when()
            self._left_s = None if ends_at is None else ends_at - loop.time()
            limit.reschedule(None)
        self._answering += 1
        try:
            yield
        finally:
            self._answering -= 1
            # A call that has ended meanwhile has no limit any more.
            if limit is not None and limit is self._patience and not self._answering and not limit.expired():
                limit.reschedule(None if self._left_s is None else loop.time() + self._left_s)

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any] | None:
        outer: Any = self._context.run_config
        config = _agents.RunConfig(
            tracing_disabled=True, wait_for_decisions=outer is not None and outer.wait_for_decisions
        )
        text = json.dumps(question, sort_keys=True)
        while True:
            result = await find_runner().run(
                _agent(self._server_name, question),
                text,
                context=self._context,
                run_config=config,
                max_turns=None,
            )
            if result.input != text:
                # What was answered before the call was made anew is another question than this one. Each run that a
                # call starts has a path of its own, so the next one is asked about what comes after that.
                continue
            if result.interruptions:
                self._waiting.extend(result.interruptions)
                return None
            return _read(result.final_output)


_asker: ContextVar[Asker | None] = ContextVar("agents_mcp_asker", default=None)


@contextlib.asynccontextmanager
async def questions_to(asker: Asker | None) -> AsyncGenerator[None]:
    """Inside, questions about the call of this task go to `asker`; leaving, those that are open are ended."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)
        if asker is not None:
            await asker.close()


def current_asker() -> Asker | None:
    """Who takes the questions about the call that this task makes."""
    return _asker.get()


async def elicited(
    asker: Asker | None, params: types.ElicitRequestParams, *, may_end_call: bool
) -> types.ElicitResult | types.ErrorData:
    """The answer to a server. Where the run pauses, a call that is ours to end is ended, else the question is."""
    if asker is None:
        return _CANCELLED
    try:
        answer = await asker.answer(params)
    except Exception as error:  # noqa: BLE001 (told to the server, whose call fails for it)
        return types.ErrorData(code=types.INTERNAL_ERROR, message=str(error))
    if answer is not None:
        return answer
    return types.ErrorData(code=types.INVALID_REQUEST, message="paused") if may_end_call else _CANCELLED


@contextlib.asynccontextmanager
async def patient(asker: Asker, seconds: float | None) -> AsyncGenerator[None]:
    """Inside, an answer of the server's may take so long, the time that a person takes not counted.

    Raises:
        MCPError: it took longer.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            with asker.limited(limit):
                yield
    except TimeoutError as error:
        raise MCPError(
            types.REQUEST_TIMEOUT, f"Timed out after {seconds} s of waiting for an answer"
        ) from error


def _question(params: types.ElicitRequestParams) -> dict[str, Any]:
    """A question as it stands in the arguments of its call."""
    if isinstance(params, types.ElicitRequestURLParams):
        return {"message": params.message, "url": params.url, "elicitation_id": params.elicitation_id}
    return {"message": params.message, "requested_schema": dict(params.requested_schema)}


# --- the nested run


def _agent(server_name: str, question: dict[str, Any]) -> Agent[Any]:
    """The server as an agent: it asks until the answer fits, or there is none."""

    async def answer(_context: ToolContext[Any], arguments: str) -> str:
        content: Any = json.loads(arguments)
        if content == question or content == {**question, "error": content.get("error")}:
            # Approved as it is: nothing was filled in.
            content = {}
        fault = _fault(content, question)
        return json.dumps({"error": fault} if fault else {"action": "accept", "content": content})

    async def decide(_context: Any, results: list[Any]) -> ToolsToFinalOutputResult:
        output = str(results[0].output)
        return ToolsToFinalOutputResult("error" not in _read(output), output)

    tool = FunctionTool(
        name=QUESTION_TOOL,
        description="Answers a question of the server.",
        params_json_schema={"type": "object"},
        on_invoke_tool=answer,
        strict_json_schema=False,
        needs_approval=True,
        # To answer twice is to answer once.
        side_effects="none",
    )
    return Agent(name=server_name, model=_Asking(question), tools=[tool], tool_use_behavior=decide)


def _fault(content: dict[str, Any], question: dict[str, Any]) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    schema = question.get("requested_schema")
    if schema is None:
        return None
    try:
        Draft202012Validator.check_schema(schema)
        # A registry of nothing: what a server refers to elsewhere is not fetched for it.
        validator: Any = Draft202012Validator(schema, registry=Registry())
        validator.validate(content)
    except ContentError as error:
        return error.message
    except SchemaError as error:
        raise AgentsException(f"The server asked with a schema that is none: {error.message}") from error
    return None


def _read(output: object) -> dict[str, Any]:
    """What became of a question: an answer, what is wrong with one, or nothing of both where it was rejected."""
    try:
        read: object = json.loads(str(output))
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


class _Asking(Model):
    """The model of a server that asks: each response is the question, with what was wrong with the last answer."""

    def __init__(self, question: dict[str, Any]) -> None:
        self._question = question

    async def get_response(self, *args: Any, **kwargs: Any) -> _items.ModelResponse:
        """The next question."""
        given: list[Any] = kwargs["input"] if "input" in kwargs else args[1]
        answers = [item["output"] for item in given if item.get("type") == "function_call_output"]
        question = self._question
        if answers:
            question = {**question, "error": _read(answers[-1]).get("error")}
        call = _responses.ResponseFunctionToolCall(
            type="function_call",
            call_id=f"question_{len(answers) + 1}",
            name=QUESTION_TOOL,
            arguments=json.dumps(question),
        )
        return _items.ModelResponse(output=[call], usage=Usage(), response_id=None)

    async def stream_response(self, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        """The same, all at once."""
        asked = await self.get_response(*args, **kwargs)
        response = _responses.Response.construct(id="", output=asked.output, usage=None)
        yield _responses.ResponseCompletedEvent.construct(
            type="response.completed", response=response, sequence_number=0
        )
