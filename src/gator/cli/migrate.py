"""`gator migrate`: the database brought up to date."""

import secrets

import typer

from gator.settings import Settings
from gator.storage.database import SchemaTooNew
from gator.storage.sqlite import FILE_NAME, DataInUse, DataLock, connect, new_epoch
from gator.storage.sqlite import migrate as apply_migrations


def run(settings: Settings, *, restored: bool) -> None:
    """Apply what is missing, and say it; exit 2 if that cannot be."""
    settings.data.mkdir(parents=True, exist_ok=True)
    try:
        lock = DataLock(settings.data)
    except DataInUse as error:
        typer.echo(f"gator: {error}", err=True)
        raise typer.Exit(2) from None
    connection = connect(settings.data / FILE_NAME)
    try:
        taken = apply_migrations(connection)
        for step in taken:
            typer.echo(f"applied {step}")
        if not taken:
            typer.echo("The database is up to date.")
        if restored:
            new_epoch(connection, secrets.token_hex(8))
            typer.echo("New epoch: clients that come back are told to reload their history.")
    except SchemaTooNew as error:
        typer.echo(f"gator: {error}", err=True)
        raise typer.Exit(2) from None
    finally:
        connection.close()
        lock.release()
