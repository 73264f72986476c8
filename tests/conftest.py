"""How much the property tests try."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

# Explaining a failure traces every line of it: minutes for a whole run.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)

settings.register_profile("quick", max_examples=100, deadline=None, print_blob=True, phases=_PHASES)
settings.register_profile("full", settings.get_profile("quick"), max_examples=1000)
settings.load_profile("full" if os.environ.get("HEADRACE_FULL") else "quick")
