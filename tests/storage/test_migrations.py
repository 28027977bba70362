import re
from pathlib import Path

import apsw
import pytest

from gator.storage.database import SchemaTooNew
from gator.storage.migrations import migrations
from gator.storage.sqlite import FILE_NAME, check_schema, connect, migrate, schema_version


def test_migrations_are_numbered_from_one_and_named() -> None:
    found = migrations("sqlite")
    assert [step.number for step in found] == list(range(1, len(found) + 1))
    assert all(re.fullmatch(r"[a-z_]+", step.name) for step in found)


def test_an_empty_database_takes_every_step_once(tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    assert schema_version(connection) == 0
    assert migrate(connection) == [f"{step.number:04d}_{step.name}" for step in migrations("sqlite")]
    assert schema_version(connection) == len(migrations("sqlite"))
    assert migrate(connection) == []
    connection.close()


@pytest.mark.parametrize("at", range(len(migrations("sqlite"))))
def test_a_database_of_any_age_ends_at_the_same_schema(tmp_path: Path, at: int) -> None:
    steps = migrations("sqlite")
    fresh, old = connect(tmp_path / "fresh.db"), connect(tmp_path / "old.db")
    migrate(fresh)
    for step in steps[:at]:
        old.execute(step.sql)
        old.execute(f"PRAGMA user_version = {step.number}")
    assert len(migrate(old)) == len(steps) - at
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert old.execute(schema).fetchall() == fresh.execute(schema).fetchall()
    fresh.close()
    old.close()


def test_a_database_of_a_newer_program_is_left_alone(connection: apsw.Connection) -> None:
    known = len(migrations("sqlite"))
    connection.execute(f"PRAGMA user_version = {known + 1}")
    with pytest.raises(SchemaTooNew, match=rf"at migration {known + 1}, this program knows {known}"):
        migrate(connection)
    assert schema_version(connection) == known + 1


def test_a_schema_can_be_checked_without_touching_it(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    check_schema(file)
    assert not file.exists()
    connection = connect(file)
    check_schema(file)
    migrate(connection)
    check_schema(file)
    connection.execute("PRAGMA user_version = 999")
    with pytest.raises(SchemaTooNew):
        check_schema(file)
    connection.close()


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE messages (in_the_way)")
    before = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    with pytest.raises(apsw.SQLError):
        migrate(connection)
    assert schema_version(connection) == 0
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == before
    connection.close()


def test_a_log_begins_with_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for name in ("a.db", "b.db"):
        connection = connect(tmp_path / name)
        migrate(connection)
        epochs.add(connection.execute("SELECT value FROM meta WHERE name = 'epoch'").get)
        connection.close()
    assert len(epochs) == 2
    assert all(re.fullmatch(r"[0-9a-f]{16}", epoch) for epoch in epochs)
