"""Addresses of servers as messages, names and traces may show them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_URL = re.compile(r"\b(?:https?|wss?)://[^\s'\"<>]+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}"


def without_secrets(text: str) -> str:
    """The text, with every address in it cut down to scheme, host, port and path."""
    return _URL.sub(lambda match: _shown(match.group()), text)


def _shown(url: str) -> str:
    stripped = url.rstrip(_TRAILING)
    try:
        parts = urlsplit(stripped)
        authority = parts.netloc.rpartition("@")[2]
        shown = urlunsplit((parts.scheme, authority, parts.path, "", ""))
    except ValueError:
        # Not an address after all, or one that is broken on purpose.
        shown = f"{stripped.partition('://')[0]}://[hidden]"
    return shown + url[len(stripped) :]
