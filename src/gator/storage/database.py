"""A database as storage uses it: named statements, on one connection at a time.

`sqlite.py` and `postgres.py` are the engines. `writer.py` says what is written, `store.py` what is
read; neither knows which of them it is, and the statements that differ have a file for each in `sql/`.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Lock, local
from time import monotonic, sleep
from typing import Any, Final, Protocol, TypeVar

from gator.protocol.errors import Refusal

Bindings = dict[str, Any]

Rows = Callable[[str, Bindings], Sequence[Sequence[Any]]]
"""Runs a named statement with its bindings, and gives all its rows."""

T = TypeVar("T")

READER_THREADS: Final = "gator-reader"

OUTAGE_S: Final = 10.0
"""How long reads and writes wait for a database that went away, from when it did; then all are refused at once."""

READ_PAUSE_S: Final = 0.1
"""Between two attempts to read from a database that is away."""

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
        self._guard = Lock()
        self._looking = Lock()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=READER_THREADS)
        self._waiting = 0
        """Reads that wait for the database to come back."""
        self._lost_at: float | None = None
        """When it was first seen to be gone; None while it is there."""

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
        if self._is_given_up():
            return self._look(query)
        try:
            return self._try(query)
        except Unreachable as error:
            return self._try_again(query, error)

    async def answers(self, query: Callable[[Rows], object]) -> bool:
        """Tell whether the database answers a read right now, without waiting for one that is away."""
        if self._waiting:  # perhaps in every thread
            return False
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._try, query)
        except (Unreachable, self._failures):
            return False
        return True

    def _try(self, query: Callable[[Rows], T]) -> T:
        reader: Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._open_reader()
            self._own.reader = reader
            with self._guard:
                self._opened.append(reader)
        try:
            found = reader.read(query)
        except Unreachable:
            if self._lost_at is None:
                self._lost_at = monotonic()
            raise
        self._lost_at = None
        return found

    def _try_again(self, query: Callable[[Rows], T], error: Unreachable) -> T:
        with self._guard:
            self._waiting += 1
        try:
            while not self._is_given_up():
                sleep(READ_PAUSE_S)
                try:
                    return self._try(query)
                except Unreachable as again:
                    error = again
            raise error
        finally:
            with self._guard:
                self._waiting -= 1

    def _look(self, query: Callable[[Rows], T]) -> T:
        # One at a time: where nothing answers at all, it takes seconds to hear that.
        if not self._looking.acquire(blocking=False):
            raise Unreachable("another read looks whether the database is back")
        try:
            return self._try(query)
        finally:
            self._looking.release()

    def _is_given_up(self) -> bool:
        lost_at = self._lost_at
        return lost_at is not None and monotonic() >= lost_at + OUTAGE_S

    def close(self) -> None:
        """Finish the reads under way and let go of the database."""
        self._threads.shutdown()
        for reader in self._opened:
            reader.close()
