"""Rooms: who has joined what, and the fan-out of events to them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, Literal

from gator.domain.conversation import Conversation, apply
from gator.hub.catchup import CatchUp
from gator.hub.peer import Peer
from gator.hub.room import Room, Subscription
from gator.ports import Joined, Published, Store
from gator.ports import Peer as PeerPort
from gator.protocol.codec import encode
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationDeleted,
    ConversationLeft,
    EphemeralEvent,
    MemberRemoved,
    Unrecovered,
)
from gator.protocol.types import ConversationId, Seq, UserId
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

KEPT_ROOMS: Final = 10_000
"""Rooms that nobody has joined and that are kept all the same, for whoever comes next."""

Moved = Callable[[Peer, Room], None]
Removed = Callable[[UserId, Room], None]


class Rooms:
    """See the port `Rooms`.

    A room's state is read once and then kept by folding the events that the broker
    brings. An event that is not the next one shows that the broker lost some: then the
    state is read again and everybody in the room is caught up from the log.

    Frames are written once per connection and turn of the event loop.
    """

    def __init__(
        self,
        *,
        store: Store,
        metrics: Metrics,
        log: Log,
        now: Callable[[], str],
        max_joined: int,
        replay_page: int,
        replay_limit: int,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._log = log
        self._now = now
        self._max_joined = max_joined
        self._replay_limit = replay_limit
        self._rooms: OrderedDict[ConversationId, Room] = OrderedDict()
        self._loading: dict[ConversationId, asyncio.Task[Conversation | None]] = {}
        self._to_flush_rooms: dict[Room, None] = {}
        self._to_flush_peers: dict[Peer, None] = {}
        self._flush_scheduled = False
        self._loop = asyncio.get_running_loop()
        self._catch_up = CatchUp(store=store, go_live=self._go_live, page=replay_page, metrics=metrics, log=log)
        self.on_joined: list[Moved] = []
        self.on_left: list[Moved] = []
        self.on_caught_up: list[Moved] = []
        """Told of a connection that had missed what is not in the log, once it misses nothing more."""
        self.on_removed: list[Removed] = []

    # Reading a conversation

    def get(self, conversation_id: ConversationId) -> Room | None:
        """Get a room whose state is in memory."""
        room = self._rooms.get(conversation_id)
        return room if room is not None and room.conversation is not None else None

    def held(self, conversation_id: ConversationId) -> Conversation | None:
        """See `Rooms.held`."""
        room = self._rooms.get(conversation_id)
        return None if room is None else room.conversation

    def joined_count(self, conversation_id: ConversationId) -> int:
        """See `Rooms.joined_count`."""
        room = self._rooms.get(conversation_id)
        return 0 if room is None else len(room.subscriptions)

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """See `Rooms.conversation`."""
        room = self.get(conversation_id)
        if room is not None:
            self._rooms.move_to_end(conversation_id)
            return room.conversation
        loading = self._loading.get(conversation_id)
        if loading is None:
            loading = self._loop.create_task(self._load(conversation_id))
            self._loading[conversation_id] = loading
        # One client that goes away must not stop the read that others wait for.
        return await asyncio.shield(loading)

    async def _load(self, conversation_id: ConversationId) -> Conversation | None:
        room = self._rooms.setdefault(conversation_id, Room(conversation_id))
        try:
            conversation = await self._store.conversation(conversation_id)
            # Whatever was published was committed before, so one more read sees it.
            while room.early and (conversation is None or _has_hole(conversation, room.early)):
                conversation = await self._store.conversation(conversation_id)
        except BaseException:
            room.early.clear()
            raise
        finally:
            del self._loading[conversation_id]
            if room.conversation is None:
                self._rooms.pop(conversation_id, None)
        if conversation is None:
            return None
        self._take_state(room, conversation)
        return room.conversation

    def _take_state(self, room: Room, conversation: Conversation) -> None:
        early, room.early = room.early, []
        is_new = room.conversation is None
        if not is_new:
            # What was told so far ends at the old head: from there everybody is caught up.
            self._flush_room(room)
            for subscription in room.subscriptions.values():
                if subscription.live:
                    self._fall_behind(subscription, 0)
        room.conversation = conversation
        room.told = conversation.head
        self._rooms[room.id] = room
        if is_new:
            self._evict()
        else:
            gone = [user for user in room.users if user not in conversation.members]
            self._expel(room, gone, "deleted" if conversation.deleted else "removed")
        for published in early:
            self.receive(published)

    def _evict(self) -> None:
        surplus = len(self._rooms) - KEPT_ROOMS
        if surplus > 0:
            unused = [room for room in self._rooms.values() if not room.subscriptions and room.conversation]
            for room in unused[:surplus]:
                del self._rooms[room.id]
        self._metrics.rooms.set(len(self._rooms))

    # Joining and leaving

    def join(
        self, peer: PeerPort, conversation: Conversation, *, after_seq: Seq | None, epoch: str | None
    ) -> Joined:
        """See `Rooms.join`."""
        assert isinstance(peer, Peer)
        if not peer.is_open:
            # It went away while its command waited; a room would keep it for ever.
            raise Refusal("not_joined", "The connection is closed.")
        room = self._rooms.get(conversation.id)
        if room is None or room.conversation is None:
            room = Room(conversation.id)
            room.conversation = conversation
            room.told = conversation.head
            self._rooms[conversation.id] = room
        if conversation.id in peer.subscriptions:
            self._remove(peer, room)
        elif len(peer.subscriptions) >= self._max_joined:
            raise Refusal("too_many_joined", f"A connection joins at most {self._max_joined} conversations.")
        self._flush_room(room)
        unrecovered = self._why_unrecovered(room.head, after_seq, epoch)
        cursor = room.head if unrecovered or after_seq is None else after_seq
        subscription = Subscription(peer, room, cursor)
        room.add(subscription)
        self._metrics.joined.inc()
        if cursor == room.head:
            subscription.go_live()
        else:
            self._catch_up.start(subscription)
        for joined in self.on_joined:
            joined(peer, room)
        return Joined(room.head, unrecovered)

    def _why_unrecovered(self, head: Seq, after_seq: Seq | None, epoch: str | None) -> Unrecovered | None:
        if after_seq is None:
            return "no_position"
        if epoch is not None and epoch != self._store.epoch:
            return "epoch_changed"
        if after_seq > head:
            return "ahead_of_log"
        if head - after_seq > self._replay_limit:
            return "too_far_behind"
        return None

    def leave(self, peer: PeerPort, conversation_id: ConversationId) -> bool:
        """See `Rooms.leave`."""
        assert isinstance(peer, Peer)
        subscription = peer.subscriptions.get(conversation_id)
        if subscription is None:
            return False
        self._remove(peer, subscription.room)
        return True

    def leave_all(self, peer: Peer) -> None:
        """Let a connection that ended go from everywhere."""
        for subscription in list(peer.subscriptions.values()):
            self._remove(peer, subscription.room)

    def _remove(self, peer: Peer, room: Room) -> None:
        self._flush_room(room)
        room.remove(peer)
        self._metrics.joined.dec()
        for left in self.on_left:
            left(peer, room)

    def joined(self, peer: PeerPort, conversation_id: ConversationId) -> Conversation | None:
        """See `Rooms.joined`."""
        assert isinstance(peer, Peer)
        subscription = peer.subscriptions.get(conversation_id)
        return None if subscription is None else subscription.room.conversation

    # Fan-out

    def receive(self, published: Published) -> None:
        """Take a committed event from the broker."""
        event = published.event
        room = self._rooms.get(event.conversation_id)
        if room is None:
            return
        if room.conversation is None or event.conversation_id in self._loading:
            room.early.append(published)
            return
        if event.seq <= room.conversation.head:
            return
        if event.seq != room.conversation.head + 1:
            self._recover(room, published)
            return
        apply(room.conversation, event)
        if room.subscriptions:
            payload = encode(event)
            room.tail.append(event.seq, payload)
            self.tell(room, payload, published.accepted_at)
        if isinstance(event, MemberRemoved):
            self._expel(room, [event.user_id], "removed")
        elif isinstance(event, ConversationDeleted):
            self._expel(room, list(room.users), "deleted")

    def tell(self, room: Room, payload: bytes, accepted_at: float | None = None) -> None:
        """Send a frame to everybody live in a room, at the end of this turn of the loop."""
        if not room.pending:
            self._to_flush_rooms[room] = None
            self._schedule_flush()
        room.pending.append(payload)
        if accepted_at is not None:
            room.timings.append(accepted_at)

    def tell_all(self, conversation_id: ConversationId, event: EphemeralEvent) -> None:
        """See `Rooms.tell_all`."""
        room = self._rooms.get(conversation_id)
        if room is not None and room.subscriptions:
            self.tell(room, encode(event))

    def tell_others(self, room: Room, event: EphemeralEvent, user_id: UserId) -> None:
        """Send an event to everybody in a room who is not that user. Slow readers miss it."""
        payload = encode(event)
        for peer in room.subscriptions:
            if peer.identity.user_id != user_id:
                self.send_or_shed(peer, payload)

    def send_or_shed(self, peer: Peer, payload: bytes) -> None:
        """Send a frame that may be missed, unless the client does not read."""
        if peer.paused_at is None:
            peer.send_payload(payload)
        else:
            self._metrics.shed.labels("ephemeral").inc()

    def to_flush(self, peer: Peer) -> None:
        """Have a connection's queue written at the end of this turn of the loop."""
        self._to_flush_peers[peer] = None
        self._schedule_flush()

    def _schedule_flush(self) -> None:
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        rooms, self._to_flush_rooms = self._to_flush_rooms, {}
        for room in rooms:
            self._flush_room(room)
        peers, self._to_flush_peers = self._to_flush_peers, {}
        for peer in peers:
            peer.flush()

    def _flush_room(self, room: Room) -> None:
        if not room.pending:
            room.told = room.head
            return
        frames = len(room.pending)
        reached, behind = room.flush(self._to_flush_peers.keys())
        self._metrics.deliveries.inc(reached * frames)
        self._metrics.busiest.count(room.id, 0, reached * frames)
        for subscription in behind:
            self._fall_behind(subscription, frames)
        room.told = room.head
        if room.timings:
            now = perf_counter()
            for accepted_at in room.timings:
                self._metrics.delivery_seconds.observe(now - accepted_at)
            room.timings.clear()

    # Falling behind and catching up

    def _fall_behind(self, subscription: Subscription, frames: int) -> None:
        self._metrics.shed.labels("live").inc(frames)
        subscription.fall_behind(subscription.room.told)
        self._catch_up.start(subscription)

    def _go_live(self, subscription: Subscription) -> None:
        self._flush_room(subscription.room)
        subscription.go_live()
        for caught_up in self.on_caught_up:
            caught_up(subscription.peer, subscription.room)

    def _recover(self, room: Room, published: Published) -> None:
        self._metrics.holes.inc()
        self._log.warning("hole_seen", conversation=room.id, head=room.head, seen=published.event.seq)
        self._flush_room(room)
        room.early.append(published)
        reading = self._loop.create_task(self._load(room.id))
        self._loading[room.id] = reading
        reading.add_done_callback(self._recovered)

    def _recovered(self, reading: "asyncio.Task[Conversation | None]") -> None:
        # After a failure the next event shows the hole again, and it is read again.
        if not reading.cancelled() and (error := reading.exception()) is not None:
            self._metrics.errors.labels("recover").inc()
            self._log.error("recover_failed", error=repr(error))

    def _expel(self, room: Room, users: Sequence[UserId], reason: Literal["removed", "deleted"]) -> None:
        self._flush_room(room)
        gone = [peer for peer in room.subscriptions if peer.identity.user_id in users]
        for peer in gone:
            self._remove(peer, room)
            peer.send(ConversationLeft(conversation_id=room.id, reason=reason, timestamp=self._now()))
        for user in users:
            for removed in self.on_removed:
                removed(user, room)

    async def close(self) -> None:
        """Stop what is under way."""
        for reading in list(self._loading.values()):
            reading.cancel()
        await self._catch_up.close()


def _has_hole(conversation: Conversation, early: list[Published]) -> bool:
    newer = [published.event.seq for published in early if published.event.seq > conversation.head]
    return newer != list(range(conversation.head + 1, conversation.head + 1 + len(newer)))
