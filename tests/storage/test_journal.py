"""How changes are gathered; `tests/contract/journal.py` has what every journal promises."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

import pytest
from tests.contract.wishes import GARDEN, gone, post
from tests.support.clock import NOON, FakeClock
from tests.support.house import FakeLog

from gator.domain.conversation import Change
from gator.ports import Committed, Note, Published
from gator.protocol.errors import Refusal
from gator.protocol.types import UtcMillis
from gator.storage import journal
from gator.storage.journal import MAX_BATCH, GroupCommit, Result
from gator.telemetry.metrics import Metrics


@dataclass
class FakeWriter:
    """See `Writer`. Commits nothing, notes all; fails where it is told to."""

    batches: list[list[Change | Note]] = field(default_factory=list)
    moments: list[UtcMillis] = field(default_factory=list)
    broken: list[object] = field(default_factory=list)
    closed: int = 0
    may_write: Event = field(default_factory=Event)
    on_write: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.may_write.set()

    def write(self, entries: Sequence[Change | Note], now: UtcMillis) -> list[Result]:
        self.may_write.wait()
        self.batches.append(list(entries))
        self.moments.append(now)
        self.on_write()
        if any(entry in self.broken for entry in entries):
            raise OSError("broken")
        return [Committed(GARDEN, None) for _ in entries]

    def give_up(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


class Desk:
    """A journal over a `FakeWriter`."""

    def __init__(self) -> None:
        self.writer = FakeWriter()
        self.loop = asyncio.get_running_loop()
        self.clock = FakeClock()
        self.metrics = Metrics()
        self.log = FakeLog()
        self.published: list[Published] = []
        self.journal = GroupCommit(
            self.writer, clock=self.clock, publish=self.published.append, metrics=self.metrics, log=self.log
        )

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.journal.close()


def posts(count: int) -> list[Change]:
    return [post("garden", "ann", str(number)) for number in range(count)]


async def test_what_is_submitted_in_one_turn_is_committed_together(desk: Desk) -> None:
    changes = posts(10)
    await asyncio.gather(*map(desk.journal.commit, changes))
    assert desk.writer.batches == [changes]
    assert desk.metric("gator_commit_entries_count") == 1
    assert desk.metric("gator_commit_entries_sum") == 10
    assert desk.metric("gator_commit_seconds_count") == 1
    assert desk.metric("gator_journal_waiting") == 0


async def test_a_lone_change_is_committed_alone(desk: Desk) -> None:
    for change in posts(2):
        await desk.journal.commit(change)
    assert [len(batch) for batch in desk.writer.batches] == [1, 1]


async def test_a_note_that_nobody_waits_for_shares_the_commit_of_the_next_change(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "NOTES_WAIT_S", 3600.0)
    note, change = gone("ann", 5), post("garden", "ann", "a")
    desk.journal.remember(note)
    await asyncio.sleep(0)
    await desk.journal.commit(change)
    assert desk.writer.batches == [[note, change]]


async def test_a_note_is_written_soon_though_no_change_comes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "NOTES_WAIT_S", 0.001)
    first, second = gone("ann", 5), gone("bob", 5)
    written = asyncio.Event()
    desk.writer.on_write = lambda: desk.loop.call_soon_threadsafe(written.set)
    for note in (first, second):
        written.clear()
        desk.journal.remember(note)
        await asyncio.wait_for(written.wait(), 5)
    assert desk.writer.batches == [[first], [second]]


async def test_closing_writes_the_notes_that_wait(desk: Desk) -> None:
    desk.journal.remember(gone("ann", 5))
    await desk.journal.close()
    assert desk.writer.batches == [[gone("ann", 5)]]


async def test_a_batch_has_a_bound(desk: Desk) -> None:
    changes = posts(2 * MAX_BATCH + 3)
    await asyncio.gather(*map(desk.journal.commit, changes))
    assert [len(batch) for batch in desk.writer.batches] == [MAX_BATCH, MAX_BATCH, 3]
    assert [change for batch in desk.writer.batches for change in batch] == changes


async def test_a_batch_is_dated_by_the_clock(desk: Desk) -> None:
    await desk.journal.commit(posts(1)[0])
    desk.clock.advance(2)
    await desk.journal.write_down(gone("ann", 5))
    assert desk.writer.moments == [NOON, NOON + 2000]


async def test_a_batch_that_fails_is_written_entry_by_entry(desk: Desk) -> None:
    good, bad, note = post("garden", "ann", "a"), post("garden", "ann", "b"), gone("ann", 5)
    desk.writer.broken = [bad, note]
    outcomes = await asyncio.gather(
        desk.journal.commit(good),
        desk.journal.commit(bad),
        desk.journal.write_down(note),
        return_exceptions=True,
    )
    codes = [outcome.code if isinstance(outcome, Refusal) else None for outcome in outcomes]
    assert codes == [None, "internal", "internal"]
    assert desk.writer.batches == [[good, bad, note], [good], [bad], [note]]
    assert desk.metric("gator_journal_failures_total") == 1
    assert desk.log.take_errors() == ["commit_failed", "entry_failed", "entry_failed"]


async def test_an_outcome_that_nobody_can_take_is_counted_and_logged(desk: Desk) -> None:
    def on_outcome(_: object) -> None:
        raise ZeroDivisionError

    desk.journal.submit(post("garden", "ann", "a"), on_outcome)
    await desk.journal.write_down(gone("ann", 5))
    assert desk.metric("gator_errors_total", where="journal") == 1
    assert desk.log.take_errors() == ["report_failed"]


async def test_a_note_that_is_dropped_is_counted(desk: Desk) -> None:
    await desk.journal.close()
    desk.journal.remember(gone("ann", 5))
    assert desk.metric("gator_notes_dropped_total") == 1


async def test_closing_twice_closes_the_database_once(desk: Desk) -> None:
    await desk.journal.close()
    await desk.journal.close()
    assert desk.writer.closed == 1


async def test_closing_a_journal_with_more_than_a_batch_writes_all(desk: Desk) -> None:
    waiting = [asyncio.ensure_future(desk.journal.commit(change)) for change in posts(MAX_BATCH + 5)]
    await asyncio.sleep(0)
    await desk.journal.close()
    assert all(task.done() for task in waiting)
    assert [len(batch) for batch in desk.writer.batches] == [MAX_BATCH, 5]


def test_what_is_written_after_the_loop_is_gone_is_logged() -> None:
    async def submit_one() -> Desk:
        desk = Desk()
        desk.writer.may_write.clear()
        desk.journal.submit(post("garden", "ann", "a"), lambda _: None)
        await asyncio.sleep(0)
        return desk

    desk = asyncio.run(submit_one())
    desk.writer.may_write.set()
    asyncio.run(desk.journal.close())
    assert desk.log.events("warning") == ["outcomes_unreported"]
    assert len(desk.writer.batches) == desk.writer.closed == 1
