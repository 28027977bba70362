"""A conversation in memory, with the connections that have joined it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gator.hub.batch import Batch
from gator.hub.tail import Tail
from gator.protocol.types import Seq

if TYPE_CHECKING:
    from collections.abc import Callable, KeysView

    from gator.domain.conversation import Conversation
    from gator.hub.peer import Peer
    from gator.ports import Published
    from gator.protocol.types import ConversationId, UserId


class Subscription:
    """One connection's place in one conversation.

    It is *live*, or *behind*: then it gets events from the log instead, from `cursor`
    on, until it has reached the head. A new join is a new object, so that a catch-up
    of the old one cannot touch it.

    Attributes:
        live: Changed by `go_live` and `fall_behind` only.
    """

    __slots__ = ("beaten", "cursor", "live", "peer", "room")

    def __init__(self, peer: Peer, room: Room, cursor: Seq) -> None:
        self.peer = peer
        self.room = room
        self.cursor = cursor
        self.live = False
        self.beaten = Seq(0)
        """Head that the last heartbeat told."""

    def is_current(self) -> bool:
        """False once the connection has left, joined anew or closed."""
        return self.peer.subscriptions.get(self.room.id) is self

    def go_live(self) -> None:
        """Get what is told in the room from now on."""
        self.live = True
        self.room.place(self)

    def fall_behind(self, cursor: Seq) -> None:
        """Get events from the log, from `cursor` on."""
        self.live = False
        self.cursor = cursor
        self.room.place(self)


class Room:
    """What this process holds of a conversation.

    Queue: `pending` holds the frames of one turn of the event loop, bounded by what
    the journal commits in it.
    """

    __slots__ = (
        "_direct",
        "_indirect",
        "conversation",
        "early",
        "id",
        "occupancy_due",
        "pending",
        "subscriptions",
        "tail",
        "timings",
        "told",
        "users",
    )

    def __init__(self, conversation_id: ConversationId) -> None:
        self.id = conversation_id
        self.conversation: Conversation | None = None
        """None while it is being read."""
        self.early: list[Published] = []
        """Events that came while it was being read."""
        self.subscriptions: dict[Peer, Subscription] = {}
        self._direct: dict[Peer, Callable[[bytes], None]] = {}
        """Who is live and reads at pace, with a way to write ready-made frames: next to all."""
        self._indirect: dict[Peer, Subscription] = {}
        """Everybody else who is live."""
        self.users: Counter[UserId] = Counter()
        self.told = Seq(0)
        """Head when the room was last flushed: what every live subscription has."""
        self.pending: list[bytes] = []
        self.timings: list[float] = []
        self.tail = Tail()
        self.occupancy_due = False

    @property
    def head(self) -> Seq:
        """Position of the last event that this process has heard of."""
        assert self.conversation is not None
        return self.conversation.head

    def add(self, subscription: Subscription) -> None:
        """Take in a connection."""
        peer = subscription.peer
        self.subscriptions[peer] = subscription
        self.users[peer.identity.user_id] += 1
        peer.subscriptions[self.id] = subscription

    def remove(self, peer: Peer) -> None:
        """Let a connection go."""
        del self.subscriptions[peer]
        self._direct.pop(peer, None)
        self._indirect.pop(peer, None)
        del peer.subscriptions[self.id]
        user = peer.identity.user_id
        self.users[user] -= 1
        if not self.users[user]:
            del self.users[user]

    def place(self, subscription: Subscription) -> None:
        """Sort a connection by how it is written to, after that has changed."""
        peer = subscription.peer
        self._direct.pop(peer, None)
        self._indirect.pop(peer, None)
        if not subscription.live:
            return
        write = peer.sink.write_framed
        if write is None or peer.paused_at is not None:
            self._indirect[peer] = subscription
        else:
            self._direct[peer] = write

    def flush(self, answered: KeysView[Peer]) -> tuple[int, list[Subscription]]:
        """Hand what is pending to everybody who is live.

        Args:
            answered: Connections with answers that this turn queued: those come first,
                as a join does before what follows it.

        Returns:
            How many were reached, and who fell behind because they do not read.
        """
        batch = Batch(self.pending)
        self.pending = []
        # Copies, since writing may pause a connection, which is then sorted anew.
        writes = list(self._direct.values())
        indirect = list(self._indirect.values())
        live = len(writes) + len(indirect)
        if not answered.isdisjoint(self._direct):
            writes = [write for peer, write in self._direct.items() if peer not in answered]
            for peer in answered & self._direct.keys():
                peer.queue.extend(batch.payloads)
        framed = batch.framed
        for write in writes:
            try:
                write(framed)
            except RuntimeError:
                # uvloop's, between a failed write and the `connection_lost` that follows it.
                continue
        behind = []
        for subscription in indirect:
            peer = subscription.peer
            if peer.paused_at is not None:
                behind.append(subscription)
            elif peer in answered:
                peer.queue.extend(batch.payloads)
            else:
                peer.sink.write(batch)
        return live - len(behind), behind
