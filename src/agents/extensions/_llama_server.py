"""llama.cpp's own server in a process of its own, started and ended by `local_model`.

Run as a script: reads one line of JSON from standard input (see `Options`), writes one to standard output, either
`{"address": "http://127.0.0.1:<port>"}` or `{"error": "<why>"}`, and serves until its standard input ends, which it
does at the latest with the process that started it. What the library prints goes to standard error.

Why not in that process: the server's end waits for its clients' connections to end while it holds the interpreter's
lock, so a client in the same process could never end its own.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, TypedDict

__all__ = ["Options", "main"]

# What a request did wrong is in its answer.
_ERRORS_ONLY = 1

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


class Options(TypedDict):
    """What is served and how: the GGUF file, the model's name, a Jinja template or None for the model's own."""

    path: str
    name: str
    chat_template: str | None
    threads: int
    context_tokens: int
    api_key: str


def main() -> None:
    """Serve; does not return."""
    answers = os.dup(_STANDARD_OUTPUT)
    os.dup2(_STANDARD_ERROR, _STANDARD_OUTPUT)
    library: Any = importlib.import_module("xllamacpp")
    try:
        server = library.Server(_parameters(library, json.loads(sys.stdin.readline())))
    except RuntimeError as error:
        _tell(answers, error=str(error))
        os._exit(1)
    _tell(answers, address=server.listening_address)
    sys.stdin.read()
    # Without a farewell: it would wait for clients that have not read to the end.
    os._exit(0)


def _tell(answers: int, **answer: str) -> None:
    os.write(answers, json.dumps(answer).encode() + b"\n")


def _parameters(library: Any, options: Options) -> Any:
    parameters = library.CommonParams()
    parameters.model.path = options["path"]
    parameters.model_alias = {options["name"]}
    parameters.n_ctx = options["context_tokens"]
    parameters.cpuparams.n_threads = options["threads"]
    parameters.cpuparams_batch.n_threads = options["threads"]
    if options["chat_template"] is not None:
        parameters.chat_template = options["chat_template"]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [options["api_key"]]
    # Left alone the server lets every web page in.
    parameters.cors_origins = ""
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.offline = True
    parameters.verbosity = _ERRORS_ONLY
    return parameters


if __name__ == "__main__":
    main()
