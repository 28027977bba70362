"""A database as storage uses it: named statements, on one connection at a time.

`sqlite.py` and `postgres.py` are the engines. `writer.py` says what is written, `store.py` what is
read; neither knows which of them it is, and the statements that differ have a file for each in `sql/`.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from threading import Lock, local
from typing import Any, Final, Protocol, TypeVar

from gator.protocol.errors import Refusal
from gator.storage.outage import Outage

Bindings = dict[str, Any]

Rows = Callable[[str, Bindings], Sequence[Sequence[Any]]]
"""Runs a named statement with its bindings, and gives all its rows."""

T = TypeVar("T")

READER_THREADS: Final = "gator-reader"

ANSWER_S: Final = 2.0
"""How long the database may take to show that it is there."""

RETRY_AFTER_MS: Final = 1_000


class DatabaseInUse(Exception):
    """Another process serves this data."""


class SchemaTooNew(Exception):
    """The database was written by a newer version of this program."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(found, known)
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return f"The database is at migration {self.found}, this program knows {self.known}; install a newer one."


class Interrupted(Exception):
    """A transaction was lost with its connection: nothing of it was written, and it may be tried again."""


class Unreachable(Exception):
    """There is no database to be reached for the moment; nothing was written."""


class UnknownFate(Exception):
    """Whether a transaction was committed could not be found out."""


def one_line(error: BaseException) -> str:
    """Say what went wrong, without line breaks."""
    return " ".join(str(error).split())


class Database(Protocol):
    """The connection that writes. Not thread-safe, and need not be."""

    def rows(self, name: str, bindings: Bindings) -> Sequence[Sequence[Any]]:
        """Run a named statement."""

    def run_each(self, name: str, bindings: Iterable[Bindings]) -> None:
        """Run a named statement once for each of the bindings."""

    def transaction(self, *, of_one_statement: bool) -> AbstractContextManager[None]:
        """Commit what is run within, or take all of it back if that fails.

        Args:
            of_one_statement: Within is at most one statement that writes.

        Raises:
            Interrupted: See there.
            Unreachable: See there.
            UnknownFate: See there.
        """

    def give_up(self) -> None:
        """Wait for a database that is away no longer. For any thread."""

    def close(self) -> None:
        """Let go of the database. Idempotent."""


class Reader(Protocol):
    """A connection that reads, used by one thread."""

    def read(self, query: Callable[[Rows], T]) -> T:
        """Run statements that all see the database of one moment.

        Raises:
            Unreachable: See there. The next read looks whether it is back.
        """

    def close(self) -> None:
        """Let go of the database."""


class Readers:
    """Threads that read, each with a connection of its own.

    Queue: reads that wait for a thread, bounded by the limits on commands and requests.
    """

    def __init__(self, open_reader: Callable[[], Reader], threads: int, failures: type[Exception]) -> None:
        """Open nothing yet.

        Args:
            failures: What a read raises when the database does not answer it.
        """
        self._failures = failures
        self._open_reader = open_reader
        self._own = local()
        self._opened: list[Reader] = []
        self._opening = Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=READER_THREADS)
        self._outage = Outage()

    async def read(self, query: Callable[[Rows], T]) -> T:
        """Run statements that all see the database of one moment.

        Raises:
            Refusal: `overloaded`; the database is away, and was for `OUTAGE_S`.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_here, query)
        except Unreachable as error:
            raise Refusal("overloaded", retry_after_ms=RETRY_AFTER_MS) from error

    def read_here(self, query: Callable[[Rows], T]) -> T:
        """Do as `read` on the calling thread, which waits for it.

        Raises:
            Unreachable: The database is away, and was for `OUTAGE_S`.
        """
        why = Unreachable("the database is away")
        if not self._outage.is_on:
            try:
                return self._try(query)
            except Unreachable as error:
                why = error
        for _ in self._outage.attempts():
            try:
                return self._try(query)
            except Unreachable as error:
                why = error
        raise why

    async def answers(self, query: Callable[[Rows], object]) -> bool:
        """Tell whether the database answers a read right now, without waiting for one that is away."""
        looking = asyncio.get_running_loop().run_in_executor(self._threads, self._look, query)
        try:
            return await asyncio.wait_for(looking, ANSWER_S)
        except (self._failures, TimeoutError):
            return False

    def close(self) -> None:
        """Finish the reads under way and let go of the database."""
        self._outage.give_up()
        self._threads.shutdown()
        for reader in self._opened:
            reader.close()

    def _look(self, query: Callable[[Rows], object]) -> bool:
        # While reads wait for it or somebody else looks, it is away.
        for _ in self._outage.attempts(0.0) if self._outage.is_on else (None,):
            with suppress(Unreachable):
                self._try(query)
                return True
        return False

    def _try(self, query: Callable[[Rows], T]) -> T:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._open_reader()
            self._own.reader = reader
            with self._opening:
                self._opened.append(reader)
        try:
            found = reader.read(query)
        except Unreachable:
            self._outage.begin()
            raise
        self._outage.end()
        return found
