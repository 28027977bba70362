"""Who is connected to this process, and telling those who may know."""

from collections.abc import Iterable, Sequence

from gator.domain.conversation import Conversation
from gator.domain.presence import PresenceBook
from gator.hub.occupancy import OccupancyCounts
from gator.hub.peer import Peer
from gator.hub.room import Room
from gator.hub.rooms import Rooms
from gator.ports import Clock, Timer
from gator.ports import Peer as AnyPeer
from gator.protocol.codec import encode
from gator.protocol.events import Event, PresenceUpdate
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, UserId
from gator.telemetry.metrics import Metrics


class Presence:
    """See the port `PresenceDirectory`. The rules are in `domain/presence.py`."""

    def __init__(
        self, *, rooms: Rooms, occupancy: OccupancyCounts, clock: Clock, grace_s: float, metrics: Metrics
    ) -> None:
        self._book = PresenceBook()
        self._peers: dict[UserId, dict[Peer, None]] = {}
        self._rooms = rooms
        self._occupancy = occupancy
        self._clock = clock
        self._grace_s = grace_s
        self._metrics = metrics
        self._timer: Timer | None = None
        rooms.on_joined.append(self._joined)
        rooms.on_left.append(self._left)
        rooms.on_removed.append(self._removed)

    # What others ask

    def is_online(self, user_id: UserId) -> bool:
        """See `PresenceDirectory.is_online`."""
        return self._book.is_online(user_id)

    def connections_of(self, user_id: UserId) -> int:
        """Count a user's open connections."""
        return self._book.connections_of(user_id)

    def visible_to(self, user_id: UserId) -> tuple[UserId, ...]:
        """See `PresenceDirectory.visible_to`. The user is among them."""
        seen: dict[UserId, None] = {user_id: None}
        for conversation_id in self._book.shown_in(user_id):
            room = self._rooms.get(conversation_id)
            if room is not None and room.conversation is not None:
                seen.update(dict.fromkeys(self._shown(room.conversation)))
        return tuple(seen)

    def online_in(self, conversation: Conversation) -> tuple[tuple[UserId, ...], int]:
        """See `PresenceDirectory.online_in`."""
        if conversation.large:
            room = self._rooms.get(conversation.id)
            return (), len(room.users) if room is not None else 0
        shown = tuple(self._shown(conversation))
        return shown, len(shown)

    def tell(self, user_id: UserId, events: Sequence[Event], *, but: AnyPeer | None = None) -> None:
        """See `PresenceDirectory.tell`."""
        for peer in self._peers.get(user_id, ()):
            if peer is not but:
                for event in events:
                    peer.send(event)

    def peers_of(self, user_id: UserId) -> Iterable[Peer]:
        """Name a user's open connections."""
        return self._peers.get(user_id, ())

    # What happens

    def connected(self, peer: Peer) -> None:
        """A connection was opened."""
        user = peer.identity.user_id
        self._book.connected(user)
        self._peers.setdefault(user, {})[peer] = None
        self._metrics.users_online.set(len(self._book))

    def disconnected(self, peer: Peer) -> bool:
        """A connection ended; true if it was the user's last one."""
        user = peer.identity.user_id
        peers = self._peers[user]
        del peers[peer]
        if not peers:
            del self._peers[user]
        was_last = self._book.disconnected(user, self._clock.monotonic() + self._grace_s)
        if was_last and self._timer is None:
            self._wait()
        return was_last

    def _joined(self, peer: Peer, room: Room) -> None:
        assert room.conversation is not None
        if room.conversation.large:
            self._occupancy.changed(room)
            return
        user = peer.identity.user_id
        if self._book.is_shown(user, room.id):
            return
        new_to = [
            viewer
            for viewer in room.subscriptions
            if viewer.identity.user_id != user and not self._book.sees(viewer.subscriptions, user)
        ]
        self._book.show(user, room.id)
        payload = self._update(user, online=True)
        for viewer in new_to:
            self._rooms.send_or_shed(viewer, payload)

    def _left(self, _peer: Peer, room: Room) -> None:
        assert room.conversation is not None
        if room.conversation.large:
            self._occupancy.changed(room)

    def _removed(self, user_id: UserId, room: Room) -> None:
        self._book.hide(user_id, room.id)

    def _wait(self) -> None:
        at = self._book.next_expiry()
        if at is not None:
            self._timer = self._clock.call_later(max(0.0, at - self._clock.monotonic()), self._expire)

    def _expire(self) -> None:
        self._timer = None
        for user, conversations in self._book.expire(self._clock.monotonic()).items():
            self._tell_offline(user, conversations)
        self._metrics.users_online.set(len(self._book))
        self._wait()

    def _tell_offline(self, user: UserId, conversations: Iterable[ConversationId]) -> None:
        payload = self._update(user, online=False)
        viewers: dict[Peer, None] = {}
        for conversation_id in conversations:
            room = self._rooms.get(conversation_id)
            if room is not None and room.conversation is not None and user in room.conversation.members:
                viewers.update(dict.fromkeys(room.subscriptions))
        for viewer in viewers:
            # Not shed: whoever reads slowly would believe for ever what is over.
            viewer.send_payload(payload)

    def _shown(self, conversation: Conversation) -> Iterable[UserId]:
        return (user for user in conversation.members if self._book.is_shown(user, conversation.id))

    def _update(self, user: UserId, *, online: bool) -> bytes:
        return encode(PresenceUpdate(user_id=user, online=online, timestamp=rfc3339(self._clock.now())))
