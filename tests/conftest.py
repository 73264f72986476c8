"""How much the property tests try, and how long they may take."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings

from agents.tracing import set_trace_processors

IS_FULL = bool(os.environ.get("HEADRACE_FULL"))

# Explaining a failure traces every line of it: minutes for a whole run.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)

settings.register_profile("quick", max_examples=100, deadline=None, print_blob=True, phases=_PHASES)
settings.register_profile("full", settings.get_profile("quick"), max_examples=1000)
# A change is judged by the same examples each time; runs by hand, and the full ones, look for new ones.
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True, database=None)
# No test exports traces, nor does a program that it starts, unless it says so itself.
os.environ.pop("OPENAI_API_KEY", None)
set_trace_processors([])
settings.load_profile("full" if IS_FULL else "ci" if os.environ.get("CI") else "quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ten times as many examples take ten times as long."""
    if IS_FULL:
        for item in items:
            item.add_marker(pytest.mark.timeout(1200))
