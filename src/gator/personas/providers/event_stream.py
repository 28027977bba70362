"""Server-sent events, read from bytes that come cut anywhere (HTML Living Standard, §9.2.6)."""

from typing import Final

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Longest event. No piece of a reply is near it; without a bound a line without an end would fill the memory."""


class EventStream:
    """Takes an event stream apart. Names, ids and retry times of events are passed over.

    Args:
        max_bytes: Longest stream.
    """

    def __init__(self, max_bytes: int) -> None:
        self._room = max_bytes
        self._rest = b""
        self._ended_in_cr = False

    def feed(self, received: bytes) -> list[bytes]:
        """Take bytes, and return the data of each event that they complete.

        What the stream's end leaves incomplete is no event.

        Raises:
            OverflowError: The stream is longer than it may be, or an event than `MAX_EVENT_BYTES`.
        """
        self._room -= len(received)
        if self._ended_in_cr and received:
            self._ended_in_cr = False
            received = received.removeprefix(b"\n")
        if b"\r" in received:
            self._ended_in_cr = received.endswith(b"\r")
            received = received.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *events, self._rest = (self._rest + received).split(b"\n\n")
        if self._room < 0 or len(self._rest) > MAX_EVENT_BYTES:
            raise OverflowError("more than is taken")
        return [data for event in events if (data := _data_of(event)) is not None]


def _data_of(event: bytes) -> bytes | None:
    lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
