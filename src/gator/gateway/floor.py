"""All connections of this process, whichever gateway made them; and how they drain."""

import random
from collections.abc import Collection

from gator.domain.identity import Identity
from gator.gateway.admission import Admission
from gator.gateway.connection import Connection
from gator.gateway.limits import RateLimits
from gator.gateway.pings import Pings
from gator.handlers.services import Services
from gator.hub.hub import Hub
from gator.hub.peer import Sink
from gator.protocol.errors import RESTARTING
from gator.protocol.events import Limits
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics


class Floor:
    """Opens connections, knows those that are open, and empties.

    Args:
        max_frame_bytes: Largest incoming frame.
        deflate: Whether compression is agreed to where a client offers it.
        outbox_bytes: What may wait for a slow reader before it is paused.
        expiry_leeway_s: How long a connection outlives its token, as the clocks of issuer
            and server may differ.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        services: Services,
        admission: Admission,
        limits: RateLimits,
        announced: Limits,
        heartbeat_ms: int,
        max_frame_bytes: int,
        deflate: bool,
        outbox_bytes: int,
        trusted_proxies: Collection[str],
        pings: Pings,
        expiry_leeway_s: float,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._hub = hub
        self._services = services
        self._limits = limits
        self._announced = announced
        self._heartbeat_ms = heartbeat_ms
        self._expiry_leeway_s = expiry_leeway_s
        self._connections: dict[Connection, None] = {}
        self.admission = admission
        self.max_frame_bytes = max_frame_bytes
        self.deflate = deflate
        self.outbox_bytes = outbox_bytes
        self.pings = pings
        self._trusted_proxies = trusted_proxies
        self.metrics = metrics
        self.log = log

    def client_address(self, peername: object, forwarded_for: str | None) -> str:
        """Name the network address of a client, past the proxies that are trusted.

        Of `X-Forwarded-For` the last entry that no trusted proxy is: those before it
        are whatever the client wrote.
        """
        address = str(peername[0]) if isinstance(peername, tuple) else ""
        if forwarded_for is None or address not in self._trusted_proxies:
            return address
        hops = [hop.strip() for hop in forwarded_for.split(",")]
        return next((hop for hop in reversed(hops) if hop not in self._trusted_proxies), address)

    def open(self, identity: Identity, sink: Sink) -> Connection:
        """Begin a connection and greet it."""
        connection = Connection(
            identity,
            sink,
            hub=self._hub,
            services=self._services,
            limits=self._limits,
            expiry_leeway_s=self._expiry_leeway_s,
            metrics=self.metrics,
            log=self.log,
        )
        self._connections[connection] = None
        connection.greet(heartbeat_ms=self._heartbeat_ms, limits=self._announced)
        return connection

    def ended(self, connection: Connection, code: int) -> None:
        """A connection ended."""
        self._connections.pop(connection, None)
        connection.ended(code)

    def batches(self, count: int) -> list[list[Connection]]:
        """Split the open connections into `count` parts, in random order."""
        everyone = list(self._connections)
        random.shuffle(everyone)
        size = max(1, -(-len(everyone) // max(1, count)))
        return [everyone[at : at + size] for at in range(0, len(everyone), size)]

    def close_all(self) -> None:
        """Close every connection that is left with 1012."""
        for connection in list(self._connections):
            connection.peer.close(RESTARTING)

    def __len__(self) -> int:
        return len(self._connections)
