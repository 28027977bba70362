"""Signs of life, and the end of who shows none."""

from collections import OrderedDict
from typing import Final

from gator.hub.peer import Peer
from gator.ports import Clock, Timer
from gator.ports import Peer as PeerPort
from gator.protocol.errors import SLOW_CONSUMER
from gator.protocol.events import HeartbeatEvent
from gator.protocol.times import rfc3339
from gator.telemetry.metrics import Metrics

ROUND_S: Final = 1.0


class Heartbeats:
    """Beats every connection once in `every_s`, and closes who has long stopped reading.

    One round a second over those whose turn it is, instead of a timer for each.
    """

    def __init__(self, *, clock: Clock, every_s: float, slow_reader_s: float, metrics: Metrics) -> None:
        self._clock = clock
        self._every_s = every_s
        self._slow_reader_s = slow_reader_s
        self._metrics = metrics
        self._due: OrderedDict[Peer, float] = OrderedDict()
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin the rounds."""
        self._timer = self._clock.call_later(ROUND_S, self._round)

    def stop(self) -> None:
        """End the rounds."""
        if self._timer is not None:
            self._timer.cancel()

    def add(self, peer: Peer) -> None:
        """Beat a connection from now on."""
        self._due[peer] = self._clock.monotonic() + self._every_s

    def remove(self, peer: Peer) -> None:
        """A connection ended."""
        self._due.pop(peer, None)

    def beat(self, peer: PeerPort, reply_to: str | None = None) -> None:
        """See the port `Heartbeats`."""
        assert isinstance(peer, Peer)
        heads = {}
        for conversation_id, subscription in peer.subscriptions.items():
            if not subscription.live:
                continue  # it is being sent what it misses
            # Not the room's head: what this turn of the loop still has to tell comes later.
            head = subscription.room.told
            if subscription.beaten != head:
                subscription.beaten = head
                heads[conversation_id] = head
        peer.send(HeartbeatEvent(timestamp=rfc3339(self._clock.now()), heads=heads, reply_to=reply_to))

    def _round(self) -> None:
        self._timer = self._clock.call_later(ROUND_S, self._round)
        now = self._clock.monotonic()
        self._close_slow(now)
        while self._due:
            peer, due = next(iter(self._due.items()))
            if due > now:
                break
            self._due[peer] = now + self._every_s
            self._due.move_to_end(peer)
            if peer.paused_at is None:
                self.beat(peer)

    def _close_slow(self, now: float) -> None:
        waiting = 0
        slow = []
        for peer in self._due:
            if peer.paused_at is not None:
                waiting += peer.sink.backlog_bytes()
                if now - peer.paused_at > self._slow_reader_s:
                    slow.append(peer)
        self._metrics.outbox_bytes.set(waiting)
        for peer in slow:
            peer.close(SLOW_CONSUMER)
