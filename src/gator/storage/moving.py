"""A SQLite file moved into PostgreSQL: every row as it is, in one transaction.

Both engines have the same tables and columns (a test sees to it), so nothing is interpreted on the way. The
epoch comes along, since the history stays the same one: clients go on where they were.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw
import psycopg
from psycopg import sql

from gator.storage import postgres, sqlite
from gator.storage.database import SchemaTooNew
from gator.storage.migrations import migrations

TABLES: Final = (
    "users",
    "conversations",
    "members",
    "messages",
    "events",
    "personas",
    "avatars",
    "runs",
    "memories",
    "moderation",
)
"""All but `meta`, which holds the epoch."""

TRUTHS: Final = frozenset({("conversations", "deleted"), ("messages", "is_ai"), ("personas", "deleted")})
"""Columns that SQLite keeps as 0 or 1."""


class CannotMove(Exception):
    """Nothing was moved; the text says why and what to do."""


def move(origin: apsw.Connection, target: psycopg.Connection) -> dict[str, int]:
    """Copy everything, and compare how much arrived.

    Args:
        origin: A SQLite database that nobody writes to.
        target: A migrated PostgreSQL database without anything in it.

    Returns:
        The rows of each table.

    Raises:
        CannotMove: The origin needs a migration, or the target holds something.
        SchemaTooNew: The origin was written by a newer version of this program.
    """
    at, known = sqlite.schema_version(origin), len(migrations("sqlite"))
    if at > known:
        raise SchemaTooNew(at, known)
    if at < known:
        raise CannotMove("the SQLite database is not up to date; run `gator migrate` on it first.")
    with origin, target.transaction():
        for table in TABLES:
            if _rows_in(target, table):
                raise CannotMove(f"the PostgreSQL database is not empty: it has {table}.")
        moved = {table: _copy(origin, target, table) for table in TABLES}
        for table, rows in moved.items():
            if (arrived := _rows_in(target, table)) != rows:
                raise CannotMove(f"{arrived} of {rows} {table} arrived.")
        postgres.new_epoch(target, str(origin.execute("SELECT value FROM meta WHERE name = 'epoch'").get))
    target.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
    return moved


def _copy(origin: apsw.Connection, target: psycopg.Connection, table: str) -> int:
    columns = columns_of(origin, table)
    truths = [(table, column) in TRUTHS for column in columns]
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with target.cursor() as cursor, cursor.copy(into) as copy:
        for row in _read(origin, table, columns):
            try:
                copy.write_row([bool(value) if truth else value for value, truth in zip(row, truths, strict=True)])
            except psycopg.DataError as error:
                raise CannotMove(f"PostgreSQL cannot keep row {count + 1} of {table}: {error}.") from None
            count += 1
    return count


def columns_of(origin: apsw.Connection, table: str) -> list[str]:
    """Name the columns of a table in SQLite."""
    return [str(row[1]) for row in origin.execute(f"PRAGMA table_info({table})")]


def _read(origin: apsw.Connection, table: str, columns: Sequence[str]) -> Iterator[Sequence[Any]]:
    named = ", ".join(f'"{column}"' for column in columns)
    return iter(origin.execute(f"SELECT {named} FROM {table}"))


def _rows_in(target: psycopg.Connection, table: str) -> int:
    row = target.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return 0 if row is None else int(row[0])
