"""From a Python callable to what a model is told about it, and from the model's arguments to the call.

The shape comes from the signature and its annotations, the words from the
docstring. Everything is decided once, in `function_schema`; a call only reads.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from ._lazy import lazy_module
from .exceptions import ModelBehaviorError, UserError
from .run_context import RunContextWrapper
from .strict_schema import ensure_strict_json_schema

if TYPE_CHECKING:
    import griffe
else:
    griffe = lazy_module("griffe")

DocstringStyle = Literal["google", "numpy", "sphinx"]
"""How parameters are described in a docstring."""

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

# In the order in which a tie is broken: the first two can hardly be written by accident.
_STYLE_MARKS: Mapping[DocstringStyle, re.Pattern[str]] = {
    "sphinx": re.compile(
        r"^:(?:param|parameter|arg|argument|key|keyword|type|raises?|except|exception|returns?|rtype)\b[^:\n]*:",
        re.MULTILINE,
    ),
    "numpy": re.compile(
        r"^(?:Parameters|Other Parameters|Returns|Yields|Receives|Raises|Warns|Attributes|Notes|Examples)[ \t]*\n-{3,}",
        re.MULTILINE,
    ),
    "google": re.compile(
        r"^(?:Args|Arguments|Params|Parameters|Returns|Yields|Raises|Examples?):", re.MULTILINE
    ),
}
_GOOGLE_HEADER = re.compile(
    r"(?:(?:keyword |other )?(?:args|arguments|params|parameters)|raises|exceptions|returns|yields|receives|warns"
    r"|attributes|examples):",
    re.IGNORECASE,
)
# A field, an underline, or a heading with an indented line below. Without any of them a docstring is all
# description in every style, and the parser, slow to import, has nothing to find.
_MAY_HAVE_SECTIONS = re.compile(r"^:\w|^-{3,}|^\S[^\n]*:[^\n]*\n\s*[ \t]\S", re.MULTILINE)

_GENERATED_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Whose docstrings say what a base class is, not what a tool does.
_GENERAL_MODULES = frozenset({"abc", "builtins", "collections.abc", "typing", "typing_extensions"})


@dataclass
class FuncDocumentation:
    """What a docstring says."""

    name: str
    """The callable's name."""

    description: str | None
    """The text above the sections, or None."""

    param_descriptions: dict[str, str] | None
    """Descriptions by parameter name, without stars; None when there are none."""


@dataclass(frozen=True, slots=True)
class _CallPlan:
    """Which field of the validated arguments goes where in the call."""

    positional: tuple[str, ...]
    keyword: tuple[tuple[str, str], ...]
    """Parameter name, field name."""
    var_positional: str | None
    var_keyword: tuple[str, str] | None
    """Parameter name, field name."""
    named: frozenset[str]
    """Names that a key of the `**` parameter would pass a second time."""


@dataclass
class FuncSchema:
    """Everything that is known of a function tool before it is called.

    To call the function: `validate_json` the model's text, `to_call_args` the
    result, and put the context first if `takes_context`.
    """

    name: str
    """The tool's name."""

    description: str | None
    """What the tool does, for the model."""

    params_pydantic_model: type[BaseModel]
    """A model with one field for each parameter but the context."""

    params_json_schema: dict[str, Any]
    """The JSON schema of that model, strict if `strict_json_schema`."""

    signature: inspect.Signature
    """The signature of the function."""

    takes_context: bool = False
    """Whether the first parameter is a `RunContextWrapper` or `ToolContext`."""

    strict_json_schema: bool = True
    """Whether the JSON schema is strict."""

    return_annotation: Any = None
    """The resolved return annotation; `inspect.Signature.empty` when there is none."""

    _plan: _CallPlan = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._plan = _call_plan(self.signature, takes_context=self.takes_context)

    def validate_json(self, text: str | bytes) -> BaseModel:
        """The model's arguments as an instance of `params_pydantic_model`; an empty text means no arguments.

        Raises:
            pydantic.ValidationError: no JSON, no object (`is_not_an_object` tells), or not of the right
                types. It holds the text: keep it from where sensitive data must not go.
        """
        return cast(
            "BaseModel", self.params_pydantic_model.__pydantic_validator__.validate_json(text or b"{}")
        )

    def prepared(self, text: str | bytes) -> dict[str, Any]:
        """The arguments that the function would be called with, as JSON-shaped data.

        Raises:
            pydantic.ValidationError: as `validate_json`.
            ValueError: the types made something of them that JSON cannot hold.
        """
        return self.validate_json(text).model_dump(mode="json", warnings=False)

    def to_call_args(self, data: BaseModel) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments of the call, the context left out.

        Raises:
            ModelBehaviorError: a key of the `**` parameter is also a named parameter.
        """
        plan = self._plan
        # Not by attribute: a parameter may be named like a property of pydantic models.
        values = data.__dict__
        args = [values[field] for field in plan.positional]
        kwargs = {name: values[field] for name, field in plan.keyword}
        if plan.var_positional is not None:
            args.extend(values[plan.var_positional])
        if plan.var_keyword is not None:
            keyword, field = plan.var_keyword
            extra: dict[str, Any] = values[field]
            if not plan.named.isdisjoint(extra):
                clash = min(plan.named.intersection(extra))
                raise ModelBehaviorError(
                    f"Invalid arguments for tool {self.name}: {clash!r} is both a named parameter and a key in "
                    f"{keyword!r}. Pass each argument once, as a named parameter."
                )
            kwargs.update(extra)
        return args, kwargs


def is_not_an_object(error: ValidationError) -> bool:
    """Whether `FuncSchema.validate_json` failed because the JSON is valid, but no object."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return first["type"] == "model_type" and not first["loc"]


def function_schema(
    func: Callable[..., Any],
    docstring_style: DocstringStyle | None = None,
    name_override: str | None = None,
    description_override: str | None = None,
    use_docstring_info: bool = True,
    strict_json_schema: bool = True,
) -> FuncSchema:
    """The schema of a function, method, class or instance with a plain `__call__`.

    Sync, async and generator functions alike: only `return_annotation` differs.
    A parameter's description is the docstring's, else the first text in its
    `Annotated`, else that of its `Field`. `*args` become an array, `**kwargs` an
    object, each named like the parameter.

    Raises:
        UserError: the callable has no contract that can be read, its annotations cannot be resolved, the
            context is not its first parameter, or strict mode cannot express a parameter. The message says
            what to change.
    """
    is_instance = _is_instance(func)
    name = name_override or _name(func, is_instance=is_instance)
    if is_instance and not name_override and not _GENERATED_NAME.fullmatch(name):
        raise UserError(
            f"Cannot derive a function tool name from callable class {name!r}. Generated names must contain only "
            "ASCII letters, digits, underscores, or hyphens and be at most 64 characters. Pass name_override to "
            "function_tool()."
        )
    # Bound by hand: asking an instance for its signature runs its `__getattr__`.
    signature = inspect.signature(types.MethodType(type(func).__call__, func) if is_instance else func)
    hints = _annotations(func, name, is_instance=is_instance)
    takes_context = _takes_context(signature, hints, name, is_instance=is_instance)
    documentation = (
        _document(func, name, docstring_style, is_instance=is_instance) if use_docstring_info else None
    )
    model = _params_model(
        name,
        _parameters(signature, takes_context=takes_context),
        hints,
        (documentation and documentation.param_descriptions) or {},
        is_strict=strict_json_schema,
    )
    json_schema = model.model_json_schema()
    return FuncSchema(
        name=name,
        description=description_override or (documentation.description if documentation else None),
        params_pydantic_model=model,
        params_json_schema=ensure_strict_json_schema(json_schema) if strict_json_schema else json_schema,
        signature=signature,
        takes_context=takes_context,
        strict_json_schema=strict_json_schema,
        return_annotation=hints.get("return", signature.return_annotation),
    )


def generate_func_documentation(
    func: Callable[..., Any], style: DocstringStyle | None = None
) -> FuncDocumentation:
    """What the docstring of `func` says; its style is detected unless given.

    For an instance, the class describes the tool, and `__call__` its parameters
    before the class does.

    Raises:
        UserError: `func` is a callable whose contract cannot be read.
    """
    is_instance = _is_instance(func)
    return _document(func, _name(func, is_instance=is_instance), style, is_instance=is_instance)


# --- The callable ---------------------------------------------------------------------------------------------------


def _is_instance(func: Callable[..., Any]) -> bool:
    """Whether `func` is an object with a plain `__call__`, rather than a function or class."""
    if isinstance(func, functools.partial):
        raise UserError(
            "Unsupported callable object: function_tool does not infer functools.partial contracts. "
            "Use an explicit wrapper function."
        )
    if inspect.isclass(func) or _is_function(func):
        return False
    absent = object()
    if any(
        inspect.getattr_static(func, name, absent) is not absent for name in ("__wrapped__", "__signature__")
    ):
        raise UserError(
            "Unsupported callable wrapper: function_tool only infers plain callable instances. "
            "Use an explicit wrapper function."
        )
    call = inspect.getattr_static(type(func), "__call__", None)
    if not isinstance(call, types.FunctionType) or "__wrapped__" in vars(call):
        raise UserError(
            "Unsupported callable object: function_tool supports instances with a plain __call__ method. Use an "
            "explicit wrapper function for partials, decorated methods, built-in callables, or custom descriptors."
        )
    return True


def _is_function(func: Callable[..., Any]) -> bool:
    # Class methods not yet bound are routines with a name, too, but cannot be called.
    return callable(func) and inspect.isroutine(func) and isinstance(getattr(func, "__name__", None), str)


def _name(func: Callable[..., Any], *, is_instance: bool) -> str:
    return type(func).__name__ if is_instance else func.__name__


def _annotations(func: Callable[..., Any], name: str, *, is_instance: bool) -> dict[str, Any]:
    """The resolved annotations by parameter name, with `return` if there is one."""
    try:
        if is_instance:
            hints = get_type_hints(type(func).__call__, include_extras=True)
        elif inspect.isclass(func):
            fields = get_type_hints(func, include_extras=True)
            hints = {**fields, **get_type_hints(func.__init__, include_extras=True)}
        else:
            hints = get_type_hints(func, include_extras=True)
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        what = (
            "Unsupported callable object annotations" if is_instance else f"Unsupported annotations of {name}"
        )
        raise UserError(
            f"{what}: use an explicit wrapper function with annotations resolvable from its module. ({error})"
        ) from error
    if is_instance and any(_has_type_variable(hint) for hint in hints.values() if not _is_context(hint)):
        raise UserError(
            "Unsupported generic callable object annotations: use an explicit wrapper function with concrete "
            "parameter and return annotations."
        )
    return hints


def _has_type_variable(annotation: object) -> bool:
    return isinstance(annotation, TypeVar) or any(map(_has_type_variable, get_args(annotation)))


def _is_context(annotation: object) -> bool:
    """Whether the annotation is a context class, perhaps annotated or optional."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_context(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return any(map(_is_context, get_args(annotation)))
    kind = annotation if origin is None else origin
    return isinstance(kind, type) and issubclass(kind, RunContextWrapper)


def _takes_context(
    signature: inspect.Signature, hints: Mapping[str, Any], name: str, *, is_instance: bool
) -> bool:
    """Whether the first parameter is the context; no other one may be."""
    takes_context = False
    for position, parameter in enumerate(signature.parameters.values()):
        if not _is_context(hints.get(parameter.name)):
            continue
        if position == 0 and parameter.kind in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL):
            takes_context = True
        elif is_instance:
            raise UserError(
                "Unsupported callable object context parameter: RunContextWrapper or ToolContext must be the first "
                "positional parameter. Use an explicit wrapper function."
            )
        else:
            raise UserError(
                f"RunContextWrapper/ToolContext param found at non-first position in function {name}: make "
                f"{parameter.name!r} its first positional parameter."
            )
    return takes_context


def _parameters(signature: inspect.Signature, *, takes_context: bool) -> list[inspect.Parameter]:
    return list(signature.parameters.values())[1 if takes_context else 0 :]


# --- Its parameters -------------------------------------------------------------------------------------------------


def _field_names(parameters: Iterable[inspect.Parameter]) -> dict[str, str]:
    """Names of the model's fields by parameter name: the same, but for those that pydantic refuses."""
    names = {parameter.name: parameter.name for parameter in parameters}
    for name in names:
        field = name
        while field.startswith(("_", "model_config", "model_dump", "model_validate")) or (
            field != name and field in names
        ):
            field = f"parameter_{field}"
        names[name] = field
    return names


def _call_plan(signature: inspect.Signature, *, takes_context: bool) -> _CallPlan:
    parameters = _parameters(signature, takes_context=takes_context)
    fields = _field_names(parameters)
    variadic = {parameter.kind: parameter.name for parameter in parameters}
    rest = variadic.get(inspect.Parameter.VAR_POSITIONAL)
    extra = variadic.get(inspect.Parameter.VAR_KEYWORD)
    return _CallPlan(
        positional=tuple(fields[p.name] for p in parameters if p.kind in _POSITIONAL),
        keyword=tuple(
            (p.name, fields[p.name]) for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY
        ),
        var_positional=None if rest is None else fields[rest],
        var_keyword=None if extra is None else (extra, fields[extra]),
        named=frozenset(
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        ),
    )


def _params_model(
    name: str,
    parameters: Iterable[inspect.Parameter],
    hints: Mapping[str, Any],
    descriptions: Mapping[str, str],
    *,
    is_strict: bool,
) -> type[BaseModel]:
    parameters = list(parameters)
    field_names = _field_names(parameters)
    fields: dict[str, Any] = {}
    takes_any_keyword = False
    for parameter in parameters:
        annotation = hints.get(parameter.name, Any)
        description = descriptions.get(parameter.name) or _first_text(annotation)
        if parameter.kind in _VARIADIC:
            annotation, element_description = _part_element(annotation)
            description = description or element_description
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            takes_any_keyword = True
            if is_strict:
                raise UserError(
                    f"Variadic keyword parameter `**{parameter.name}` in function {name} cannot use a strict schema. "
                    "Set strict_mode=False on the function tool (or strict_json_schema=False on function_schema) "
                    f"and pass keyword arguments in the nested `{parameter.name}` object, or use explicit "
                    "parameters for a strict tool."
                )
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL and _is_fixed_tuple(annotation):
            raise UserError(
                f"Variadic parameter `*{parameter.name}` in function {name} is annotated with the fixed-length tuple "
                f"`{annotation}`. A variadic annotation describes each positional argument, so use tuple[T, ...] or "
                "list[T] instead."
            )
        field_name = field_names[parameter.name]
        about: dict[str, Any] = {} if description is None else {"description": description}
        if field_name != parameter.name:
            about["alias"] = parameter.name
        fields[field_name] = _field(parameter, annotation, about)
    config = ConfigDict(extra="forbid") if takes_any_keyword else None
    return create_model(f"{name}_args", __config__=config, **fields)


def _field(parameter: inspect.Parameter, annotation: Any, about: Mapping[str, Any]) -> Any:
    """A field definition for `create_model`; defaults are never compared, only passed on."""
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        return types.GenericAlias(list, (annotation,)), Field(default_factory=list, **about)
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return types.GenericAlias(dict, (str, annotation)), Field(default_factory=dict, **about)
    default: object = parameter.default
    if isinstance(default, FieldInfo):
        # The last one wins, and keeps what it does not set from the one before.
        return Annotated[annotation, default, Field(**about)]
    if default is inspect.Parameter.empty:
        return annotation, Field(**about)
    return annotation, Field(default=default, **about)


def _first_text(annotation: object) -> str | None:
    metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((entry for entry in metadata if isinstance(entry, str)), None)


def _part_element(annotation: Any) -> tuple[Any, str | None]:
    """The annotation of a variadic parameter's elements, and the description that is the whole parameter's."""
    if get_origin(annotation) is not Annotated:
        return annotation, None
    kind, *metadata = get_args(annotation)
    fields = [entry for entry in metadata if isinstance(entry, FieldInfo) and entry.description is not None]
    if not fields:
        return annotation, None
    constraints: list[Any] = []
    for entry in metadata:
        constraints += entry.metadata if any(entry is field for field in fields) else [entry]
    return Annotated[(kind, *constraints)] if constraints else kind, fields[-1].description


def _is_fixed_tuple(annotation: object) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_origin(annotation) is tuple and get_args(annotation)[-1:] != (...,)


# --- Its docstring --------------------------------------------------------------------------------------------------


def _document(
    func: Callable[..., Any], name: str, style: DocstringStyle | None, *, is_instance: bool
) -> FuncDocumentation:
    if is_instance:
        sources = [_class_docstring(type(func)), _call_docstring(type(func))]
    else:
        sources = [_class_docstring(func) if inspect.isclass(func) else inspect.getdoc(func)]
    description: str | None = None
    parameters: dict[str, str] = {}
    for source in sources:
        if source:
            text, described = _parse_docstring(source, style)
            description = description or text
            parameters |= described
    return FuncDocumentation(name, description, parameters or None)


def _class_docstring(cls: type[Any]) -> str | None:
    """What a class, or the nearest base that says anything of its own, says it is."""
    bases: tuple[type[object], ...] = cls.__mro__
    for base in bases:
        docstring: object = vars(base).get("__doc__")
        is_generated = dataclasses.is_dataclass(base) and str(docstring).startswith(f"{base.__name__}(")
        if base.__module__ not in _GENERAL_MODULES and isinstance(docstring, str) and not is_generated:
            return inspect.cleandoc(docstring)
    return None


def _call_docstring(cls: type[Any]) -> str | None:
    """What `__call__`, or the nearest one overridden, says. `inspect.getdoc` would go on to that of all types."""
    calls = [vars(base).get("__call__") for base in cls.__mro__]
    return next(
        (inspect.cleandoc(c.__doc__) for c in calls if isinstance(c, types.FunctionType) and c.__doc__), None
    )


def _parse_docstring(docstring: str, style: DocstringStyle | None) -> tuple[str | None, dict[str, str]]:
    """The description, and what is said of each parameter."""
    text = "\n".join(docstring.splitlines())
    if not _MAY_HAVE_SECTIONS.search(text):
        return text.strip() or None, {}
    style = style or _detect_style(text)
    if style == "google":
        text = _part_google_sections(text)
    # Its warnings are about documentation that has a source file; this has none.
    # It takes the first line's indent for an accident: an empty one keeps the others' where they are.
    sections = griffe.Docstring(f"\n{text}").parse(style, warnings=False)
    description: str | None = None
    parameters: dict[str, str] = {}
    for section in sections:
        if isinstance(section, griffe.DocstringSectionText):
            description = description or section.value.strip() or None
        elif isinstance(section, griffe.DocstringSectionParameters | griffe.DocstringSectionOtherParameters):
            for parameter in section.value:
                parameters[parameter.name.replace("\\", "").lstrip("*")] = parameter.description
    return description, parameters


def _detect_style(text: str) -> DocstringStyle:
    """The style with the most marks in the text; Google's if there are none."""
    counts: dict[DocstringStyle, int] = {
        style: len(marks.findall(text)) for style, marks in _STYLE_MARKS.items()
    }
    best = max(counts, key=lambda style: counts[style])
    return best if counts[best] else "google"


def _part_google_sections(text: str) -> str:
    """The text with an empty line before each section, which the parser asks for and people forget."""
    parted: list[str] = []
    is_code = False
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        is_header = _GOOGLE_HEADER.match(line) and following[:1].isspace()
        if is_header and not is_code and parted and parted[-1].strip():
            parted.append("")
        parted.append(line)
    return "\n".join(parted)
