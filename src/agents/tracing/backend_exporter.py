"""The exporter to a traces endpoint over HTTP.

1. No key, no request: without one, nothing is sent.
2. It tries again after 429, 5xx and failures of the network, a bounded number of times; after other answers never.
3. Neither keys nor traced data get into the log, and no redirect takes them elsewhere.
"""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from .._lazy import lazy_module
from .backend_form import encode, for_openai
from .logger import logger
from .processor_interface import TracingExporter
from .spans import Span
from .traces import Trace

if TYPE_CHECKING:
    from . import _post
else:
    # HTTP and TLS take a while to load, and a process without a key never needs them.
    _post = lazy_module("agents.tracing._post")

OPENAI_ENDPOINT = "https://api.openai.com/v1/traces/ingest"

_Item: TypeAlias = Trace | Span[Any]
_jitter = random.Random()  # noqa: S311  (spreads retries, keeps no secret)


class BackendSpanExporter(TracingExporter):
    """Sends traces and spans to OpenAI, or to another endpoint that takes the same.

    A trace with a key of its own (`RunConfig(tracing={"api_key": ...})`) is sent with that one.

    Args:
        api_key: None for `OPENAI_API_KEY` of the environment, as it is when something is to be sent.
        organization: None for `OPENAI_ORG_ID`.
        project: None for `OPENAI_PROJECT_ID`.
        endpoint: The whole URL. OpenAI's gets no more than it takes, others get everything.
        max_retries: How often a batch is tried at most.
        base_delay: Seconds before the second try; each further wait is twice as long.
        max_delay: Seconds that a wait takes at most.

    Raises:
        ValueError: the endpoint is no HTTP URL.
    """

    def __init__(
        self,
        api_key: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        endpoint: str = OPENAI_ENDPOINT,
        max_retries: int = 3,
        base_delay: float = 1.0,
        max_delay: float = 30.0,
    ) -> None:
        if not endpoint.startswith(("https://", "http://")):
            raise ValueError(f"The traces endpoint {endpoint!r} is no HTTP URL. Give one with https://.")
        self._api_key = api_key
        self._organization = organization
        self._project = project
        self.endpoint = endpoint
        self.max_retries = max_retries
        self.base_delay = base_delay
        self.max_delay = max_delay
        self._is_openai = endpoint.rstrip("/") == OPENAI_ENDPOINT
        self._said_no_key = False
        self._closed = threading.Event()

    @property
    def api_key(self) -> str | None:
        """The key that is sent with traces that have none of their own; None if there is none."""
        return self._api_key or os.environ.get("OPENAI_API_KEY") or None

    def set_api_key(self, api_key: str) -> None:
        """Send what comes from now on with this key."""
        self._api_key = api_key

    def accepts(self, item: _Item) -> bool:
        """Whether there is a key to send `item` with."""
        if item.tracing_api_key or self.api_key:
            return True
        if not self._said_no_key:
            self._said_no_key = True
            logger.debug("OPENAI_API_KEY is not set, traces are not exported")
        return False

    def export(self, items: list[_Item]) -> None:
        """Send `items`, with one request for each key that they have; blocks until done or given up."""
        of_key: dict[str, list[dict[str, Any]]] = {}
        for item in items:
            key = item.tracing_api_key or self.api_key
            exported = item.export()
            if self.accepts(item) and key and exported is not None:
                of_key.setdefault(key.strip(), []).append(exported)
        for key, exports in of_key.items():
            body = encode([for_openai(one) for one in exports] if self._is_openai else exports)
            self._send(body, self._headers(key))

    def close(self) -> None:
        """Wait no more between tries: what is being retried is given up, what comes is tried once."""
        self._closed.set()

    def _headers(self, key: str) -> dict[str, str]:
        organization = self._organization or os.environ.get("OPENAI_ORG_ID")
        project = self._project or os.environ.get("OPENAI_PROJECT_ID")
        return {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "OpenAI-Beta": "traces=v1",
            **({"OpenAI-Organization": organization} if organization else {}),
            **({"OpenAI-Project": project} if project else {}),
        }

    def _send(self, body: bytes, headers: dict[str, str]) -> None:
        tries, delay_s = 0, self.base_delay
        while True:
            outcome = _post.post(self.endpoint, body, headers)
            tries += 1
            if isinstance(outcome, int) and 200 <= outcome < 300:
                return
            if isinstance(outcome, int) and outcome != 429 and outcome < 500:
                logger.error("Traces were refused with status %d, and are lost; the run goes on", outcome)
                return
            if tries >= self.max_retries or self._closed.wait(delay_s * _jitter.uniform(1.0, 1.1)):
                logger.error("Traces could not be exported (%s), and are lost; the run goes on", outcome)
                return
            logger.debug("Exporting traces failed (%s), trying again", outcome)
            delay_s = min(delay_s * 2, self.max_delay)
