"""An SQLite session that knows turns, branches of the conversation, and what each turn has used.

Rules:

1. A message is stored once; `message_structure` says in which branches it stands, and where.
2. A turn begins with what the user says and goes on to the next such item. What comes before the first is turn 0.
3. The id of a branch is used once, also when the branch is deleted.
4. The current branch belongs to the session object, and is read and set in the database's thread only: whatever is
   called later finds it as the calls before left it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from agents._lazy import lazy_module
from agents._ports.session import SessionSettings, resolve_session_limit
from agents.memory._item_json import decode_item, decode_items
from agents.memory._sqlite_database import transaction
from agents.memory.sqlite_session import SQLiteSession, quoted

from . import _turn_structure as structure

if TYPE_CHECKING:
    from agents import items as _items
    from agents import result as _result
else:
    _items = lazy_module("agents.items")
    _result = lazy_module("agents.result")

__all__ = ["AdvancedSQLiteSession"]

MAIN = "main"
"""The branch that every conversation begins with."""


class AdvancedSQLiteSession(SQLiteSession):
    """The memory of one conversation, with its turns, its branches and their usage, in an SQLite database.

    All methods of `SQLiteSession` speak about the current branch, `main` at first. A database has one pair of tables
    for conversations and messages, to which its tables for turns and usage belong.

    Raises:
        ValueError: from any method, where the tables are not there and `create_tables` was not asked for, or where
            those of the file belong to another pair of tables.
    """

    def __init__(
        self,
        *,
        session_id: str,
        db_path: str | Path = ":memory:",
        create_tables: bool = False,
        logger: logging.Logger | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A session; nothing is opened before its first use.

        Args:
            session_id: Which conversation this is.
            db_path: The file; by default a database in memory.
            create_tables: Whether tables that are not there are made.
            logger: Is told about branches; by default the package's.
            session_settings: What holds for calls that do not say otherwise.
            kwargs: `sessions_table` and `messages_table`, as for `SQLiteSession`.
        """
        super().__init__(session_id=session_id, db_path=db_path, session_settings=session_settings, **kwargs)
        self._create_tables = create_tables
        self._logger = logging.getLogger("openai.agents") if logger is None else logger
        self._branch = MAIN

    # What every session does.

    async def get_items(
        self, limit: int | None = None, branch_id: str | None = None
    ) -> list[_items.TResponseInputItem]:
        """The latest `limit` items of a branch, oldest first; by default those of the current branch."""
        count = resolve_session_limit(limit, self.session_settings)

        def read(connection: sqlite3.Connection) -> list[_items.TResponseInputItem]:
            rows = connection.execute(
                f"SELECT m.message_data FROM message_structure s JOIN {self._messages} m ON m.id = s.message_id"  # noqa: S608 (quoted)
                " WHERE s.session_id = ? AND s.branch_id = ? ORDER BY s.sequence_number DESC LIMIT ?",
                (*self._in(branch_id), -1 if count is None else count),
            ).fetchall()
            return decode_items((text for (text,) in reversed(rows)), self._where)

        return await self._run(read)

    def _insert(self, connection: sqlite3.Connection, texts: list[str]) -> list[int]:
        ids = super()._insert(connection, texts)
        turn = self._last_turn(connection)
        rows: list[tuple[int, str, int, str | None]] = []
        for message_id, text in zip(ids, texts, strict=True):
            item: dict[str, Any] = json.loads(text)
            kind = structure.message_type(item)
            turn += kind == "user"
            rows.append((message_id, kind, turn, structure.tool_name(item)))
        self._insert_structure(connection, self._branch, rows)
        return ids

    def _insert_structure(
        self, connection: sqlite3.Connection, branch_id: str, rows: list[tuple[int, str, int, str | None]]
    ) -> None:
        """Put messages behind all others: their ids, types, turns and tools."""
        (last,) = connection.execute(
            "SELECT coalesce(max(sequence_number), 0) FROM message_structure WHERE session_id = ?",
            (self.session_id,),
        ).fetchone()
        connection.executemany(
            "INSERT INTO message_structure (session_id, branch_id, message_id, message_type, user_turn_number,"
            " branch_turn_number, tool_name, sequence_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (self.session_id, branch_id, message_id, kind, turn, turn, tool, last + place)
                for place, (message_id, kind, turn, tool) in enumerate(rows, 1)
            ],
        )

    def _pop(self, connection: sqlite3.Connection) -> _items.TResponseInputItem | None:
        while True:
            row = connection.execute(
                "SELECT s.id, m.id, s.message_type, s.user_turn_number, m.message_data FROM message_structure s"  # noqa: S608 (quoted)
                f" JOIN {self._messages} m ON m.id = s.message_id WHERE s.session_id = ? AND s.branch_id = ?"
                " ORDER BY s.sequence_number DESC LIMIT 1",
                self._in(None),
            ).fetchone()
            if row is None:
                return None
            place, message_id, kind, turn, text = row
            connection.execute("DELETE FROM message_structure WHERE id = ?", (place,))
            self._forget_where_in_no_branch(connection, [(message_id,)])
            if kind == "user":
                connection.execute(
                    "DELETE FROM turn_usage WHERE session_id = ? AND branch_id = ? AND user_turn_number = ?",
                    (*self._in(None), turn),
                )
            item = decode_item(text, self._where)
            if item is not None:
                return item

    async def clear_session(self) -> None:
        """Remove all items of all branches, and their usage; the current branch is `main` then."""

        def clear(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                for table in ("message_structure", "turn_usage", self._messages, self._sessions):
                    connection.execute(f"DELETE FROM {table} WHERE session_id = ?", (self.session_id,))  # noqa: S608 (quoted)
            self._branch = MAIN

        await self._run(clear)

    async def rewrite_items(
        self, before: list[_items.TResponseInputItem], after: list[_items.TResponseInputItem]
    ) -> bool:
        """As `SQLiteSession` does, in the current branch: the others keep what they share with it.

        The turns of the branch are counted anew, and their usage goes with those that were replaced.
        """
        return await super().rewrite_items(before, after)

    # Branches.

    async def create_branch_from_turn(self, turn_number: int, branch_name: str | None = None) -> str:
        """Begin a branch with what the current one has before a turn, switch to it, and return its id.

        Raises:
            ValueError: the turn is not in the current branch, or the name is empty or was used before.
        """
        if branch_name is not None and not branch_name.strip():
            raise ValueError("Branch name cannot be empty")

        def create(connection: sqlite3.Connection) -> str:
            with transaction(connection):
                source = self._branch
                if not any(turn == turn_number for turn, _, _ in self._user_messages(connection, source)):
                    raise ValueError(
                        f"Turn {turn_number} does not contain a user message in branch {source!r}"
                    )
                branch_id = self._reserve(connection, branch_name, turn_number)
                rows = connection.execute(
                    "SELECT message_id, message_type, user_turn_number, tool_name FROM message_structure"
                    " WHERE session_id = ? AND branch_id = ? AND user_turn_number < ? ORDER BY sequence_number",
                    (self.session_id, source, turn_number),
                ).fetchall()
                self._insert_structure(connection, branch_id, rows)
            self._branch = branch_id
            return branch_id

        branch_id = await self._run(create)
        self._logger.debug(
            "Session %r goes on in branch %r, from turn %d", self.session_id, branch_id, turn_number
        )
        return branch_id

    async def create_branch_from_content(self, search_term: str, branch_name: str | None = None) -> str:
        """As `create_branch_from_turn`, from the first turn in which the user says `search_term`.

        Raises:
            ValueError: there is no such turn, or as `create_branch_from_turn` says.
        """
        found = await self.find_turns_by_content(search_term)
        if not found:
            raise ValueError(f"No user turns found containing {search_term!r}")
        return await self.create_branch_from_turn(cast("int", found[0]["turn"]), branch_name)

    async def switch_to_branch(self, branch_id: str) -> None:
        """Make a branch the current one.

        Raises:
            ValueError: there is no such branch. One without any item is there only while it is the current one.
        """

        def switch(connection: sqlite3.Connection) -> None:
            self._refuse_missing(connection, branch_id)
            self._branch = branch_id

        await self._run(switch)

    async def delete_branch(self, branch_id: str, force: bool = False) -> None:
        """Delete a branch, with the messages that stand in no other. With `force` also the current one: `main` is next.

        Raises:
            ValueError: it is `main`, or the current one and not forced, or there is no such branch.
        """
        if not branch_id.strip():
            raise ValueError("Branch ID cannot be empty")
        if branch_id == MAIN:
            raise ValueError(f"Cannot delete the {MAIN!r} branch")

        def delete(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                self._refuse_missing(connection, branch_id)
                if branch_id == self._branch and not force:
                    raise ValueError(
                        f"Cannot delete current branch {branch_id!r}. Use force=True or switch branches first"
                    )
                self._remove(connection, branch_id)
            if branch_id == self._branch:
                self._branch = MAIN

        await self._run(delete)

    async def list_branches(self) -> list[dict[str, Any]]:
        """The branches that have items: `branch_id`, `message_count`, `user_turns`, `is_current`, `created_at`."""

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                "SELECT branch_id, count(*), coalesce(sum(message_type = 'user'), 0), min(created_at) AS created"
                " FROM message_structure WHERE session_id = ? GROUP BY branch_id ORDER BY created, branch_id",
                (self.session_id,),
            ).fetchall()
            return [
                {
                    "branch_id": branch_id,
                    "message_count": messages,
                    "user_turns": turns,
                    "is_current": branch_id == self._branch,
                    "created_at": created_at,
                }
                for branch_id, messages, turns, created_at in rows
            ]

        return await self._run(read)

    # Turns.

    async def get_conversation_turns(self, branch_id: str | None = None) -> list[dict[str, Any]]:
        """The turns that a branch has, each by what the user said.

        Each has `turn`, `content` (its beginning), `full_content`, `timestamp` and `can_branch`.
        """

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            return [
                {
                    "turn": turn,
                    "content": structure.preview(content),
                    "full_content": content,
                    "timestamp": timestamp,
                    "can_branch": True,
                }
                for turn, content, timestamp in self._user_messages(connection, branch_id)
            ]

        return await self._run(read)

    async def find_turns_by_content(
        self, search_term: str, branch_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The turns in which the user says `search_term`, as it stands, whatever the case."""
        turns = await self.get_conversation_turns(branch_id)
        return [turn for turn in turns if structure.says(turn["full_content"], search_term)]

    async def get_conversation_by_turns(
        self, branch_id: str | None = None
    ) -> dict[int, list[dict[str, str | None]]]:
        """By turn: the `type` of each message of a branch, and its `tool_name`."""

        def read(connection: sqlite3.Connection) -> dict[int, list[dict[str, str | None]]]:
            rows = connection.execute(
                "SELECT user_turn_number, message_type, tool_name FROM message_structure"
                " WHERE session_id = ? AND branch_id = ? ORDER BY sequence_number",
                self._in(branch_id),
            ).fetchall()
            turns: dict[int, list[dict[str, str | None]]] = {}
            for turn, kind, tool in rows:
                turns.setdefault(turn, []).append({"type": kind, "tool_name": tool})
            return turns

        return await self._run(read)

    async def get_tool_usage(self, branch_id: str | None = None) -> list[tuple[str, int, int]]:
        """How often each tool was called in a turn of a branch: name, count, turn."""

        def read(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
            return connection.execute(
                "SELECT tool_name, count(*), user_turn_number FROM message_structure"
                " WHERE session_id = ? AND branch_id = ? AND tool_name IS NOT NULL"
                " GROUP BY tool_name, user_turn_number ORDER BY user_turn_number, tool_name",
                self._in(branch_id),
            ).fetchall()

        return await self._run(read)

    # Usage.

    async def store_run_usage(self, result: _result.RunResult) -> None:
        """Keep what a run has used as the usage of the current branch's last turn, in place of what stands there."""
        usage = cast("Any", result.context_wrapper.usage)
        if usage is None:
            return
        details = [
            None if one is None else json.dumps(one.model_dump(mode="json"))
            for one in (usage.input_tokens_details, usage.output_tokens_details)
        ]
        numbers = (usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens)

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                turn = self._last_turn(connection)
                if turn == 0:
                    return
                connection.execute(
                    "INSERT OR REPLACE INTO turn_usage (session_id, branch_id, user_turn_number, requests,"
                    " input_tokens, output_tokens, total_tokens, input_tokens_details, output_tokens_details)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*self._in(None), turn, *numbers, *details),
                )

        await self._run(write)

    async def get_session_usage(self, branch_id: str | None = None) -> dict[str, int] | None:
        """The sum over all turns of all branches, or of one branch; None where nothing is kept.

        It has `requests`, `input_tokens`, `output_tokens`, `total_tokens` and `total_turns`.
        """

        def read(connection: sqlite3.Connection) -> dict[str, int] | None:
            *sums, turns = connection.execute(
                "SELECT sum(requests), sum(input_tokens), sum(output_tokens), sum(total_tokens), count(*)"
                " FROM turn_usage WHERE session_id = ?1 AND (?2 IS NULL OR branch_id = ?2)",
                (self.session_id, branch_id),
            ).fetchone()
            names = ("requests", "input_tokens", "output_tokens", "total_tokens")
            return {**dict(zip(names, sums, strict=True)), "total_turns": turns} if turns else None

        return await self._run(read)

    async def get_turn_usage(
        self, user_turn_number: int | None = None, branch_id: str | None = None
    ) -> list[dict[str, Any]] | dict[str, Any]:
        """What one turn of a branch has used, {} where nothing is kept; without a turn, a list of all."""

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                "SELECT user_turn_number, requests, input_tokens, output_tokens, total_tokens, input_tokens_details,"
                " output_tokens_details FROM turn_usage WHERE session_id = ? AND branch_id = ?"
                " ORDER BY user_turn_number",
                self._in(branch_id),
            )
            names = [column[0] for column in rows.description]
            usages = [dict(zip(names, row, strict=True)) for row in rows]
            for usage in usages:
                for name in ("input_tokens_details", "output_tokens_details"):
                    usage[name] = None if usage[name] is None else json.loads(usage[name])
            return usages

        usages = await self._run(read)
        if user_turn_number is None:
            return usages
        for usage in usages:
            if usage.pop("user_turn_number") == user_turn_number:
                return usage
        return {}

    # Pieces of the work, in the database's thread.

    def _in(self, branch_id: str | None) -> tuple[str, str]:
        """The session and the branch that is meant."""
        return (self.session_id, self._branch if branch_id is None else branch_id)

    def _texts(self, connection: sqlite3.Connection) -> list[str]:
        rows = connection.execute(
            f"SELECT m.message_data FROM message_structure s JOIN {self._messages} m ON m.id = s.message_id"  # noqa: S608 (quoted)
            " WHERE s.session_id = ? AND s.branch_id = ? ORDER BY s.sequence_number",
            self._in(None),
        )
        return [text for (text,) in rows]

    def _remove(self, connection: sqlite3.Connection, branch_id: str | None = None) -> None:
        """Remove a branch's items and usage; messages that stand in other branches stay there."""
        branch = self._in(branch_id)
        query = "SELECT message_id FROM message_structure WHERE session_id = ? AND branch_id = ?"
        message_ids = connection.execute(query, branch).fetchall()
        for table in ("message_structure", "turn_usage"):
            connection.execute(f"DELETE FROM {table} WHERE session_id = ? AND branch_id = ?", branch)  # noqa: S608 (one of two)
        self._forget_where_in_no_branch(connection, message_ids)

    def _last_turn(self, connection: sqlite3.Connection) -> int:
        query = "SELECT coalesce(max(user_turn_number), 0) FROM message_structure WHERE session_id = ? AND branch_id = ?"
        return connection.execute(query, self._in(None)).fetchone()[0]

    def _user_messages(
        self, connection: sqlite3.Connection, branch_id: str | None
    ) -> list[tuple[int, object, str]]:
        """The turn, the content and the time of all that the user says in a branch."""
        rows = connection.execute(
            "SELECT s.user_turn_number, m.message_data, s.created_at FROM message_structure s"  # noqa: S608 (quoted)
            f" JOIN {self._messages} m ON m.id = s.message_id WHERE s.session_id = ? AND s.branch_id = ?"
            " AND s.message_type = 'user' ORDER BY s.sequence_number",
            self._in(branch_id),
        ).fetchall()
        items = [
            (turn, cast("Any", decode_item(text, self._where)), timestamp) for turn, text, timestamp in rows
        ]
        return [(turn, item.get("content"), timestamp) for turn, item, timestamp in items if item is not None]

    def _refuse_missing(self, connection: sqlite3.Connection, branch_id: str) -> None:
        if branch_id in {MAIN, self._branch}:
            return
        query = "SELECT 1 FROM message_structure WHERE session_id = ? AND branch_id = ? LIMIT 1"
        if connection.execute(query, (self.session_id, branch_id)).fetchone() is None:
            raise ValueError(f"Branch {branch_id!r} does not exist")

    def _reserve(self, connection: sqlite3.Connection, name: str | None, turn_number: int) -> str:
        """Use an id for a new branch: the given one, or one that says when it was made and from what."""
        used = {
            MAIN,
            *(
                branch_id
                for (branch_id,) in connection.execute(
                    "SELECT branch_id FROM branch_reservations WHERE session_id = ?1"
                    " UNION SELECT branch_id FROM message_structure WHERE session_id = ?1",
                    (self.session_id,),
                )
            ),
        }
        if name is not None and name in used:
            raise ValueError(f"Branch ID {name!r} has already been used. Choose a new branch ID.")
        stem = f"branch_from_turn_{turn_number}_{int(time.time())}"
        branch_id = stem if name is None else name
        number = 1
        while branch_id in used:
            number += 1
            branch_id = f"{stem}_{number}"
        connection.executemany(
            "INSERT OR IGNORE INTO branch_reservations (session_id, branch_id) VALUES (?, ?)",
            [(self.session_id, MAIN), (self.session_id, branch_id)],
        )
        return branch_id

    def _forget_where_in_no_branch(
        self, connection: sqlite3.Connection, message_ids: list[tuple[int]]
    ) -> None:
        connection.executemany(
            f"DELETE FROM {self._messages} WHERE id = ?1"  # noqa: S608 (quoted)
            " AND NOT EXISTS (SELECT 1 FROM message_structure WHERE message_id = ?1)",
            message_ids,
        )

    # Tables.

    def _prepare(self, connection: sqlite3.Connection) -> None:
        has_tables = self._has_tables(connection)
        if not self._create_tables and not has_tables:
            names = (self.sessions_table, self.messages_table)
            raise ValueError(
                f"The configured base tables in {self.db_path} are missing: {' and '.join(map(repr, names))}. Make the"
                " session with create_tables=True, or give the tables' names."
            )
        self._refuse_other_sessions_table(connection)
        if not self._create_tables or self._owners(connection, "message_structure"):
            self._refuse_other_owners(connection)
        if self._create_tables:
            if not has_tables:
                self._make_tables(connection)
            with transaction(connection):
                for statement in self._structure_schema():
                    connection.execute(statement)
            self._refuse_other_owners(connection)

    def _owners(self, connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
        """The columns of a table that refer to other tables, and to which."""
        query = 'SELECT "from", "table" FROM pragma_foreign_key_list(?) ORDER BY 1 DESC, 2'
        return connection.execute(query, (table,)).fetchall()

    def _refuse_other_sessions_table(self, connection: sqlite3.Connection) -> None:
        for _, owner in self._owners(connection, self.messages_table):
            if not _is_same(owner, self.sessions_table):
                raise ValueError(
                    f"The configured messages table {self.messages_table!r} in {self.db_path} belongs to sessions table"
                    f" {owner!r}, not to the configured {self.sessions_table!r}. Give each sessions_table/messages_table"
                    " pair its own db_path."
                )

    def _refuse_other_owners(self, connection: sqlite3.Connection) -> None:
        """Refuse tables whose rows belong to other tables than the configured ones: joined, they make no sense."""
        configured = {"session_id": self.sessions_table, "message_id": self.messages_table}
        for table, columns in {"message_structure": list(configured), "turn_usage": ["session_id"]}.items():
            owners = self._owners(connection, table)
            if sorted(column for column, _ in owners) != sorted(columns):
                raise ValueError(
                    f"The `{table}` table in {self.db_path} does not record exactly one owner foreign key for each of"
                    f" {' and '.join(columns)}. Make the session with create_tables=True, which makes the table where"
                    " it is not there, or give it a db_path of its own."
                )
            if not all(_is_same(owner, configured[column]) for column, owner in owners):
                raise ValueError(
                    f"The `{table}` table in {self.db_path} already belongs to"
                    f" {'/'.join(owner for _, owner in owners)!r}, not to the configured base tables"
                    f" {'/'.join(configured[column] for column, _ in owners)!r}. Give each"
                    " sessions_table/messages_table pair its own db_path."
                )

    def _structure_schema(self) -> list[str]:
        own = f"FOREIGN KEY (session_id) REFERENCES {self._sessions} (session_id) ON DELETE CASCADE"
        places = (
            "CREATE TABLE IF NOT EXISTS message_structure (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " session_id TEXT NOT NULL, message_id INTEGER NOT NULL, branch_id TEXT NOT NULL DEFAULT 'main',"
            " message_type TEXT NOT NULL, sequence_number INTEGER NOT NULL, user_turn_number INTEGER,"
            " branch_turn_number INTEGER, tool_name TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,"
            f" {own}, FOREIGN KEY (message_id) REFERENCES {self._messages} (id) ON DELETE CASCADE)"
        )
        usage = (
            "CREATE TABLE IF NOT EXISTS turn_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,"
            " branch_id TEXT NOT NULL DEFAULT 'main', user_turn_number INTEGER NOT NULL, requests INTEGER DEFAULT 0,"
            " input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0, total_tokens INTEGER DEFAULT 0,"
            " input_tokens_details JSON, output_tokens_details JSON, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,"
            f" {own}, UNIQUE (session_id, branch_id, user_turn_number))"
        )
        reservations = (
            "CREATE TABLE IF NOT EXISTS branch_reservations (session_id TEXT NOT NULL, branch_id TEXT NOT NULL,"
            " PRIMARY KEY (session_id, branch_id))"
        )
        indexes = {
            "idx_structure_branch_seq": "message_structure (session_id, branch_id, sequence_number)",
            "idx_structure_session_seq": "message_structure (session_id, sequence_number)",
            "idx_structure_message": "message_structure (message_id)",
            # The last turn of a branch is one step in it.
            "idx_structure_branch_turn": "message_structure (session_id, branch_id, user_turn_number)",
        }
        made = [
            f"CREATE INDEX IF NOT EXISTS {quoted(name)} ON {columns}" for name, columns in indexes.items()
        ]
        return [places, usage, reservations, *made]


def _is_same(one: str, other: str) -> bool:
    """Whether SQLite takes two names for the same: it folds ASCII only."""
    return one.encode().lower() == other.encode().lower()
