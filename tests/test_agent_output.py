"""Output schemas: what the model is told, and what is made of its text."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from agents.agent_output import AgentOutputSchema, AgentOutputSchemaBase
from agents.exceptions import ModelBehaviorError, UserError


class Place(BaseModel):
    """A place."""

    name: str
    population: int | None = None
    area: float = 1.5


class Options(TypedDict, total=False):
    limit: int


@dataclass
class Point:
    x: int
    y: int = 0


class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


PLACE = {
    "description": "A place.",
    "properties": {
        "name": {"title": "Name", "type": "string"},
        "population": {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Population"},
        "area": {"default": 1.5, "title": "Area", "type": "number"},
    },
    "required": ["name", "population", "area"],
    "title": "Place",
    "type": "object",
    "additionalProperties": False,
}


def wrapped(schema: dict[str, Any], **definitions: Any) -> dict[str, Any]:
    """The schema of a type that is no object, in its wrapper."""
    outer: dict[str, Any] = {
        "properties": {"response": schema},
        "required": ["response"],
        "title": "OutputType",
        "type": "object",
        "additionalProperties": False,
    }
    return {**outer, "$defs": definitions} if definitions else outer


@pytest.mark.parametrize("output_type", [str, None])
def test_text_has_no_schema(output_type: Any) -> None:
    schema = AgentOutputSchema(output_type)
    assert schema.is_plain_text()
    with pytest.raises(UserError, match="plain text"):
        schema.json_schema()


@pytest.mark.parametrize(
    ("output_type", "expected"),
    [
        (Place, PLACE),
        (
            Options,
            {
                "properties": {"limit": {"title": "Limit", "type": "integer"}},
                "title": "Options",
                "type": "object",
                "additionalProperties": False,
                "required": ["limit"],
            },
        ),
        (int, wrapped({"title": "Response", "type": "integer"})),
        (list[str], wrapped({"items": {"type": "string"}, "title": "Response", "type": "array"})),
        (
            list[Place],
            wrapped({"items": {"$ref": "#/$defs/Place"}, "title": "Response", "type": "array"}, Place=PLACE),
        ),
        (Place | None, wrapped({"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]}, Place=PLACE)),
        (Literal["ok"], wrapped({"const": "ok", "title": "Response", "type": "string"})),
        (
            Annotated[int, Field(gt=3)],
            wrapped({"exclusiveMinimum": 3, "title": "Response", "type": "integer"}),
        ),
        (
            Mode,
            wrapped(
                {"$ref": "#/$defs/Mode"}, Mode={"enum": ["fast", "safe"], "title": "Mode", "type": "string"}
            ),
        ),
        (
            tuple[int, str],
            wrapped(
                {
                    "maxItems": 2,
                    "minItems": 2,
                    "prefixItems": [{"type": "integer"}, {"type": "string"}],
                    "title": "Response",
                    "type": "array",
                }
            ),
        ),
        (
            Point,
            wrapped(
                {"$ref": "#/$defs/Point"},
                Point={
                    "properties": {
                        "x": {"title": "X", "type": "integer"},
                        "y": {"default": 0, "title": "Y", "type": "integer"},
                    },
                    "required": ["x", "y"],
                    "title": "Point",
                    "type": "object",
                    "additionalProperties": False,
                },
            ),
        ),
    ],
)
def test_the_json_schema_of_a_type(output_type: Any, expected: dict[str, Any]) -> None:
    schema = AgentOutputSchema(output_type)
    assert schema.json_schema() == expected
    assert schema.is_strict_json_schema()
    assert not schema.is_plain_text()


def test_a_schema_that_is_not_strict_is_what_pydantic_says() -> None:
    schema = AgentOutputSchema(Place, strict_json_schema=False)
    assert not schema.is_strict_json_schema()
    assert schema.json_schema() == Place.model_json_schema()


@pytest.mark.parametrize("output_type", [dict, dict[str, int], Mapping[str, int]])
def test_open_mappings_cannot_be_strict(output_type: Any) -> None:
    with pytest.raises(UserError, match="strict_json_schema=False"):
        AgentOutputSchema(output_type)


@pytest.mark.parametrize(
    ("output_type", "text", "value"),
    [
        (Place, '{"name": "Bern", "population": null, "area": 2}', Place(name="Bern", area=2.0)),
        (Options, '{"limit": 3}', {"limit": 3}),
        (int, '{"response": 1}', 1),
        (list[str], '{"response": ["a"]}', ["a"]),
        (tuple[int, str], '{"response": [1, "a"]}', (1, "a")),
        (Point, '{"response": {"x": 1}}', Point(1)),
        (Mode, '{"response": "safe"}', Mode.SAFE),
        (float, '{"response": 1}', 1.0),
    ],
)
def test_fitting_text_becomes_the_value(output_type: Any, text: str, value: object) -> None:
    assert AgentOutputSchema(output_type).validate_json(text) == value


@pytest.mark.parametrize(
    ("output_type", "text"),
    [
        (Place, '{"name": 1, "population": null, "area": 2}'),
        (Place, '{"name": "Bern", "population": "3", "area": 2}'),
        (Place, '{"response": {"name": "Bern"}}'),
        (Place, "[]"),
        (Place, ""),
        (Place, "secret"),
        (int, "1"),
        (int, '{"response": "1"}'),
        (int, '{"value": 1}'),
        (list[str], '["a"]'),
    ],
)
def test_other_text_is_the_models_mistake_and_not_repeated(output_type: Any, text: str) -> None:
    with pytest.raises(ModelBehaviorError, match="Invalid JSON") as caught:
        AgentOutputSchema(output_type).validate_json(text)
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


def test_without_strict_mode_values_are_coerced() -> None:
    assert AgentOutputSchema(int, strict_json_schema=False).validate_json('{"response": "1"}') == 1


def test_a_dict_does_not_accept_the_wrapper() -> None:
    schema = AgentOutputSchema(dict[str, int], strict_json_schema=False)
    assert schema.validate_json('{"response": 1}') == {"response": 1}
    with pytest.raises(ModelBehaviorError):
        schema.validate_json('{"response": {"a": 1}}')


@pytest.mark.parametrize(
    ("output_type", "name"),
    [
        (str, "str"),
        (None, "None"),
        (Place, "Place"),
        (list[str], "list[str]"),
        (Literal["ok"], "Literal['ok']"),
        (list[Literal["a", 1]], "list[Literal['a', 1]]"),
        (typing.Union[Place, int], "Union[Place, int]"),  # noqa: UP007
        (dict[str, list[int]], "dict[str, list[int]]"),
        (tuple[()], "tuple[()]"),
    ],
)
def test_names_are_readable(output_type: Any, name: str) -> None:
    assert AgentOutputSchema(output_type, strict_json_schema=False).name() == name


def test_schemas_of_the_same_type_are_equal_and_print_the_type() -> None:
    assert AgentOutputSchema(Place) == AgentOutputSchema(Place)
    assert AgentOutputSchema(Place) != AgentOutputSchema(Place, strict_json_schema=False)
    assert "Place" in repr(AgentOutputSchema(Place))


def test_the_base_is_a_port_that_asks_for_every_method() -> None:
    class Half(AgentOutputSchemaBase):
        def name(self) -> str:
            return "half"

    with pytest.raises(TypeError, match="abstract"):
        Half()  # pyright: ignore[reportAbstractUsage]  -- the point


def test_type_hints_resolve() -> None:
    for function in (
        AgentOutputSchema.__init__,
        AgentOutputSchemaBase.json_schema,
        AgentOutputSchema.validate_json,
    ):
        assert typing.get_type_hints(function)
    assert typing.get_type_hints(AgentOutputSchema)["output_type"] == type[Any]
