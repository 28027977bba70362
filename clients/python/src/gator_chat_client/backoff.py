"""Waits between attempts: exponential with full jitter, so that no crowd comes back at once."""

from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
"""Longest wait before the first attempt to come back; it doubles with each one."""

LONGEST_S: Final = 30.0
"""Longest wait before any attempt."""


class Backoff:
    """Draws waits.

    Args:
        dice: Draws a number from 0 to 1.
    """

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice
        self._failures = 0

    def next_s(self) -> float:
        """Draw the wait before the next attempt."""
        longest_s = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return self._dice() * longest_s

    def reset(self) -> None:
        """Forget failures: something worked."""
        self._failures = 0
