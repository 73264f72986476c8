"""Values of settings: refuse unknown names and wrong kinds, without pydantic until something is wrong.

Plain dataclasses check what they are given by type, which costs nothing. What
is not certainly right comes here, and pydantic decides: it converts, or raises
the `ValidationError` that users of pydantic dataclasses expect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


def validated_value(
    owner: str, name: str, value: object, kind: Any, *, ge: float | None = None, gt: float | None = None
) -> Any:
    """The value of field `name` of `owner` as pydantic reads it for the type `kind`.

    `ge` and `gt` are limits: at least, and more than.

    Raises:
        pydantic.ValidationError: titled `owner`, located at `name`.
    """
    import pydantic

    fields: dict[str, Any] = {name: (kind, pydantic.Field(ge=ge, gt=gt))}
    model: type[pydantic.BaseModel] = pydantic.create_model(owner, **fields)
    return vars(model.model_validate({name: value}))[name]


def check_known_keys(values: Mapping[str, Any], kind: type[Any], *, what: str, path: str) -> None:
    """Refuse keys that the dataclass `kind` does not have.

    Raises:
        TypeError: "Unknown {what} in {path}: a, b", without "in" where `path` is empty.
    """
    known = {one.name for one in dataclasses.fields(kind)}
    unknown = sorted(str(key) for key in values if key not in known)
    if unknown:
        where = f" in {path}" if path else ""
        raise TypeError(f"Unknown {what}{where}: {', '.join(unknown)}")
