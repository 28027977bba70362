"""Whether to come back after a connection ended, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gator.protocol.errors import CLOSES, INVALID_TOKEN, RATE_LIMITED, TOKEN_EXPIRED

FIRST_S: Final = 0.5
"""Longest wait before the first attempt to come back; it doubles with each one."""

LONGEST_S: Final = 10.0
"""Longest wait before any attempt."""

CALM_S: Final = 60.0
"""Least wait after being closed for haste, as that row of the table asks."""


@dataclass(frozen=True, slots=True)
class Again:
    """Connect again, not before `least_s` have passed."""

    why: str
    least_s: float = 0.0


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Connecting again would change nothing."""

    why: str


def after_close(code: int | None, reason: str) -> Again | GiveUp:
    """Look up a closing code in the table of closes. A client comes back from a code that is not in it.

    Args:
        code: None if the connection broke without one.
    """
    rows = [row for row in CLOSES if row.code == code]
    # A code always comes back or never does, whatever the reason.
    row = next((row for row in rows if row.reason == reason), rows[0] if rows else None)
    if row is None:
        return Again(reason or "the connection broke")
    reason = reason or row.reason
    # One may come back with a fresh token; this client has only the one that ended.
    if row.reconnect and row is not TOKEN_EXPIRED:
        return Again(reason, CALM_S if row is RATE_LIMITED else 0.0)
    if reason != row.reason:
        return GiveUp(f"{reason}.")
    fresh = " `gator token` makes one for --token." if row in (INVALID_TOKEN, TOKEN_EXPIRED) else ""
    return GiveUp(f"{row.reason}. {row.meaning}{fresh}")


def after_status(status: int) -> Again | GiveUp:
    """Judge an HTTP answer that stands where the WebSocket should have begun."""
    why = f"HTTP status {status}"
    return Again(why) if status >= 500 or status in (408, 429) else GiveUp(why)


class Backoff:
    """Waits between attempts: exponential with full jitter, so that no crowd comes back at once.

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
