"""Frames that leave together."""

from collections.abc import Sequence

from gator.protocol.frames import deflated_text_frame, text_frame


class Batch:
    """Payloads of text frames that many connections get, in order.

    A thousand readers cost one framing and one compression.

    Attributes:
        framed: The payloads as text frames, ready for a socket.
    """

    __slots__ = ("_deflated", "framed", "payloads")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self.framed = b"".join(map(text_frame, payloads))
        self._deflated: bytes | None = None

    @property
    def deflated(self) -> bytes:
        """The payloads as compressed text frames, ready for a socket that agreed to it."""
        if self._deflated is None:
            self._deflated = b"".join(map(deflated_text_frame, self.payloads))
        return self._deflated
