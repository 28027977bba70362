"""Frames that leave together."""

from collections.abc import Sequence

from gator.protocol.frames import deflated_text_frame, text_frame


class Batch:
    """Payloads of text frames that many connections get, in order.

    A thousand readers cost one framing and one compression.
    """

    __slots__ = ("_deflated", "_framed", "payloads")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self._framed: bytes | None = None
        self._deflated: bytes | None = None

    @property
    def framed(self) -> bytes:
        """The payloads as text frames, ready for a socket."""
        if self._framed is None:
            self._framed = b"".join(map(text_frame, self.payloads))
        return self._framed

    @property
    def deflated(self) -> bytes:
        """The payloads as compressed text frames, ready for a socket that agreed to it."""
        if self._deflated is None:
            self._deflated = b"".join(map(deflated_text_frame, self.payloads))
        return self._deflated
