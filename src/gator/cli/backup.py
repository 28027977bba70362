"""`gator backup`: a copy of the database, while the server runs."""

import os
from pathlib import Path

import apsw

from gator.settings import Settings
from gator.storage.sqlite import FILE_NAME, connect


class BackupError(Exception):
    """There is no backup; the text says why and what to do."""


def make(settings: Settings, target: Path) -> str:
    """Copy the database as it is at this moment, see that the copy is whole, and say what is in it.

    The copy has its name only once it is complete and on disk. The server goes on meanwhile; its write-ahead
    log cannot begin anew before the copy is made, and grows by what is said.

    Raises:
        BackupError: Nothing is there under that name.
    """
    if settings.database_url is not None:
        raise BackupError("The data is in PostgreSQL: back it up with pg_dump, or as that database is backed up.")
    origin = settings.data / FILE_NAME
    if not origin.is_file():
        raise BackupError(f"There is no {FILE_NAME} in {str(settings.data)!r}.")
    if target.exists():
        raise BackupError(f"{str(target)!r} is there already; name another file.")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        _copy(origin, part)
        contents = _look_at(part)
        _put_on_disk(part)
        part.rename(target)
        _put_on_disk(target.parent)
    except BackupError:
        part.unlink(missing_ok=True)
        raise
    except (OSError, apsw.Error) as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"Cannot back up to {str(target)!r}: {error}.") from None
    return f"{target}: {contents}, {target.stat().st_size:,} bytes, whole"


def _copy(origin: Path, part: Path) -> None:
    connection = connect(origin, read_only=True)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
    finally:
        connection.close()


def _look_at(part: Path) -> str:
    connection = connect(part, read_only=True)
    try:
        verdict = str(connection.execute("PRAGMA integrity_check(1)").get)
        conversations = connection.execute("SELECT count(*) FROM conversations").get
        messages = connection.execute("SELECT count(*) FROM messages").get
    finally:
        connection.close()
    if verdict != "ok":
        raise BackupError(f"The copy is not whole, so the database is damaged: {' '.join(verdict.split())}.")
    return f"{conversations:,} conversations, {messages:,} messages"


def _put_on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
