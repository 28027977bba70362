"""Protocol pings: finding peers that are gone without a word (RFC 6455 §5.5.2)."""

from collections import OrderedDict
from typing import Final, Protocol

from gator.ports import Clock, Timer

ROUND_S: Final = 1.0


class Pinged(Protocol):
    """A connection that can be pinged."""

    heard_at: float
    """Monotonic seconds of the last bytes from the peer."""

    def ping(self) -> None:
        """Ask the peer for a sign of life."""

    def give_up(self) -> None:
        """The peer is gone: drop the connection."""


class Pings:
    """Pings who has been silent for `every_s`, drops who stays silent `timeout_s` longer.

    One round a second over those whose turn it is, instead of two timers for each.
    Whatever a peer sends is a sign of life, so a busy one is never pinged.
    """

    def __init__(self, *, clock: Clock, every_s: float, timeout_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._due: OrderedDict[Pinged, float] = OrderedDict()
        self._asked: OrderedDict[Pinged, float] = OrderedDict()
        self._heard: dict[Pinged, float] = {}
        """When those who were asked had last been heard."""
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin the rounds."""
        self._timer = self._clock.call_later(ROUND_S, self._round)

    def stop(self) -> None:
        """End the rounds."""
        if self._timer is not None:
            self._timer.cancel()

    def add(self, connection: Pinged) -> None:
        """Watch a connection from now on."""
        self._due[connection] = self._clock.monotonic() + self._every_s

    def remove(self, connection: Pinged) -> None:
        """A connection ended. Harmless if it is not watched."""
        self._due.pop(connection, None)
        self._asked.pop(connection, None)
        self._heard.pop(connection, None)

    def _round(self) -> None:
        self._timer = self._clock.call_later(ROUND_S, self._round)
        now = self._clock.monotonic()
        for connection in _due_by(self._asked, now):
            del self._asked[connection]
            # Not the time that passed: rounds come late, and an answer may come at once.
            if connection.heard_at == self._heard.pop(connection):
                self._due.pop(connection, None)
                connection.give_up()
        for connection in _due_by(self._due, now):
            self._due[connection] = now + self._every_s
            self._due.move_to_end(connection)
            if now - connection.heard_at >= self._every_s and connection not in self._asked:
                self._asked[connection] = now + self._timeout_s
                self._heard[connection] = connection.heard_at
                connection.ping()


def _due_by(waiting: OrderedDict[Pinged, float], now: float) -> list[Pinged]:
    due = []
    for connection, at in waiting.items():
        if at > now:
            break
        due.append(connection)
    return due
