"""How long a database that is away is waited for."""

from collections.abc import Iterator
from itertools import chain, repeat
from threading import Event
from time import monotonic
from typing import Final

OUTAGE_S: Final = 10.0
"""How long reads and writes wait for a database that went away, from when that was noticed."""

PAUSES_S: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Between two attempts to reach it; the last one again and again."""


class Outage:
    """Whoever uses a database waits for it together, and is refused together. For any thread."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._tried_at = 0.0
        self._nobody_waits = Event()

    @property
    def lasted_s(self) -> float:
        """Seconds since the database was seen to be away; 0 while it is there."""
        return 0.0 if self._since is None else monotonic() - self._since

    def attempts(self, within_s: float | None = None) -> Iterator[None]:
        """Come back each time that it should be tried to reach the database.

        At ever longer intervals, for `OUTAGE_S` from when it was first tried in vain. After that once a second,
        whoever it is that asks; for everybody else in between, not at all.

        Args:
            within_s: Instead of `OUTAGE_S`.
        """
        if self._since is None:
            self._since = monotonic()
        # Whatever others see meanwhile: nobody waits longer than this.
        until = self._since + (OUTAGE_S if within_s is None else within_s)
        if until <= monotonic() < self._tried_at + PAUSES_S[-1]:
            return
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            self._tried_at = monotonic()
            yield
            if monotonic() >= until or self._nobody_waits.wait(pause_s):
                return

    def end(self) -> None:
        """The database is there."""
        self._since = None

    def give_up(self) -> None:
        """Have nobody wait any more; each tries once."""
        self._nobody_waits.set()
