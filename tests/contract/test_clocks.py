"""Every clock that there is; the one for tests is a verified fake."""

import asyncio

import pytest
from tests.contract.clock import ClockContract
from tests.support.clock import FakeClock

from gator.clock import SystemClock
from gator.ports import Clock


class TestSystemClock(ClockContract):
    @pytest.fixture
    async def clock(self) -> Clock:
        return SystemClock()

    async def until(self, clock: Clock, happened: asyncio.Event) -> None:
        await happened.wait()


class TestFakeClock(ClockContract):
    @pytest.fixture
    async def clock(self) -> Clock:
        return FakeClock()

    async def until(self, clock: Clock, happened: asyncio.Event) -> None:
        assert isinstance(clock, FakeClock)
        clock.advance(0.010)
        assert happened.is_set()
