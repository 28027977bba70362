"""ws: the usual WebSocket library of Node."""

import shutil
from pathlib import Path

from bench.harness.places import APPS
from bench.harness.processes import Process
from bench.harness.server import JSON_MESSAGE, Crowd, Dialect
from bench.peers.installed import SETUP, node_package


class Ws:
    """A set of sockets a room, each sent to in turn."""

    name = "ws"
    title = "ws on Node"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        if shutil.which("node") is None:
            return "there is no node"
        return None if node_package("ws") else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        return f"ws {node_package('ws')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        return Process(["node", APPS / "ws_chat.mjs", str(port)], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        return Dialect(path="/room-%g", message=JSON_MESSAGE, greeting=("< hello",))
