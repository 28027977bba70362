"""Frames that leave together."""

from collections.abc import Sequence


class Batch:
    """Payloads of text frames that many connections get, in order.

    Attributes:
        framed: The same as bytes ready for a socket, kept by the gateway that made
            them, so that a thousand readers cost one framing.
    """

    __slots__ = ("framed", "payloads", "size_bytes")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self.size_bytes = sum(map(len, payloads))
        self.framed: bytes | None = None
