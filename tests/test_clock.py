"""The real clock, and the one of the tests; `tests/contract/clock.py` has what both promise."""

import asyncio
import time

import pytest
from tests.support.clock import NOON, NOON_TEXT, FakeClock

from gator.clock import SystemClock, SystemDice
from gator.protocol.times import rfc3339


async def test_the_real_clock_shows_the_time_of_the_machine() -> None:
    clock = SystemClock()
    assert abs(clock.now() - time.time() * 1000) < 1000
    assert abs(clock.monotonic() - time.monotonic()) < 1


async def test_the_real_clock_measures_as_the_loop_does() -> None:
    # Gateways note with the loop's time when a peer was paused; the hub compares.
    assert abs(SystemClock().monotonic() - asyncio.get_running_loop().time()) < 1


def test_the_real_clock_belongs_to_a_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        SystemClock()


def test_the_fake_clock_begins_at_noon() -> None:
    assert rfc3339(FakeClock().now()) == rfc3339(NOON) == NOON_TEXT


def test_the_fake_clock_stands_still_until_told_to_move() -> None:
    clock = FakeClock()
    before = clock.now(), clock.monotonic()
    assert (clock.now(), clock.monotonic()) == before
    clock.advance(1.5)
    assert (clock.now() - before[0], clock.monotonic() - before[1]) == (1500, 1.5)


def test_the_fake_clock_fires_timers_at_their_moments_in_order() -> None:
    clock = FakeClock()
    fired: list[tuple[str, float]] = []

    def note(what: str) -> None:
        fired.append((what, clock.monotonic() - 1000))

    clock.call_later(3, lambda: note("third"))
    clock.call_later(1, lambda: note("first"))
    clock.call_later(1, lambda: note("second, of the same moment"))
    clock.call_later(2, lambda: clock.call_later(2, lambda: note("set by a timer")))
    clock.call_later(9, lambda: note("later"))
    clock.advance(5)
    assert fired == [("first", 1), ("second, of the same moment", 1), ("third", 3), ("set by a timer", 4)]
    assert clock.monotonic() == 1005
    assert clock.waiting == 1


def test_the_fake_clock_forgets_what_was_cancelled() -> None:
    clock = FakeClock()
    timer = clock.call_later(1, lambda: pytest.fail("was cancelled"))
    assert (timer.waits, clock.waiting) == (True, 1)
    timer.cancel()
    assert (timer.waits, clock.waiting) == (False, 0)
    clock.advance(2)


def test_dice_never_give_the_same_bits_twice_and_use_all_eighty() -> None:
    dice = SystemDice()
    drawn = [dice.bits() for _ in range(1_000)]
    assert len(set(drawn)) == 1_000
    assert all(0 <= bits < 1 << 80 for bits in drawn)
    union = 0
    for bits in drawn:
        union |= bits
    assert union == (1 << 80) - 1
