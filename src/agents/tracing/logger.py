"""The logger of everything in `agents.tracing`."""

from __future__ import annotations

import logging

logger = logging.getLogger("openai.agents.tracing")
