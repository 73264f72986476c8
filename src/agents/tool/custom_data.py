"""Data that a program keeps beside a tool's output item, and no model sees."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any, cast

from ..exceptions import UserError
from ..tool_context import ToolContext
from .custom import CustomTool, CustomToolCustomDataContext
from .function import FunctionTool, FunctionToolCustomDataContext


async def extract_custom_data(
    tool: FunctionTool, context: ToolContext[Any], output: Any, raw_item: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What the tool's `custom_data_extractor` gives for this output, as JSON values; None when nothing.

    The result shares nothing with what the extractor returned.

    Raises:
        UserError: the result is no mapping with string keys, or holds what JSON has not.
        Exception: what the extractor raises.
    """
    extractor = tool.custom_data_extractor
    if extractor is None:
        return None
    extracted = extractor(
        FunctionToolCustomDataContext(tool_context=context, tool=tool, output=output, raw_item=raw_item)
    )
    return json_mapping(await extracted if inspect.isawaitable(extracted) else extracted)


async def extract_data_of_custom_tool(
    tool: CustomTool, context: ToolContext[Any], output: str, raw_item: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The same for a tool whose input is text."""
    extractor = tool.custom_data_extractor
    if extractor is None:
        return None
    extracted = extractor(
        CustomToolCustomDataContext(
            tool_context=context, tool=tool, input=context.tool_arguments, output=output, raw_item=raw_item
        )
    )
    return json_mapping(await extracted if inspect.isawaitable(extracted) else extracted)


def json_mapping(value: object) -> dict[str, Any] | None:
    """What an extractor of any kind of tool returned, as JSON values; None when there is nothing to keep.

    Raises:
        UserError: it is no mapping with string keys, or holds what JSON has not, NaN among it.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise UserError("custom_data_extractor must return a mapping or None.")
    data = dict(cast("Mapping[object, Any]", value))
    if not all(isinstance(key, str) for key in data):
        raise UserError("custom_data_extractor must return a mapping with string keys.")
    try:
        return json.loads(json.dumps(data, allow_nan=False)) or None
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError("custom_data_extractor must return JSON-compatible data.") from error
