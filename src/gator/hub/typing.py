"""Tells the others who is typing."""

from gator.domain.conversation import Conversation
from gator.domain.typing import TypingBook, Typist
from gator.hub.occupancy import OccupancyCounts
from gator.hub.peer import Peer
from gator.hub.room import Room
from gator.hub.rooms import Rooms
from gator.ports import Clock, Timer
from gator.ports import Peer as PeerPort
from gator.protocol.events import TypingIndicator
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, UserId


class TypingTeller:
    """See the port `TypingIndicators`. In a large conversation typists are counted."""

    def __init__(self, *, rooms: Rooms, occupancy: OccupancyCounts, clock: Clock) -> None:
        self._book = TypingBook()
        self._by: dict[Typist, Peer] = {}
        self._rooms = rooms
        self._occupancy = occupancy
        self._clock = clock
        self._timer: Timer | None = None
        rooms.on_left.append(self._left)

    def start(self, peer: PeerPort, conversation: Conversation) -> None:
        """See `TypingIndicators.start`."""
        assert isinstance(peer, Peer)
        typist = (conversation.id, peer.identity.user_id)
        self._by[typist] = peer
        if self._book.start(typist, self._clock.monotonic()):
            self._tell(typist, True)
        if self._timer is None:
            self._wait()

    def stop(self, user_id: UserId, conversation_id: ConversationId) -> None:
        """See `TypingIndicators.stop`."""
        typist = (conversation_id, user_id)
        self._by.pop(typist, None)
        if self._book.stop(typist):
            self._tell(typist, False)

    def count_in(self, conversation_id: ConversationId) -> int:
        """Count those who type in a conversation."""
        return sum(1 for _ in self._book.in_conversation(conversation_id))

    def _left(self, peer: Peer, room: Room) -> None:
        user = peer.identity.user_id
        if self._by.get((room.id, user)) is peer:
            self.stop(user, room.id)

    def _tell(self, typist: Typist, is_typing: bool) -> None:
        conversation_id, user_id = typist
        room = self._rooms.get(conversation_id)
        if room is None or room.conversation is None:
            return
        if room.conversation.large:
            self._occupancy.changed(room)
            return
        event = TypingIndicator(
            conversation_id=conversation_id,
            user_id=user_id,
            is_typing=is_typing,
            timestamp=rfc3339(self._clock.now()),
        )
        self._rooms.tell_others(room, event, user_id)

    def _wait(self) -> None:
        at = self._book.next_expiry()
        if at is not None:
            self._timer = self._clock.call_later(max(0.0, at - self._clock.monotonic()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        for typist in self._book.expire(self._clock.monotonic()):
            self._by.pop(typist, None)
            self._tell(typist, False)
        self._wait()
