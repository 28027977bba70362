"""Journal and store on SQLite, as the suites want them."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event

from tests.support.clock import FakeClock
from tests.support.house import FakeLog

from gator.domain.conversation import Change
from gator.ports import Note, Published
from gator.protocol.types import ConversationId, UtcMillis
from gator.storage.journal import GroupCommit, Result, Writer
from gator.storage.sqlite import FILE_NAME, SqliteWriter, connect, migrate
from gator.storage.sqlite_store import SqliteStore
from gator.telemetry.metrics import Metrics


class GatedWriter:
    """A `Writer` that can be held back."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.may_write = Event()
        self.may_write.set()

    def write(self, entries: Sequence[Change | Note], now: UtcMillis) -> list[Result]:
        self.may_write.wait()
        return self._writer.write(entries, now)

    def close(self) -> None:
        self._writer.close()


class SqliteBench:
    """See `JournalBench`."""

    max_waiting = 50

    def __init__(self, data: Path) -> None:
        self._file = data / FILE_NAME
        self.clock = FakeClock()
        self.log = FakeLog()
        self.published: list[Published] = []
        self._open()

    def _open(self) -> None:
        self._connection = connect(self._file)
        migrate(self._connection)
        self._writer = GatedWriter(SqliteWriter(self._connection))
        self.metrics = Metrics()
        self.journal = GroupCommit(
            self._writer,
            clock=self.clock,
            publish=self.published.append,
            metrics=self.metrics,
            log=self.log,
            max_waiting=self.max_waiting,
        )
        self.store = SqliteStore(self._file)
        self._past_all = connect(self._file, read_only=True)

    def head_on_disk(self, conversation_id: ConversationId) -> int:
        for (head,) in self._past_all.execute("SELECT head FROM conversations WHERE id = ?", (conversation_id,)):
            return int(head)
        return 0

    @contextmanager
    def stalled(self) -> Iterator[None]:
        self._writer.may_write.clear()
        try:
            yield
        finally:
            self._writer.may_write.set()

    @contextmanager
    def disk_full(self) -> Iterator[None]:
        # SQLite's own simulation of a full disk, on the one connection that writes.
        size = self._connection.pragma("page_count")
        self._connection.pragma("max_page_count", size)
        try:
            yield
        finally:
            self._connection.pragma("max_page_count", 2**32 - 2)

    async def reopen(self) -> None:
        await self.close()
        self.store.close()
        self._past_all.close()
        self._open()

    async def close(self) -> None:
        await self.journal.close()


@asynccontextmanager
async def sqlite_bench(data: Path) -> AsyncIterator[SqliteBench]:
    """Open a bench over a directory."""
    bench = SqliteBench(data)
    try:
        yield bench
    finally:
        await bench.close()
        bench.store.close()
        bench._past_all.close()
