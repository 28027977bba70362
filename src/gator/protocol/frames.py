"""The outside of a text frame, as a server writes it (RFC 6455 §5.2)."""

from struct import Struct
from typing import Final

_FIN_AND_TEXT: Final = 0x81
_MEDIUM: Final = Struct("!BBH")
_LARGE: Final = Struct("!BBQ")


def text_frame_head(payload: bytes) -> bytes:
    """Write what stands before a payload in an unmasked, unfragmented text frame."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN_AND_TEXT, size))
    if size < 65_536:
        return _MEDIUM.pack(_FIN_AND_TEXT, 126, size)
    return _LARGE.pack(_FIN_AND_TEXT, 127, size)
