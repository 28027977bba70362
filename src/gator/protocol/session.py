"""The life of a connection as a table: what may be said when.

Read a row as "in this state, this step leads to that state". A step without a
row is a bug in the server (`KeyError`), a command without permission is the
client's mistake (`Refusal`). In the manner of h11's `_state.py`.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from gator.protocol.commands import Command, CreateConversation, JoinConversation
from gator.protocol.errors import Refusal


class State(Enum):
    """Where a connection is in its life."""

    OPENING = auto()
    """Accepted, not greeted: the first frame has to be `online_users`."""
    OPEN = auto()
    """Greeted: every command may be said."""
    DRAINING = auto()
    """Told to reconnect: what was begun may be finished, nothing new begun."""
    CLOSED = auto()
    """Over: late answers go nowhere."""


class Step(Enum):
    """What moves a connection on."""

    GREETED = auto()
    DRAIN = auto()
    CLOSE = auto()


TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = MappingProxyType(
    {
        (State.OPENING, Step.GREETED): State.OPEN,
        (State.OPENING, Step.CLOSE): State.CLOSED,
        (State.OPEN, Step.DRAIN): State.DRAINING,
        (State.OPEN, Step.CLOSE): State.CLOSED,
        (State.DRAINING, Step.DRAIN): State.DRAINING,
        (State.DRAINING, Step.CLOSE): State.CLOSED,
        (State.CLOSED, Step.DRAIN): State.CLOSED,
        (State.CLOSED, Step.CLOSE): State.CLOSED,
    }
)

BEGINNINGS: Final[tuple[type[Command], ...]] = (JoinConversation, CreateConversation)
"""Commands that begin something which a restart would cut off at once."""


class Session:
    """One connection's place in the table."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State.OPENING

    def step(self, step: Step) -> None:
        """Move on.

        Raises:
            KeyError: The table has no such row.
        """
        self.state = TRANSITIONS[self.state, step]

    def check(self, command: Command) -> None:
        """Refuse a command that may not be said now. Changes nothing.

        Raises:
            Refusal: `draining`, when the server is about to restart.
        """
        if self.state is State.OPEN:
            return
        if self.state is State.DRAINING and not isinstance(command, BEGINNINGS):
            return
        raise Refusal("draining")
