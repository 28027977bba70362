"""Frames that leave together."""

from collections.abc import Sequence

from gator.protocol.frames import text_frame_head


class Batch:
    """Payloads of text frames that many connections get, in order.

    A thousand readers cost one framing: the bytes for their sockets are made once.
    """

    __slots__ = ("_framed", "payloads")

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self.payloads = payloads
        self._framed: bytes | None = None

    @property
    def framed(self) -> bytes:
        """The payloads as unmasked text frames, ready for a socket."""
        if self._framed is None:
            self._framed = b"".join(
                [part for payload in self.payloads for part in (text_frame_head(payload), payload)]
            )
        return self._framed
