"""Text frames of the server to values, for a client that may be older than the server."""

from typing import Final

import msgspec
from msgspec import Struct

from gator.protocol.events import Event

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


class Unreadable(Struct, frozen=True, kw_only=True):
    """A frame that this client does not know, or not in this form; what may matter of it."""

    type: str = ""
    conversation_id: str | None = None
    seq: int | None = None
    run_id: str | None = None
    message: str | None = None
    reply_to: str | None = None


Frame = Event | Unreadable

_unreadable_decoder: Final = msgspec.json.Decoder(Unreadable)


def read(text: str) -> Frame:
    """Read a frame; it never fails, because a client ignores what it does not know."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return _unreadable_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Unreadable()
