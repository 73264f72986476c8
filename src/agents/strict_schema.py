"""JSON schemas that a strict model server accepts: every object closed, every property required.

Rules of this file:

1. The schema given is never changed, and nothing in the result is shared with it.
2. What cannot be made strict without changing what it accepts is refused, never approximated.
3. Work is bounded: depth and the number of schemas visited, so that no schema can hang or crash the caller.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeGuard
from urllib.parse import unquote

from .exceptions import UserError

_MAX_DEPTH = 100
_MAX_SCHEMAS = 100_000

_DEFINITIONS = ("$defs", "definitions")
_MAPS_OF_SCHEMAS = ("properties", "patternProperties", *_DEFINITIONS)
_LISTS_OF_SCHEMAS = ("anyOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalItems", "contains", "unevaluatedItems")

# Where JSON schema allows a boolean or a list instead of a schema object, it is left as it is.
_MUST_HOLD_OBJECTS = frozenset({"properties", "anyOf", "allOf", "$defs", "definitions"})

# Keywords that say something about a value without changing which values are accepted (JSON Schema 2020-12,
# core 8 and validation 8 and 9). Only these may stand beside an inlined `$ref` or override a singleton `allOf`.
_ANNOTATIONS = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)

_ADVICE = " Make the root a plain object, or update the function or output tool to not use a strict schema."
_FLATTEN = "too deeply nested to process safely. Simplify or flatten the schema."


def ensure_strict_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The strict form of `schema`, as a new dictionary; the argument is left as it was.

    Objects are closed and all their properties required, `oneOf` becomes `anyOf`,
    null defaults go, and a `$ref` or one-element `allOf` that carries annotations
    is inlined. An empty schema gives an object without properties. Applying it
    twice gives the same as once.

    Raises:
        TypeError: a schema is not a dictionary.
        UserError: the schema cannot be made strict: open objects, a root that is not one plain object,
            references that are circular, dangling or cross a nested `$id`, keywords that cannot be merged,
            or too deep or too large. Change the type, or turn strict mode off for this tool or output.
        ValueError: a `$ref` that has to be inlined is not of the form `#/...`.
    """
    if schema == {}:
        return {"additionalProperties": False, "type": "object", "properties": {}, "required": []}
    try:
        strict = _Strictness(schema).close(schema, (), frozenset(), in_resource=False)
    except RecursionError:
        raise UserError(f"JSON schema is {_FLATTEN}") from None
    _check_root(strict)
    return strict


def resolve_ref(*, root: dict[str, object], ref: str) -> object:
    """The schema in `root` that the JSON pointer `ref` (`#/...`, RFC 6901, percent-encoding allowed) names.

    Raises:
        KeyError: nothing is there.
        ValueError: `ref` does not start with `#/`, or what it names is not a dictionary.
    """
    found: object = root
    for found in _walk(root, ref):  # noqa: B007  (the last step is the target)
        pass
    if not is_dict(found):
        raise ValueError(f"$ref {ref!r} does not point to a schema object")
    return found


def is_dict(obj: object) -> TypeGuard[dict[str, object]]:
    """Whether `obj` is a dictionary."""
    return isinstance(obj, dict)


def is_list(obj: object) -> TypeGuard[list[object]]:
    """Whether `obj` is a list."""
    return isinstance(obj, list)


def has_more_than_n_keys(obj: dict[str, object], n: int) -> bool:
    """Whether `obj` has more than `n` keys."""
    return len(obj) > n


class _Strictness:
    """One conversion: the document that references point into, and how much work is left."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._schemas_left = _MAX_SCHEMAS

    def close(
        self, schema: object, path: tuple[str, ...], inlined: frozenset[str], *, in_resource: bool
    ) -> dict[str, Any]:
        """The strict copy of one schema and of all below it.

        `path` is where it stands, `inlined` the references expanded around it,
        `in_resource` whether a nested `$id` encloses it.
        """
        if not is_dict(schema):
            raise TypeError(f"Expected {schema} to be a dictionary; path={path}")
        self._count(path)
        in_resource = in_resource or (bool(path) and isinstance(schema.get("$id"), str))
        flat, inlined_here = self._flatten(schema, inlined, in_resource=in_resource, inline=False)
        _close_object(flat)
        strict: dict[str, Any] = {}
        for keyword, value in flat.items():
            # Definitions stand beside a `$ref`, not below it: what it expands to does not enclose them.
            around = inlined if keyword in _DEFINITIONS else inlined_here
            strict[keyword] = self._keyword(keyword, value, path, around, in_resource=in_resource)
        return strict

    def _keyword(
        self,
        keyword: str,
        value: object,
        path: tuple[str, ...],
        inlined: frozenset[str],
        *,
        in_resource: bool,
    ) -> object:
        """The strict copy of what one keyword holds."""

        def below(entry: object, *names: str) -> object:
            if keyword in _MUST_HOLD_OBJECTS or is_dict(entry):
                return self.close(entry, (*path, keyword, *names), inlined, in_resource=in_resource)
            return copy.deepcopy(entry)

        if keyword in _MAPS_OF_SCHEMAS and is_dict(value):
            return {name: below(entry, str(name)) for name, entry in value.items()}
        if (keyword in _LISTS_OF_SCHEMAS or keyword == "items") and is_list(value):
            return [below(entry, str(index)) for index, entry in enumerate(value)]
        if keyword in _SCHEMAS:
            return below(value)
        return copy.deepcopy(value)

    def _flatten(
        self, schema: dict[str, object], inlined: frozenset[str], *, in_resource: bool, inline: bool
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """One level of `schema` without mergeable `$ref`, `oneOf`, singleton `allOf` and null default.

        A `$ref` that stands alone stays, unless `inline`. Also returns the
        references expanded on the way.
        """
        flat = dict(schema)
        if "default" in flat and flat["default"] is None:
            del flat["default"]
        ref = flat.get("$ref")
        if isinstance(ref, str):
            if in_resource:
                raise _crosses_resource()
            if inline or len(flat) > 1:
                return self._inline(ref, flat, inlined)
        one_of = flat.get("oneOf")
        if is_list(one_of):
            any_of = flat.get("anyOf")
            flat["anyOf"] = [*(any_of if is_list(any_of) else ()), *one_of]
            del flat["oneOf"]
        all_of = flat.get("allOf")
        if is_list(all_of) and len(all_of) == 1 and is_dict(all_of[0]):
            del flat["allOf"]
            entry, inlined = self._flatten(all_of[0], inlined, in_resource=in_resource, inline=True)
            _refuse_conflicts(entry, flat)
            return {**entry, **flat}, inlined
        return flat, inlined

    def _inline(
        self, ref: str, schema: dict[str, Any], inlined: frozenset[str]
    ) -> tuple[dict[str, Any], frozenset[str]]:
        self._count(())
        siblings = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        if isinstance(siblings.get("$id"), str):
            raise _crosses_resource()
        incompatible = sorted(siblings.keys() - _ANNOTATIONS)
        if incompatible:
            raise UserError(
                f"JSON schema contains a `$ref` with incompatible sibling keyword(s) ({', '.join(incompatible)}) "
                "that cannot be merged without changing its accepted values."
            )
        if ref in inlined:
            raise UserError(
                f"JSON schema contains a circular `$ref` chain ({ref!r}): expanded, it is {_FLATTEN}"
            )
        target, inlined = self._flatten(self._target(ref), inlined | {ref}, in_resource=False, inline=True)
        below = {keyword: value for keyword, value in target.items() if keyword not in _DEFINITIONS}
        return {**siblings, **{k: v for k, v in below.items() if k not in siblings}}, inlined

    def _target(self, ref: str) -> dict[str, object]:
        try:
            steps = list(_walk(self._root, ref))
        except KeyError as error:
            raise UserError(f"JSON schema contains a `$ref` that points nowhere: {ref!r}") from error
        if any(is_dict(step) and isinstance(step.get("$id"), str) for step in steps):
            raise _crosses_resource()
        target = steps[-1]
        if not is_dict(target):
            raise UserError(f"JSON schema contains a `$ref` that does not point to a schema object: {ref!r}")
        return target

    def _count(self, path: tuple[str, ...]) -> None:
        self._schemas_left -= 1
        # A step down is two names where it goes through a map or a list, one elsewhere.
        if len(path) > 2 * _MAX_DEPTH:
            raise UserError(f"JSON schema is {_FLATTEN}")
        if self._schemas_left < 0:
            raise UserError(
                "JSON schema is too large to convert to a strict schema. This can happen when a schema expands "
                "`$ref`s exponentially, which may indicate a malformed or malicious schema."
            )


def _close_object(schema: dict[str, Any]) -> None:
    """Close one level in place: `schema` is this conversion's own copy."""
    properties = schema.get("properties")
    if "type" not in schema and is_dict(properties):
        schema["type"] = "object"
    if schema.get("type") == ["object"]:
        schema["type"] = "object"
    kind = schema.get("type")
    may_be_object = kind is None or kind == "object" or (is_list(kind) and "object" in kind)
    if not may_be_object:
        pass
    elif "additionalProperties" in schema and schema["additionalProperties"] is not False:
        raise UserError(
            "additionalProperties should not be set for object types. This could be because you're using an older "
            "version of Pydantic, or because you configured additional properties to be allowed. If you really need "
            "this, update the function or output tool to not use a strict schema."
        )
    elif kind is not None:
        schema["additionalProperties"] = False
    if is_dict(properties):
        schema["required"] = list(properties)


def _check_root(schema: dict[str, Any]) -> None:
    if is_list(schema.get("anyOf")):
        raise UserError("The root of a strict JSON schema must not use `anyOf`." + _ADVICE)
    kind: object = schema.get("type")
    if is_list(kind) and "object" in kind:
        raise UserError(
            f"The root of a strict JSON schema must be a non-nullable object, but its type is {kind}."
            + _ADVICE
        )


def _refuse_conflicts(entry: dict[str, Any], parent: dict[str, Any]) -> None:
    """Refuse to merge the one entry of an `allOf` into its parent where both constrain the same thing."""
    conflicts = {
        keyword
        for keyword in entry.keys() & parent.keys() - _ANNOTATIONS
        if not _same_json(entry[keyword], parent[keyword])
    }
    # What `additionalProperties` forbids depends on the properties beside it, so it cannot move between schemas.
    for one, other in ((entry, parent), (parent, entry)):
        if (
            "additionalProperties" in one
            and "properties" in other
            and one.get("properties") != other["properties"]
        ):
            conflicts.add("properties")
    if conflicts:
        raise UserError(
            "JSON schema contains a singleton `allOf` entry with incompatible parent keyword(s) "
            f"({', '.join(sorted(conflicts))}) that cannot be merged without changing its accepted values."
        )


def _same_json(one: object, other: object) -> bool:
    """JSON equality: `1` equals `1.0`, but not `true`."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if is_dict(one) and is_dict(other):
        return one.keys() == other.keys() and all(_same_json(value, other[key]) for key, value in one.items())
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(_same_json, one, other))
    return one == other


def _walk(root: dict[str, Any], ref: str) -> Iterator[object]:
    """What the JSON pointer passes through, the target last and the root left out."""
    if not ref.startswith("#/"):
        raise ValueError(f"Unexpected $ref format {ref!r}; Does not start with #/")
    found: object = root
    for token in ref[2:].split("/"):
        key = unquote(token).replace("~1", "/").replace("~0", "~")
        if is_dict(found) and key in found:
            found = found[key]
        elif is_list(found) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise KeyError(key)
        yield found


def _crosses_resource() -> UserError:
    return UserError(
        "JSON schema contains a reference owned by or crossing a nested `$id` resource that cannot be resolved "
        "against the document root."
    )
