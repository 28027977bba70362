"""Keeping below a rate that the server announced."""

from typing import Final

SHARE: Final = 0.8
"""Of the announced rate: clocks differ, and others may use the same account."""

AT_ONCE: Final = 5
"""Messages that may go at once after a silence."""


class Pace:
    """Tells when the next message may go.

    Args:
        per_second: The announced rate; 0 if there is none.
    """

    def __init__(self, per_second: float) -> None:
        self._each_s = 1 / (per_second * SHARE) if per_second > 0 else 0.0
        self._free_at = 0.0

    def wait_s(self, now: float) -> float:
        """Take the next turn, and tell how long to wait for it."""
        self._free_at = max(self._free_at, now - (AT_ONCE - 1) * self._each_s)
        wait_s = self._free_at - now
        self._free_at += self._each_s
        return max(0.0, wait_s)
