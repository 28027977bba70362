"""`gator migrate`: the database brought up to date, or moved."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import typer

from gator.app_storage import StorageError, owned_postgres
from gator.settings import Settings
from gator.storage import sqlite
from gator.storage.database import DatabaseInUse, SchemaTooNew, one_line
from gator.storage.sqlite import FILE_NAME, DataLock, connect

if TYPE_CHECKING:
    import psycopg


def run(settings: Settings, *, restored: bool, origin: Path | None) -> None:
    """Apply what is missing, and say it; exit 2 if that cannot be.

    Args:
        restored: Give the history another name.
        origin: Directory of a SQLite database to move into PostgreSQL.
    """
    try:
        if settings.database_url is not None:
            _migrate_postgres(settings.database_url.get_secret_value(), restored, origin)
        elif origin is None:
            _migrate_sqlite(settings.data, restored)
        else:
            raise StorageError("--from moves a SQLite database into PostgreSQL: give GATOR_DATABASE_URL.")
    except (DatabaseInUse, SchemaTooNew, StorageError) as error:
        typer.echo(f"gator: {error}", err=True)
        raise typer.Exit(2) from None


def _migrate_sqlite(data: Path, restored: bool) -> None:
    data.mkdir(parents=True, exist_ok=True)
    with _owned_sqlite(data) as connection:
        _say(sqlite.migrate(connection))
        if restored:
            sqlite.new_epoch(connection, _another_epoch())


def _migrate_postgres(url: str, restored: bool, origin: Path | None) -> None:
    with ExitStack() as stack:
        # First: where there is nothing to move, nothing is made either.
        source = None if origin is None else stack.enter_context(_origin(origin))
        postgres, connection = stack.enter_context(owned_postgres(url))
        _say(postgres.migrate(connection))
        if source is not None:
            _move(source, connection)
        if restored:
            postgres.new_epoch(connection, _another_epoch())


def _move(origin: apsw.Connection, target: psycopg.Connection) -> None:
    from gator.storage.moving import CannotMove, move

    try:
        for table, rows in move(origin, target).items():
            typer.echo(f"moved {rows} {table}")
    except CannotMove as error:
        raise StorageError(f"Nothing was moved: {one_line(error)}") from None


@contextmanager
def _origin(data: Path) -> Iterator[apsw.Connection]:
    if not (data / FILE_NAME).is_file():
        raise StorageError(f"There is no {FILE_NAME} in {str(data)!r}.")
    try:
        with _owned_sqlite(data) as connection:
            yield connection
    except apsw.Error as error:
        raise StorageError(f"Cannot read {FILE_NAME} in {str(data)!r}: {error}.") from None


@contextmanager
def _owned_sqlite(data: Path) -> Iterator[apsw.Connection]:
    lock = DataLock(data)
    try:
        with closing(connect(data / FILE_NAME)) as connection:
            yield connection
    finally:
        lock.release()


def _say(taken: Sequence[str]) -> None:
    for step in taken:
        typer.echo(f"applied {step}")
    if not taken:
        typer.echo("The database is up to date.")


def _another_epoch() -> str:
    typer.echo("New epoch: clients that come back are told to reload their history.")
    return secrets.token_hex(8)
