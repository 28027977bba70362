"""A circuit breaker: who has failed too often is left alone for a while (Nygard, "Release It!").

closed --failures--> open --cool-down--> half-open --the probe succeeds--> closed
                      ^                      |
                      +---the probe fails----+
"""

from collections import deque
from typing import Final, Literal, NewType

State = Literal["closed", "open", "half_open"]

Ticket = NewType("Ticket", int)
"""Leave to make one call. Its outcome counts as long as the breaker has not moved on since."""

FAILURES: Final = 5
WINDOW_S: Final = 30.0
COOL_DOWN_S: Final = 15.0


class Breaker:
    """Guards the calls of one provider. Pure: time is handed in, in seconds that never jump.

    Whoever is given a ticket says what came of it: `succeeded`, `failed` or `let_go`.

    Args:
        failures: So many in a row, within the window, open it.
        window_s: How long a failure counts.
        cool_down_s: How long it stays open before one call is let through as a probe.
    """

    def __init__(
        self, *, failures: int = FAILURES, window_s: float = WINDOW_S, cool_down_s: float = COOL_DOWN_S
    ) -> None:
        self._window_s = window_s
        self._cool_down_s = cool_down_s
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._opened_at: float | None = None
        self._is_probing = False
        self._generation = 0

    def state(self, now: float) -> State:
        """Tell where it stands."""
        if self._opened_at is None:
            return "closed"
        return "open" if self.opens_in_s(now) > 0 else "half_open"

    def opens_in_s(self, now: float) -> float:
        """Tell how long no call will be let through; 0 if one may be."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._cool_down_s - now)

    def admit(self, now: float) -> Ticket | None:
        """Let a call through, or not: any when closed, none when open, one when half-open."""
        state = self.state(now)
        if state == "open" or (state == "half_open" and self._is_probing):
            return None
        self._is_probing = state == "half_open"
        return Ticket(self._generation)

    def succeeded(self, ticket: Ticket) -> None:
        """Note that a call went well."""
        if ticket == self._generation:
            self._move_on(None)

    def failed(self, ticket: Ticket, now: float) -> None:
        """Note that a call went wrong, by the provider's fault."""
        if ticket != self._generation:
            return
        self._failed_at.append(now)
        if self._opened_at is not None or self._too_often(now):
            self._move_on(now)

    def let_go(self, ticket: Ticket) -> None:
        """Note that a call ended before it told anything: another one may be the probe."""
        if ticket == self._generation:
            self._is_probing = False

    def _too_often(self, now: float) -> bool:
        return len(self._failed_at) == self._failed_at.maxlen and now - self._failed_at[0] <= self._window_s

    def _move_on(self, opened_at: float | None) -> None:
        self._failed_at.clear()
        self._is_probing = False
        if opened_at is not None or self._opened_at is not None:
            # Calls from before tell nothing about now.
            self._generation += 1
        self._opened_at = opened_at
