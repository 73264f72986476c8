"""`ToolContext`: what it takes, where it gets the rest from, and what it shares with its run."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from typing import Any, cast

import pytest
from openai.types.responses import ResponseFunctionToolCall

from agents.run_context import RunContextWrapper
from agents.tool_context import ToolContext, bind_call, link_of, report_from_threads
from agents.usage import Usage


def call(**fields: Any) -> ResponseFunctionToolCall:
    given = {"type": "function_call", "name": "look", "arguments": '{"a":1}', "call_id": "c1", **fields}
    return ResponseFunctionToolCall.model_validate(given)


def test_the_first_arguments_are_context_usage_name_call_id_and_arguments() -> None:
    usage = Usage()
    made = ToolContext({"user": 1}, usage, "look", "c1", "{}")
    assert (made.context, made.tool_name, made.tool_call_id, made.tool_arguments) == (
        {"user": 1},
        "look",
        "c1",
        "{}",
    )
    assert made.usage is usage
    assert made.turn_input == []
    assert made.tool_call is None
    assert made.agent is None
    assert made.run_config is None


@pytest.mark.parametrize("missing", ["tool_name", "tool_call_id", "tool_arguments"])
def test_a_required_argument_that_is_missing_is_named(missing: str) -> None:
    given: dict[str, Any] = {"tool_name": "look", "tool_call_id": "c1", "tool_arguments": "{}"}
    del given[missing]
    with pytest.raises(ValueError, match=f"{missing} must be passed to ToolContext"):
        ToolContext(None, Usage(), **given)


@pytest.mark.parametrize(
    ("namespace", "qualified"),
    [(None, "look"), ("", "look"), ("look", "look"), ("crm", "crm.look")],
)
def test_the_qualified_name_has_the_namespace_in_front(namespace: str | None, qualified: str) -> None:
    made = ToolContext(None, Usage(), "look", "c1", "{}", tool_namespace=namespace)
    assert made.qualified_tool_name == qualified


def test_the_namespace_of_the_call_is_used_unless_another_is_given() -> None:
    namespaced = call(namespace="crm")
    assert ToolContext(None, Usage(), "look", "c1", "{}", namespaced).tool_namespace == "crm"
    given = ToolContext(None, Usage(), "look", "c1", "{}", namespaced, tool_namespace="own")
    assert given.tool_namespace == "own"


def test_a_context_made_for_a_run_shares_context_and_usage() -> None:
    run = RunContextWrapper(context={"user": 1})
    run.tool_input = {"question": "why"}
    run.turn_input.append({"role": "user", "content": "hi"})
    made = ToolContext.from_agent_context(run, "c1", call())
    assert made.context is run.context
    assert made.usage is run.usage
    assert made.tool_input is run.tool_input
    assert made.turn_input == run.turn_input
    assert made.turn_input is not run.turn_input
    assert (made.tool_name, made.tool_arguments) == ("look", '{"a":1}')


def test_given_names_win_over_those_of_the_call_even_when_empty() -> None:
    run = RunContextWrapper(context=None)
    made = ToolContext.from_agent_context(
        run, "c1", call(namespace="crm"), tool_name="", tool_arguments="", tool_namespace=""
    )
    assert (made.tool_name, made.tool_arguments, made.tool_namespace) == ("", "", "")


def test_without_a_call_the_name_must_be_given() -> None:
    run = RunContextWrapper(context=None)
    with pytest.raises(ValueError, match="tool_name must be passed"):
        ToolContext.from_agent_context(run, "c1")
    assert ToolContext.from_agent_context(run, "c1", tool_name="n", tool_arguments="{}").tool_name == "n"


def test_a_context_made_for_a_tool_inherits_agent_run_config_and_link() -> None:
    seen: list[Any] = []
    link = object()
    agent, run_config = cast("Any", object()), cast("Any", object())
    outer = ToolContext(
        None,
        Usage(),
        "outer",
        "c1",
        "{}",
        agent=agent,
        run_config=run_config,
        tool_namespace="crm",
        run_link=link,
        progress_sink=seen.append,
    )
    inner = ToolContext.from_agent_context(outer, "c2", call())
    assert inner.agent is agent
    assert inner.run_config is run_config
    assert inner.run_link is link
    assert inner.tool_namespace is None
    assert inner.idempotency_key == "c2"
    inner.report_progress("half")
    assert seen == ["half"]


def test_a_subclass_makes_its_own_kind() -> None:
    class Traced(ToolContext[Any]):
        pass

    made = Traced.from_agent_context(RunContextWrapper(context=None), "c1", call())
    assert type(made) is Traced


def test_progress_outside_a_run_goes_nowhere() -> None:
    ToolContext(None, Usage(), "look", "c1", "{}").report_progress({"done": 1})


def test_the_idempotency_key_is_the_call_id_until_the_run_sets_another() -> None:
    assert ToolContext(None, Usage(), "look", "c1", "{}").idempotency_key == "c1"
    keyed = ToolContext(None, Usage(), "look", "c2", "{}", idempotency_key="c1/c2")
    assert keyed.idempotency_key == "c1/c2"
    assert dataclasses.replace(keyed, tool_name="other").idempotency_key == "c1/c2"
    assert copy.copy(keyed).idempotency_key == "c1/c2"


def test_a_bound_context_knows_its_run() -> None:
    seen: list[Any] = []
    link = object()
    made = ToolContext(None, Usage(), "look", "c2", "{}")
    bind_call(made, idempotency_key="c1/c2", progress=seen.append, link=link)
    made.report_progress(1)
    assert (made.idempotency_key, seen) == ("c1/c2", [1])
    assert link_of(made) is link
    assert link_of(RunContextWrapper(context=None)) is None


async def test_a_report_from_a_thread_is_dropped_once_the_call_is_over() -> None:
    seen: list[Any] = []
    made = ToolContext(None, Usage(), "look", "c1", "{}", progress_sink=seen.append)
    report_from_threads(made, asyncio.get_running_loop())
    await asyncio.to_thread(made.report_progress, "in time")
    made.report_progress("too late")
    bind_call(made, idempotency_key="c1")
    await asyncio.sleep(0)
    assert seen == ["in time"]


def test_a_dict_becomes_a_run_config_and_unknown_settings_are_refused() -> None:
    settings = {"workflow_name": "mine", "model_provider": object()}
    made = ToolContext(None, Usage(), "look", "c1", "{}", run_config=settings)
    assert made.run_config is not None
    assert made.run_config.workflow_name == "mine"
    with pytest.raises(TypeError, match="Unknown run_config settings: workflow_nam"):
        ToolContext(None, Usage(), "look", "c1", "{}", run_config={"workflow_nam": "mine"})


def test_the_public_fields_keep_their_order() -> None:
    names = [field.name for field in dataclasses.fields(ToolContext)]
    public = [
        "context",
        "usage",
        "turn_input",
        "tool_input",
        "tool_name",
        "tool_call_id",
        "tool_arguments",
        "tool_call",
        "tool_namespace",
        "agent",
        "run_config",
    ]
    assert [name for name in names if name in public] == public
