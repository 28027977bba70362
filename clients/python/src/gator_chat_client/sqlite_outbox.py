"""An outbox in an SQLite file: it survives the program."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from gator_chat_client.snapshot import Outgoing

BUSY_S: Final = 5.0
"""How long to wait for another program that writes to the same file."""

_SCHEMA: Final = """
create table if not exists outgoing (
    number            integer primary key autoincrement,
    conversation_id   text not null,
    client_message_id text not null,
    content           text not null,
    persona_id        text,
    error             text,
    why               text,
    unique (conversation_id, client_message_id)
) strict
"""

_PUT: Final = """
insert into outgoing (conversation_id, client_message_id, content, persona_id, error, why)
values (?, ?, ?, ?, ?, ?)
on conflict (conversation_id, client_message_id) do update set error = excluded.error, why = excluded.why
"""

_LOAD: Final = """
select conversation_id, client_message_id, content, persona_id, error, why from outgoing order by number
"""

_REMOVE: Final = "delete from outgoing where conversation_id = ? and client_message_id = ?"

T = TypeVar("T")


class SqliteOutbox:
    """Keeps messages in a file, for one user of one server.

    All work is done by one thread of its own, in order; the event loop never waits for the disk.
    Two programs may share a file: a message that both send is stored once.

    Args:
        path: The file; it and its directories are made, readable by this user only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox")
        self._database: sqlite3.Connection | None = None

    async def load(self) -> Sequence[Outgoing]:
        """See `Outbox.load`. A message that failed comes back as failed.

        Raises:
            OSError, sqlite3.Error: The file cannot be used.
        """
        return await self._do(self._load)

    async def put(self, outgoing: Outgoing) -> None:
        """See `Outbox.put`."""
        row = (
            outgoing.conversation_id,
            outgoing.client_message_id,
            outgoing.content,
            outgoing.persona_id,
            outgoing.error,
            outgoing.why,
        )
        await self._do(lambda: self._write(_PUT, row))

    async def remove(self, conversation_id: str, client_message_id: str) -> None:
        """See `Outbox.remove`."""
        await self._do(lambda: self._write(_REMOVE, (conversation_id, client_message_id)))

    async def close(self) -> None:
        """See `Outbox.close`."""
        await self._do(self._close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
            self._database = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            # A rollback journal: safe in every version, and this writes little. FULL is the default.
            self._database.execute(_SCHEMA)
        return self._database

    def _load(self) -> Sequence[Outgoing]:
        return [
            Outgoing(
                conversation_id=conversation_id,
                client_message_id=client_message_id,
                content=content,
                persona_id=persona_id,
                state="sending" if error is None else "failed",
                error=error,
                why=why,
            )
            for conversation_id, client_message_id, content, persona_id, error, why in self._open().execute(_LOAD)
        ]

    def _write(self, statement: str, row: tuple[str | None, ...]) -> None:
        self._open().execute(statement, row)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
