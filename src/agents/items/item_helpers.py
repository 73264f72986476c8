"""`ItemHelpers`: reading messages, copying input, and turning tool results into output items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module

from .conversion import model_to_dict, plain_copy
from .run_items import MessageOutputItem, RunItem, raw_field
from .tool_output import tool_output_payload

if TYPE_CHECKING:
    import pydantic as _pydantic

    from . import raw_types as _raw
else:
    _pydantic = lazy_module("pydantic")
    _raw = lazy_module("agents.items.raw_types")


class ItemHelpers:
    """Functions over messages, inputs and tool calls; there is nothing to instantiate."""

    @classmethod
    def extract_last_content(cls, message: _raw.TResponseOutputItem) -> str:
        """Give the text or refusal of the last part of `message`; "" for other items."""
        part = _last_part(message)
        return _part_text(part, "output_text", "text") or _part_text(part, "refusal", "refusal") or ""

    @classmethod
    def extract_last_text(cls, message: _raw.TResponseOutputItem) -> str | None:
        """Give the text of the last part of `message`; None when that is no text, or not a message."""
        return _part_text(_last_part(message), "output_text", "text")

    @classmethod
    def extract_text(cls, message: _raw.TResponseOutputItem) -> str | None:
        """Give all text of `message` joined; None when there is none."""
        return _joined_parts(message, "output_text", "text")

    @classmethod
    def extract_refusal(cls, message: _raw.TResponseOutputItem) -> str | None:
        """Give all refusals of `message` joined; None when there is none."""
        return _joined_parts(message, "refusal", "refusal")

    @classmethod
    def input_to_new_input_list(
        cls, input: str | list[_raw.TResponseInputItem]
    ) -> list[_raw.TResponseInputItem]:
        """Give a run's input as a new list: a string as one user message, a list as a deep plain copy."""
        if isinstance(input, str):
            return [{"content": input, "role": "user"}]
        return plain_copy(input)

    @classmethod
    def text_message_outputs(cls, items: list[RunItem]) -> str:
        """Give the text of all messages among `items` joined."""
        return "".join(cls.text_message_output(item) for item in items if isinstance(item, MessageOutputItem))

    @classmethod
    def text_message_output(cls, message: MessageOutputItem) -> str:
        """Give the text of one message item, without refusals."""
        return cls.extract_text(message.raw_item) or ""

    @classmethod
    def tool_call_output_item(
        cls,
        tool_call: _raw.ResponseFunctionToolCall,
        output: Any,
        *,
        output_json_schema: dict[str, Any] | None = None,
        output_type_adapter: _pydantic.TypeAdapter[Any] | None = None,
    ) -> _raw.FunctionCallOutput:
        """Turn what a tool returned into the item that answers `tool_call`.

        Texts, images and files become `input_text`, `input_image` and `input_file`
        parts. Anything else is `str(output)`; but JSON text when the tool declares
        an output schema or type, or when a program made the call.

        Raises:
            UserError: the output does not fit the declared schema or type, or a
                program made the call and the output is not JSON. Fix the tool.
        """
        item: dict[str, Any] = {
            "call_id": tool_call.call_id,
            "output": tool_output_payload(
                output,
                as_json=_is_program_call(tool_call),
                requires_object=output_json_schema is not None,
                type_adapter=output_type_adapter,
            ),
            "type": "function_call_output",
        }
        cls.copy_tool_call_caller(tool_call, item)
        return cast("_raw.FunctionCallOutput", cast("object", item))

    @classmethod
    def copy_tool_call_caller(cls, tool_call: Any, output_item: Any) -> Any:
        """Write into `output_item`, a dict, who made `tool_call`, where the call says so; give it back."""
        caller = raw_field(tool_call, "caller")
        if caller is not None:
            output_item["caller"] = (
                model_to_dict(caller) if isinstance(caller, _pydantic.BaseModel) else dict(caller)
            )
        return output_item


def _is_program_call(tool_call: object) -> bool:
    caller = raw_field(tool_call, "caller")
    return caller is not None and raw_field(caller, "type") == "program"


def _parts(message: object) -> Sequence[object]:
    if raw_field(message, "type") != "message":
        return ()
    return raw_field(message, "content") or ()


def _last_part(message: object) -> object:
    parts = _parts(message)
    return parts[-1] if parts else None


def _part_text(part: object, part_type: str, name: str) -> str | None:
    return raw_field(part, name) if raw_field(part, "type") == part_type else None


def _joined_parts(message: object, part_type: str, name: str) -> str | None:
    texts = [_part_text(part, part_type, name) or "" for part in _parts(message)]
    return "".join(texts) or None
