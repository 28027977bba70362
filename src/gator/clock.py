"""The real clock."""

import asyncio
import time
from collections.abc import Callable

from gator.ports import Timer
from gator.protocol.types import UtcMillis


class SystemClock:
    """The `Clock` of the machine and of the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> UtcMillis:
        """See `Clock.now`. Safe on any thread."""
        return UtcMillis(time.time_ns() // 1_000_000)

    def monotonic(self) -> float:
        """See `Clock.monotonic`. Safe on any thread."""
        return time.monotonic()

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        """See `Clock.call_later`. On the event loop's thread only."""
        return self._loop.call_later(delay_s, call)
