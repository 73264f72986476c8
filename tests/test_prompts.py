from __future__ import annotations

from typing import Any, cast

import pytest

from agents.agent import Agent
from agents.exceptions import UserError
from agents.prompts import GenerateDynamicPromptData, Prompt, PromptUtil
from agents.run_context import RunContextWrapper

AGENT = Agent[Any](name="A")
CONTEXT = RunContextWrapper[Any](context=None)


async def resolve(prompt: Any) -> Any:
    return await PromptUtil.to_model_input(prompt, CONTEXT, AGENT)


async def test_no_prompt_stays_none():
    assert await resolve(None) is None


async def test_a_static_prompt_gives_id_version_and_variables():
    assert await resolve({"id": "p"}) == {"id": "p", "version": None, "variables": None}
    whole: Prompt = {"id": "p", "version": "1", "variables": {"a": "b"}}
    assert await resolve(whole) == whole


async def test_a_prompt_function_gets_context_and_agent():
    def dynamic(data: GenerateDynamicPromptData) -> Prompt:
        assert (data.context, data.agent) == (CONTEXT, AGENT)
        return {"id": "q"}

    assert await resolve(dynamic) == {"id": "q", "version": None, "variables": None}


async def test_async_functions_and_async_callable_objects_are_awaited():
    async def dynamic(data: GenerateDynamicPromptData) -> Prompt:
        return {"id": "q", "variables": {}}

    class Dynamic:
        async def __call__(self, data: GenerateDynamicPromptData) -> Prompt:
            return {"id": "r"}

    assert (await resolve(dynamic))["variables"] == {}
    assert (await resolve(Dynamic()))["id"] == "r"


@pytest.mark.parametrize("result", [5, None, "p"])
async def test_a_prompt_function_must_give_a_prompt(result: object):
    with pytest.raises(UserError, match="must return a Prompt"):
        await resolve(lambda data: result)  # pyright: ignore[reportUnknownLambdaType] -- any result will do


async def test_a_prompt_without_id_is_refused():
    with pytest.raises(UserError, match="needs the `id`"):
        await resolve(cast("Any", {"version": "1"}))
