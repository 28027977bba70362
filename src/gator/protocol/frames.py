"""The outside of a text frame: written by a server, or read from a client (RFC 6455 §5.2, RFC 7692)."""

import zlib
from struct import Struct
from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without a C compiler
    from websockets.utils import apply_mask

WORTH_DEFLATING: Final = 256
"""Payloads below this many bytes are sent as they are: compressing them saves nothing."""

_FIN_AND_TEXT: Final = 0x81
_MASKED: Final = 0x80
_RSV1: Final = 0x40
_SYNC_TAIL: Final = b"\x00\x00\xff\xff"
_MEDIUM: Final = Struct("!BBH")
_LARGE: Final = Struct("!BBQ")


def lone_text(data: bytes, max_bytes: int) -> bytes | None:
    """Read bytes that are exactly one whole text frame of a client, masked and uncompressed.

    Nearly every read of a chat's socket is. Only at the beginning of a frame, and not
    between the fragments of a message.

    Returns:
        Its payload, not checked to be UTF-8; None if the bytes are anything else, which
        is then a complete parser's work.
    """
    if len(data) < 6 or data[0] != _FIN_AND_TEXT:
        return None
    size = data[1] - _MASKED
    mask_at = 2
    if size == 126:
        size = data[2] << 8 | data[3]
        mask_at = 4
    # An unmasked frame has a negative size, one of 64 bits an impossible one.
    if len(data) != mask_at + 4 + size or size > max_bytes:
        return None
    return apply_mask(data[mask_at + 4 :], data[mask_at : mask_at + 4])


def client_frame_size(payload_bytes: int) -> int:
    """Count the bytes that a masked frame takes at least."""
    if payload_bytes < 126:
        return 6 + payload_bytes
    return (8 if payload_bytes < 65_536 else 14) + payload_bytes


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
