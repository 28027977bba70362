"""Counts instead of names: who is online and typing in a large conversation."""

from collections.abc import Callable

from gator.hub.room import Room
from gator.hub.rooms import Rooms
from gator.ports import Clock
from gator.protocol.codec import encode
from gator.protocol.events import Occupancy
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId


class OccupancyCounts:
    """Tells a large conversation its counts, at most once in `every_s` seconds."""

    def __init__(self, *, rooms: Rooms, clock: Clock, every_s: float) -> None:
        self._rooms = rooms
        self._clock = clock
        self._every_s = every_s
        self.count_typing: Callable[[ConversationId], int] = lambda _: 0

    def changed(self, room: Room) -> None:
        """Note that a count changed; whoever is in the room hears of it soon."""
        if not room.occupancy_due:
            room.occupancy_due = True
            self._clock.call_later(self._every_s, lambda: self._tell(room))

    def _tell(self, room: Room) -> None:
        room.occupancy_due = False
        if not room.subscriptions or room.conversation is None:
            return
        event = Occupancy(
            conversation_id=room.id,
            online=len(room.users),
            typing=self.count_typing(room.id),
            member_count=len(room.conversation.members),
            timestamp=rfc3339(self._clock.now()),
        )
        self._rooms.tell(room, encode(event))
