"""Threads that read: what they do while the database is away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Condition, Event
from typing import TypeVar

import pytest

from gator.protocol.errors import Refusal
from gator.storage import outage
from gator.storage.database import Readers, Rows, Unreachable

T = TypeVar("T")


class FakeDatabase:
    """Is there or away, and may take a while to say so.

    Attributes:
        asked: How often a read has come so far.
        may_answer: Cleared while whoever asks hears nothing at all.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self.opened = 0
        self.closed = 0
        self.may_answer = Event()
        self.may_answer.set()
        self._changed = Condition()

    def is_asked(self) -> None:
        with self._changed:
            self.asked += 1
            self._changed.notify_all()

    async def until_asked(self, times: int) -> None:
        """Wait until so many reads have come."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: self.asked >= times, 20)

        assert await asyncio.to_thread(wait)

    def open_reader(self) -> "FakeReader":
        self.opened += 1
        return FakeReader(self)


class FakeReader:
    def __init__(self, where: FakeDatabase) -> None:
        self._where = where

    def read(self, query: Callable[[Rows], T]) -> T:
        self._where.is_asked()
        assert self._where.may_answer.wait(30)
        if self._where.is_away:
            raise Unreachable("it is away")
        return query(lambda _name, _bindings: [])

    def close(self) -> None:
        self._where.closed += 1


@pytest.fixture
def there() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
async def readers(there: FakeDatabase) -> AsyncIterator[Readers]:
    readers = Readers(there.open_reader, 3, KeyError)
    yield readers
    there.may_answer.set()
    there.is_away = False
    readers.close()
    assert there.closed == there.opened


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "OUTAGE_S", -1.0)


def found(_rows: Rows) -> str:
    return "found"


async def is_refused(readers: Readers) -> None:
    with pytest.raises(Refusal) as refused:
        await readers.read(found)
    assert (refused.value.code, refused.value.retry_after_ms) == ("overloaded", 1_000)


async def test_reads_wait_for_a_database_that_comes_back(there: FakeDatabase, readers: Readers) -> None:
    there.is_away = True
    reading = [asyncio.create_task(readers.read(found)) for _ in range(10)]
    await there.until_asked(4)
    assert not any(read.done() for read in reading)
    there.is_away = False
    assert await asyncio.gather(*reading) == ["found"] * 10
    assert await readers.read(found) == "found"


async def test_who_asks_whether_it_answers_does_not_wait(there: FakeDatabase, readers: Readers) -> None:
    assert await readers.answers(found)
    there.is_away = True
    assert not await readers.answers(found)
    reading = [asyncio.create_task(readers.read(found)) for _ in range(10)]
    await there.until_asked(6)
    assert not await readers.answers(found)
    there.is_away = False
    await asyncio.gather(*reading)
    assert await readers.answers(found)


@pytest.mark.usefixtures("no_waiting")
async def test_a_database_that_is_away_for_long_is_looked_for_by_one_read_at_a_time(
    there: FakeDatabase, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.is_away = True
    await is_refused(readers)
    asked = there.asked
    for _ in range(10):
        await is_refused(readers)
    assert there.asked == asked, "once a second"
    monkeypatch.setattr(outage, "PAUSES_S", (0.0,))
    there.may_answer.clear()
    looking = asyncio.create_task(readers.read(found))
    await there.until_asked(asked + 1)
    for _ in range(10):
        await is_refused(readers)
    assert there.asked == asked + 1
    there.is_away = False
    there.may_answer.set()
    assert await looking == "found"
    assert await asyncio.gather(*(readers.read(found) for _ in range(10))) == ["found"] * 10


async def test_another_failure_is_not_waited_for(there: FakeDatabase, readers: Readers) -> None:
    def fails(_rows: Rows) -> None:
        raise KeyError("no such statement")

    with pytest.raises(KeyError):
        await readers.read(fails)
    assert there.asked == 1
    assert not await readers.answers(fails)
    assert await readers.read(found) == "found"
