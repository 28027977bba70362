"""Storage put together: a SQLite file, or a PostgreSQL database."""

from contextlib import ExitStack
from dataclasses import dataclass

from gator.settings import Settings, SettingsError
from gator.storage.checkpoints import Checkpoints
from gator.storage.sqlite import FILE_NAME, DataLock, SqliteDatabase, connect, migrate, sqlite_readers
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

NO_DRIVER = "GATOR_DATABASE_URL needs a driver: pip install 'gator-chat[postgres]'"


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
        SettingsError: There is no driver for it.
        UnfitDatabase, psycopg.Error: See `storage/postgres.py`.
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
    try:
        # Not above: who keeps everything in a file needs no driver.
        from gator.storage import postgres
    except ImportError:
        raise SettingsError([NO_DRIVER]) from None
    with ExitStack() as undo:
        connection = postgres.open_for_writing(url)
        undo.callback(connection.close)
        for step in postgres.migrate(connection):
            log.info("migrated", step=step)
        for sentence in postgres.doubts(connection):
            log.warning("database_doubtful", meaning=sentence)
        store = SqlStore(postgres.postgres_readers(url))
        undo.pop_all()
    database = postgres.PostgresDatabase(url, connection, log=log)
    return StorageHouse(store, SqlWriter(database), postgres.named(connection))
