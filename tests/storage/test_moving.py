"""A SQLite database moved into PostgreSQL."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from tests.contract.journal import HOSTILE_TEXTS
from tests.contract.postgres import PostgresBench
from tests.contract.runs import ask, request
from tests.contract.sqlite import sqlite_bench
from tests.contract.wishes import ANN, GARDEN, KITCHEN, add, create, delete, post, read, remove, rename, seen
from tests.support.postgres import PostgresServer

from gator.domain.memory import Memory
from gator.domain.persona import Persona
from gator.ports import AuditEntry, AvatarSaved, MemorySaved, PersonaDeleted, PersonaSaved
from gator.protocol.types import PersonaId, Seq, UserId, UtcMillis
from gator.storage import moving
from gator.storage.moving import TABLES, CannotMove, columns_of, move
from gator.storage.postgres import connect as connect_postgres
from gator.storage.postgres import migrate as migrate_postgres
from gator.storage.sqlite import FILE_NAME, connect, migrate


def persona(name: str) -> Persona:
    return Persona(
        id=PersonaId(name),
        owner_id=ANN,
        name="Nía \U0001f40a",
        created_at=UtcMillis(1),
        updated_at=UtcMillis(2),
    )


async def fill(data: Path) -> None:
    """Write something into every table, with every character that a message may have."""
    async with sqlite_bench(data) as bench:
        journal = bench.journal
        for note in (
            seen("ann", "Ann \t\\N\n\\."),
            seen("bob"),
            PersonaSaved(persona("nia")),
            PersonaSaved(persona("gone")),
            PersonaDeleted(PersonaId("gone")),
            AvatarSaved(PersonaId("nia"), "image/png", bytes(range(256)) * 40),
        ):
            await journal.write_down(note)
        for change in (
            create("garden", "ann", "bob"),
            create("kitchen", "bob", "ann", kind="direct"),
            rename("garden", "ann", "a \\N title"),
            add("garden", "ann", "cleo"),
            remove("garden", "ann", "cleo"),
            create("attic", "ann"),
            delete("attic", "ann"),
            ask(request(PersonaId("nia")), key="asked"),
        ):
            await journal.commit(change)
        for number, text in enumerate(HOSTILE_TEXTS):
            await journal.commit(post("garden", "bob", text, key=f"key {number}"))
        await journal.write_down(read("garden", "ann", 5))
        await journal.write_down(MemorySaved(GARDEN, Memory(summary="what was \\said", summary_seq=Seq(3))))
        await journal.write_down(
            AuditEntry(None, GARDEN, UserId("bob"), UtcMillis(9), "in", "blocked", ("rude",), "words", Seq(4))
        )


def dump(connection: "apsw.Connection | psycopg.Connection", table: str, columns: Sequence[str]) -> list[Any]:
    named = ", ".join(f'"{column}"' for column in columns)
    rows = connection.execute(f"SELECT {named} FROM {table}").fetchall()
    return sorted(rows, key=repr)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[apsw.Connection]:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    yield connection
    connection.close()


@pytest.fixture
def target(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    with connect_postgres(postgres.create()) as connection:
        migrate_postgres(connection)
        yield connection


async def test_every_row_arrives_as_it_was(
    tmp_path: Path, origin: apsw.Connection, target: psycopg.Connection
) -> None:
    await fill(tmp_path)
    moved = move(origin, target)
    assert list(moved) == list(TABLES)
    assert all(moved.values()), "every table had something to move"
    for table in TABLES:
        columns = columns_of(origin, table)
        assert dump(target, table, columns) == dump(origin, table, columns), table


async def test_the_conversation_goes_on_where_it_was(tmp_path: Path, postgres: PostgresServer) -> None:
    await fill(tmp_path)
    url = postgres.create()
    async with sqlite_bench(tmp_path) as before:
        epoch = before.store.epoch
        log = await before.store.log(GARDEN, after=Seq(0), limit=1_000)
        lists = [await before.store.conversations_of(user, before=None, limit=10) for user in (ANN, UserId("bob"))]
    with connect_postgres(url) as target:
        migrate_postgres(target)
        move(connect(tmp_path / FILE_NAME), target)
    after = PostgresBench(url)
    assert after.store.epoch == epoch
    assert await after.store.log(GARDEN, after=Seq(0), limit=1_000) == log
    assert [
        await after.store.conversations_of(user, before=None, limit=10) for user in (ANN, UserId("bob"))
    ] == lists
    assert len(await after.store.live_runs()) == 1
    again = await after.journal.commit(post("garden", "bob", HOSTILE_TEXTS[0], key="key 0"))
    assert again.duplicate
    new = await after.journal.commit(post("garden", "bob", "new"))
    assert new.event is not None
    assert new.event.seq == log[-1].seq + 1
    assert (await after.journal.commit(post("kitchen", "ann", "and here"))).conversation_id == KITCHEN
    await after.close()
    after.close_store()


def test_into_a_database_with_something_in_it_nothing_is_moved(
    origin: apsw.Connection, target: psycopg.Connection
) -> None:
    target.execute("INSERT INTO users (id, created_at) VALUES ('ann', 1)")
    with pytest.raises(CannotMove, match="is not empty: it has users"):
        move(origin, target)


def test_out_of_an_older_database_nothing_is_moved(origin: apsw.Connection, target: psycopg.Connection) -> None:
    origin.execute("PRAGMA user_version = 1")
    with pytest.raises(CannotMove, match="run `gator migrate` on it first"):
        move(origin, target)


async def test_a_move_that_breaks_off_leaves_nothing(
    tmp_path: Path, origin: apsw.Connection, target: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(tmp_path)
    monkeypatch.setattr(moving, "TABLES", (*TABLES, "nonsense"))
    with pytest.raises((psycopg.Error, apsw.Error)):
        move(origin, target)
    assert all(target.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,) for table in TABLES)
