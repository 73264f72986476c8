"""What an agent's final output must look like, and how the model's text becomes it."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from .exceptions import ModelBehaviorError, UserError
from .strict_schema import ensure_strict_json_schema

_WRAPPER_KEY = "response"


class AgentOutputSchemaBase(abc.ABC):
    """The port between an agent and the shape of its output.

    Implement it to validate output in your own way, and give an instance as
    `Agent.output_type`.
    """

    @abc.abstractmethod
    def is_plain_text(self) -> bool:
        """Whether the output is the model's text as it is, without a schema."""

    @abc.abstractmethod
    def name(self) -> str:
        """The name of the output type, for people."""

    @abc.abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema sent to the model. Only called when the output is not plain text."""

    @abc.abstractmethod
    def is_strict_json_schema(self) -> bool:
        """Whether the schema is sent in strict mode: the model then cannot give anything else."""

    @abc.abstractmethod
    def validate_json(self, json_str: str) -> Any:
        """The output object that the model's text stands for.

        Raises:
            ModelBehaviorError: the text does not fit.
        """


@dataclass(init=False)
class AgentOutputSchema(AgentOutputSchemaBase):
    """The output schema of a Python type.

    `str` and None mean plain text. Pydantic models, typed dictionaries and `dict`
    are sent as they are; every other type is wrapped in an object with the one key
    `response`, because a model server wants an object at the root, and unwrapped
    again by `validate_json`.

    With `strict_json_schema`, the default, the schema is made strict and the
    model's JSON is taken without coercion: `"1"` is not an integer.

    Raises:
        UserError: strict mode is on and the type cannot be strict (dictionaries with free keys, for example).
            Change the type, or pass `strict_json_schema=False`.
    """

    output_type: type[Any]
    """The type of the output, as given."""

    _adapter: TypeAdapter[Any] = field(repr=False, compare=False)
    _is_wrapped: bool = field(repr=False, compare=False)
    _json_schema: dict[str, Any] | None = field(repr=False, compare=False)
    _is_strict: bool = field(repr=False)

    def __init__(self, output_type: type[Any], strict_json_schema: bool = True) -> None:
        self.output_type = output_type
        self._is_strict = strict_json_schema
        is_plain_text = _is_plain_text(output_type)
        self._is_wrapped = not is_plain_text and not _is_object(output_type)
        self._adapter = TypeAdapter(_wrapper_of(output_type) if self._is_wrapped else output_type)
        if is_plain_text:
            self._json_schema = None
            return
        self._json_schema = self._adapter.json_schema()
        if strict_json_schema:
            try:
                self._json_schema = ensure_strict_json_schema(self._json_schema)
            except UserError as error:
                raise UserError(
                    "Strict JSON schema is enabled, but the output type is not valid. Either make the output type "
                    "strict, or wrap your type with AgentOutputSchema(YourType, strict_json_schema=False)"
                ) from error

    def is_plain_text(self) -> bool:
        """Whether the output type is `str` or None."""
        return self._json_schema is None

    def is_strict_json_schema(self) -> bool:
        """Whether the schema is strict."""
        return self._is_strict

    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the output; the same dictionary each time, not to be changed.

        Raises:
            UserError: the output is plain text.
        """
        if self._json_schema is None:
            raise UserError("Output type is plain text, so no JSON schema is available")
        return self._json_schema

    def validate_json(self, json_str: str) -> Any:
        """The output object in the model's text, out of its wrapper if it has one.

        Raises:
            ModelBehaviorError: the text is no JSON, or not of the type. The message
                leaves the text out, since it may be sensitive.
        """
        try:
            value = self._adapter.validate_json(json_str, strict=True if self._is_strict else None)
        except ValidationError:
            raise ModelBehaviorError("Invalid JSON when parsing model output") from None
        return value[_WRAPPER_KEY] if self._is_wrapped else value

    def name(self) -> str:
        """The name of the output type, such as `list[str]` or `Literal['ok']`."""
        return _readable(self.output_type)


def _is_plain_text(output_type: object) -> bool:
    return output_type is None or output_type is str


def _is_object(output_type: object) -> bool:
    """Whether JSON of this type is an object at the root. Typed dictionaries are `dict` classes."""
    origin = get_origin(output_type)
    kind: object = output_type if origin is None else origin
    return isinstance(kind, type) and issubclass(kind, (BaseModel, dict))


def _wrapper_of(output_type: Any) -> type[Any]:
    # The title `OutputType` is what model servers see.
    return cast("type[Any]", TypedDict("OutputType", {_WRAPPER_KEY: output_type}))  # pyright: ignore[reportGeneralTypeIssues]  -- built at run time


def _readable(kind: Any) -> str:
    origin = get_origin(kind)
    arguments: tuple[Any, ...] = get_args(kind)
    if not arguments:
        return str(kind) if origin is not None else getattr(kind, "__name__", None) or repr(kind)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    name = getattr(origin, "__name__", None) or str(origin)
    return f"{name}[{', '.join(map(_readable, arguments))}]"
