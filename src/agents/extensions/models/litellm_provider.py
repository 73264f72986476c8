"""The public home of the provider of models that `litellm` reaches."""

from __future__ import annotations

from agents.models._litellm import LitellmProvider

__all__ = ["LitellmProvider"]
