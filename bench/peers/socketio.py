"""socket.io on Node, over WebSocket only."""

import shutil
from pathlib import Path

from bench.harness.places import APPS
from bench.harness.processes import Process
from bench.harness.server import Crowd, Dialect, relayed
from bench.peers.installed import SETUP, node_package


class SocketIo:
    """A socket.io room a room."""

    name = "socketio"
    title = "socket.io on Node"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        if shutil.which("node") is None:
            return "there is no node"
        return None if node_package("socket.io") else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        return f"socket.io {node_package('socket.io')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        return Process(["node", APPS / "socketio_chat.mjs", str(port)], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`. Engine.IO 4: `0` open, `2` ping, `3` pong; `40` and `42` are socket.io's."""
        return Dialect(
            path="/socket.io/?EIO=4&transport=websocket",
            message=relayed('42["message","', '"]'),
            greeting=('< 0{"sid"', "> 40", '< 40{"sid"'),
            joining=('> 42["join","room-%g"]', "< joined"),
            options=("--answer", "2=3"),
        )
