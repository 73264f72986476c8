"""Parts of Chat Completions answers in the form of the Responses API: log probabilities, citations, usage.

Everything here takes JSON as servers send it and leaves out what is not in the documented form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agents.usage import Usage

__all__ = [
    "delta_logprobs",
    "json_list",
    "json_object",
    "json_objects",
    "text_logprobs",
    "text_of",
    "url_citations",
    "usage_payload",
]

Json = dict[str, Any]


def json_object(value: object) -> Json:
    """The JSON object that a value is, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def json_list(value: object) -> list[Any]:
    """The JSON array that a value is, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def json_objects(values: object) -> list[Json]:
    """The JSON objects of an array that are not empty; nothing of anything else."""
    return [one for one in map(json_object, json_list(values)) if one]


def text_of(content: object) -> str:
    """The text of a message's content: itself, or what the text parts of a list hold."""
    if isinstance(content, str):
        return content
    return "".join(text for part in json_objects(content) if isinstance(text := part.get("text"), str))


def text_logprobs(entries: object) -> list[Json]:
    """Log probabilities as a finished text part has them."""
    return [
        {**one, "bytes": _bytes(entry), "top_logprobs": [{**top, "bytes": _bytes(raw)} for top, raw in tops]}
        for entry, one, tops in _logprobs(entries)
    ]


def delta_logprobs(entries: object) -> list[Json]:
    """Log probabilities as a text delta has them."""
    return [{**one, "top_logprobs": [top for top, _ in tops]} for _, one, tops in _logprobs(entries)]


def _logprobs(entries: object) -> list[tuple[Mapping[str, Any], Json, list[tuple[Json, Mapping[str, Any]]]]]:
    """Each usable entry: as it came, its token with its figure, and the alternatives likewise."""
    return [
        (entry, _figure(entry), [(_figure(top), top) for top in _tokens(entry.get("top_logprobs"))])
        for entry in _tokens(entries)
    ]


def _figure(entry: Mapping[str, Any]) -> Json:
    return {"token": entry["token"], "logprob": entry["logprob"]}


def _tokens(entries: object) -> list[Mapping[str, Any]]:
    return [
        one
        for one in json_objects(entries)
        if isinstance(one.get("token"), str) and type(one.get("logprob")) in {float, int}
    ]


def _bytes(entry: Mapping[str, Any]) -> list[int]:
    found = json_list(entry.get("bytes"))
    return found if all(type(one) is int for one in found) else []


def url_citations(annotations: object) -> list[Json]:
    """The URL citations among a message's annotations."""
    citations: list[Json] = []
    for annotation in json_objects(annotations):
        if annotation.get("type") != "url_citation":
            continue
        fields = json_object(annotation.get("url_citation"))
        start, end = fields.get("start_index"), fields.get("end_index")
        title, url = fields.get("title"), fields.get("url")
        if type(start) is int and type(end) is int and isinstance(url, str):
            citations.append(
                {
                    "type": "url_citation",
                    "start_index": start,
                    "end_index": end,
                    "title": title if isinstance(title, str) else "",
                    "url": url,
                }
            )
    return citations


def usage_payload(told: Mapping[str, Any] | None) -> Json | None:
    """The usage as a response of the Responses API tells it; None where the server told none.

    What is missing counts as zero.
    """
    if told is None:
        return None
    usage = Usage(
        requests=1,
        input_tokens=_count(told.get("prompt_tokens")),
        input_tokens_details=cast("Any", _counts(told.get("prompt_tokens_details"))),
        output_tokens=_count(told.get("completion_tokens")),
        output_tokens_details=cast("Any", _counts(told.get("completion_tokens_details"))),
        total_tokens=_count(told.get("total_tokens")),
    )
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": usage.input_tokens_details.model_dump(),
        "output_tokens": usage.output_tokens,
        "output_tokens_details": usage.output_tokens_details.model_dump(),
        "total_tokens": usage.total_tokens,
    }


def _count(value: object) -> int:
    return value if type(value) is int else 0


def _counts(details: object) -> dict[str, int]:
    return {name: value for name, value in json_object(details).items() if type(value) is int}
