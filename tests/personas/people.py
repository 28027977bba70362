"""Personas, messages and cards for tests."""

import struct
import zlib
from typing import Any, Final

from gator.domain.persona import Persona
from gator.protocol.events import Message, Sender
from gator.protocol.types import MessageId, PersonaId, Seq, UserId, UtcMillis

NIA: Final = PersonaId("nia")
OTTO: Final = PersonaId("otto")
ANN: Final = UserId("ann")
BOB: Final = UserId("bob")
NOW: Final = UtcMillis(1_736_937_000_000)


def persona(name: str = "Nia", **told: Any) -> Persona:
    """Make a persona of Ann's."""
    return Persona(id=NIA, owner_id=ANN, name=name, created_at=NOW, updated_at=NOW, **told)


def said(seq: int, by: str, content: str, name: str | None = None, *, is_ai: bool = False) -> Message:
    """Make a message; its sender is called as its id says if no name is given."""
    return Message(
        id=MessageId(f"m-{seq}"),
        seq=Seq(seq),
        sender_id=UserId(by),
        sender=Sender(name=by.capitalize() if name is None else name),
        content=content,
        timestamp="2025-01-15T10:30:00.000Z",
        is_ai=is_ai,
    )


def chunk(kind: bytes, body: bytes) -> bytes:
    """Write a chunk of a PNG, independently of the code under test."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


HEADER: Final = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
PIXELS: Final = chunk(b"IDAT", zlib.compress(b"\0\x7f"))
END: Final = chunk(b"IEND", b"")


def png(*chunks: bytes, header: bytes = HEADER) -> bytes:
    """Write a picture of one grey pixel with more chunks in it."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + PIXELS + END
