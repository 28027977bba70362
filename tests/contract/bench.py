"""What the benches of all engines have in common: see `JournalBench`."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from threading import Event
from typing import TypeVar

from tests.support.clock import FakeClock
from tests.support.house import FakeLog

from gator.domain.conversation import Change
from gator.ports import Note, Published
from gator.protocol.types import ConversationId, UtcMillis
from gator.storage.journal import GroupCommit, Result, Writer
from gator.storage.store import SqlStore
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

    def give_up(self) -> None:
        self._writer.give_up()

    def close(self) -> None:
        self._writer.close()


class SqlBench(ABC):
    """See `JournalBench`."""

    max_waiting = 50

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = FakeLog()
        self.published: list[Published] = []
        self._open()

    @abstractmethod
    def open_writer(self) -> Writer:
        """Open the database, migrated, for writing."""

    @abstractmethod
    def open_store(self) -> SqlStore:
        """Open it for reading, and for `head_on_disk`."""

    @abstractmethod
    def head_on_disk(self, conversation_id: ConversationId) -> int:
        """See `JournalBench.head_on_disk`."""

    @abstractmethod
    def disk_full(self) -> AbstractContextManager[None]:
        """See `JournalBench.disk_full`."""

    @abstractmethod
    def close_store(self) -> None:
        """Let go of what `open_store` opened."""

    def _open(self) -> None:
        self._writer = GatedWriter(self.open_writer())
        self.metrics = Metrics()
        self.journal = GroupCommit(
            self._writer,
            clock=self.clock,
            publish=self.published.append,
            metrics=self.metrics,
            log=self.log,
            max_waiting=self.max_waiting,
        )
        self.store = self.open_store()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        self._writer.may_write.clear()
        try:
            yield
        finally:
            self._writer.may_write.set()

    async def reopen(self) -> None:
        await self.close()
        self.close_store()
        self._open()

    async def close(self) -> None:
        await self.journal.close()


B = TypeVar("B", bound=SqlBench)


@asynccontextmanager
async def opened(bench: B) -> AsyncIterator[B]:
    """Close a bench at the end."""
    try:
        yield bench
    finally:
        await bench.close()
        bench.close_store()
