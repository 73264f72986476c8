"""Parts of the Responses API's messages and tool outputs in the form of Chat Completions: one row a kind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from agents.exceptions import UserError

__all__ = ["all_content", "output_message_fields", "text_content", "tool_output"]

Json = dict[str, Any]

_logger = logging.getLogger("openai.agents")

_OMITTED = "[tool output omitted]"


def all_content(content: object) -> str | list[Json]:
    """A message's content: text as it is, each part converted.

    Raises:
        UserError: a part cannot be sent.
    """
    if isinstance(content, str):
        return content
    return [_part(one) for one in _listed(content)]


def text_content(content: object) -> str | list[Json]:
    """The text parts alone, for roles that take nothing else.

    Raises:
        UserError: a part is of an unknown kind, or cannot be sent.
    """
    converted = all_content(content)
    if isinstance(converted, str):
        return converted
    return [part for part in converted if part["type"] == "text"]


def tool_output(output: object, *, keeps_all: bool, is_strict: bool) -> str | list[Json]:
    """A tool's output as the content of a tool message, which takes text only unless `keeps_all`.

    Raises:
        UserError: something of it is left out, in strict mode; or a part cannot be sent.
    """
    content = all_content(output)
    if isinstance(content, str):
        return content
    texts = [part for part in content if part["type"] == "text"]
    kept = content if keeps_all else texts
    if not kept:
        told = (
            "Chat Completions tool outputs cannot be empty or contain only non-text content unless "
            "preserve_tool_output_all_content=True."
        )
        instead = "Replacing the tool output with a placeholder"
    elif len(kept) < len(content):
        left_out = ", ".join(dict.fromkeys(part["type"] for part in content if part["type"] != "text"))
        told = (
            f"Chat Completions takes only the text of a tool output, not its {left_out}. Set "
            "preserve_tool_output_all_content=True for a server that takes more."
        )
        instead = "Sending the text alone"
    else:
        return kept
    if is_strict:
        raise UserError(told)
    _logger.warning("%s %s; enable strict feature validation to raise an error instead.", told, instead)
    return kept or _OMITTED


def output_message_fields(content: object) -> Json:
    """The `content`, `refusal` and `audio` of an assistant message that a model gave earlier.

    Raises:
        UserError: a part cannot be sent.
    """
    texts: list[str] = []
    fields: Json = {}
    for part in _listed(content):
        match _kind(part):
            case "output_text" | "input_text":
                texts.append(str(part["text"]))
            case "refusal":
                fields["refusal"] = part["refusal"]
            case "output_audio":
                if "id" not in part:
                    raise UserError(f"Only audio IDs are supported for chat completions, but got: {part}")
                fields["audio"] = {"id": part["id"]}
            case _:
                raise UserError(f"Unknown content type in ResponseOutputMessage: {part}")
    if texts or not fields:
        fields["content"] = "\n".join(texts)
    return fields


def _listed(content: object) -> list[Mapping[str, Any]]:
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        return [cast("Mapping[str, Any]", one) for one in cast("Iterable[object]", content)]
    raise UserError(f"Unknown content: {content}")


def _kind(part: object) -> object:
    return cast("Mapping[str, Any]", part).get("type") if isinstance(part, Mapping) else None


def _part(part: Mapping[str, Any]) -> Json:
    convert = _PARTS.get(cast("str", _kind(part)))
    if convert is None:
        raise UserError(f"Unknown content: {part}")
    return convert(part)


def _text(part: Mapping[str, Any]) -> Json:
    return {"type": "text", "text": part["text"]}


def _image(part: Mapping[str, Any]) -> Json:
    url = part.get("image_url")
    if not url:
        raise UserError(f"Only image URLs are supported for input_image {part}")
    return {"type": "image_url", "image_url": {"url": url, "detail": part.get("detail") or "auto"}}


def _file(part: Mapping[str, Any]) -> Json:
    sent = {name: part[name] for name in ("file_data", "file_id", "filename") if part.get(name)}
    if "file_data" not in sent and "file_id" not in sent:
        raise UserError(f"Only file_data or file_id is supported for input_file {part}")
    return {"type": "file", "file": sent}


def _audio(part: Mapping[str, Any]) -> Json:
    audio = part.get("input_audio")
    if not isinstance(audio, Mapping):
        raise UserError(f"Only audio data is supported for input_audio {part}")
    fields = cast("Mapping[str, Any]", audio)
    if not fields.get("data") or not fields.get("format"):
        raise UserError(f"Only audio data with its format is supported for input_audio {part}")
    return {"type": "input_audio", "input_audio": {"data": fields["data"], "format": fields["format"]}}


_PARTS: dict[str, Callable[[Mapping[str, Any]], Json]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
