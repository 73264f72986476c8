"""What one model call gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents.usage import Usage

from .conversion import output_item_to_input

if TYPE_CHECKING:
    from . import raw_types as _raw
else:
    _raw = lazy_module("agents.items.raw_types")


@dataclass
class ModelResponse:
    """The whole answer of one model call, as a `Model` returns it."""

    output: list[_raw.TResponseOutputItem]
    """The items that the model produced, in order: `openai` objects."""

    usage: Usage
    """The requests and tokens that the call took."""

    response_id: str | None
    """The id to continue from on the server (`previous_response_id`); None where models have none."""

    request_id: str | None = None
    """The transport's request id, for support cases."""

    raw_usage: dict[str, Any] | None = None
    """The provider's own usage data, when `ModelSettings.preserve_raw_usage` asks for it."""

    def to_input_items(self) -> list[_raw.TResponseInputItem]:
        """Give new dicts that replay the output to a model, in order.

        Raises:
            AgentsException: an output item is neither a mapping nor a pydantic object.
        """
        return cast(
            "list[_raw.TResponseInputItem]",
            cast("object", [output_item_to_input(item) for item in self.output]),
        )
