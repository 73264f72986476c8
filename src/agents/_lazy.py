"""Late imports, in one place.

`import agents` must cost next to nothing, while `openai` alone takes most of a
second. A module that needs such a dependency names it through `lazy_module`:
the import happens at the first attribute access, and never if there is none.

Type checkers see the real module:

    if TYPE_CHECKING:
        from openai.types import responses as rt
    else:
        rt = lazy_module("openai.types.responses")

Annotations written `rt.Response` resolve with `typing.get_type_hints`, because
evaluating them is an attribute access like any other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


class _LazyModule(ModuleType):
    """Stands for a module until somebody asks for one of its names."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self.__name__), name)
        # The next access finds it in the instance and never comes here.
        setattr(self, name, value)
        return value


def lazy_module(name: str) -> Any:
    """A stand-in for the module `name`, imported at the first attribute access.

    Raises:
        ImportError: from that access, when the module is not installed.
    """
    return _LazyModule(name)


def lazy_exports(
    package: str, namespace: dict[str, Any], names_of_module: Mapping[str, str]
) -> Callable[[str], Any]:
    """A module `__getattr__` (PEP 562) that imports a package's names when they are asked for.

    Args:
        package: The package's `__name__`.
        namespace: Its `globals()`; a name that was found is kept there.
        names_of_module: By submodule, relative to the package: its names, separated by blanks.
    """
    module_of_name = {name: module for module, names in names_of_module.items() for name in names.split()}

    def find(name: str) -> Any:
        module = module_of_name.get(name)
        if module is not None:
            value = getattr(importlib.import_module(f"{package}.{module}"), name)
        elif name in names_of_module:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = value
        return value

    return find
