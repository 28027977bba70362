"""The hub: connections come, go and are told."""

from gator.domain.identity import Identity
from gator.hub.heartbeat import Heartbeats
from gator.hub.notifications import Notifications
from gator.hub.occupancy import OccupancyCounts
from gator.hub.peer import Peer, Sink
from gator.hub.presence import Presence
from gator.hub.rooms import Rooms
from gator.hub.typing import TypingTeller
from gator.ports import Broker, Clock, Journal, LastSeen, Published, Store, UserSeen
from gator.protocol.events import NewMessage, Reconnect
from gator.protocol.times import rfc3339
from gator.protocol.types import ConnectionId
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


class Hub:
    """Everything of this process that lives with its connections.

    Attributes:
        peers: Open connections, in the order in which they came.
    """

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        broker: Broker,
        clock: Clock,
        metrics: Metrics,
        log: Log,
        max_joined: int,
        replay_page: int,
        replay_limit: int,
        presence_grace_s: float,
        occupancy_s: float,
        heartbeat_s: float,
        slow_reader_s: float,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self.peers: dict[Peer, None] = {}
        self.rooms = Rooms(
            store=store,
            metrics=metrics,
            log=log,
            now=lambda: rfc3339(clock.now()),
            max_joined=max_joined,
            replay_page=replay_page,
            replay_limit=replay_limit,
        )
        occupancy = OccupancyCounts(rooms=self.rooms, clock=clock, every_s=occupancy_s)
        self.typing = TypingTeller(rooms=self.rooms, occupancy=occupancy, clock=clock)
        occupancy.count_typing = self.typing.count_in
        self.presence = Presence(
            rooms=self.rooms, occupancy=occupancy, clock=clock, grace_s=presence_grace_s, metrics=metrics
        )
        self.notifications = Notifications(presence=self.presence, rooms=self.rooms)
        self.heartbeats = Heartbeats(
            clock=clock, every_s=heartbeat_s, slow_reader_s=slow_reader_s, metrics=metrics
        )
        broker.subscribe(self._receive)
        self.heartbeats.start()

    def connect(self, connection_id: ConnectionId, identity: Identity, sink: Sink) -> Peer:
        """Take in a connection."""
        peer = Peer(connection_id, identity, sink, self.rooms.to_flush)
        self.peers[peer] = None
        self.presence.connected(peer)
        self.heartbeats.add(peer)
        self._journal.remember(UserSeen(identity, self._clock.now()))
        self._metrics.connections.inc()
        self._metrics.connections_opened.inc()
        return peer

    def disconnect(self, peer: Peer) -> None:
        """Let a connection go that ended. Idempotent."""
        if peer not in self.peers:
            return
        del self.peers[peer]
        peer.is_open = False
        peer.resume()
        self.heartbeats.remove(peer)
        self.rooms.leave_all(peer)
        if self.presence.disconnected(peer):
            self._journal.remember(LastSeen(peer.identity.user_id, self._clock.now()))
        self._metrics.connections.dec()

    def ask_to_reconnect(self, peer: Peer, after_ms: int) -> None:
        """Tell a client that the server will go away."""
        peer.send(Reconnect(after_ms=after_ms, timestamp=rfc3339(self._clock.now())))

    async def close(self) -> None:
        """Stop what is under way."""
        self.heartbeats.stop()
        await self.rooms.close()

    def _receive(self, published: Published) -> None:
        self._metrics.events_published.inc()
        if isinstance(published.event, NewMessage):
            self._metrics.busiest.count(published.event.conversation_id, 1, 0)
        # First those outside: being removed, one is told of it as a member, once.
        if published.audience:
            self.notifications.receive(published)
        self.rooms.receive(published)
