"""Function schemas: the contract of a callable, and the way from the model's JSON to the call."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field, ValidationError
from typing_extensions import TypedDict

from agents.exceptions import ModelBehaviorError, UserError
from agents.function_schema import (
    FuncSchema,
    function_schema,
    is_not_an_object,
)
from agents.run_context import RunContextWrapper

Schema = dict[str, Any]
T = TypeVar("T")


class Sub(BaseModel):
    """Sub doc."""

    q: int
    r: str | None = None


class Pair(TypedDict):
    x: int
    y: str


class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


@dataclass
class Point:
    x: int
    y: str = "d"


INTEGER: Schema = {"type": "integer"}
NULL: Schema = {"type": "null"}


def titled(title: str, **rest: Any) -> Schema:
    return {"title": title, **rest}


def open_args(name: str, required: list[str] | None = None, /, **properties: Schema) -> Schema:
    schema = {"properties": properties, "title": f"{name}_args", "type": "object"}
    return schema if required is None else {**schema, "required": required}


def args(name: str, /, **properties: Schema) -> Schema:
    return {**open_args(name, list(properties), **properties), "additionalProperties": False}


# --- A table of signatures -------------------------------------------------------------------------------------------


def nothing() -> None: ...


def primitives(a: int, b: str, c: float, d: bool) -> None: ...


def optionals(a: Optional[int], b: int | None = None, c: int = 3, d: str | None = "x") -> None: ...  # noqa: UP045


def bare(a, b=1): ...  # type: ignore[no-untyped-def]


def nested(s: Sub, many: list[Sub], t: Pair, p: Point, o: Sub | None = None) -> None: ...


def choices(
    mode: Mode, one: Literal["x"], two: Literal["a", "b"], either: int | str, default: Mode = Mode.FAST
): ...


def containers(a: list[Any], t: tuple[int, str], many: tuple[int, ...], s: set[int], d: list[int] = [1]): ...  # noqa: B006


def annotated(
    a: Annotated[int, "text"],
    b: Annotated[str, Field(description="field", min_length=2)],
    c: Annotated[int, "text", Field(description="field", ge=1)] = 5,
    d: int = Field(default=4, le=9, description="field"),
    e: int = Field(description="field", gt=3),
    f: Annotated[str, Field(pattern="^a$")] = Field(default="a", title="F!"),
): ...


def positional_only(a: int, /, b: int, *, c: int): ...


def starred(*numbers: int): ...


def starred_with_constraint(*numbers: Annotated[int, Field(ge=1, description="each")]): ...


def starred_with_text(*numbers: Annotated[int, "each"]): ...


def starred_lists(*rows: tuple[int, ...]): ...


def keywords(a: int, *rest: str, k: int = 2, **options: int): ...


def keywords_of_any(**options: Any): ...


def keywords_with_constraint(**options: Annotated[int, Field(ge=1)]): ...


def mapping(a: dict[str, int]): ...


SUB: Schema = {
    "description": "Sub doc.",
    "properties": {"q": titled("Q", type="integer"), "r": titled("R", anyOf=[{"type": "string"}, NULL])},
    "required": ["q", "r"],
    "title": "Sub",
    "type": "object",
    "additionalProperties": False,
}
MODE: Schema = {"enum": ["fast", "safe"], "title": "Mode", "type": "string"}

STRICT: list[tuple[Callable[..., Any], Schema]] = [
    (nothing, args("nothing")),
    (
        primitives,
        args(
            "primitives",
            a=titled("A", type="integer"),
            b=titled("B", type="string"),
            c=titled("C", type="number"),
            d=titled("D", type="boolean"),
        ),
    ),
    (
        optionals,
        args(
            "optionals",
            a=titled("A", anyOf=[INTEGER, NULL]),
            b=titled("B", anyOf=[INTEGER, NULL]),
            c=titled("C", default=3, type="integer"),
            d=titled("D", default="x", anyOf=[{"type": "string"}, NULL]),
        ),
    ),
    (bare, args("bare", a=titled("A"), b=titled("B", default=1))),
    (
        nested,
        {
            **args(
                "nested",
                s={"$ref": "#/$defs/Sub"},
                many=titled("Many", type="array", items={"$ref": "#/$defs/Sub"}),
                t={"$ref": "#/$defs/Pair"},
                p={"$ref": "#/$defs/Point"},
                o={"anyOf": [{"$ref": "#/$defs/Sub"}, NULL]},
            ),
            "$defs": {
                "Sub": SUB,
                "Pair": {
                    "properties": {"x": titled("X", type="integer"), "y": titled("Y", type="string")},
                    "required": ["x", "y"],
                    "title": "Pair",
                    "type": "object",
                    "additionalProperties": False,
                },
                "Point": {
                    "properties": {
                        "x": titled("X", type="integer"),
                        "y": titled("Y", type="string", default="d"),
                    },
                    "required": ["x", "y"],
                    "title": "Point",
                    "type": "object",
                    "additionalProperties": False,
                },
            },
        },
    ),
    (
        choices,
        {
            **args(
                "choices",
                mode={"$ref": "#/$defs/Mode"},
                one=titled("One", const="x", type="string"),
                two=titled("Two", enum=["a", "b"], type="string"),
                either=titled("Either", anyOf=[INTEGER, {"type": "string"}]),
                default={**MODE, "default": "fast"},
            ),
            "$defs": {"Mode": MODE},
        },
    ),
    (
        containers,
        args(
            "containers",
            a=titled("A", type="array", items={}),
            t=titled("T", type="array", minItems=2, maxItems=2, prefixItems=[INTEGER, {"type": "string"}]),
            many=titled("Many", type="array", items=INTEGER),
            s=titled("S", type="array", items=INTEGER, uniqueItems=True),
            d=titled("D", type="array", items=INTEGER, default=[1]),
        ),
    ),
    (
        annotated,
        args(
            "annotated",
            a=titled("A", type="integer", description="text"),
            b=titled("B", type="string", description="field", minLength=2),
            c=titled("C", type="integer", description="text", minimum=1, default=5),
            d=titled("D", type="integer", description="field", maximum=9, default=4),
            e=titled("E", type="integer", description="field", exclusiveMinimum=3),
            f=titled("F!", type="string", pattern="^a$", default="a"),
        ),
    ),
    (positional_only, args("positional_only", **{n: titled(n.upper(), type="integer") for n in "abc"})),
    (starred, args("starred", numbers=titled("Numbers", type="array", items=INTEGER))),
    (
        starred_with_constraint,
        args(
            "starred_with_constraint",
            numbers=titled(
                "Numbers", type="array", items={"type": "integer", "minimum": 1}, description="each"
            ),
        ),
    ),
    (
        starred_with_text,
        args("starred_with_text", numbers=titled("Numbers", type="array", items=INTEGER, description="each")),
    ),
    (
        starred_lists,
        args("starred_lists", rows=titled("Rows", type="array", items={"type": "array", "items": INTEGER})),
    ),
]

OPEN: list[tuple[Callable[..., Any], Schema]] = [
    (nothing, open_args("nothing")),
    (
        optionals,
        open_args(
            "optionals",
            ["a"],
            a=titled("A", anyOf=[INTEGER, NULL]),
            b=titled("B", anyOf=[INTEGER, NULL], default=None),
            c=titled("C", default=3, type="integer"),
            d=titled("D", default="x", anyOf=[{"type": "string"}, NULL]),
        ),
    ),
    (mapping, open_args("mapping", ["a"], a=titled("A", type="object", additionalProperties=INTEGER))),
    (
        keywords,
        {
            **open_args(
                "keywords",
                ["a"],
                a=titled("A", type="integer"),
                rest=titled("Rest", type="array", items={"type": "string"}),
                k=titled("K", type="integer", default=2),
                options=titled("Options", type="object", additionalProperties=INTEGER),
            ),
            "additionalProperties": False,
        },
    ),
    (
        keywords_of_any,
        {
            **open_args(
                "keywords_of_any", options=titled("Options", type="object", additionalProperties=True)
            ),
            "additionalProperties": False,
        },
    ),
    (
        keywords_with_constraint,
        {
            **open_args(
                "keywords_with_constraint",
                options=titled(
                    "Options", type="object", additionalProperties={"type": "integer", "minimum": 1}
                ),
            ),
            "additionalProperties": False,
        },
    ),
]


@pytest.mark.parametrize(("function", "expected"), STRICT, ids=lambda case: getattr(case, "__name__", ""))
def test_the_strict_schema_of_a_signature(function: Callable[..., Any], expected: Schema) -> None:
    assert function_schema(function).params_json_schema == expected


@pytest.mark.parametrize(("function", "expected"), OPEN, ids=lambda case: getattr(case, "__name__", ""))
def test_the_open_schema_of_a_signature(function: Callable[..., Any], expected: Schema) -> None:
    schema = function_schema(function, strict_json_schema=False)
    assert schema.params_json_schema == expected
    assert not schema.strict_json_schema


def test_fields_of_the_schema() -> None:
    def lookup(a: int) -> Annotated[str, "answer"]:
        """Look it up."""
        return str(a)

    schema = function_schema(lookup)
    assert (schema.name, schema.description, schema.takes_context) == ("lookup", "Look it up.", False)
    assert schema.signature == inspect.signature(lookup)
    assert schema.return_annotation == Annotated[str, "answer"]
    assert schema.params_pydantic_model.__name__ == "lookup_args"
    assert function_schema(keywords, strict_json_schema=False).return_annotation is inspect.Signature.empty


def test_overrides_win_unless_empty() -> None:
    def function() -> None:
        """Sum."""

    schema = function_schema(function, name_override="other", description_override="Other.")
    assert (schema.name, schema.description) == ("other", "Other.")
    assert schema.params_json_schema["title"] == "other_args"
    schema = function_schema(function, name_override="", description_override="")
    assert (schema.name, schema.description) == ("function", "Sum.")


def test_generators_and_coroutines_have_the_schema_of_their_parameters() -> None:
    async def stream(a: int) -> AsyncIterator[str]:
        yield str(a)

    def each(a: int) -> Iterator[str]:
        yield str(a)

    async def later(a: int) -> Sub:
        return Sub(q=a)

    for function, returns in ((stream, AsyncIterator[str]), (each, Iterator[str]), (later, Sub)):
        schema = function_schema(function)
        assert schema.params_json_schema == args(function.__name__, a=titled("A", type="integer"))
        assert schema.return_annotation == returns


# --- What is refused -------------------------------------------------------------------------------------------------


def test_mappings_are_refused_in_strict_mode() -> None:
    def typed(a: Mapping[str, int]): ...

    for function in (mapping, typed):
        with pytest.raises(UserError, match="additionalProperties"):
            function_schema(function)


def test_free_keywords_are_refused_in_strict_mode_with_the_way_out() -> None:
    with pytest.raises(UserError, match=r"\*\*options.*strict_mode=False.*nested.*options"):
        function_schema(keywords)


def test_a_tuple_of_fixed_length_describes_no_single_argument() -> None:
    def plain(*pairs: tuple[int, str]): ...

    def annotated(*pairs: Annotated[tuple[int, str], "pair"]): ...

    for function in (plain, annotated):
        with pytest.raises(UserError, match=r"use tuple\[T, \.\.\.\] or list\[T\] instead"):
            function_schema(function)


@pytest.mark.parametrize("name", ["a", "return"])
def test_annotations_that_do_not_resolve_are_refused(name: str) -> None:
    def function(a: int) -> None: ...

    function.__annotations__[name] = "Missing"
    with pytest.raises(UserError, match="annotations resolvable"):
        function_schema(function)


# --- The context -----------------------------------------------------------------------------------------------------


class OwnContext(RunContextWrapper[Any]): ...


def context_first(context: RunContextWrapper[str], a: int): ...
def context_bare(context: RunContextWrapper, a: int): ...
def context_annotated(context: Annotated[RunContextWrapper[Any], "text"], a: int): ...
def context_optional(context: RunContextWrapper[Any] | None, a: int): ...
def context_own(context: OwnContext, a: int): ...


@pytest.mark.parametrize(
    "function", [context_first, context_bare, context_annotated, context_optional, context_own]
)
def test_a_context_as_first_parameter_is_left_out_of_the_schema(function: Callable[..., Any]) -> None:
    schema = function_schema(function)
    assert schema.takes_context
    assert schema.params_json_schema == args(function.__name__, a=titled("A", type="integer"))
    assert schema.to_call_args(schema.validate_json('{"a": 1}')) == ([1], {})


def context_second(a: int, context: RunContextWrapper[Any]): ...
def context_keyword(a: int, *, context: RunContextWrapper[Any]): ...
def context_only_keyword(*, context: RunContextWrapper[Any]): ...
def context_twice(context: RunContextWrapper[Any], again: RunContextWrapper[Any]): ...
def context_rest(a: int, **context: RunContextWrapper[Any]): ...


@pytest.mark.parametrize(
    "function", [context_second, context_keyword, context_only_keyword, context_twice, context_rest]
)
def test_a_context_anywhere_else_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match="non-first position"):
        function_schema(function, strict_json_schema=False)


# --- The call --------------------------------------------------------------------------------------------------------


def call_args(function: Callable[..., Any], text: str) -> tuple[list[Any], dict[str, Any]]:
    schema = function_schema(function, strict_json_schema=False)
    return schema.to_call_args(schema.validate_json(text))


CALLS: list[tuple[Callable[..., Any], str, tuple[list[Any], dict[str, Any]]]] = [
    (nothing, "", ([], {})),
    (nothing, "{}", ([], {})),
    (optionals, '{"a": null}', ([None, None, 3, "x"], {})),
    (positional_only, '{"a": 1, "b": "2", "c": 3}', ([1, 2], {"c": 3})),
    (starred, '{"numbers": [1, 2]}', ([1, 2], {})),
    (starred, "{}", ([], {})),
    (keywords, '{"a": 1, "rest": ["x"], "options": {"z": 3}}', ([1, "x"], {"k": 2, "z": 3})),
    (keywords, '{"a": 1, "options": {"options": 3}}', ([1], {"k": 2, "options": 3})),
    (mapping, '{"a": {"x": 1}}', ([{"x": 1}], {})),
    (annotated, '{"a": 1, "b": "xx", "e": 4}', ([1, "xx", 5, 4, 4, "a"], {})),
]


@pytest.mark.parametrize(("function", "text", "expected"), CALLS)
def test_arguments_become_a_call(function: Callable[..., Any], text: str, expected: object) -> None:
    assert call_args(function, text) == expected


def test_values_are_objects_of_their_types() -> None:
    text = '{"s": {"q": 1}, "many": [{"q": 2}], "t": {"x": 1, "y": "y"}, "p": {"x": 3}}'
    assert call_args(nested, text) == ([Sub(q=1), [Sub(q=2)], {"x": 1, "y": "y"}, Point(3), None], {})


@pytest.mark.parametrize("key", ["a", "k"])
def test_a_free_keyword_that_is_also_a_parameter_is_the_models_mistake(key: str) -> None:
    with pytest.raises(ModelBehaviorError, match=f"'{key}' is both a named parameter and a key in 'options'"):
        call_args(keywords, json.dumps({"a": 1, "options": {key: 2}}))


def test_the_context_counts_as_a_named_parameter() -> None:
    def function(context: RunContextWrapper[Any], **options: int): ...

    with pytest.raises(ModelBehaviorError, match="'context' is both"):
        call_args(function, '{"options": {"context": 1}}')


def test_a_free_keyword_may_be_named_like_a_positional_only_parameter() -> None:
    def function(a: int, /, **options: int): ...

    assert call_args(function, '{"a": 1, "options": {"a": 2}}') == ([1], {"a": 2})


def test_flat_extra_keys_are_rejected_where_keywords_are_free_and_ignored_elsewhere() -> None:
    with pytest.raises(ValidationError, match="extra"):
        call_args(keywords, '{"a": 1, "z": 2}')
    assert call_args(starred, '{"numbers": [1], "z": 2}') == ([1], {})


@pytest.mark.parametrize("text", ["[]", "null", "1", '"x"', "true"])
def test_json_that_is_no_object_is_told_apart(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        function_schema(starred).validate_json(text)
    assert is_not_an_object(caught.value)


@pytest.mark.parametrize("text", ["x", "   ", '{"s": 1}', '{"s": [], "many": 1}', "{", '{"s": {"q": 1}}{'])
def test_other_failures_are_not_taken_for_it(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        function_schema(nested).validate_json(text.encode())
    assert not is_not_an_object(caught.value)


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
@pytest.mark.parametrize(
    "name",
    [
        *("model_extra", "model_fields_set", "model_fields", "schema", "json", "copy", "self", "args"),
        *(
            "model_dump",
            "model_validate",
            "model_config",
            "_private",
            "__dunder__",
            "__doc__",
            "parameter__x",
            "_x",
        ),
    ],
)
def test_a_parameter_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def function({name}: int, other: int = 5, *, parameter__x_: int = 1): return {name}, other", scope)
    schema = function_schema(scope["function"])
    assert list(schema.params_json_schema["properties"]) == [name, "other", "parameter__x_"]
    positional, keyword = schema.to_call_args(schema.validate_json(json.dumps({name: 3})))
    assert scope["function"](*positional, **keyword) == (3, 5)


def test_a_parameter_named_like_a_property_of_models_warns() -> None:
    def function(model_extra: int): ...

    with pytest.warns(UserWarning, match="model_extra"):
        function_schema(function)


def test_defaults_are_never_compared() -> None:
    class Touchy:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __hash__(self) -> int:
            return 0

        def __bool__(self) -> bool:
            raise AssertionError("tested")

    default = Touchy()

    def function(a: Any = default): ...

    with pytest.warns(UserWarning, match="not JSON serializable"):
        schema = function_schema(function, strict_json_schema=False)
    positional, _ = schema.to_call_args(schema.validate_json("{}"))
    assert isinstance(positional[0], Touchy)


def test_a_mutable_default_is_not_shared_between_calls() -> None:
    (first, *_), _ = call_args(containers, '{"a": [], "t": [1, "x"], "many": [], "s": []}')
    assert first is not None
    schema = function_schema(containers)
    text = '{"a": [], "t": [1, "x"], "many": [], "s": []}'
    one, other = (schema.to_call_args(schema.validate_json(text))[0][-1] for _ in range(2))
    assert one == other == [1]
    assert one is not other


def test_a_schema_can_be_built_and_replaced_by_hand() -> None:
    schema = function_schema(positional_only)
    by_hand = FuncSchema(
        name="mine",
        description=None,
        params_pydantic_model=schema.params_pydantic_model,
        params_json_schema={},
        signature=schema.signature,
    )
    for other in (by_hand, dataclasses.replace(schema, name="renamed")):
        assert other.to_call_args(other.validate_json('{"a": 1, "b": 2, "c": 3}')) == ([1, 2], {"c": 3})
