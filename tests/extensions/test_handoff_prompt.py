from __future__ import annotations

from agents.extensions.handoff_prompt import RECOMMENDED_PROMPT_PREFIX, prompt_with_handoff_instructions


def test_the_prefix_stands_before_the_prompt():
    assert prompt_with_handoff_instructions("Be kind.") == f"{RECOMMENDED_PROMPT_PREFIX}\n\nBe kind."
    assert "transfer_to_<agent_name>" in RECOMMENDED_PROMPT_PREFIX
