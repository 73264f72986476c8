"""An MCP server of the protocol of 2025-06-18 over stdio, in bare messages: `ask` asks as many questions as it is told
to, all at once, and answers with what it was answered; `die` ends the process.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

ANY: dict[str, Any] = {"type": "object", "properties": {}}
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("ask", "die")]
open_calls: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {}
"""By the id of a question: its call's answers so far, how many it needs, and the call."""


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def ask(call: dict[str, Any]) -> None:
    given: dict[str, Any] = call["params"].get("arguments") or {}
    questions, answers = given.get("questions", ["?"]), dict[str, Any]()
    for question in questions:
        key = f"{call['id']} {question}"
        open_calls[key] = (answers, len(questions), call)
        params = {"message": question, "requestedSchema": given.get("schema", ANY)}
        send(id=key, method="elicitation/create", params=params)


def take(answer: dict[str, Any]) -> None:
    answers, count, call = open_calls.pop(answer["id"])
    answers[answer["id"].partition(" ")[2]] = answer.get("result") or answer.get("error")
    if len(answers) == count:
        said = {"type": "text", "text": json.dumps(answers)}
        send(id=call["id"], result={"content": [said]})


for line in sys.stdin:
    message = json.loads(line)
    match message:
        case {"method": "initialize", "id": id_}:
            info = {"name": "asking", "version": "1"}
            offer: dict[str, Any] = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": info,
            }
            send(id=id_, result=offer)
        case {"method": "tools/list", "id": id_}:
            send(id=id_, result={"tools": TOOLS})
        case {"method": "tools/call", "params": {"name": "die"}}:
            os._exit(3)
        case {"method": "tools/call"}:
            ask(message)
        case {"method": _, "id": id_}:
            send(id=id_, error={"code": -32601, "message": "no such method"})
        case {"id": id_} if id_ in open_calls:
            take(message)
        case _:
            pass
