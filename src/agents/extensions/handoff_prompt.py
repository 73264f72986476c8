"""A prompt prefix that tells a model how handoffs work."""

from __future__ import annotations

RECOMMENDED_PROMPT_PREFIX = (
    "# System context\n"
    "You are one of several agents that serve the user together. Each agent has its own instructions and "
    "tools. An agent can hand the whole conversation off to another agent that suits the request better: "
    "it calls a handoff function, usually named `transfer_to_<agent_name>`. The system carries a handoff "
    "out by itself, and the user sees one conversation. So never mention handoffs or transfers to the "
    "user, and do not point to them.\n"
)
"""The recommended text, to stand before an agent's own instructions."""


def prompt_with_handoff_instructions(prompt: str) -> str:
    """Put the recommended prefix before `prompt`, for agents that hand off or are handed to."""
    return f"{RECOMMENDED_PROMPT_PREFIX}\n\n{prompt}"
