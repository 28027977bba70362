"""Frames as bytes (RFC 6455 §5.2): those of clients by the book or past it, and those of servers."""

from typing import Final

FIN: Final = 0x80
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

MASK: Final = b"\x37\xfa\x21\x3d"
"""RFC 6455 §5.7."""


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    length_bytes: int | None = None,
) -> bytes:
    """Write a frame of a client.

    Args:
        mask: None leaves it out, as no client may.
        length_bytes: Of the extended length: 0, 2 or 8; as few as will do unless given.
    """
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65_536 else 8
    short = {0: size, 2: 126, 8: 127}[length_bytes]
    head = bytes(((FIN if fin else 0) | rsv | opcode, (0 if mask is None else 0x80) | short))
    head += size.to_bytes(length_bytes, "big") if length_bytes else b""
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def server_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Take apart what a server wrote, be it after a close: opcodes and payloads of whole frames."""
    frames = []
    while data:
        length_bytes = {126: 2, 127: 8}.get(data[1], 0)
        begin = 2 + length_bytes
        end = begin + (int.from_bytes(data[2:begin], "big") if length_bytes else data[1])
        assert data[0] & FIN
        assert end <= len(data), "a frame is written whole"
        frames.append((data[0] & 0x0F, data[begin:end]))
        data = data[end:]
    return frames
