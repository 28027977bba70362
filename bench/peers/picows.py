"""picows: WebSockets for asyncio, written in Cython."""

from pathlib import Path

from bench.harness.places import APPS, PEER_BIN
from bench.harness.processes import Process
from bench.harness.server import JSON_MESSAGE, Crowd, Dialect
from bench.peers.installed import SETUP, python_package


class Picows:
    """A set of connections a room, each sent to in turn."""

    name = "picows"
    title = "picows (Python, Cython)"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None if python_package("picows") else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        return f"picows {python_package('picows')}, uvloop {python_package('uvloop')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        return Process([PEER_BIN / "python", APPS / "picows_chat.py", str(port)], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        return Dialect(path="/room-%g", message=JSON_MESSAGE, greeting=("< hello",))
