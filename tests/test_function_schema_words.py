"""Function schemas: callable objects, and what docstrings say."""

from __future__ import annotations

import functools
import subprocess
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import Field

from agents.exceptions import UserError
from agents.function_schema import (
    DocstringStyle,
    FuncDocumentation,
    FuncSchema,
    function_schema,
    generate_func_documentation,
)
from agents.run_context import RunContextWrapper

Schema = dict[str, Any]
T = TypeVar("T")


def args_of_a(name: str) -> Schema:
    """The schema of a callable with the one parameter `a: int`."""
    return {
        "properties": {"a": {"title": "A", "type": "integer"}},
        "required": ["a"],
        "title": f"{name}_args",
        "type": "object",
        "additionalProperties": False,
    }


def documented(
    a: int,
    b: Annotated[int, "annotated b"] = 1,
    c: Annotated[int, "annotated c"] = Field(default=1, description="field c"),
    d: int = Field(default=1, description="field d"),
):
    """Sum.

    Args:
        a: the a
        b: the b
    """


# --- Callable objects ------------------------------------------------------------------------------------------------


class Described:
    """Class.

    Args:
        a: class a
        b: class b
    """

    def __call__(self, a: int, b: int, c: int = 0) -> int:
        """Call.

        Args:
            a: call a
        """
        return a + b + c

    @classmethod
    def of_class(cls, a: int) -> None: ...


class WithContext:
    async def __call__(self, context: RunContextWrapper[Any], a: int) -> None:
        """Call."""


@dataclass
class Generated:
    x: int = 1

    def __call__(self, a: int) -> None:
        """Call."""


class Silent(list[int]):
    def __call__(self, a: int) -> None: ...


class Evasive:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self, a: int) -> None: ...


def test_an_instance_is_described_by_its_class_and_its_call() -> None:
    schema = function_schema(Described())
    assert (schema.name, schema.description) == ("Described", "Class.")
    properties = schema.params_json_schema["properties"]
    assert {name: properties[name].get("description") for name in properties} == {
        "a": "call a",
        "b": "class b",
        "c": None,
    }
    assert schema.return_annotation is int


@pytest.mark.parametrize(
    ("cls", "description"),
    [(WithContext, "Call."), (Generated, "Call."), (Silent, None), (Evasive, None)],
)
def test_docstrings_of_other_classes_do_not_describe_an_instance(
    cls: Callable[[], Callable[..., Any]], description: str | None
) -> None:
    schema = function_schema(cls())
    assert schema.description == description
    assert schema.params_json_schema == args_of_a(cls.__name__)


def test_bound_methods_classes_and_wrapped_functions_are_functions() -> None:
    class Owner:
        def method(self, a: int) -> None: ...

        @classmethod
        def of_class(cls, a: int) -> None: ...

        @staticmethod
        def static(a: int) -> None: ...

    @functools.lru_cache
    def cached(a: int) -> None: ...

    class Made:
        def __init__(self, a: int) -> None: ...

    for function, name in (
        (Owner().method, "method"),
        (Owner.of_class, "of_class"),
        (Owner.static, "static"),
        (cached, "cached"),
        (Made, "Made"),
    ):
        assert function_schema(function).params_json_schema == args_of_a(name)


class StaticCall:
    @staticmethod
    def __call__(a: int) -> None: ...


def _decorate(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


class DecoratedCall:
    @_decorate
    def __call__(self, a: int) -> None: ...


class Wrapper:
    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> None: ...


class GenericCall(Generic[T]):
    def __call__(self, a: T) -> None: ...


class OpaqueCall:
    def __call__(self, a: int) -> None: ...


OpaqueCall.__call__.__annotations__["a"] = "Missing"


class LateContext:
    def __call__(self, a: int, context: RunContextWrapper[Any]) -> None: ...


UNSUPPORTED: list[tuple[Any, str]] = [
    (functools.partial(documented, 1), "Unsupported callable object.*partial"),
    (StaticCall(), "Unsupported callable object"),
    (DecoratedCall(), "Unsupported callable object"),
    (vars(WithContext), "Unsupported callable object"),
    (vars(Described)["of_class"], "Unsupported callable"),
    (3, "Unsupported callable object"),
    (Wrapper(documented), "Unsupported callable wrapper"),
    (GenericCall[int](), "Unsupported generic"),
    (OpaqueCall(), "explicit wrapper function.*annotations resolvable"),
    (LateContext(), "Unsupported callable object context parameter"),
]


@pytest.mark.parametrize(("unsupported", "message"), UNSUPPORTED)
def test_callables_without_a_contract_are_refused(unsupported: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        function_schema(unsupported)


def test_a_class_name_that_is_no_tool_name_asks_for_another() -> None:
    odd = type("Odd·Name", (Described,), {})()
    with pytest.raises(UserError, match="Pass name_override"):
        function_schema(odd)
    assert function_schema(odd, name_override="plain").name == "plain"


# --- Docstrings ------------------------------------------------------------------------------------------------------


def test_descriptions_come_from_docstring_then_annotated_then_field() -> None:
    def descriptions(*, use_docstring_info: bool) -> list[str | None]:
        schema = function_schema(documented, use_docstring_info=use_docstring_info)
        return [entry.get("description") for entry in schema.params_json_schema["properties"].values()]

    assert descriptions(use_docstring_info=True) == ["the a", "the b", "annotated c", "field d"]
    assert descriptions(use_docstring_info=False) == [None, "annotated b", "annotated c", "field d"]


def test_without_docstring_info_there_is_no_description() -> None:
    assert function_schema(documented, use_docstring_info=False).description is None


GOOGLE = """Sum.

    More.

    Args:
        a: the a
            continued
        b (int | None, optional): the b
        *rest: the rest
        **kw: the kw

    Returns:
        x
    """
NUMPY = """Sum.

    More.

    Parameters
    ----------
    a : int
        the a
        continued
    b
        the b
    *rest : int
        the rest
    **kw
        the kw

    Returns
    -------
    int
    """
SPHINX = """Sum.

    More.

    :param a: the a
      continued
    :param int b: the b
    :param rest: the rest
    :param \\**kw: the kw
    :type a: int
    :returns: x
    """
ALL = {"a": "the a\ncontinued", "b": "the b", "rest": "the rest", "kw": "the kw"}


def document(docstring: str | None, style: DocstringStyle | None = None) -> tuple[str | None, object]:
    def function(a: int, b: int = 1, *rest: int, **kw: int) -> None: ...

    function.__doc__ = docstring
    documentation = generate_func_documentation(function, style)
    assert documentation.name == "function"
    return documentation.description, documentation.param_descriptions


@pytest.mark.parametrize(
    ("style", "docstring"),
    [("google", GOOGLE), ("numpy", NUMPY), ("sphinx", SPHINX)],
    ids=["google", "numpy", "sphinx"],
)
def test_every_style_is_read_and_found(style: DocstringStyle, docstring: str) -> None:
    assert document(docstring) == ("Sum.\n\nMore.", ALL)
    assert document(docstring, style) == ("Sum.\n\nMore.", ALL)


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        pytest.param(None, (None, None), id="none"),
        pytest.param("  \n ", (None, None), id="blank"),
        pytest.param("One line", ("One line", None), id="one line"),
        pytest.param("Do: this\n\n    Warning: bad", ("Do: this\n\nWarning: bad", None), id="colons"),
        pytest.param(
            "Sum.\n    Args:\n        a: x\n    ", ("Sum.", {"a": "x"}), id="google without blank line"
        ),
        pytest.param(
            "Sum.\n    more\n    Args:\n        a: x\n    Returns:\n        y",
            ("Sum.\nmore", {"a": "x"}),
            id="no blanks",
        ),
        pytest.param("\n    Args:\n        a: x\n    ", (None, {"a": "x"}), id="google without summary"),
        pytest.param(":param a: x", (None, {"a": "x"}), id="sphinx without summary"),
        pytest.param(
            "Sum.\n    Parameters\n    ----------\n    a : int\n        x",
            ("Sum.", {"a": "x"}),
            id="numpy, no blank",
        ),
        pytest.param("Sum.\n\n    Returns:\n        x", ("Sum.", None), id="only returns"),
        pytest.param("Sum.\r\n\r\n    Args:\r\n        a: x\r\n", ("Sum.", {"a": "x"}), id="windows"),
        pytest.param(
            "Sum.\n\n    Args:\n        a: x\n\n    Keyword Args:\n        b: y",
            ("Sum.", {"a": "x", "b": "y"}),
            id="keyword",
        ),
        pytest.param(
            "Sum.\n\n    Args:\n        a: google\n\n    :param a: sphinx",
            ("Sum.\n\nArgs:\n    a: google", {"a": "sphinx"}),
            id="tie",
        ),
        pytest.param(
            "Sum.\n\n    ```\n    Args:\n        b: code\n    ```\n    Args:\n        a: x",
            ("Sum.\n\n```\nArgs:\n    b: code\n```", {"a": "x"}),
            id="code is no section",
        ),
    ],
)
def test_docstrings(docstring: str | None, expected: object) -> None:
    assert document(docstring) == expected


def test_starred_parameters_are_described() -> None:
    def function(*rest: int, **kw: int): ...

    function.__doc__ = GOOGLE
    properties = function_schema(function, strict_json_schema=False).params_json_schema["properties"]
    assert [properties[name]["description"] for name in ("rest", "kw")] == ["the rest", "the kw"]


def test_documentation_of_an_instance() -> None:
    expected = FuncDocumentation("Described", "Class.", {"a": "call a", "b": "class b"})
    assert generate_func_documentation(Described()) == expected


def test_the_docstring_parser_is_only_loaded_for_docstrings_with_sections() -> None:
    program = """
import sys
from agents.function_schema import function_schema

def plain(a: int):
    "Add one: to a."

def sections(a: int):
    '''Add.

    Args:
        a: a number
    '''

function_schema(plain)
assert "griffe" not in sys.modules and "openai" not in sys.modules
function_schema(sections)
assert "griffe" in sys.modules and "openai" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_type_hints_resolve() -> None:
    for value in (
        FuncSchema,
        FuncDocumentation,
        function_schema,
        generate_func_documentation,
        FuncSchema.to_call_args,
    ):
        assert typing.get_type_hints(value)
