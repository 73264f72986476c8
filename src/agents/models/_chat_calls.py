"""The tool calls of a Chat Completions answer, put together from their pieces.

Servers differ here more than anywhere, so that the rules are:

1. A piece belongs to the call with its `index`; without one, to the call with its id, else to the last call. A
   piece with a name and another id begins a new call where the name is another too, or that call's arguments are
   whole already: some servers give all parallel calls the index 0.
2. A call is announced with its first arguments, in the order in which the calls were first seen. Until then its
   name may come in pieces; one that only repeats the name adds nothing.
3. When the next call, or anything else, begins, those whose arguments are a whole JSON value are done. What then still comes for
   them is a repetition, or the answer is broken. All others are done at the end.
4. An id that is missing, or that another call has, is replaced by a made-up one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from agents.exceptions import ModelBehaviorError, UserError

from ._chat_items import EventSink
from ._chat_parts import json_object, json_objects
from ._growing_json import GrowingJson
from .fake_id import FAKE_RESPONSES_ID

__all__ = ["ToolCalls"]

Json = dict[str, Any]

_logger = logging.getLogger("openai.agents")


class _Call:
    """One call so far; `output_index` is None until it is announced."""

    __slots__ = ("arguments", "call_id", "is_done", "name", "output_index", "told_id")

    def __init__(self) -> None:
        self.told_id = ""
        self.call_id = ""
        self.name = ""
        self.arguments = GrowingJson()
        self.output_index: int | None = None
        self.is_done = False


class ToolCalls:
    """Takes the `tool_calls` of each delta and tells the events of the calls.

    Args:
        sink: Gets the events.
        begin: Called before a call is announced: what is open then has to be closed.
        new_call_id: Makes up an id.
        is_strict: Whether custom tool calls are an error; else they are left out, with a warning.
        is_buffered: Whether calls are told only at the end, each in one piece.
    """

    def __init__(
        self,
        sink: EventSink,
        *,
        begin: Callable[[], None],
        new_call_id: Callable[[], str],
        is_strict: bool,
        is_buffered: bool,
    ) -> None:
        self._sink = sink
        self._begin = begin
        self._new_call_id = new_call_id
        self._is_strict = is_strict
        self._is_buffered = is_buffered
        self._calls: list[_Call] = []
        self._unannounced: list[_Call] = []
        self._open: list[_Call] = []
        self._by_index: dict[int, _Call | None] = {}
        self._by_told_id: dict[str, _Call] = {}
        self._call_ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, pieces: object) -> None:
        """The pieces of one delta.

        Raises:
            UserError: a custom tool call, in strict mode.
            ModelBehaviorError: a call goes on after it was whole.
        """
        for piece in json_objects(pieces):
            self._take(piece)

    def close_whole(self) -> None:
        """Tell that those calls are done whose arguments are whole: something else begins."""
        for call in [one for one in self._open if one.arguments.is_whole()]:
            self._done(call)

    def finish(self) -> None:
        """No more pieces come: tell what is left.

        Raises:
            ModelBehaviorError: a call has no name.
        """
        for call in self._calls:
            if call.output_index is None:
                self._announce(call)
            if not call.is_done:
                self._done(call)

    def _take(self, piece: Json) -> None:
        told = json_object(piece.get("function"))
        if not told and (piece.get("type") == "custom" or piece.get("custom") is not None):
            self._refuse_custom(piece)
            return
        name, arguments = told.get("name"), told.get("arguments")
        name = name if isinstance(name, str) else ""
        call = self._call_of(piece, name)
        if call is None:
            return
        if name != call.name and call.output_index is None:
            call.name += name
        if arguments is None or arguments == "":
            return
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, separators=(",", ":"))
        if call.is_done:
            _check_repetition(call, text)
        elif self._is_buffered:
            call.arguments.append(text)
        else:
            self._extend(call, text)

    def _call_of(self, piece: Json, name: str) -> _Call | None:
        """The call that a piece belongs to, which may be a new one; None for one that is left out."""
        index, told_id = piece.get("index"), piece.get("id")
        told_id = told_id if isinstance(told_id, str) else ""
        if type(index) is int:
            if index not in self._by_index:
                return self._new(index, told_id)
            call = self._by_index[index]
            if call is None:
                return None
            # Fresh ids in every piece, with the name repeated, are seen too.
            has_another_id = bool(name and told_id) and call.told_id not in {"", told_id}
            is_another = has_another_id and (call.name not in {"", name} or call.arguments.is_whole())
        else:
            index = None
            call = self._by_told_id.get(told_id) or (self._calls[-1] if self._calls else None)
            if call is None:
                return self._new(None, told_id)
            is_another = bool(name) and self._is_another(call, name, told_id)
        if is_another:
            return self._new(index, told_id)
        if told_id and not call.told_id:
            self._identify(call, told_id)
        return call

    @staticmethod
    def _is_another(call: _Call, name: str, told_id: str) -> bool:
        """Whether a piece with a name and without an index begins another call than the last one."""
        if told_id and call.told_id:
            return told_id != call.told_id
        return bool(call.name) and (name != call.name or call.arguments.is_whole())

    def _new(self, index: int | None, told_id: str) -> _Call:
        if not self._is_buffered:
            # Those before it keep their place, also when they have no arguments yet.
            for earlier in [call for call in self._unannounced if call.name]:
                self._announce(earlier)
        call = _Call()
        self._calls.append(call)
        self._unannounced.append(call)
        if index is not None:
            self._by_index[index] = call
        self._identify(call, told_id)
        return call

    def _identify(self, call: _Call, told_id: str) -> None:
        call.told_id = told_id
        if told_id:
            self._by_told_id.setdefault(told_id, call)
        if call.output_index is None:
            call.call_id = told_id if told_id and told_id not in self._call_ids else self._new_call_id()
            self._call_ids.add(call.call_id)

    def _extend(self, call: _Call, text: str) -> None:
        call.arguments.append(text)
        if call.output_index is None:
            if not call.name:
                return
            self.close_whole()
            self._announce(call)
        else:
            self._delta(call, text)

    def _announce(self, call: _Call) -> None:
        if not call.name:
            raise ModelBehaviorError(
                f"The model's answer has a tool call without a name; its arguments: {call.arguments.text()!r:.300}."
            )
        self._begin()
        call.output_index = self._sink.add(self._item(call, "in_progress", ""))
        self._unannounced.remove(call)
        self._open.append(call)
        if call.arguments:
            self._delta(call, call.arguments.text())

    def _delta(self, call: _Call, text: str) -> None:
        self._sink.emit_delta(
            {
                "type": "response.function_call_arguments.delta",
                "delta": text,
                "item_id": FAKE_RESPONSES_ID,
                "output_index": call.output_index,
            }
        )

    def _done(self, call: _Call) -> None:
        assert call.output_index is not None, "a call is announced before it is done"
        call.is_done = True
        self._open.remove(call)
        arguments = call.arguments.text()
        self._sink.emit(
            "function_call_arguments.done",
            item_id=FAKE_RESPONSES_ID,
            output_index=call.output_index,
            arguments=arguments,
        )
        self._sink.done(call.output_index, self._item(call, "completed", arguments))

    def _item(self, call: _Call, status: str, arguments: str) -> Json:
        return {
            "id": FAKE_RESPONSES_ID,
            "type": "function_call",
            "call_id": call.call_id,
            "name": call.name,
            "arguments": arguments,
            "status": status,
            "provider_data": self._sink.provider_data,
        }

    def _refuse_custom(self, piece: Json) -> None:
        if self._is_strict:
            raise UserError("Custom tool calls are not supported by the Chat Completions converter")
        _logger.warning("A custom tool call is left out: Chat Completions models can call functions only.")
        index = piece.get("index")
        if type(index) is int:
            self._by_index.setdefault(index, None)


def _check_repetition(call: _Call, text: str) -> None:
    if text.strip() and text != call.arguments.text():
        raise ModelBehaviorError(
            f"The model's answer goes on with the arguments of the call of {call.name} after they were whole: "
            f"{text!r:.300}."
        )
