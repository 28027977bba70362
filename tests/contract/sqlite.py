"""Journal and store on SQLite, as the suites want them."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

from tests.contract.bench import SqlBench, opened

from gator.protocol.types import ConversationId
from gator.storage.journal import Writer
from gator.storage.sqlite import FILE_NAME, SqliteDatabase, connect, migrate, sqlite_readers
from gator.storage.store import SqlStore
from gator.storage.writer import SqlWriter


class SqliteBench(SqlBench):
    """See `JournalBench`."""

    def __init__(self, data: Path) -> None:
        self._file = data / FILE_NAME
        super().__init__()

    def open_writer(self) -> Writer:
        self._connection = connect(self._file)
        migrate(self._connection)
        return SqlWriter(SqliteDatabase(self._connection))

    def open_store(self) -> SqlStore:
        self._past_all = connect(self._file, read_only=True)
        return SqlStore(sqlite_readers(self._file))

    def head_on_disk(self, conversation_id: ConversationId) -> int:
        for (head,) in self._past_all.execute("SELECT head FROM conversations WHERE id = ?", (conversation_id,)):
            return int(head)
        return 0

    @contextmanager
    def disk_full(self) -> Iterator[None]:
        # SQLite's own simulation of a full disk, on the one connection that writes.
        size = self._connection.pragma("page_count")
        self._connection.pragma("max_page_count", size)
        try:
            yield
        finally:
            self._connection.pragma("max_page_count", 2**32 - 2)

    def close_store(self) -> None:
        self.store.close()
        self._past_all.close()


def sqlite_bench(data: Path) -> AbstractAsyncContextManager[SqliteBench]:
    """Open a bench over a directory."""
    return opened(SqliteBench(data))
