"""The outside of a text frame, as a server writes it (RFC 6455 §5.2, RFC 7692)."""

import zlib
from struct import Struct
from typing import Final

WORTH_DEFLATING: Final = 256
"""Payloads below this many bytes are sent as they are: compressing them saves nothing."""

_FIN_AND_TEXT: Final = 0x81
_RSV1: Final = 0x40
_SYNC_TAIL: Final = b"\x00\x00\xff\xff"
_MEDIUM: Final = Struct("!BBH")
_LARGE: Final = Struct("!BBQ")


def text_frame(payload: bytes) -> bytes:
    """Write a payload as an unmasked, unfragmented text frame."""
    return _head(_FIN_AND_TEXT, len(payload)) + payload


def deflated_text_frame(payload: bytes) -> bytes:
    """Write a payload as a text frame compressed by itself (RFC 7692 §7.2.1).

    No context is taken over from the frame before, so that one compression serves
    every receiver. Short payloads, and those that do not shrink, stay as they are.
    """
    if len(payload) < WORTH_DEFLATING:
        return text_frame(payload)
    deflate = zlib.compressobj(level=6, wbits=-zlib.MAX_WBITS)
    body = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_SYNC_TAIL)
    if len(body) >= len(payload):
        return text_frame(payload)
    return _head(_FIN_AND_TEXT | _RSV1, len(body)) + body


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65_536:
        return _MEDIUM.pack(first, 126, size)
    return _LARGE.pack(first, 127, size)
