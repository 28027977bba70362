"""The least a room can cost: `floor.c`."""

from pathlib import Path

from bench.harness.generator import compiled
from bench.harness.processes import Process
from bench.harness.server import JSON_MESSAGE, Crowd, Dialect


class Floor:
    """Frames in, the same frames out to everybody, in C."""

    name = "floor"
    title = "floor: bare C, epoll and send"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None

    def version(self) -> str:
        """See `Server.version`."""
        return "bench/floor.c"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        return Process([compiled("floor"), str(port)], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`."""
        return Dialect(path="/room-%g", message=JSON_MESSAGE)
