"""The public home of the model that `litellm` reaches."""

from __future__ import annotations

from agents.models._litellm import LitellmModel

__all__ = ["LitellmModel"]
