"""uWebSockets, the C++ library, with its publish and subscribe; started from Python through socketify."""

from pathlib import Path

from bench.harness.places import APPS, PEER_BIN
from bench.harness.processes import Process
from bench.harness.server import JSON_MESSAGE, Crowd, Dialect
from bench.peers.installed import SETUP, python_package


class MicroWebSockets:
    """A topic a room; who connects subscribes to the path's, what it says is published there."""

    name = "uws"
    title = "uWebSockets (C++)"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None if python_package("socketify") else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        return f"uWebSockets in socketify {python_package('socketify')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        return Process([PEER_BIN / "python", APPS / "uws_chat.py", str(port)], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        return Dialect(path="/room-%g", message=JSON_MESSAGE, greeting=("< hello",))
