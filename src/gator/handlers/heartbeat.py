"""heartbeat."""

from gator.handlers.services import Services
from gator.ports import Peer
from gator.protocol.commands import Heartbeat


def heartbeat(services: Services, peer: Peer, command: Heartbeat) -> None:
    """Answer with a heartbeat, so that a client can test a connection when it likes."""
    services.heartbeats.beat(peer, reply_to=command.id)
