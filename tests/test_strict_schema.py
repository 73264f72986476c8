"""Strict schemas: what is closed, what is merged, what is refused, and that nothing is changed on the way."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.exceptions import UserError
from agents.strict_schema import (
    ensure_strict_json_schema,
    has_more_than_n_keys,
    is_dict,
    is_list,
    resolve_ref,
)

Schema = dict[str, Any]

CLOSED: Schema = {"type": "object", "properties": {}, "additionalProperties": False, "required": []}


def obj(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


def closed(**properties: Any) -> Schema:
    return {**obj(**properties), "additionalProperties": False, "required": list(properties)}


def test_an_empty_schema_gives_a_fresh_closed_object_each_time() -> None:
    first = ensure_strict_json_schema({})
    first["properties"]["leak"] = {}
    assert ensure_strict_json_schema({}) == CLOSED


@pytest.mark.parametrize("schema", [[], None, "object", True])
def test_a_schema_that_is_no_dictionary_is_a_type_error(schema: Any) -> None:
    with pytest.raises(TypeError, match="to be a dictionary"):
        ensure_strict_json_schema(schema)


@pytest.mark.parametrize("entry", [True, [1], "x"])
def test_a_property_that_is_no_dictionary_is_a_type_error_that_says_where(entry: Any) -> None:
    with pytest.raises(TypeError, match=r"path=\('properties', 'a'\)"):
        ensure_strict_json_schema(obj(a=entry))


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        pytest.param(
            {"type": "object"}, {"type": "object", "additionalProperties": False}, id="no properties"
        ),
        pytest.param({"properties": {"a": {}}}, closed(a={}), id="typeless with properties"),
        pytest.param({"type": ["object"], "properties": {"a": {}}}, closed(a={}), id="list of one type"),
        pytest.param({"type": "string"}, {"type": "string"}, id="explicit other type"),
        pytest.param({"type": "array", "items": True}, {"type": "array", "items": True}, id="boolean schema"),
        pytest.param(
            {"type": "string", "additionalProperties": True},
            {"type": "string", "additionalProperties": True},
            id="meaningless keyword on another type",
        ),
        pytest.param(
            obj(a={"type": "string", "default": None}, b={"default": 3}),
            closed(a={"type": "string"}, b={"default": 3}),
            id="null defaults go, others stay",
        ),
        pytest.param(
            obj(a={"type": ["object", "null"], "properties": {"x": {}}}),
            closed(a={**closed(x={}), "type": ["object", "null"]}),
            id="nullable below the root",
        ),
        pytest.param(
            obj(a={"oneOf": [obj()], "anyOf": [{"type": "null"}], "discriminator": {"propertyName": "k"}}),
            closed(a={"anyOf": [{"type": "null"}, CLOSED], "discriminator": {"propertyName": "k"}}),
            id="oneOf joins anyOf",
        ),
        pytest.param(
            obj(a={"type": "array", "prefixItems": [obj()], "items": obj()}),
            closed(a={"type": "array", "prefixItems": [CLOSED], "items": CLOSED}),
            id="arrays",
        ),
        pytest.param(
            obj(a={"allOf": [obj(x={}), {"description": "d"}]}),
            closed(a={"allOf": [closed(x={}), {"description": "d"}]}),
            id="allOf of more than one stays",
        ),
        pytest.param(
            {**obj(), "definitions": {"D": obj()}, "$defs": {"E": obj()}},
            {**CLOSED, "definitions": {"D": CLOSED}, "$defs": {"E": CLOSED}},
            id="definitions",
        ),
    ],
)
def test_schemas_are_closed(schema: Schema, strict: Schema) -> None:
    assert ensure_strict_json_schema(schema) == strict


@pytest.mark.parametrize("value", [True, {}, {"type": "string"}, None])
def test_open_objects_are_refused(value: object) -> None:
    schema = {"type": "object", "additionalProperties": value}
    for around in (schema, obj(a=schema)):
        with pytest.raises(UserError, match="additionalProperties"):
            ensure_strict_json_schema(around)


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [obj()]},
        {"oneOf": [obj()]},
        {"type": "object", "anyOf": []},
        {"type": ["object", "null"]},
        {"type": ["object", "string"]},
        {"$ref": "#/$defs/D", "$defs": {"D": {"anyOf": [obj()]}}},
        {"allOf": [{"anyOf": [obj()]}]},
    ],
)
def test_the_root_must_be_one_object(schema: Schema) -> None:
    with pytest.raises(UserError, match="root of a strict JSON schema"):
        ensure_strict_json_schema(schema)


# --- References ------------------------------------------------------------------------------------------------------


def with_defs(property_: Schema, **definitions: Schema) -> Schema:
    return {**obj(a=property_), "$defs": definitions}


def a_of(schema: Schema) -> Schema:
    return ensure_strict_json_schema(schema)["properties"]["a"]


def test_a_lone_reference_stays_even_when_recursive() -> None:
    schema = with_defs({"$ref": "#/$defs/D"}, D=obj(child={"$ref": "#/$defs/D"}))
    strict = ensure_strict_json_schema(schema)
    assert strict["properties"]["a"] == {"$ref": "#/$defs/D"}
    assert strict["$defs"] == {"D": closed(child={"$ref": "#/$defs/D"})}


def test_a_reference_at_the_root_of_a_recursive_model_is_inlined_beside_its_definitions() -> None:
    node = obj(child={"$ref": "#/$defs/Node"})
    other = obj(node={"$ref": "#/$defs/Node", "description": "d"})
    strict = ensure_strict_json_schema({"$ref": "#/$defs/Node", "$defs": {"Node": node, "Other": other}})
    assert strict == {
        **closed(child={"$ref": "#/$defs/Node"}),
        "$defs": {
            "Node": closed(child={"$ref": "#/$defs/Node"}),
            "Other": closed(node={**closed(child={"$ref": "#/$defs/Node"}), "description": "d"}),
        },
    }


def test_annotations_beside_a_reference_win_over_its_target() -> None:
    target = {"type": "string", "description": "target", "title": "T", "default": "x"}
    schema = with_defs({"$ref": "#/$defs/D", "description": "here", "default": None}, D=target)
    assert a_of(schema) == {"type": "string", "description": "here", "title": "T", "default": "x"}


def test_a_chain_of_references_is_followed() -> None:
    schema = with_defs(
        {"$ref": "#/$defs/D", "description": "d"}, D={"$ref": "#/$defs/E"}, E={"type": "string"}
    )
    assert a_of(schema) == {"type": "string", "description": "d"}


@pytest.mark.parametrize("sibling", ["minLength", "type", "enum", "properties", "anyOf", "allOf", "x-vendor"])
def test_constraints_beside_a_reference_are_refused(sibling: str) -> None:
    with pytest.raises(UserError, match=f"incompatible sibling.*{sibling}"):
        ensure_strict_json_schema(with_defs({"$ref": "#/$defs/D", sibling: []}, D={"type": "string"}))


@pytest.mark.parametrize(
    ("pointer", "definitions"),
    [
        ("#/$defs/a~1b~0c%20d", {"a/b~c d": {"type": "string"}}),
        ("#/$defs/D/anyOf/1", {"D": {"anyOf": [{}, {"type": "string"}]}}),
    ],
)
def test_json_pointers_are_decoded(pointer: str, definitions: Schema) -> None:
    assert a_of(with_defs({"$ref": pointer, "title": "T"}, **definitions)) == {"type": "string", "title": "T"}


def test_a_reference_to_elsewhere_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="Unexpected"):
        ensure_strict_json_schema(obj(a={"$ref": "https://example.test/x", "title": "T"}))


@pytest.mark.parametrize("ref", ["#/$defs/Missing", "#/$defs/D/type"])
def test_a_dangling_reference_is_refused(ref: str) -> None:
    with pytest.raises(UserError, match=r"that (points nowhere|does not point)"):
        ensure_strict_json_schema(with_defs({"$ref": ref, "title": "T"}, D={"type": "string"}))


@pytest.mark.parametrize(
    "schema",
    [
        with_defs({"$ref": "#/$defs/A", "title": "T"}, A={"$ref": "#/$defs/B"}, B={"$ref": "#/$defs/A"}),
        with_defs({"allOf": [{"$ref": "#/$defs/A"}]}, A={"$ref": "#/$defs/A"}),
        with_defs({"$ref": "#/$defs/A", "title": "T"}, A=obj(child={"$ref": "#/$defs/A", "title": "C"})),
        obj(a={"type": "array", "items": {"$ref": "#/properties/a", "title": "T"}}),
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    ],
)
def test_circular_expansion_is_refused(schema: Schema) -> None:
    with pytest.raises(UserError, match=r"circular.*too deeply nested"):
        ensure_strict_json_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        with_defs({"$ref": "#/$defs/D", "title": "T"}, D={"$id": "u", "type": "string"}),
        with_defs({"$ref": "#/$defs/D/properties/x", "title": "T"}, D={"$id": "u", **obj(x={})}),
        with_defs({"$id": "u", **obj(x={"$ref": "#/y"})}),
        with_defs({"$ref": "#/$defs/D", "$id": "u"}, D={}),
    ],
)
def test_references_owned_by_or_crossing_a_nested_id_are_refused(schema: Schema) -> None:
    with pytest.raises(UserError, match="nested `\\$id` resource"):
        ensure_strict_json_schema(schema)


def test_an_id_at_the_root_and_a_property_named_id_are_no_nested_resources() -> None:
    schema = {
        **with_defs({"$ref": "#/$defs/D", "title": "T"}, D=obj(**{"$id": {"type": "string"}})),
        "$id": "root",
    }
    assert a_of(schema) == {**closed(**{"$id": {"type": "string"}}), "title": "T"}


# --- A singleton allOf -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"allOf": [{"type": "string"}]}, {"type": "string"}),
        ({"allOf": [{"allOf": [{"type": "string"}]}]}, {"type": "string"}),
        ({"allOf": [{"minLength": 3}], "type": "string"}, {"type": "string", "minLength": 3}),
        (
            {"allOf": [{"type": "string", "description": "inner"}], "description": "outer"},
            {"type": "string", "description": "outer"},
        ),
        ({"allOf": [obj(x={})], "properties": {"x": {}}}, closed(x={})),
        ({"allOf": [{"$ref": "#/$defs/D"}], "minLength": 1}, {"type": "string", "minLength": 1}),
        ({"allOf": [{"const": 1}], "const": 1.0}, {"const": 1}),
    ],
)
def test_a_singleton_all_of_is_merged(schema: Schema, strict: Schema) -> None:
    assert a_of(with_defs(schema, D={"type": "string"})) == strict


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"allOf": [{"minLength": 1}], "minLength": 2}, "minLength"),
        ({"allOf": [{"const": 1}], "const": True}, "const"),
        ({"allOf": [{"enum": [{"x": [1]}]}], "enum": [{"x": [True]}]}, "enum"),
        ({"allOf": [obj(x={})], "properties": {"y": {}}}, "properties"),
        ({"allOf": [obj(x={})], "additionalProperties": False}, "properties"),
        ({"allOf": [{"oneOf": [obj()]}], "anyOf": [{"type": "string"}]}, "anyOf"),
    ],
)
def test_a_singleton_all_of_that_overlaps_is_refused(schema: Schema, keyword: str) -> None:
    with pytest.raises(UserError, match=f"singleton `allOf`.*{keyword}"):
        ensure_strict_json_schema(obj(a=schema))


# --- Bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1_000, 50_000])
def test_a_schema_that_is_too_deep_is_refused(depth: int) -> None:
    schema: Schema = {"type": "string"}
    for _ in range(depth):
        schema = obj(a=schema)
    with pytest.raises(UserError, match="too deeply nested"):
        ensure_strict_json_schema(schema)


def test_a_python_cycle_is_refused() -> None:
    schema = obj()
    schema["properties"]["a"] = schema
    with pytest.raises(UserError, match="too deeply nested"):
        ensure_strict_json_schema(schema)


def test_sixty_levels_are_not_too_deep() -> None:
    schema: Schema = {"type": "string"}
    for _ in range(60):
        schema = obj(a=schema)
    assert ensure_strict_json_schema(schema)["required"] == ["a"]


def test_an_expansion_bomb_is_refused() -> None:
    definitions: Schema = {
        f"D{i}": obj(
            l={"$ref": f"#/$defs/D{i + 1}", "title": "l"}, r={"$ref": f"#/$defs/D{i + 1}", "title": "r"}
        )
        for i in range(40)
    }
    with pytest.raises(UserError, match="too large"):
        ensure_strict_json_schema(
            with_defs({"$ref": "#/$defs/D0", "title": "T"}, **definitions, D40={"type": "null"})
        )


# --- Small functions -------------------------------------------------------------------------------------------------


def test_resolve_ref_follows_a_pointer() -> None:
    root: dict[str, object] = {"a/b": {"c": [{"d": 1}]}}
    assert resolve_ref(root=root, ref="#/a~1b") == {"c": [{"d": 1}]}
    assert resolve_ref(root=root, ref="#/a~1b/c/0") == {"d": 1}


@pytest.mark.parametrize(
    ("ref", "error"), [("x", ValueError), ("#", ValueError), ("#/z", KeyError), ("#/a", ValueError)]
)
def test_resolve_ref_says_what_is_wrong(ref: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        resolve_ref(root={"a": 1}, ref=ref)


def test_predicates() -> None:
    assert (is_dict({}), is_dict([]), is_list([]), is_list(())) == (True, False, True, False)
    assert (has_more_than_n_keys({"a": 1}, 0), has_more_than_n_keys({"a": 1}, 1)) == (True, False)


# --- Laws ------------------------------------------------------------------------------------------------------------

_leaves = st.sampled_from(
    [
        {},
        {"type": "string"},
        {"type": "integer", "default": 3},
        {"type": ["string", "null"], "default": None},
        {"enum": ["a", 1, True]},
        {"type": "object"},
        {"$ref": "#/$defs/A"},
        {"$ref": "#/$defs/B", "description": "d"},
        {"$ref": "#/$defs/A", "title": "T", "default": None},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "additionalProperties": True},
    ]
)


def _around(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    properties = st.dictionaries(st.sampled_from(["a", "b", "$ref", "default", "type"]), inner, max_size=3)
    some = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        properties.map(lambda value: {"type": "object", "properties": value}),
        properties.map(lambda value: {"properties": value, "required": []}),
        some.map(lambda value: {"anyOf": value}),
        some.map(lambda value: {"oneOf": value, "description": "one"}),
        some.map(lambda value: {"allOf": value, "title": "all"}),
        some.map(lambda value: {"type": "array", "prefixItems": value}),
        inner.map(lambda value: {"type": "array", "items": value}),
    )


_schemas = st.recursive(_leaves, _around, max_leaves=8)


def _document(properties: Schema, a: Schema, b: Schema) -> Schema:
    return {**obj(**properties), "$defs": {"A": a, "B": b}}


_documents = st.builds(
    _document, st.dictionaries(st.sampled_from(["x", "y"]), _schemas, max_size=2), _schemas, _schemas
)


def _all_schemas(schema: Schema) -> Iterator[Schema]:
    yield schema
    for keyword in ("properties", "$defs"):
        for inner in schema.get(keyword, {}).values():
            yield from _all_schemas(inner)
    for keyword in ("anyOf", "allOf", "prefixItems"):
        for inner in schema.get(keyword, []):
            yield from _all_schemas(inner)
    if isinstance(schema.get("items"), dict):
        yield from _all_schemas(schema["items"])


def _containers(value: object) -> Iterator[object]:
    if is_dict(value):
        yield value
        for inner in value.values():
            yield from _containers(inner)
    elif is_list(value):
        yield value
        for inner in value:
            yield from _containers(inner)


@given(_documents)
def test_the_schema_given_is_neither_changed_nor_shared(document: Schema) -> None:
    before = copy.deepcopy(document)
    try:
        strict = ensure_strict_json_schema(document)
    except UserError:
        return
    finally:
        assert json.dumps(document) == json.dumps(before)
    assert not {id(value) for value in _containers(strict)} & {id(value) for value in _containers(document)}


@given(_documents)
def test_the_result_is_closed_everywhere_and_twice_is_once(document: Schema) -> None:
    try:
        strict = ensure_strict_json_schema(document)
    except UserError:
        return
    for schema in _all_schemas(strict):
        kind = schema.get("type")
        is_object = kind == "object" or (is_list(kind) and "object" in kind)
        assert not is_object or schema["additionalProperties"] is False
        assert is_object or kind is not None or "properties" not in schema
        if "properties" in schema:
            assert schema["required"] == list(cast("Schema", schema["properties"]))
        assert "oneOf" not in schema
        assert "default" not in schema or schema["default"] is not None
        assert not isinstance(schema.get("$ref"), str) or len(schema) == 1
    assert ensure_strict_json_schema(strict) == strict
