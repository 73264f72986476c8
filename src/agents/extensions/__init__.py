"""Additions to the core: ready-made handoff filters and prompts.

Import what you need from the modules below; none is loaded before.
"""

from __future__ import annotations
