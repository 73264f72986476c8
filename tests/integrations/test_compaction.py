"""A wrapper that shows a run the last part of a session keeps calls and outputs together, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.testing import ResponsesRequest, ResponsesServer, Step
from integrations.packages import COMPACTION, run_with_packages

pytestmark = run_with_packages

TURNS = 30
WINDOW = 7


def steps() -> list[Step]:
    """For each turn a call and an answer, and an answer to the last question."""
    turns = [
        (
            Step().function_call("look", {"word": str(turn)}, call_id=f"call_{turn}"),
            Step().text(f"Answer {turn}"),
        )
        for turn in range(TURNS)
    ]
    return [*(step for turn in turns for step in turn), Step().text("Good-bye.")]


def converse(tmp_path: Path, **limits: int) -> tuple[list[dict[str, Any]], tuple[ResponsesRequest, ...]]:
    """What the session has kept, and what the model was asked."""
    with ResponsesServer(steps()) as server:
        [kept] = COMPACTION.run(
            "compaction.py", server.base_url, str(tmp_path / "session.db"), str(TURNS), json.dumps(limits)
        )
        server.assert_complete()
    return kept, server.requests


def kinds(items: list[dict[str, Any]]) -> list[str]:
    return [item.get("role") or item["type"] for item in items]


TURN = ["user", "function_call", "function_call_output", "assistant"]


@pytest.mark.parametrize("limits", [{"window_size": WINDOW}, {"token_budget": 60}], ids=["window", "budget"])
def test_a_session_whose_last_part_is_shown_keeps_all_and_shows_whole_calls(
    tmp_path: Path, limits: dict[str, int]
) -> None:
    kept, requests = converse(tmp_path, **limits)
    assert kinds(kept) == [*TURN * TURNS, "user", "assistant"]
    for request in requests:
        called = [item["call_id"] for item in request.input if item.get("type") == "function_call"]
        answered = [item["call_id"] for item in request.input if item.get("type") == "function_call_output"]
        assert called == answered


def test_the_model_is_shown_as_many_items_as_fit_and_what_is_new(tmp_path: Path) -> None:
    _, requests = converse(tmp_path, window_size=WINDOW)
    [*turns, last] = requests
    # Seven items are the last answer's turn but for the question, and the turn before.
    shown = (TURN * 2)[-WINDOW:]
    for first, second in zip(turns[8::2], turns[9::2], strict=True):
        assert kinds(first.input) == [*shown, "user"]
        assert kinds(second.input) == [*shown, "user", "function_call", "function_call_output"]
    # Two items by the run's own limit: the wrapper leaves out a call that does not fit as a whole.
    assert kinds(last.input) == ["user", "assistant", "user"]
