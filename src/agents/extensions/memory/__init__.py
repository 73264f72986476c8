"""Sessions that know more, or that need more than Python: each loads what it needs when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents._lazy import lazy_exports

if TYPE_CHECKING:
    from .advanced_sqlite_session import AdvancedSQLiteSession
    from .async_sqlite_session import AsyncSQLiteSession
    from .encrypt_session import EncryptedSession
    from .redis_session import RedisSession
    from .sqlalchemy_session import SQLAlchemySession

__all__ = [
    "AdvancedSQLiteSession",
    "AsyncSQLiteSession",
    "EncryptedSession",
    "RedisSession",
    "SQLAlchemySession",
]

__getattr__ = lazy_exports(
    __name__,
    globals(),
    {
        "advanced_sqlite_session": "AdvancedSQLiteSession",
        "async_sqlite_session": "AsyncSQLiteSession",
        "encrypt_session": "EncryptedSession",
        "redis_session": "RedisSession",
        "sqlalchemy_session": "SQLAlchemySession",
    },
)
