"""Every statement on PostgreSQL: that it fits the schema, and reads through an index."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import apsw
import psycopg
import pytest
from tests.support.postgres import PostgresServer

from gator.storage.moving import TABLES, columns_of
from gator.storage.postgres import connect, migrate, postgres_statements
from gator.storage.sqlite import migrate as migrate_sqlite

READ_WHOLE: Final = {"personas_pkey", "live_runs"}
"""All personas are read once, at the start, and the index of live runs holds nothing else."""

INDEX: Final = re.compile(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\w+)")


@pytest.fixture(scope="module")
def connection(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A migrated database, with plans that know nothing of the bindings."""
    with connect(postgres.create()) as connection:
        migrate(connection)
        connection.execute("SET plan_cache_mode = force_generic_plan")
        yield connection


def plan(connection: psycopg.Connection, name: str) -> list[str]:
    """Say how a statement is carried out, whatever its bindings."""
    text = postgres_statements()[name]
    bindings: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in bindings:
            bindings.append(match[1])
        return f"${bindings.index(match[1]) + 1}"

    numbered = re.sub(r"%\((\w+)\)s", number, text).replace("%%", "%")
    connection.execute(f"PREPARE planned AS {numbered}")
    nothing = f"({', '.join('NULL' for _ in bindings)})" if bindings else ""
    try:
        return [row[0] for row in connection.execute(f"EXPLAIN EXECUTE planned{nothing}")]
    finally:
        connection.execute("DEALLOCATE planned")


@pytest.mark.parametrize("name", postgres_statements())
def test_a_statement_reads_through_an_index(connection: psycopg.Connection, name: str) -> None:
    steps = plan(connection, name)
    assert not any("Seq Scan" in step for step in steps)
    indexes = [(found[1], below) for step, below in pairwise((*steps, "")) if (found := INDEX.search(step))]
    unbounded = {index for index, below in indexes if "Index Cond" not in below}
    assert unbounded <= READ_WHOLE, "\n".join(steps)


@pytest.mark.parametrize("name", ["messages_after", "messages_before", "events_after", "members_page"])
def test_a_page_is_read_in_its_order_without_sorting(connection: psycopg.Connection, name: str) -> None:
    assert not any("Sort" in step for step in plan(connection, name))


def test_both_engines_have_the_same_tables_and_columns(connection: psycopg.Connection) -> None:
    sqlite = apsw.Connection(":memory:")
    migrate_sqlite(sqlite)
    tables = {str(name) for (name,) in sqlite.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {*TABLES, "meta"}
    found: dict[str, list[str]] = {}
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    for table, column in connection.execute(f"{columns} ORDER BY column_name"):
        found.setdefault(table, []).append(column)
    del found["gator_migrations"]
    assert found == {table: sorted(columns_of(sqlite, table)) for table in tables}


def test_ids_are_compared_byte_by_byte(connection: psycopg.Connection) -> None:
    unsafe = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
        "AND table_name NOT IN ('meta', 'gator_migrations', 'moderation') AND data_type = 'text' "
        "AND column_name ~ '(^|_)(id|by|key|answers)$' AND collation_name IS DISTINCT FROM 'C'"
    ).fetchall()
    assert unsafe == []
