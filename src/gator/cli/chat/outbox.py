"""Lines that are not on the server's disk yet."""

from collections import deque
from dataclasses import dataclass
from typing import Final

CAPACITY: Final = 100
"""Lines kept; when there are more, no line is read from the keyboard or the pipe."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A line to be said, under the id with which it is sent however often.

    Attributes:
        asks: True if the text begins with whom it asks: the name or the id of a persona.
    """

    message_id: str
    text: str
    asks: bool = False


class Outbox:
    """What was typed and is not acknowledged, in the order in which it was typed.

    One line is under way at a time: were there more, a refusal for haste could let the
    second overtake the first.

    Queue: bounded by `CAPACITY`, kept by whoever calls `add`.
    """

    def __init__(self) -> None:
        self._lines: deque[Outgoing] = deque()
        self._under_way = False
        self._resting = False

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def is_full(self) -> bool:
        """True when nothing may be added."""
        return len(self._lines) >= CAPACITY

    def add(self, outgoing: Outgoing) -> None:
        """Take a line in."""
        self._lines.append(outgoing)

    def next(self) -> Outgoing | None:
        """Name the line to send now, if there is one; it is under way then."""
        if self._under_way or self._resting or not self._lines:
            return None
        self._under_way = True
        return self._lines[0]

    def under_way(self, message_id: str | None) -> Outgoing | None:
        """Find the line under way, if it has that id."""
        first = self._lines[0] if self._under_way else None
        return first if first is not None and first.message_id == message_id else None

    def settle(self) -> None:
        """Let go of the line under way: it is stored, or never will be."""
        self._lines.popleft()
        self._under_way = False

    def rest(self) -> None:
        """Keep the line under way and send nothing before `resume`."""
        self._under_way = False
        self._resting = True

    def resume(self) -> None:
        """Go on after a rest."""
        self._resting = False

    def lost(self) -> None:
        """The connection ended: what was under way is to be sent again."""
        self._under_way = False
        self._resting = False
