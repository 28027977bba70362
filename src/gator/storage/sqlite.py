"""The engine SQLite, through apsw: a file, a thread that writes, and a few that read.

Python's own `sqlite3` may be a version with a bug that corrupts a database in WAL
mode when two connections write or checkpoint at the same instant (SQLite 3.7.0 to
3.51.2, https://sqlite.org/wal.html#walresetbug); apsw brings its own, newer one. Two
copies of SQLite must never open the same file in one process, because POSIX locks
belong to the process (https://sqlite.org/howtocorrupt.html §2.2).
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from gator.storage.database import Bindings, DatabaseInUse, Readers, Rows, SchemaTooNew
from gator.storage.migrations import migrations
from gator.storage.statements import statements

FILE_NAME: Final = "gator.db"

READERS: Final = 2
"""Threads that read."""

BUSY_MS: Final = 5_000

T = TypeVar("T")


class DataInUse(DatabaseInUse):
    """Another process serves this data directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.directory = directory

    def __str__(self) -> str:
        return f"Another gator process is using {str(self.directory)!r}; stop it or choose another GATOR_DATA."


class DataLock:
    """Exclusive use of a data directory, ended by the kernel when the process ends."""

    def __init__(self, directory: Path) -> None:
        """Take the lock.

        Raises:
            DataInUse: Somebody else has it.
        """
        self._file = (directory / "gator.lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise DataInUse(directory) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let others in. Idempotent."""
        self._file.close()


def connect(file: Path, *, read_only: bool = False) -> apsw.Connection:
    """Open the database with the settings that the promises rest on."""
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(file), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    if not read_only:
        # WAL lets readers read while the writer writes; FULL syncs the WAL on every
        # commit, which is what "acknowledged means on disk" needs after a power cut.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # A statement of many rows keeps the pages that it changes, to be undone alone. In
        # a file they were half the time of inserting 100 messages.
        connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def migrate(connection: apsw.Connection) -> list[str]:
    """Bring the schema up to date; each step in a transaction of its own.

    Returns:
        Names of the steps taken; empty when nothing was to do.

    Raises:
        SchemaTooNew: A newer program has been here.
    """
    steps = migrations("sqlite")
    at = schema_version(connection)
    if at > len(steps):
        raise SchemaTooNew(at, len(steps))
    taken = []
    for step in steps[at:]:
        with connection:
            connection.execute(step.sql)
            connection.execute(f"PRAGMA user_version = {step.number:d}")
        taken.append(f"{step.number:04d}_{step.name}")
    return taken


def check_schema(file: Path) -> None:
    """Refuse a database that this program would not migrate. Harmless if there is none yet.

    Raises:
        SchemaTooNew: A newer program has been here.
    """
    if not file.exists():
        return
    connection = connect(file, read_only=True)
    try:
        at, known = schema_version(connection), len(migrations("sqlite"))
    finally:
        connection.close()
    if at > known:
        raise SchemaTooNew(at, known)


def schema_version(connection: apsw.Connection) -> int:
    """Read the number of the last migration that was applied."""
    return int(connection.execute("PRAGMA user_version").get)


class SqliteDatabase:
    """See `Database`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._sql = statements("sqlite")

    def rows(self, name: str, bindings: Bindings) -> Sequence[Sequence[Any]]:
        """See `Database.rows`."""
        return self._connection.execute(self._sql[name], bindings).fetchall()

    def run_each(self, name: str, bindings: Iterable[Bindings]) -> None:
        """See `Database.run_each`."""
        self._connection.executemany(self._sql[name], bindings)

    @contextmanager
    def transaction(self, *, of_one_statement: bool) -> Iterator[None]:
        """See `Database.transaction`."""
        try:
            if of_one_statement:  # which SQLite commits by itself
                yield
            else:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def give_up(self) -> None:
        """See `Database.give_up`. A file is not away."""

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()


class SqliteReader:
    """See `Reader`."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._sql = statements("sqlite")

    def read(self, query: Callable[[Rows], T]) -> T:
        """See `Reader.read`."""
        self._connection.execute("BEGIN")
        try:
            return query(self._rows)
        finally:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """See `Reader.close`."""
        self._connection.close()

    def _rows(self, name: str, bindings: Bindings) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], bindings).fetchall()


def sqlite_readers(file: Path) -> Readers:
    """Make readers of a database file, which has to be there."""
    return Readers(lambda: SqliteReader(connect(file, read_only=True)), READERS, apsw.Error)


def new_epoch(connection: apsw.Connection, epoch: str) -> None:
    """Declare the log another history, as after restoring a backup.

    Clients that come back with a position of the old history are told to reload.
    """
    connection.execute(statements("sqlite")["change_epoch"], {"epoch": epoch})
