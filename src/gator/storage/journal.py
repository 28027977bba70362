"""Group commit: one thread takes all changes that wait, commits once, then tells.

    submit -> queue -> [decide, number, write] x batch -> COMMIT -> outcome, publish

A lone change is committed at once. While a commit is on its way to the disk others
gather, and share the next one: the busier the server, the cheaper each change. That is
what makes "acknowledged means on disk" as fast as not writing at all.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Final, Protocol, TypeVar

from gator.domain.conversation import Change
from gator.ports import Clock, Committed, LastSeen, Note, OnOutcome, Published
from gator.protocol.errors import Refusal
from gator.protocol.events import NewMessage
from gator.protocol.types import UserId, UtcMillis
from gator.storage.database import ANSWER_S, RETRY_AFTER_MS, UnknownFate, Unreachable
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

MAX_WAITING: Final = 20_000
"""Changes that may wait for the writer; one more is refused as `overloaded`."""

MAX_BATCH: Final = 512
"""Changes in one commit: bounds how long the first of them waits for the last."""

NOTES_WAIT_S: Final = 0.05
"""How long notes that nobody waits for may wait for a change whose commit they share."""

_NOTHING: Final = LastSeen(UserId(""), UtcMillis(0))
"""A note that changes nothing: no user id is empty."""

T = TypeVar("T")

Result = Committed | Refusal | None
"""What became of an entry; None for a note that was written."""


class Writer(Protocol):
    """A database as the journal's thread uses it. Not thread-safe, and need not be."""

    def write(self, entries: Sequence[Change | Note], now: UtcMillis) -> list[Result]:
        """Carry out all entries in one transaction, in order, and commit it.

        Raises:
            Unreachable: Nothing of it was written, and nothing else would be.
            UnknownFate: All of it was written, or nothing.
            Exception: Nothing of it was written.
        """

    def give_up(self) -> None:
        """Wait no longer for a database that is away. For any thread."""

    def close(self) -> None:
        """Let go of the database. Idempotent."""


@dataclass(slots=True)
class _Entry:
    what: Change | Note
    submitted_at: float
    on_result: Callable[[Result], None] | None = None


class GroupCommit:
    """The `Journal` over any `Writer`.

    Queue: at most `MAX_WAITING` entries; beyond that changes are refused as
    `overloaded` and notes are dropped. Metric: `gator_journal_waiting`.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        clock: Clock,
        publish: Callable[[Published], None],
        metrics: Metrics,
        log: Log,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._publish = publish
        self._metrics = metrics
        self._log = log
        self._max_waiting = max_waiting
        self._gathered: list[_Entry] = []
        self._is_urgent = False
        """Somebody waits for what was gathered: it is handed over at the end of this turn."""
        self._notes_timer: asyncio.TimerHandle | None = None
        self._queue: SimpleQueue[list[_Entry] | None] = SimpleQueue()
        self._rest: list[_Entry] = []
        """On the journal's thread: what exceeded the last batch."""
        self._waiting = 0
        self._closing = False
        self._is_away = False
        """The last batch found no database."""
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._run, name="gator-journal", daemon=True)
        self._thread.start()

    def submit(self, change: Change, on_outcome: OnOutcome) -> None:
        """See `Journal.submit`."""
        if self._closing or self._waiting >= self._max_waiting:
            on_outcome(Refusal("overloaded", retry_after_ms=RETRY_AFTER_MS))
            return

        def on_result(result: Result) -> None:
            assert result is not None
            try:
                on_outcome(result)
            finally:
                # Whatever becomes of the one who asked: the others are to hear of it.
                if isinstance(result, Committed):
                    self._tell(result, submitted_at)

        submitted_at = perf_counter()
        self._enqueue(_Entry(change, submitted_at, on_result))

    async def commit(self, change: Change) -> Committed:
        """See `Journal.commit`."""
        outcome: asyncio.Future[Committed | Refusal] = self._loop.create_future()
        self.submit(change, partial(_settle, outcome))
        result = await outcome
        if isinstance(result, Refusal):
            raise result
        return result

    def remember(self, note: Note) -> None:
        """See `Journal.remember`."""
        if self._closing or self._waiting >= self._max_waiting:
            self._metrics.notes_dropped.inc()
            return
        self._enqueue(_Entry(note, perf_counter()), may_wait=True)

    async def write_down(self, note: Note) -> None:
        """See `Journal.write_down`."""
        if self._closing or self._waiting >= self._max_waiting:
            raise Refusal("overloaded", retry_after_ms=RETRY_AFTER_MS)
        outcome: asyncio.Future[Result] = self._loop.create_future()
        self._enqueue(_Entry(note, perf_counter(), partial(_settle, outcome)))
        result = await outcome
        if isinstance(result, Refusal):
            raise result

    async def ready(self) -> bool:
        """See `Journal.ready`."""
        if self._is_away:
            # Nobody may be here to write, and to find that it is back.
            with suppress(Refusal, TimeoutError):
                await asyncio.wait_for(self.write_down(_NOTHING), ANSWER_S)
        return not self._is_away

    async def close(self) -> None:
        """Take nothing more, write down what waits, and let go of the database."""
        if not self._closing:
            self._closing = True
            self._hand_over()
            self._queue.put(None)
            self._writer.give_up()
        # Set after the reports of the last commits, on the same loop. No executor waits
        # for the thread: at the interpreter's end there is none any more.
        if asyncio.get_running_loop() is self._loop:
            await self._over.wait()
        self._thread.join()

    def _enqueue(self, entry: _Entry, *, may_wait: bool = False) -> None:
        # What one turn of the event loop submits is handed over together: one wake-up
        # of the thread, and one commit instead of one for the first and one for the rest.
        # A commit of its own for every note would keep the changes of others waiting.
        self._waiting += 1
        self._gathered.append(entry)
        if not may_wait and not self._is_urgent:
            self._is_urgent = True
            self._loop.call_soon(self._hand_over)
        elif may_wait and len(self._gathered) == 1:
            self._notes_timer = self._loop.call_later(NOTES_WAIT_S, self._hand_over)

    def _hand_over(self) -> None:
        self._is_urgent = False
        if self._notes_timer is not None:
            self._notes_timer.cancel()
            self._notes_timer = None
        if self._gathered:
            gathered, self._gathered = self._gathered, []
            self._metrics.journal_waiting.set(self._waiting)
            self._queue.put(gathered)

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                self._commit(batch)
        finally:
            self._writer.close()
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(self._over.set)

    def _next_batch(self) -> list[_Entry] | None:
        """Take all that waits, up to the bound; None at the end."""
        first = self._rest or self._queue.get()
        if first is None:
            return None
        batch = list(first)
        try:
            while len(batch) < MAX_BATCH:
                more = self._queue.get_nowait()
                if more is None:
                    self._queue.put(None)  # seen again once this batch is written
                    break
                batch.extend(more)
        except Empty:
            pass
        batch, self._rest = batch[:MAX_BATCH], batch[MAX_BATCH:]
        return batch

    def _commit(self, batch: list[_Entry]) -> None:
        began = perf_counter()
        now = self._clock.now()
        try:
            results = self._writer.write([entry.what for entry in batch], now)
        except Unreachable as error:
            self._metrics.journal_failures.inc()
            if not self._is_away:  # once, and not each second of an outage
                self._log.error("database_unreachable", entries=len(batch), error=str(error))
            self._is_away = True
            results = [Refusal("overloaded", retry_after_ms=RETRY_AFTER_MS)] * len(batch)
        except UnknownFate as error:  # to write it again might be to write it twice
            self._metrics.journal_failures.inc()
            self._log.error("commit_unknown", entries=len(batch), error=str(error))
            results = [Refusal("internal")] * len(batch)
        except Exception as error:
            self._metrics.journal_failures.inc()
            self._log.error("commit_failed", entries=len(batch), error=_without_rows(error))
            results = [self._write_alone(entry, now) for entry in batch]
        else:
            self._is_away = False
        took = perf_counter() - began
        try:
            self._loop.call_soon_threadsafe(self._report, batch, results, took)
        except RuntimeError:
            self._log.warning("outcomes_unreported", entries=len(batch))

    def _write_alone(self, entry: _Entry, now: UtcMillis) -> Result:
        # One bad entry must not take its neighbours with it.
        try:
            return self._writer.write([entry.what], now)[0]
        except Unreachable:
            return Refusal("overloaded", retry_after_ms=RETRY_AFTER_MS)
        except Exception as error:
            self._log.error("entry_failed", entry=type(entry.what).__name__, error=_without_rows(error))
            return Refusal("internal")

    def _report(self, batch: list[_Entry], results: list[Result], took_s: float) -> None:
        self._waiting -= len(batch)
        metrics = self._metrics
        metrics.journal_waiting.set(self._waiting)
        metrics.commit_entries.observe(len(batch))
        metrics.commit_seconds.observe(took_s)
        metrics.journal_wait_seconds.observe(perf_counter() - batch[0].submitted_at)
        for entry, result in zip(batch, results, strict=True):
            if entry.on_result is None:
                continue
            try:
                entry.on_result(result)
            except Exception as error:
                metrics.errors.labels("journal").inc()
                self._log.error("report_failed", exc_info=error)

    def _tell(self, result: Committed, accepted_at: float) -> None:
        is_message = isinstance(result.event, NewMessage)
        if result.duplicate:
            if is_message:
                self._metrics.messages_repeated.inc()
        elif result.event is not None:
            if is_message:
                self._metrics.messages_committed.inc()
            self._publish(Published(result.event, result.audience, accepted_at))


def _settle(outcome: "asyncio.Future[T]", result: T) -> None:
    if not outcome.cancelled():
        outcome.set_result(result)


def _without_rows(error: Exception) -> str:
    """Name an error without what databases tell of the row, which holds what somebody said."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}"
