"""The outside of a text frame: written by a server, or read from a client (RFC 6455 §5.2, RFC 7692)."""

import zlib
from struct import Struct
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.typing import BytesLike

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without a C compiler
    from websockets.utils import apply_mask

WORTH_DEFLATING: Final = 256
"""Payloads below this many bytes are sent as they are: compressing them saves nothing."""

MAX_CONTROL_BYTES: Final = 125

_FIN: Final = 0x80
_FIN_AND_TEXT: Final = 0x81
_MASKED: Final = 0x80
_HUGE: Final = 0x80 | 127
_PLAIN: Final = {_FIN | opcode: opcode for opcode in (Opcode.TEXT, Opcode.PING, Opcode.PONG)}
_RSV1: Final = 0x40
_SYNC_TAIL: Final = b"\x00\x00\xff\xff"
_MEDIUM: Final = Struct("!BBH")
_LARGE: Final = Struct("!BBQ")


def read_plain(data: bytes, at: int, max_bytes: int) -> tuple[Frame, int] | None:
    """Read a client's frame if it is as nearly all are: text, ping or pong, whole, uncompressed.

    Only at the beginning of a frame, and not between the fragments of a message.

    Args:
        at: Where in the data it begins.
        max_bytes: Longest payload.

    Returns:
        The frame, and where it ends; None if it is not plain, not allowed or not all
        there, which is then a complete parser's work.
    """
    if len(data) < at + 6:
        return None
    opcode = _PLAIN.get(data[at])
    size = data[at + 1] - _MASKED
    mask_at = at + 2
    if size == 126:
        size = data[at + 2] << 8 | data[at + 3]
        mask_at = at + 4
    end = mask_at + 4 + size
    # An unmasked frame has a negative size here, one of 64 bits a size of 127.
    if opcode is None or size < 0 or size > max_bytes or end > len(data) or data[at + 1] == _HUGE:
        return None
    if opcode is not Opcode.TEXT and size > MAX_CONTROL_BYTES:
        return None
    return Frame(opcode, apply_mask(data[mask_at + 4 : end], data[mask_at : mask_at + 4])), end


def control_frame(opcode: Opcode, payload: BytesLike) -> bytes:
    """Write an unmasked ping or pong, of at most 125 bytes."""
    return bytes((_FIN | opcode, len(payload))) + payload


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
