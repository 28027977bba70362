"""How long a database that is away is waited for."""

from collections.abc import Iterator
from itertools import chain, repeat
from threading import Event, Lock
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
        self._looked_at = 0.0
        self._looking = Lock()
        self._nobody_waits = Event()

    @property
    def is_on(self) -> bool:
        """Whether the database was away when it was last tried."""
        return self._since is not None

    @property
    def lasted_s(self) -> float:
        """Seconds since it was noticed; 0 while the database is there."""
        since = self._since
        return 0.0 if since is None else monotonic() - since

    def begin(self) -> None:
        """The database is away. Harmless if that is known."""
        if self._since is None:
            self._since = monotonic()

    def end(self) -> None:
        """The database is there."""
        self._since = None

    def attempts(self, within_s: float | None = None) -> Iterator[None]:
        """Come back each time that it should be tried to reach the database.

        At ever longer intervals, for `OUTAGE_S` from when it began. After that one at a time looks, whoever it
        is that asks, and once a second; others are to be refused at once. An attempt may take seconds by itself.

        Args:
            within_s: Instead of `OUTAGE_S`.
        """
        self.begin()
        # Whatever others see meanwhile: nobody waits longer than this.
        until = monotonic() - self.lasted_s + (OUTAGE_S if within_s is None else within_s)
        if monotonic() >= until:
            yield from self._look()
            return
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            yield
            if monotonic() >= until or self._nobody_waits.wait(pause_s):
                return

    def give_up(self) -> None:
        """Have nobody wait any more; each tries once."""
        self._nobody_waits.set()

    def _look(self) -> Iterator[None]:
        if not self._looking.acquire(blocking=False):
            return
        try:
            if monotonic() >= self._looked_at + PAUSES_S[-1]:
                yield
                self._looked_at = monotonic()
        finally:
            self._looking.release()
