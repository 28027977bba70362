"""How far the user has read, told to the server now and then."""

from collections.abc import Callable
from typing import Final

from gator_chat_client.clock import Clock, Timer

PAUSE_S: Final = 1.0
"""Least time between two reports of one conversation."""


class ReadMark:
    """A mark that never moves back, and of which only the newest place is told.

    Args:
        tell: Says it to the server; False if there is no connection.
    """

    def __init__(self, tell: Callable[[int], bool], clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._seq = 0
        self._told = 0
        self._pause: Timer | None = None

    def move(self, seq: int) -> bool:
        """The user has read up to there. False if they had before."""
        if seq <= self._seq:
            return False
        self._seq = seq
        self.report()
        return True

    def known(self, seq: int) -> None:
        """The server knows of that place, from whichever device."""
        self._seq = max(self._seq, seq)
        self._told = max(self._told, seq)

    def forget(self) -> None:
        """Positions count another history from now on."""
        self._seq = self._told = 0

    def report(self) -> None:
        """Tell what was not told; again at once after a reconnect."""
        if self._pause is None and self._seq > self._told and self._tell(self._seq):
            self._told = self._seq
            self._pause = self._clock.call_later(PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self.report()
