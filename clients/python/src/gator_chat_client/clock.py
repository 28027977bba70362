"""Time, handed in so that tests can move it."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Do not make it. Harmless if it was made."""


class Clock(Protocol):
    """Tells the time, and calls when it has come."""

    def now(self) -> int:
        """Milliseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """Make a call after that time, on the event loop."""


class LoopClock:
    """The clock of the machine and the timers of the running event loop."""

    def now(self) -> int:
        """See `Clock.now`."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        return asyncio.get_running_loop().call_later(delay_s, call)
