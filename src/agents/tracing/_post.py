"""One POST over HTTP with the standard library; loaded by the first export only."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

# Of each step on the network: to connect, to send, to get an answer.
_TIMEOUT_S = 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Following one would send the key to wherever it leads."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002  (an override)
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def post(url: str, body: bytes, headers: dict[str, str]) -> int | str:
    """Send `body`, and return the status of the answer, or the kind of the failure where there is none.

    Proxies are those of the environment.
    """
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310  (HTTP by construction)
    try:
        with _opener.open(request, timeout=_TIMEOUT_S) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        return type(cause).__name__
