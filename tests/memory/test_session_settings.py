"""Settings of sessions, and which sessions get the run's context."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from agents import Session, SessionABC, SessionSettings, SQLiteSession
from agents._ports.session import takes_wrapper
from agents.memory import is_openai_responses_compaction_aware_session
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit


def test_what_an_override_sets_is_laid_over_and_both_stay_as_they_are() -> None:
    settings, override = SessionSettings(limit=3), SessionSettings(limit=5)
    assert settings.resolve(override) == SessionSettings(limit=5)
    assert settings.resolve({"limit": 0}) == SessionSettings(limit=0)
    assert settings.resolve({"limit": None}) == settings.resolve(SessionSettings()) == settings.resolve(None)
    assert (settings.to_dict(), override.to_dict()) == ({"limit": 3}, {"limit": 5})


def test_unknown_keys_are_named() -> None:
    with pytest.raises(TypeError, match=r"^Unknown session settings: a, x$"):
        coerce_session_settings({"limit": 3, "x": 1, "a": 2})
    with pytest.raises(TypeError, match="Unknown session settings: limits"):
        SQLiteSession("a", session_settings={"limits": 3})
    wrong: Any = 5
    with pytest.raises(TypeError, match="must be a SessionSettings instance or a dict, got int"):
        coerce_session_settings(wrong)


def test_a_limit_is_a_number() -> None:
    wrong: Any = "many"
    with pytest.raises(pydantic.ValidationError, match="1 validation error for SessionSettings\nlimit"):
        SessionSettings(limit=wrong)


@pytest.mark.parametrize(
    ("explicit", "settings", "expected"),
    [
        (None, None, None),
        (0, {"limit": 4}, 0),
        (None, {"limit": 4}, 4),
        (None, SessionSettings(), None),
        (2, None, 2),
    ],
)
def test_an_explicit_limit_wins_over_the_settings(
    explicit: int | None, settings: Any, expected: int | None
) -> None:
    assert resolve_session_limit(explicit, settings) == expected


class Plain(SessionABC):
    """Keeps items in a list."""

    def __init__(self) -> None:
        self.session_id = "plain"
        self.items: list[Any] = []

    async def get_items(self, limit: int | None = None) -> list[Any]:
        return self.items

    async def add_items(self, items: list[Any]) -> None:
        self.items.extend(items)

    async def pop_item(self) -> Any:
        return self.items.pop()

    async def clear_session(self) -> None:
        self.items.clear()


class AnyName(Plain):
    async def get_items(self, limit: int | None = None, **kwargs: Any) -> list[Any]:
        return self.items

    async def add_items(self, items: list[Any], **kwargs: Any) -> None:
        self.items.extend(items)

    async def pop_item(self, **kwargs: Any) -> Any:
        return self.items.pop()


class TwoOfThree(Plain):
    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Any]:
        return self.items

    async def add_items(self, items: list[Any], *, wrapper: Any = None) -> None:
        self.items.extend(items)


class AllThree(TwoOfThree):
    async def pop_item(self, wrapper: Any = None) -> Any:
        return self.items.pop()


class Compacting(Plain):
    async def run_compaction(self, args: Any = None) -> None:
        self.items.clear()


@pytest.mark.parametrize(
    ("kind", "expected"), [(Plain, False), (AnyName, False), (TwoOfThree, False), (AllThree, True)]
)
def test_the_context_is_for_sessions_whose_three_methods_name_it(kind: type[Plain], expected: bool) -> None:
    assert takes_wrapper(kind()) is expected


def test_a_session_is_whatever_has_its_members() -> None:
    assert isinstance(Plain(), Session)
    assert isinstance(SQLiteSession("a"), Session)
    assert not isinstance(object(), Session)


def test_a_session_that_compacts_is_found_out() -> None:
    assert is_openai_responses_compaction_aware_session(Compacting())
    assert not is_openai_responses_compaction_aware_session(Plain())
    assert not is_openai_responses_compaction_aware_session(None)


def test_a_missing_method_is_told_when_the_session_is_made() -> None:
    class Half(SessionABC):
        async def pop_item(self) -> Any:
            return None

    half: Any = Half
    with pytest.raises(TypeError, match="add_items"):
        half()
