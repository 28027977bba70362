"""Text frames of the server to events, for a client that may be older than the server."""

from typing import Final

import msgspec
from msgspec import Struct

from gator_chat_client.protocol.events import Event

_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


class UnknownEvent(Struct, frozen=True, kw_only=True):
    """An event of a kind or form that this client does not know; what may matter of it."""

    type: str = ""
    conversation_id: str | None = None
    seq: int | None = None
    run_id: str | None = None
    code: str | None = None
    message: str | None = None
    reply_to: str | None = None
    retry_after_ms: int | None = None


Frame = Event | UnknownEvent

_unknown_decoder: Final = msgspec.json.Decoder(UnknownEvent)


def read(text: str) -> Frame:
    """Read a frame; it never fails, because a client ignores what it does not know."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return _unknown_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return UnknownEvent()
