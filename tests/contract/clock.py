"""What every `Clock` promises."""

import asyncio
from abc import ABC, abstractmethod
from threading import current_thread

import pytest

from gator.ports import Clock


class ClockContract(ABC):
    """The suite. Delays are a few milliseconds; the real clock is waited for by its timers."""

    @pytest.fixture
    @abstractmethod
    async def clock(self) -> Clock:
        """Make a clock on the running loop."""

    @abstractmethod
    async def until(self, clock: Clock, happened: asyncio.Event) -> None:
        """Let as much time pass as it takes."""

    async def test_the_wall_clock_counts_milliseconds_of_this_century(self, clock: Clock) -> None:
        assert 1_700_000_000_000 < clock.now() < 4_102_444_800_000
        assert isinstance(clock.now(), int)

    async def test_time_does_not_run_back(self, clock: Clock) -> None:
        before, wall = clock.monotonic(), clock.now()
        happened = asyncio.Event()
        clock.call_later(0.003, happened.set)
        await self.until(clock, happened)
        assert clock.monotonic() - before >= 0.002
        assert clock.now() >= wall

    async def test_calls_are_made_in_the_order_of_their_moments(self, clock: Clock) -> None:
        calls: list[int] = []
        last = asyncio.Event()
        clock.call_later(0.009, last.set)
        for moment in (6, 2, 4):
            clock.call_later(moment / 1000, lambda moment=moment: calls.append(moment))  # type: ignore[misc]
        assert calls == []
        await self.until(clock, last)
        assert calls == [2, 4, 6]

    async def test_a_call_without_delay_is_still_put_off(self, clock: Clock) -> None:
        happened = asyncio.Event()
        clock.call_later(0, happened.set)
        assert not happened.is_set()
        await self.until(clock, happened)

    async def test_a_cancelled_call_is_not_made(self, clock: Clock) -> None:
        calls: list[str] = []
        last = asyncio.Event()
        timer = clock.call_later(0.001, lambda: calls.append("cancelled"))
        clock.call_later(0.003, last.set)
        timer.cancel()
        timer.cancel()
        await self.until(clock, last)
        assert calls == []

    async def test_cancelling_what_was_made_is_harmless(self, clock: Clock) -> None:
        happened = asyncio.Event()
        timer = clock.call_later(0.001, happened.set)
        await self.until(clock, happened)
        timer.cancel()

    async def test_a_call_may_put_off_the_next(self, clock: Clock) -> None:
        last = asyncio.Event()
        clock.call_later(0.001, lambda: clock.call_later(0.001, last.set))
        await self.until(clock, last)

    async def test_calls_are_made_on_the_loop_s_thread(self, clock: Clock) -> None:
        threads = []
        happened = asyncio.Event()
        clock.call_later(0.001, lambda: threads.append(current_thread()))
        clock.call_later(0.002, happened.set)
        await self.until(clock, happened)
        assert threads == [current_thread()]

    async def test_it_can_be_read_on_any_thread(self, clock: Clock) -> None:
        assert await asyncio.to_thread(clock.now) >= 0
        assert await asyncio.to_thread(clock.monotonic) >= 0
