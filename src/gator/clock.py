"""The real clock, and the real dice."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from gator.ports import Timer
from gator.protocol.types import UtcMillis

BITS_BYTES: Final = 10
BLOCK_BYTES: Final = 100 * BITS_BYTES


class SystemDice:
    """The system's random bits, read in blocks: one system call for a hundred ids.

    Of one thread only, and not for keys or secrets.
    """

    def __init__(self) -> None:
        self._block = b""
        self._at = 0

    def bits(self) -> int:
        """Draw 80 random bits."""
        if self._at == len(self._block):
            self._block = os.urandom(BLOCK_BYTES)
            self._at = 0
        begin, self._at = self._at, self._at + BITS_BYTES
        return int.from_bytes(self._block[begin : self._at])


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
