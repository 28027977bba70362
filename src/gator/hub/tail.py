"""The newest events of a conversation, kept ready to send."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from gator.protocol.types import Seq

MAX_EVENTS: Final = 256
MAX_BYTES: Final = 32_768


class Tail:
    """Encoded events up to the head, so that a crowd that comes back reads no log.

    Bound: `MAX_EVENTS` and `MAX_BYTES` a room; the oldest are forgotten first.
    """

    __slots__ = ("_head", "_payloads", "_size")

    def __init__(self) -> None:
        self._payloads: deque[bytes] = deque()
        self._head = Seq(0)
        self._size = 0

    def append(self, seq: Seq, payload: bytes) -> None:
        """Keep the event after the newest one kept; any other begins anew."""
        if seq != self._head + 1:
            self._payloads.clear()
            self._size = 0
        self._payloads.append(payload)
        self._head = seq
        self._size += len(payload)
        while len(self._payloads) > MAX_EVENTS or self._size > MAX_BYTES:
            self._size -= len(self._payloads.popleft())

    def fill(self, first: Seq, payloads: Sequence[bytes]) -> None:
        """Keep a page of the log that is newer, or reaches further back."""
        last = first + len(payloads) - 1
        if last < self._head or (last == self._head and len(payloads) <= len(self._payloads)):
            return
        self._payloads.clear()
        self._size = 0
        self._head = Seq(first - 1)
        for seq, payload in enumerate(payloads, first):
            self.append(Seq(seq), payload)

    def after(self, seq: Seq, head: Seq) -> list[bytes] | None:
        """Get every event after `seq` up to `head`; None if not all of them are kept."""
        missing = head - seq
        if self._head != head or missing > len(self._payloads):
            return None
        return list(islice(self._payloads, len(self._payloads) - missing, None))
