"""Sessions: the memory of conversations. Nothing is imported before it is asked for, sqlite3 least of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .openai_conversations_session import OpenAIConversationsSession
    from .openai_responses_compaction_session import OpenAIResponsesCompactionSession
    from .session import (
        OpenAIResponsesCompactionArgs,
        OpenAIResponsesCompactionAwareSession,
        Session,
        SessionABC,
        is_openai_responses_compaction_aware_session,
    )
    from .session_settings import SessionSettings
    from .sqlite_session import SQLiteSession
    from .util import SessionInputCallback

__all__ = [
    "OpenAIConversationsSession",
    "OpenAIResponsesCompactionArgs",
    "OpenAIResponsesCompactionAwareSession",
    "OpenAIResponsesCompactionSession",
    "SQLiteSession",
    "Session",
    "SessionABC",
    "SessionInputCallback",
    "SessionSettings",
    "is_openai_responses_compaction_aware_session",
]

__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "openai_conversations_session": "OpenAIConversationsSession",
        "openai_responses_compaction_session": "OpenAIResponsesCompactionSession",
        "session": "OpenAIResponsesCompactionArgs OpenAIResponsesCompactionAwareSession Session SessionABC"
        " is_openai_responses_compaction_aware_session",
        "session_settings": "SessionSettings",
        "sqlite_session": "SQLiteSession",
        "util": "SessionInputCallback",
    },
)
