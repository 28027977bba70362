from collections.abc import Callable

import pytest
from tests.support.clock import FakeClock

from gator.gateway.pings import Pings

EVERY_S, TIMEOUT_S = 20.0, 10.0


class FakePinged:
    """See `Pinged`. Answers a ping after `answers_after_s`, or never."""

    def __init__(self, clock: FakeClock, answers_after_s: float | None) -> None:
        self._clock = clock
        self._answers_after_s = answers_after_s
        self.heard_at = clock.monotonic()
        self.pings: list[float] = []
        self.given_up_at: float | None = None

    def ping(self) -> None:
        self.pings.append(self._clock.monotonic())
        if self._answers_after_s == 0:
            self.hear()
        elif self._answers_after_s is not None:
            self._clock.call_later(self._answers_after_s, self.hear)

    def give_up(self) -> None:
        assert self.given_up_at is None
        self.given_up_at = self._clock.monotonic()

    def hear(self) -> None:
        self.heard_at = self._clock.monotonic()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pings(clock: FakeClock) -> Pings:
    pings = Pings(clock=clock, every_s=EVERY_S, timeout_s=TIMEOUT_S)
    pings.start()
    return pings


Watch = Callable[[float | None], FakePinged]


@pytest.fixture
def watch(clock: FakeClock, pings: Pings) -> Watch:
    def watched(answers_after_s: float | None) -> FakePinged:
        connection = FakePinged(clock, answers_after_s)
        pings.add(connection)
        return connection

    return watched


@pytest.mark.parametrize("answers_after_s", [0, 0.0005, 0.05, 5, TIMEOUT_S - 1])
def test_who_answers_lives_on(clock: FakeClock, watch: Watch, answers_after_s: float) -> None:
    connection = watch(answers_after_s)
    clock.advance(600)
    assert connection.given_up_at is None
    assert len(connection.pings) >= 600 / (2 * EVERY_S) - 1


def test_an_answer_counts_however_late_the_rounds_are(clock: FakeClock) -> None:
    class LateClock(FakeClock):
        """Every timer is a little late, as on a busy loop."""

        def call_later(self, delay_s: float, call: Callable[[], None]):  # type: ignore[no-untyped-def]
            return super().call_later(delay_s * 1.01, call)

    late = LateClock()
    pings = Pings(clock=late, every_s=EVERY_S, timeout_s=EVERY_S)
    pings.start()
    connection = FakePinged(late, 0.0005)
    pings.add(connection)
    late.advance(600)
    assert connection.given_up_at is None


def test_who_is_silent_is_pinged_once_and_then_given_up(clock: FakeClock, watch: Watch) -> None:
    began = clock.monotonic()
    connection = watch(None)
    clock.advance(EVERY_S - 1)
    assert connection.pings == []
    clock.advance(2)
    assert len(connection.pings) == 1
    clock.advance(TIMEOUT_S - 2)
    assert connection.given_up_at is None
    clock.advance(3)
    assert connection.given_up_at is not None
    assert EVERY_S + TIMEOUT_S <= connection.given_up_at - began <= EVERY_S + TIMEOUT_S + 2
    clock.advance(600)
    assert len(connection.pings) == 1


def test_who_sends_anything_needs_no_ping(clock: FakeClock, watch: Watch) -> None:
    connection = watch(None)
    for _ in range(60):
        clock.advance(EVERY_S / 2)
        connection.hear()
    assert connection.pings == []


def test_who_ended_is_not_watched(clock: FakeClock, pings: Pings, watch: Watch) -> None:
    early, asked = watch(None), watch(None)
    pings.remove(early)
    pings.remove(early)
    clock.advance(EVERY_S + 1)
    pings.remove(asked)
    clock.advance(600)
    assert early.pings == []
    assert len(asked.pings) == 1
    assert early.given_up_at is asked.given_up_at is None


def test_each_has_its_own_time(clock: FakeClock, watch: Watch) -> None:
    first = watch(None)
    clock.advance(10)
    second = watch(0.1)
    clock.advance(EVERY_S - 9)
    assert (len(first.pings), len(second.pings)) == (1, 0)
    clock.advance(10)
    assert (len(first.pings), len(second.pings)) == (1, 1)
    clock.advance(TIMEOUT_S)
    assert first.given_up_at is not None
    assert second.given_up_at is None


def test_after_the_stop_nobody_is_asked(clock: FakeClock, pings: Pings, watch: Watch) -> None:
    connection = watch(None)
    pings.stop()
    clock.advance(600)
    assert connection.pings == []
    Pings(clock=clock, every_s=1, timeout_s=1).stop()
