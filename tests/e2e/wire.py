"""A WebSocket as bytes, for saying what no library lets one say."""

import asyncio
import struct
from base64 import b64encode
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from tests.e2e.garbage import CLOSE
from tests.support.client import TIMEOUT_S


class Wire:
    """A TCP connection on which the opening handshake was done."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """Shake hands (RFC 6455 §4.1)."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        key = b64encode(bytes(16)).decode()
        writer.write(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        async with asyncio.timeout(TIMEOUT_S):
            answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer, answer
        return cls(reader, writer)

    async def last_words(self, data: bytes, *, end: bool = True) -> list[tuple[int, bytes]]:
        """Send bytes; read all frames until the server is gone.

        Args:
            end: Tell the server that nothing more will come, as TCP can.
        """
        try:
            self._writer.write(data)
            if end:
                with suppress(OSError):  # a server may have reset the connection already
                    self._writer.write_eof()
            async with asyncio.timeout(TIMEOUT_S):
                heard = await self._reader.read()
        except ConnectionResetError:
            heard = b""
        finally:
            self._writer.transport.abort()
        return frames_of(heard)


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """Read what a server wrote: opcode and payload of each frame, none masked or in pieces."""
    frames = []
    while data:
        opcode, length = data[0] & 0x0F, data[1]
        assert data[0] & 0xF0 == 0x80, "in pieces, or with reserved bits"
        assert length < 128, "masked (RFC 6455 §5.1)"
        at = 2
        if length == 126:
            [length], at = struct.unpack("!H", data[2:4]), 4
        elif length == 127:
            [length], at = struct.unpack("!Q", data[2:10]), 10
        assert len(data) >= at + length, "cut off"
        frames.append((opcode, data[at : at + length]))
        data = data[at + length :]
    return frames


def close_code(frames: list[tuple[int, bytes]]) -> int | None:
    """Read the code of the closing frame, which is the last one; 1005 if it has none."""
    codes = [(int.from_bytes(payload[:2]) if payload else 1005) for opcode, payload in frames if opcode == CLOSE]
    assert len(codes) <= 1, "closed twice"
    assert not codes or frames[-1][0] == CLOSE, "something follows the close"
    return codes[0] if codes else None
