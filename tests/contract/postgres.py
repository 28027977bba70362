"""Journal and store on PostgreSQL, as the suites want them."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Final

import psycopg
from tests.contract.bench import SqlBench, opened
from tests.support.postgres import PostgresServer

from gator.protocol.types import ConversationId
from gator.storage.journal import Writer
from gator.storage.postgres import connect, migrate, open_for_writing, postgres_readers
from gator.storage.postgres_session import PostgresDatabase
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter

TABLES: Final = ("conversations", "events", "members", "messages", "runs", "users")

_FULL: Final = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$
"""


class PostgresBench(SqlBench):
    """See `JournalBench`."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__()

    def open_writer(self) -> Writer:
        connection = open_for_writing(self.url)
        migrate(connection)
        self.rewound = 0
        self.database = PostgresDatabase(self.url, connection, log=self.log, on_rewound=self._rewind)
        return SqlWriter(self.database)

    def _rewind(self) -> None:
        self.rewound += 1

    def open_store(self) -> SqlStore:
        self._past_all = connect(self.url)
        return SqlStore(postgres_readers(self.url))

    def head_on_disk(self, conversation_id: ConversationId) -> int:
        row = self._past_all.execute("SELECT head FROM conversations WHERE id = %s", (conversation_id,)).fetchone()
        return 0 if row is None else int(row[0])

    @contextmanager
    def disk_full(self) -> Iterator[None]:
        # As the server reports it, from within every statement that writes.
        with psycopg.connect(self.url) as connection:
            connection.execute(_FULL)
            for table in TABLES:
                connection.execute(
                    f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON {table} "
                    "EXECUTE FUNCTION full_disk()"
                )
        try:
            yield
        finally:
            with psycopg.connect(self.url) as connection:
                connection.execute("DROP FUNCTION full_disk CASCADE")

    def close_store(self) -> None:
        self.store.close()
        self._past_all.close()


def postgres_bench(server: PostgresServer, data: Path) -> AbstractAsyncContextManager[PostgresBench]:
    """Open a bench over the schema that a directory names; the first time over an empty one."""
    named = data / "address"
    if not named.exists():
        named.write_text(server.create_schema())
    return opened(PostgresBench(named.read_text()))
