"""`gator migrate`."""

from pathlib import Path

import pytest
from tests.cli.gator import Said, gator
from tests.contract.sqlite import sqlite_bench
from tests.contract.wishes import create, post, seen
from tests.support.postgres import PostgresServer

from gator.storage import postgres as engine
from gator.storage.migrations import migrations
from gator.storage.postgres import connect as connect_postgres
from gator.storage.postgres import open_for_writing, postgres_readers
from gator.storage.postgres import schema_version as postgres_schema_version
from gator.storage.sqlite import FILE_NAME, DataLock, connect, schema_version, sqlite_readers
from gator.storage.store import SqlStore

STEPS = [f"applied {step.number:04d}_{step.name}" for step in migrations("sqlite")]


def epoch(data: Path) -> str:
    store = SqlStore(sqlite_readers(data / FILE_NAME))
    try:
        return store.epoch
    finally:
        store.close()


def test_it_makes_the_database_and_says_so(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    said = gator("migrate", "--data", str(data))
    assert (said.code, said.out.splitlines()) == (0, STEPS)
    assert gator("migrate", "--data", str(data)).out == "The database is up to date.\n"


def test_a_restored_database_gets_another_epoch(tmp_path: Path) -> None:
    gator("migrate", "--data", str(tmp_path))
    before = epoch(tmp_path)
    said = gator("migrate", "--data", str(tmp_path), "--restored")
    assert "New epoch" in said.out
    assert epoch(tmp_path) != before
    gator("migrate", "--data", str(tmp_path))
    assert epoch(tmp_path) != before


def test_while_a_server_uses_the_data_nothing_is_touched(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    said = gator("migrate", "--data", str(tmp_path))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("gator: Another gator process is using")
    assert not (tmp_path / FILE_NAME).exists()
    lock.release()


def test_data_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    gator("migrate", "--data", str(tmp_path))
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    for _ in range(2):
        said = gator("migrate", "--data", str(tmp_path), "--restored")
        assert said.code == 2
        assert said.err.startswith("gator: The database is at migration 999")
    connection = connect(tmp_path / FILE_NAME, read_only=True)
    assert schema_version(connection) == 999
    connection.close()


# PostgreSQL

POSTGRES_STEPS = [f"applied {step.number:04d}_{step.name}" for step in migrations("postgres")]
UP_TO_DATE = "The database is up to date.\n"


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """An empty database."""
    return postgres.create()


@pytest.fixture
async def origin(tmp_path: Path) -> Path:
    """A directory with a SQLite database in which two people have talked."""
    async with sqlite_bench(tmp_path) as bench:
        await bench.journal.write_down(seen("ann"))
        for change in (create("garden", "ann", "bob"), post("garden", "ann", "a"), post("garden", "bob", "b")):
            await bench.journal.commit(change)
    return tmp_path


def migrated(url: str, *arguments: str) -> Said:
    return gator("migrate", *arguments, GATOR_DATABASE_URL=url)


def postgres_epoch(url: str) -> str:
    store = SqlStore(postgres_readers(url))
    try:
        return store.epoch
    finally:
        store.close()


def test_on_postgres_it_makes_the_tables_and_says_so(url: str, tmp_path: Path) -> None:
    said = migrated(url, "--data", str(tmp_path / "data"))
    assert (said.code, said.out.splitlines(), said.err) == (0, POSTGRES_STEPS, "")
    assert migrated(url).out == UP_TO_DATE
    assert not (tmp_path / "data").exists()


def test_a_restored_postgres_gets_another_epoch(url: str) -> None:
    migrated(url)
    before = postgres_epoch(url)
    said = migrated(url, "--restored")
    assert (said.code, said.out) == (
        0,
        f"{UP_TO_DATE}New epoch: clients that come back are told to reload their history.\n",
    )
    after = postgres_epoch(url)
    assert after != before
    migrated(url)
    assert postgres_epoch(url) == after


def test_while_a_server_uses_the_postgres_nothing_is_touched(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOCK_S", -1.0)
    with open_for_writing(url) as serving:
        said = migrated(url, "--restored")
        assert (said.code, said.out) == (2, "")
        assert said.err == (
            "gator: Another gator process is using this database; stop it or choose another GATOR_DATABASE_URL.\n"
        )
        assert postgres_schema_version(serving) == 0


def test_a_postgres_of_a_newer_program_is_left_alone(url: str, origin: Path) -> None:
    migrated(url)
    before = postgres_epoch(url)
    with connect_postgres(url) as connection:
        connection.execute("INSERT INTO gator_migrations (number, name) VALUES (999, 'later')")
    said = migrated(url, "--restored", "--from", str(origin))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("gator: The database is at migration 999, this program knows ")
    assert postgres_epoch(url) == before


def test_a_postgres_that_cannot_be_reached_is_told_without_the_password(tmp_path: Path) -> None:
    said = migrated(f"postgresql://ann:secret@/chat?host={tmp_path}")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("gator: Cannot use GATOR_DATABASE_URL: connection ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err


# From SQLite to PostgreSQL


def test_a_database_is_moved_and_every_table_counted(url: str, origin: Path) -> None:
    said = migrated(url, "--from", str(origin))
    assert said.err == ""
    assert said.code == 0
    assert said.out.splitlines() == [
        *POSTGRES_STEPS,
        "moved 1 users",
        "moved 1 conversations",
        "moved 2 members",
        "moved 2 messages",
        "moved 1 events",
        "moved 0 personas",
        "moved 0 avatars",
        "moved 0 runs",
        "moved 0 memories",
        "moved 0 moderation",
    ]
    assert postgres_epoch(url) == epoch(origin), "clients go on where they were"


def test_a_backup_is_moved_as_another_history(url: str, origin: Path) -> None:
    said = migrated(url, "--from", str(origin), "--restored")
    assert said.code == 0
    assert said.out.endswith("New epoch: clients that come back are told to reload their history.\n")
    assert postgres_epoch(url) != epoch(origin)


def test_a_database_is_moved_once(url: str, origin: Path) -> None:
    assert migrated(url, "--from", str(origin)).code == 0
    said = migrated(url, "--from", str(origin))
    assert (said.code, said.out) == (2, UP_TO_DATE)
    assert said.err == "gator: Nothing was moved: the PostgreSQL database is not empty: it has users.\n"


def test_a_move_needs_a_place_to_move_to(origin: Path) -> None:
    said = gator("migrate", "--from", str(origin))
    assert (said.code, said.out) == (2, "")
    assert said.err == "gator: --from moves a SQLite database into PostgreSQL: give GATOR_DATABASE_URL.\n"


def test_where_there_is_no_database_nothing_is_moved_and_nothing_made(url: str, tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        said = migrated(url, "--from", str(directory))
        assert (said.code, said.out) == (2, "")
        assert said.err == f"gator: There is no {FILE_NAME} in '{directory}'.\n"
    assert [*tmp_path.iterdir()] == []
    with connect_postgres(url) as connection:
        assert postgres_schema_version(connection) == 0


def test_a_database_that_a_server_uses_is_not_moved(url: str, origin: Path) -> None:
    lock = DataLock(origin)
    said = migrated(url, "--from", str(origin))
    lock.release()
    assert said.code == 2
    assert said.err.startswith(f"gator: Another gator process is using '{origin}'; stop it")
    assert migrated(url, "--from", str(origin)).code == 0


def test_an_old_database_is_not_moved(url: str, tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    said = migrated(url, "--from", str(tmp_path))
    assert said.code == 2
    assert said.err.startswith(
        "gator: Nothing was moved: the SQLite database is not up to date; run `gator migrate`"
    )


def test_what_is_no_database_is_not_moved(url: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database, this is a diary " * 200)
    said = migrated(url, "--from", str(tmp_path))
    assert said.code == 2
    assert said.err == f"gator: Cannot read {FILE_NAME} in '{tmp_path}': file is not a database.\n"
    DataLock(tmp_path).release()


def test_a_message_that_postgres_cannot_hold_is_told_and_nothing_moved(url: str, origin: Path) -> None:
    connection = connect(origin / FILE_NAME)
    connection.execute("UPDATE messages SET content = 'a' || char(0) || 'b' WHERE seq = 2")
    connection.close()
    said = migrated(url, "--from", str(origin))
    assert said.code == 2
    assert said.err.startswith("gator: Nothing was moved: ")
    assert said.err.count("\n") == 1
    with connect_postgres(url) as target:
        assert target.execute("SELECT count(*) FROM users").fetchone() == (0,)
