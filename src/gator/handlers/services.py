"""What handlers work with, put together in `app.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from gator.ports import (
    Clock,
    Heartbeats,
    Identities,
    Journal,
    PersonaCatalog,
    Personas,
    PresenceDirectory,
    Rooms,
    Store,
    TypingIndicators,
)
from gator.protocol.times import rfc3339


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, and the few settings that rules depend on.

    Attributes:
        entering_makes_member: Open mode: whoever joins becomes a member.
        identities: None where nobody has a token.
        new_id: Makes a UUIDv7.
    """

    journal: Journal
    store: Store
    rooms: Rooms
    typing: TypingIndicators
    heartbeats: Heartbeats
    presence: PresenceDirectory
    personas: Personas
    catalog: PersonaCatalog
    identities: Identities | None
    clock: Clock
    new_id: Callable[[], str]
    entering_makes_member: bool
    max_message_chars: int

    def timestamp(self) -> str:
        """Word this moment for an event."""
        return rfc3339(self.clock.now())
