"""SQLite's write-ahead log, copied into the database beside the commits instead of within them.

commit -> log -> [4,000 pages] copied on a thread of its own -> the next commit begins the log anew

By itself SQLite copies in whichever commit finds the log 1,000 pages long, which takes twenty times as
long as the others: enough to decide the slowest hundredth (https://sqlite.org/wal.html#ckpt).
"""

from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from time import perf_counter
from typing import Final, Literal

import apsw

from gator.storage.sqlite import connect
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

BEGIN_PAGES: Final = 4_000
"""Pages in the log from which on they are copied: 16 MiB. The seldomer, the fewer pages are copied twice."""

MOST_PAGES: Final = 12_000
"""Pages from which on the commit that finds them copies what is left: 48 MiB."""

PASSES: Final = 2
"""How often the thread copies: the second time, what came during the first."""


class Checkpoints:
    """Copies the log of a connection that is alone in writing.

    The log begins anew with the first commit that finds all of it copied. Where commits come so fast
    that none does, it grows to `MOST_PAGES`, and the commit that finds it so long copies what the
    thread has left. Nothing of this decides what is kept: whatever was committed is in the log.

    Queue: the pages in the log, at most `MOST_PAGES` and those of one commit. A reader that keeps
    a transaction open keeps the log from beginning anew, and lets it grow for as long.
    Metrics: `gator_wal_pages`, `gator_checkpoint_seconds`.

    Args:
        writer: The connection that commits. SQLite stops checkpointing in its commits.
    """

    def __init__(self, file: Path, writer: apsw.Connection, *, metrics: Metrics, log: Log) -> None:
        self._connection = connect(file)
        self._connection.wal_autocheckpoint(0)
        self._metrics = metrics
        self._log = log
        self._pages = 0
        self._next = BEGIN_PAGES
        self._idle = Event()
        self._idle.set()
        self._due: SimpleQueue[bool] = SimpleQueue()
        metrics.wal_pages.set_function(lambda: self._pages)
        self._thread = Thread(target=self._run, name="gator-checkpoints", daemon=True)
        self._thread.start()
        writer.set_wal_hook(self._committed)

    def close(self) -> None:
        """Finish what is under way. Idempotent."""
        self._due.put(False)
        self._thread.join()
        self._connection.close()

    def _committed(self, writer: apsw.Connection, _database: str, pages: int) -> int:
        """Take note of a commit, on its thread."""
        if pages < self._pages:
            self._next = BEGIN_PAGES
        self._pages = pages
        if pages >= self._next:
            if pages >= MOST_PAGES:
                self._idle.wait()
                self._next = pages + BEGIN_PAGES
                self._copy(writer, "within")
            elif self._idle.is_set():
                self._next = min(pages + BEGIN_PAGES, MOST_PAGES)
                self._idle.clear()
                self._due.put(True)
        return apsw.SQLITE_OK

    def _run(self) -> None:
        while self._due.get():
            try:
                for _ in range(PASSES):
                    if self._copy(self._connection, "beside"):
                        break
            finally:  # whatever happens: at its bound a commit waits for this
                self._idle.set()

    def _copy(self, connection: apsw.Connection, where: Literal["beside", "within"]) -> bool:
        """Copy what is in the log and no reader holds back; true if that was all."""
        began = perf_counter()
        try:
            pages, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            # Nothing is lost: what was committed is in the log, which grows until this succeeds.
            self._log.warning("checkpoint_failed", error=repr(error))
            return False
        self._metrics.checkpoint_seconds.labels(where).observe(perf_counter() - began)
        return pages == copied
