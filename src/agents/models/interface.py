"""The public home of the port to a language model."""

from __future__ import annotations

from agents._ports.model import Model, ModelProvider, ModelTracing

__all__ = ["Model", "ModelProvider", "ModelTracing"]
