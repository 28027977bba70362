"""`gator migrate`."""

from pathlib import Path

from tests.cli.gator import gator

from gator.storage.migrations import migrations
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
