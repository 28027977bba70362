"""The servers that ours is measured beside, each started by a file of its own."""

from typing import Final

from bench.harness.server import Server
from bench.peers.ejabberd import Ejabberd
from bench.peers.floor import Floor
from bench.peers.nats import Nats
from bench.peers.nchan import Nchan
from bench.peers.picows import Picows
from bench.peers.seed import Seed
from bench.peers.socketio import SocketIo
from bench.peers.uws import MicroWebSockets
from bench.peers.ws import Ws

PEERS: Final[tuple[Server, ...]] = (
    Floor(),
    MicroWebSockets(),
    Picows(),
    Nats(),
    Nchan(),
    Ws(),
    SocketIo(),
    Seed(),
    Seed(with_database=True),
    Ejabberd(),
)
