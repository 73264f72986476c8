"""The rules of a Responses event stream, one row each: the checker, its documentation and its tests read this table.

Ids are stable: they may be added to, never renamed, because people switch rules off by them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true of a stream. `note` says what real servers do about it, or is empty."""

    says: str
    note: str = ""


RULES: dict[str, Rule] = {
    # Events by themselves
    "event-type": Rule(
        "Every event has a `type` that the API knows.",
        'Clients that know every type refuse others; a bare `{"error": …}` has none.',
    ),
    "event-fields": Rule(
        "An event has the fields of its type, each of its kind.",
        "`logprobs` on text events is required, and is `[]` where there are none.",
    ),
    "stream-id": Rule(
        "All events carry one `stream_id`, or none does.", "Only WebSocket lanes have stream ids."
    ),
    # Numbers
    "number-missing": Rule(
        "Every event has an integer `sequence_number`.",
        "Reported once: old and local servers send none at all.",
    ),
    "number-start": Rule("The first number is 0; that of a resumed tail is above 0."),
    "number-step": Rule("Each number is one more than the number before it."),
    # The response
    "created-first": Rule("`response.created` is the first event. A resumed tail has none."),
    "opening-order": Rule(
        "After `response.created` comes at most one `response.queued`, then one `response.in_progress`, before "
        "anything else.",
        "A response that fails at once may do without `response.in_progress`.",
    ),
    "response-fields": Rule("A response object has the fields that every client requires."),
    "response-id": Rule("All response objects of a stream have the same id."),
    "response-status": Rule(
        "The response's status, error and reason fit the event that shows it; before the end its output is empty."
    ),
    "usage": Rule("A completed response counts its tokens, and the total is the sum of input and output."),
    "response-output": Rule(
        "The final response's output is the list of the finished items.",
        "`encrypted_content` and `fingerprint` are left out: the API encrypts anew for each event. A failed "
        "response may have an empty output.",
    ),
    "error-end": Rule("After an `error` event comes `response.failed`, and nothing else."),
    "terminal-missing": Rule(
        "A stream ends with `response.completed`, `response.incomplete` or `response.failed`."
    ),
    "terminal-last": Rule("Nothing follows the end of the response."),
    # Items
    "item-announced": Rule("An item's events come after its `response.output_item.added`."),
    "item-order": Rule("Items are announced under the output indexes 0, 1, 2, … in order, each once."),
    "item-sequence": Rule(
        "An item is announced when the one before it is done.",
        "The format would allow items to overlap; no recorded server does it, and few clients are tested with it.",
    ),
    "item-fields": Rule("An item has the fields of its type."),
    "item-empty": Rule("An item is announced empty, and in progress if it has a status."),
    "item-index": Rule("An item's events carry the output index under which it was announced."),
    "item-id": Rule(
        "An item's events carry the id with which it was announced, and no other item has that id.",
        "Where an item has no id, its call id stands for it.",
    ),
    "item-events": Rule("An item has events of its own type only."),
    "item-identity": Rule(
        "The finished item has the type, id, call id and name that were announced.",
        "The call id of a `tool_search_call` may change: the API itself makes a new one.",
    ),
    "item-status": Rule(
        "A finished item is not in progress, and in a completed response it is not incomplete either."
    ),
    "item-done": Rule(
        "Every announced item is done before the response ends.", "A failed response may leave one open."
    ),
    "item-closed": Rule("Nothing comes for an item after its `response.output_item.done`."),
    "stage-order": Rule(
        "The stages of a hosted call come in order, each once, its text and images between them."
    ),
    "stage-missing": Rule("A finished hosted call has been through all its stages."),
    "image-order": Rule("Partial images are numbered 0, 1, 2, … in order."),
    # Parts
    "part-announced": Rule(
        "A part's events come after the event that adds the part.",
        "Raw reasoning text may do without parts, where it does so altogether.",
    ),
    "part-order": Rule(
        "Parts are added under the indexes 0, 1, 2, … in order, each when the one before is done."
    ),
    "part-fields": Rule("A part has the fields of its type."),
    "part-empty": Rule("A part is added without text."),
    "part-type": Rule("A part keeps its type, and its events are those of this type."),
    "part-done": Rule("Every part is done before its item is."),
    "part-closed": Rule("A part is done once."),
    # Texts, arguments, code: whatever comes in deltas
    "text-joined": Rule(
        "A text that is done is all its deltas joined.", "No text may come without any delta."
    ),
    "text-done": Rule(
        "Every text is done before its part or item is.", "llama.cpp leaves `arguments.done` out."
    ),
    "text-closed": Rule("Nothing is added to a text, or to its annotations, that is done."),
    "text-part": Rule("The finished part has the text that was done."),
    "text-item": Rule("The finished item has the parts and the text that were done."),
    "annotations": Rule(
        "Annotations are numbered 0, 1, 2, … in order, and the finished part has the ones that were added."
    ),
    "logprobs": Rule("The log probabilities of a text that is done are those of its deltas joined."),
}
