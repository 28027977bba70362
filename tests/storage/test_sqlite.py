import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from tests.contract.wishes import GARDEN, create, post, rename, seen
from tests.storage.conftest import Queries
from tests.support.clock import NOON

from gator.ports import Committed
from gator.storage import sqlite
from gator.storage.sqlite import (
    FILE_NAME,
    DataInUse,
    DataLock,
    SqliteWriter,
    connect,
    migrate,
    new_epoch,
    schema_version,
)
from gator.storage.sqlite_store import SqliteStore

# The lock


def test_one_process_at_a_time_uses_a_directory(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    with pytest.raises(DataInUse, match=rf"is using '{tmp_path}'; stop it or choose another GATOR_DATA"):
        DataLock(tmp_path)
    lock.release()
    lock.release()
    DataLock(tmp_path).release()


def test_the_lock_says_who_has_it(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    assert (tmp_path / "gator.lock").read_text() == f"{os.getpid()}\n"
    lock.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = "import os, sys, pathlib; from gator.storage.sqlite import DataLock; " \
        "lock = DataLock(pathlib.Path(sys.argv[1])); os.kill(os.getpid(), 9)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", holder, str(tmp_path)], check=False).returncode == -9
    DataLock(tmp_path).release()


# The connection


def test_an_acknowledged_change_survives_a_power_cut(connection: apsw.Connection) -> None:
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2, "2 is FULL"


def test_a_reader_cannot_write(connection: apsw.Connection, tmp_path: Path) -> None:
    reader = connect(tmp_path / FILE_NAME, read_only=True)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM meta")
    reader.close()


def test_a_reader_does_not_make_a_database(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        connect(tmp_path / "missing.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_sqlite_is_a_version_that_keeps_its_data() -> None:
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)


def test_a_restored_log_gets_another_epoch(connection: apsw.Connection, tmp_path: Path) -> None:
    before = SqliteStore(tmp_path / FILE_NAME)
    new_epoch(connection, "another")
    after = SqliteStore(tmp_path / FILE_NAME)
    assert before.epoch != after.epoch == "another"
    before.close()
    after.close()


# The writer


def test_a_message_costs_two_statements_and_an_id_one_more(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    writer = SqliteWriter(connection)
    writer.write([create("garden", "ann")], NOON)
    with queries(2):
        writer.write([post("garden", "ann", "a")], NOON)
    with queries(3):
        writer.write([post("garden", "ann", "b", key="k")], NOON)
    with queries(1):
        writer.write([post("garden", "ann", "b", key="k")], NOON)
    with queries(20):
        writer.write([post("garden", "ann", str(n)) for n in range(10)], NOON)
    writer.close()


def test_the_state_of_a_conversation_is_read_once(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    SqliteWriter(connection).write([create("garden", "ann")], NOON)
    writer = SqliteWriter(connection)
    with queries(4):
        writer.write([post("garden", "ann", "a")], NOON)
    with queries(2):
        writer.write([post("garden", "ann", "b")], NOON)
    writer.close()


def test_a_user_who_comes_back_unchanged_writes_nothing(tmp_path: Path, queries: Queries) -> None:
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    writer = SqliteWriter(connection)
    with queries(1):
        writer.write([seen("ann", "Ann"), seen("ann", "Ann")], NOON)
    with queries(1):
        writer.write([seen("ann", "Anna")], NOON)
    writer.close()


def test_a_transaction_that_fails_is_forgotten_whole(connection: apsw.Connection) -> None:
    writer = SqliteWriter(connection)
    writer.write([create("garden", "ann"), seen("ann", "Ann")], NOON)
    connection.execute("CREATE TRIGGER broken BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'broken'); END")
    batch = [post("garden", "ann", "a"), seen("ann", "Anna"), rename("garden", "ann", "x")]
    with pytest.raises(apsw.ConstraintError, match="broken"):
        writer.write(batch, NOON)
    connection.execute("DROP TRIGGER broken")
    assert not connection.in_transaction
    [committed] = writer.write([post("garden", "ann", "a")], NOON)
    assert isinstance(committed, Committed)
    assert committed.event is not None
    assert committed.event.seq == 2
    writer.write([seen("ann", "Anna")], NOON)
    assert connection.execute("SELECT name FROM users").get == "Anna"


def test_the_writer_keeps_no_more_than_it_may(
    connection: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "KEPT_CONVERSATIONS", 2)
    monkeypatch.setattr(sqlite, "KEPT_USERS", 2)
    writer = SqliteWriter(connection)
    names = ["a", "b", "c", "d"]
    for name in names:
        writer.write([create(name, "ann"), seen(name, name.upper())], NOON)
    results = writer.write([post(name, "ann", "hello") for name in names * 2], NOON)
    seqs = [result.event.seq for result in results if isinstance(result, Committed) and result.event]
    assert seqs == [2, 2, 2, 2, 3, 3, 3, 3]


def test_closing_lets_go_of_the_directory(tmp_path: Path) -> None:
    lock = DataLock(tmp_path)
    connection = connect(tmp_path / FILE_NAME)
    migrate(connection)
    SqliteWriter(connection, on_close=lock.release).close()
    DataLock(tmp_path).release()
    reader = connect(tmp_path / FILE_NAME, read_only=True)
    assert schema_version(reader) > 0
    reader.close()


def test_a_message_is_dated_by_the_batch_it_is_written_in(connection: apsw.Connection) -> None:
    writer = SqliteWriter(connection)
    writer.write([create("garden", "ann"), post("garden", "ann", "a")], NOON)
    rows = connection.execute("SELECT active_at, created_at FROM conversations WHERE id = ?", (GARDEN,)).fetchall()
    assert rows == [(NOON, NOON)]
