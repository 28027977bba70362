"""PNG and APNG pictures with text in them (ISO/IEC 15948: the PNG specification, third edition).

The picture itself is never decoded. Its frame is checked, so that what is handed on to
browsers is a picture of bounded size, and only the chunks that a picture needs are kept:
no text, no place and time, no colour profile, nothing behind its end.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gator.domain.persona import MAX_CARD_BYTES
from gator.personas.cards.bad_card import MAX_FILE_BYTES, bad_card

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_SIDE_PIXELS: Final = 4096
MAX_CHUNKS: Final = 4096
MAX_BASE64_BYTES: Final = MAX_CARD_BYTES * 3 // 2
"""Longest text of a chunk: base64 takes four bytes for three, and may have line ends."""

_KEPT: Final = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"acTL", b"fcTL", b"fdAT")
)
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits a sample that each colour type allows (section 11.2.1)."""

_PLAIN_SIDE_PIXELS: Final = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """The chunks of a picture, in their order, and the texts that programs put beside them."""

    chunks: tuple[tuple[bytes, bytes], ...]
    texts: Mapping[str, bytes]
    """Base64, by keyword in lower case; of several with one keyword the first."""

    def encoded(self) -> bytes:
        """Write the picture alone."""
        return PNG_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in self.chunks)

    def card_json(self) -> bytes:
        """Read the card's JSON: that of version 3 if there is one, else that of the earlier ones.

        Raises:
            Refusal: `bad_card`.
        """
        text = self.texts.get("ccv3", self.texts.get("chara"))
        if text is None:
            raise bad_card("The picture has no card in it.")
        try:
            packed = b"".join(text.split()).rstrip(b"=")
            return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
        except binascii.Error:
            raise bad_card("The card in the picture is no base64.") from None


def read_picture(data: bytes) -> Picture:
    """Read a picture whose frame is in order.

    Raises:
        Refusal: `bad_card`.
    """
    if len(data) > MAX_FILE_BYTES:
        raise bad_card(f"The file has more than {MAX_FILE_BYTES} bytes.")
    if not data.startswith(PNG_SIGNATURE):
        raise bad_card("The picture is no PNG.")
    chunks: list[tuple[bytes, bytes]] = []
    texts: dict[str, bytes] = {}
    for number, (kind, body) in enumerate(_chunks(data)):
        if number == 0:
            _check_header(kind, body)
        elif number >= MAX_CHUNKS:
            raise bad_card(f"The picture has more than {MAX_CHUNKS} chunks.")
        if kind in _KEPT:
            chunks.append((kind, body))
        elif kind in _TEXTS:
            keyword, text = _TEXTS[kind](body)
            texts.setdefault(keyword, text)
    if not any(kind == b"IDAT" for kind, _ in chunks):
        raise bad_card("The picture has no pixels.")
    return Picture(tuple(chunks), texts)


def with_texts(picture: Picture, texts: Mapping[str, bytes]) -> bytes:
    """Write a picture with texts in it, each as base64 in a `tEXt` chunk."""
    added = [(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(text)) for keyword, text in texts.items()]
    *body, end = picture.chunks
    return Picture((*body, *added, end), {}).encoded()


def plain_picture(name: str) -> Picture:
    """Draw a square of one colour, always the same for a name."""
    colour = bytes(96 + byte // 2 for byte in zlib.crc32(name.encode(errors="replace")).to_bytes(4)[:3])
    rows = (b"\0" + colour * _PLAIN_SIDE_PIXELS) * _PLAIN_SIDE_PIXELS
    header = struct.pack(">IIBBBBB", _PLAIN_SIDE_PIXELS, _PLAIN_SIDE_PIXELS, 8, 2, 0, 0, 0)
    return Picture(((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")), {})


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise bad_card("The picture ends too early.")
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        if at > len(data):
            raise bad_card("The picture ends too early.")
        if struct.unpack_from(">I", data, at - 4)[0] != zlib.crc32(body, zlib.crc32(kind)):
            raise bad_card("A chunk of the picture is damaged.")
        yield kind, body


def _check_header(kind: bytes, body: bytes) -> None:
    if kind != b"IHDR" or len(body) != 13:
        raise bad_card("The picture has no header.")
    width, height, bits, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if not (0 < width <= MAX_SIDE_PIXELS and 0 < height <= MAX_SIDE_PIXELS):
        raise bad_card(f"The picture's sides are not within 1 to {MAX_SIDE_PIXELS} pixels.")
    if bits not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise bad_card("The picture's header is of no known kind.")


def _plain(body: bytes) -> tuple[str, bytes]:
    # Section 11.3.3.2: keyword, NUL, text.
    keyword, _, text = body.partition(b"\0")
    return _keyword(keyword), text


def _compressed(body: bytes) -> tuple[str, bytes]:
    # Section 11.3.3.3: keyword, NUL, method 0, zlib stream.
    keyword, _, rest = body.partition(b"\0")
    name = _keyword(keyword)
    return name, _inflated(rest[1:]) if name in _WANTED else b""


def _international(body: bytes) -> tuple[str, bytes]:
    # Section 11.3.3.4: keyword, NUL, flag, method 0, language, NUL, translated keyword, NUL, text.
    keyword, _, rest = body.partition(b"\0")
    name = _keyword(keyword)
    parts = rest[2:].split(b"\0", 2)
    if name not in _WANTED or len(parts) < 3:
        return name, b""
    return name, _inflated(parts[2]) if rest[:1] == b"\1" else parts[2]


def _keyword(raw: bytes) -> str:
    return raw[:80].decode("latin-1").lower()


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_BASE64_BYTES)
    except zlib.error:
        raise bad_card("A text in the picture is damaged.") from None
    if not inflater.eof:
        raise bad_card(f"A text in the picture has more than {MAX_BASE64_BYTES} bytes, or is cut.")
    return text


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


_WANTED: Final = frozenset({"ccv3", "chara"})
_TEXTS: Final = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}
