"""Storage put together: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gator.settings import Settings
from gator.storage.checkpoints import Checkpoints
from gator.storage.database import Unreachable, one_line
from gator.storage.sqlite import (
    FILE_NAME,
    DataLock,
    SqliteDatabase,
    check_schema,
    connect,
    migrate,
    sqlite_readers,
)
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import psycopg

NO_DRIVER: Final = "GATOR_DATABASE_URL needs a driver: pip install 'gator-chat[postgres]'"


class StorageError(Exception):
    """The database cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class StorageHouse:
    """An open database, migrated and ours alone.

    Attributes:
        writer: For the journal, which closes it.
        where: The database as a log may name it, without a password.
    """

    store: SqlStore
    writer: SqlWriter
    where: str


def open_storage(settings: Settings, *, metrics: Metrics, log: Log) -> StorageHouse:
    """Open the database that the settings name, and migrate it.

    Raises:
        DatabaseInUse: Another process serves the same data.
        SchemaTooNew: The data belongs to a newer version.
        StorageError: It cannot be used.
    """
    if settings.database_url is not None:
        return _open_postgres(settings.database_url.get_secret_value(), log)
    return _open_sqlite(settings, metrics, log)


def _open_sqlite(settings: Settings, metrics: Metrics, log: Log) -> StorageHouse:
    settings.data.mkdir(parents=True, exist_ok=True)
    file = settings.data / FILE_NAME
    with ExitStack() as undo:
        lock = DataLock(settings.data)
        undo.callback(lock.release)
        connection = connect(file)
        undo.callback(connection.close)
        for step in migrate(connection):
            log.info("migrated", step=step)
        store = SqlStore(sqlite_readers(file))
        undo.callback(store.close)
        checkpoints = Checkpoints(file, connection, metrics=metrics, log=log)
        undo.pop_all()
    after_the_last_commit = ExitStack()
    after_the_last_commit.callback(lock.release)
    after_the_last_commit.callback(checkpoints.close)
    return StorageHouse(
        store, SqlWriter(SqliteDatabase(connection), on_close=after_the_last_commit.close), str(file)
    )


def _open_postgres(url: str, log: Log) -> StorageHouse:
    with ExitStack() as undo:
        postgres, connection = undo.enter_context(owned_postgres(url))
        for step in postgres.migrate(connection):
            log.info("migrated", step=step)
        for sentence in postgres.doubts(connection):
            log.warning("database_doubtful", meaning=sentence)
        store = SqlStore(postgres.postgres_readers(url))
        after_the_last_commit = undo.pop_all()
    from gator.storage.postgres_session import PostgresDatabase

    database = PostgresDatabase(url, connection, log=log, on_rewound=_end_this_process)
    return StorageHouse(
        store, SqlWriter(database, on_close=after_the_last_commit.close), postgres.named(connection)
    )


@contextmanager
def owned_postgres(url: str) -> Iterator[tuple[ModuleType, psycopg.Connection]]:
    """Have a PostgreSQL database for oneself, and the engine for it.

    Raises:
        DatabaseInUse: Another process serves it.
        StorageError: It cannot be used, or there is no driver for it.
    """
    try:
        # Not above: who keeps everything in a file needs no driver.
        import psycopg

        from gator.storage import postgres
    except ImportError:
        raise StorageError(NO_DRIVER) from None
    try:
        with postgres.open_for_writing(url) as connection:
            yield postgres, connection
    except (psycopg.Error, postgres.UnfitDatabase, Unreachable) as error:
        raise StorageError(f"Cannot use GATOR_DATABASE_URL: {one_line(error)}") from error


def check_storage(settings: Settings) -> None:
    """See whether `open_storage` would work, and leave everything as it is.

    Raises:
        DatabaseInUse, SchemaTooNew, StorageError: As `open_storage`.
    """
    if settings.database_url is not None:
        with owned_postgres(settings.database_url.get_secret_value()) as (postgres, connection):
            postgres.check_schema(connection)
        return
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        DataLock(settings.data).release()
        check_schema(settings.data / FILE_NAME)
    except OSError as error:
        raise StorageError(f"Cannot use GATOR_DATA={str(settings.data)!r}: {error.strerror}.") from None


def _end_this_process() -> None:
    # As an operator would: it drains, and whatever watches over it starts another one.
    os.kill(os.getpid(), signal.SIGTERM)
