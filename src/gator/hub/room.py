"""A conversation in memory, with the connections that have joined it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gator.hub.batch import Batch
from gator.hub.tail import Tail
from gator.protocol.types import Seq

if TYPE_CHECKING:
    from gator.domain.conversation import Conversation
    from gator.hub.peer import Peer
    from gator.ports import Published
    from gator.protocol.types import ConversationId, UserId


class Subscription:
    """One connection's place in one conversation.

    It is *live*, or *behind*: then it gets events from the log instead, from `cursor`
    on, until it has reached the head. A new join is a new object, so that a catch-up
    of the old one cannot touch it.
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


class Room:
    """What this process holds of a conversation.

    Queue: `pending` holds the frames of one turn of the event loop, bounded by what
    the journal commits in it.
    """

    __slots__ = (
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
        del peer.subscriptions[self.id]
        user = peer.identity.user_id
        self.users[user] -= 1
        if not self.users[user]:
            del self.users[user]

    def flush(self) -> tuple[int, list[Subscription]]:
        """Hand what is pending to everybody who is live.

        Returns:
            How many were reached, and who fell behind because they do not read.
        """
        batch = Batch(self.pending)
        self.pending = []
        behind = []
        reached = 0
        for subscription in self.subscriptions.values():
            if not subscription.live:
                continue
            peer = subscription.peer
            if peer.paused_at is not None:
                behind.append(subscription)
                continue
            reached += 1
            # Answers that this turn queued come first: a join before what follows it.
            if peer.queue:
                peer.queue.extend(batch.payloads)
            else:
                peer.sink.write(batch)
        return reached, behind
