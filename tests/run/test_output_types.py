from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from agents import AgentOutputSchema, ModelBehaviorError
from run.scripts import RunIt, both_ways, scripted, text


class Answer(BaseModel):
    number: int


class Row(TypedDict):
    number: int


@both_ways
class TestOutputTypes:
    @pytest.mark.parametrize(
        ("output_type", "words", "expected"),
        [
            (Answer, '{"number":1}', Answer(number=1)),
            (list[Answer], '{"response":[{"number":1}]}', [Answer(number=1)]),
            (Row, '{"number":1}', {"number": 1}),
            (int, '{"response":1}', 1),
            (Literal["ok"], '{"response":"ok"}', "ok"),
            (str, "plain", "plain"),
            (AgentOutputSchema(dict[str, int], strict_json_schema=False), '{"a":1}', {"a": 1}),
            (AgentOutputSchema(Answer, strict_json_schema=False), '{"number":"1"}', Answer(number=1)),
        ],
        ids=["model", "list", "typed dict", "int", "literal", "str", "open dict", "not strict"],
    )
    async def test_the_text_becomes_a_value_of_the_type(
        self, run: RunIt, output_type: Any, words: str, expected: Any
    ):
        agent, model = scripted(text(words), output_type=output_type)
        result = await run(agent)
        assert result.final_output == expected
        schema = model.calls[0].output_schema
        assert (schema is None) is (output_type is str)

    @pytest.mark.parametrize(
        ("output_type", "words"),
        [
            (Answer, '{"number":"1"}'),
            (Answer, "{"),
            (list[Answer], '[{"number":1}]'),
            (Row, '{"response":{"number":1}}'),
            (Literal["ok"], '{"response":"no"}'),
        ],
        ids=["coerced", "no json", "not wrapped", "wrapped", "other literal"],
    )
    async def test_what_does_not_fit_is_the_models_mistake(self, run: RunIt, output_type: Any, words: str):
        agent, model = scripted(text(words), output_type=output_type)
        with pytest.raises(ModelBehaviorError, match="Invalid JSON"):
            await run(agent)
        assert len(model.calls) == 1
