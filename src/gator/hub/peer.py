"""One connection of this process, as the hub sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gator.hub.batch import Batch
from gator.protocol.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from gator.domain.identity import Identity
    from gator.hub.room import Subscription
    from gator.protocol.errors import Close
    from gator.protocol.events import Event
    from gator.protocol.types import ConnectionId, ConversationId


class Sink(Protocol):
    """The way out of a connection, made by a gateway.

    Holds what the client has not read. It calls `Peer.pause` when that exceeds the
    bound and `Peer.resume` when it is read again.

    Attributes:
        write_framed: Sends what `Batch.framed` holds, for whom that suits: a large room
            is written to without a look at each connection. It may raise `RuntimeError`
            once the connection is lost.
    """

    write_framed: Callable[[bytes], None] | None

    def write(self, batch: Batch) -> None:
        """Send text frames in order; never blocks."""

    def close(self, close: Close) -> None:
        """Close the connection after what was written. Idempotent."""

    def backlog_bytes(self) -> int:
        """Count what was written and not yet taken by the network."""


class Peer:
    """See the port `Peer`.

    Queue: answers of one turn of the event loop, written at its end; bounded by the
    commands that caused them, of which none is read while the peer is paused. Events
    of conversations are not queued for a paused peer: they are in the log.
    """

    __slots__ = (
        "id",
        "identity",
        "is_open",
        "on_renew",
        "paused_at",
        "queue",
        "sink",
        "subscriptions",
        "to_flush",
        "waiters",
    )

    def __init__(
        self, connection_id: ConnectionId, identity: Identity, sink: Sink, to_flush: Callable[[Peer], None]
    ) -> None:
        self.id = connection_id
        self.identity = identity
        self.sink = sink
        self.subscriptions: dict[ConversationId, Subscription] = {}
        self.queue: list[bytes] = []
        self.is_open = True
        self.paused_at: float | None = None
        self.waiters: list[Callable[[], None]] = []
        self.to_flush = to_flush
        self.on_renew: Callable[[Identity], None] | None = None

    def send(self, event: Event) -> None:
        """See `Peer.send`."""
        self.send_payload(encode(event))

    def send_payload(self, payload: bytes) -> None:
        """Send a text frame at the end of this turn of the event loop."""
        if not self.is_open:
            return
        if not self.queue:
            self.to_flush(self)
        self.queue.append(payload)

    def renew(self, identity: Identity) -> None:
        """See `Peer.renew`."""
        self.identity = identity
        if self.on_renew is not None:
            self.on_renew(identity)

    def flush(self) -> None:
        """Write what is queued."""
        if self.queue and self.is_open:
            self.sink.write(self.take_queue())

    def take_queue(self) -> Batch:
        """Get what is queued, to be written by whoever asks."""
        batch = Batch(self.queue)
        self.queue = []
        return batch

    def pause(self, now: float) -> None:
        """The client does not read: send it no events."""
        if self.paused_at is None:
            self.paused_at = now
            self._sort_anew()

    def resume(self) -> None:
        """The client reads again: whoever waited for that goes on."""
        self.paused_at = None
        self._sort_anew()
        waiters, self.waiters = self.waiters, []
        for go_on in waiters:
            go_on()

    def _sort_anew(self) -> None:
        for subscription in self.subscriptions.values():
            subscription.room.place(subscription)

    def close(self, close: Close) -> None:
        """End the connection, after what is queued."""
        if self.is_open:
            self.flush()
            self.is_open = False
            self.sink.close(close)
