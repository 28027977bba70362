"""Time that moves only when told to."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from gator.protocol.types import UtcMillis

NOON: Final = UtcMillis(1_736_937_000_000)
NOON_TEXT: Final = "2025-01-15T10:30:00.000Z"
"""What a new `FakeClock` shows."""


class FakeTimer:
    """See the port `Timer`."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    @property
    def waits(self) -> bool:
        """False once called or cancelled."""
        return self._call is not None

    def cancel(self) -> None:
        """See `Timer.cancel`."""
        self._call = None

    def fire(self) -> None:
        """Make the call, unless it was cancelled."""
        call, self._call = self._call, None
        if call is not None:
            call()


class FakeClock:
    """See the port `Clock`. Wall clock and monotonic clock move together."""

    def __init__(self, now: UtcMillis = NOON) -> None:
        self._epoch_ms = now
        self._passed_s = 0.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._made = 0

    def now(self) -> UtcMillis:
        """See `Clock.now`."""
        return UtcMillis(self._epoch_ms + round(self._passed_s * 1000))

    def monotonic(self) -> float:
        """See `Clock.monotonic`. Begins at a number that is nobody's 0."""
        return 1000.0 + self._passed_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> FakeTimer:
        """See `Clock.call_later`."""
        assert delay_s >= 0
        timer = FakeTimer(call)
        self._made += 1
        heappush(self._timers, (self._passed_s + delay_s, self._made, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass. Timers fire at their moments, in order; so do those they set."""
        until = self._passed_s + seconds
        while self._timers and self._timers[0][0] <= until:
            at, _, timer = heappop(self._timers)
            self._passed_s = max(self._passed_s, at)
            timer.fire()
        self._passed_s = until

    @property
    def waiting(self) -> int:
        """Count the timers that would fire."""
        return sum(timer.waits for _, _, timer in self._timers)
