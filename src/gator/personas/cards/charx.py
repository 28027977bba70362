"""CHARX archives: a ZIP file with `card.json` at its root (card format V3, "CHARX")."""

import io
import zipfile
import zlib
from typing import Final

from gator.domain.persona import MAX_CARD_BYTES
from gator.personas.cards.bad_card import bad_card

CHARX_SIGNATURE: Final = b"PK\x03\x04"
MAX_MEMBERS: Final = 1024
MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
MAX_RATIO: Final = 100
"""Most bytes that one packed byte may become; JSON as programs write it stays far below."""

_CARD: Final = "card.json"
_ENCRYPTED: Final = 0x1
_ENTRY: Final = b"PK\x01\x02"


def json_of_charx(data: bytes) -> bytes:
    """Unpack a card's JSON; the other members, its assets, are only counted.

    Raises:
        Refusal: `bad_card`.
    """
    # Counted before the directory is read, which is an object an entry.
    if data.count(_ENTRY) > MAX_MEMBERS:
        raise bad_card(f"The archive has more than {MAX_MEMBERS} members.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check(members)
            card = next((member for member in members if member.filename == _CARD), None)
            if card is None:
                raise bad_card(f"The archive has no {_CARD} at its root.")
            with archive.open(card) as packed:
                return packed.read(MAX_CARD_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise bad_card("The archive is damaged.") from None


def _check(members: list[zipfile.ZipInfo]) -> None:
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise bad_card(f"The archive unpacks to more than {MAX_UNPACKED_BYTES} bytes.")
    for member in members:
        if member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise bad_card("A member of the archive is packed too tightly.")
        if member.filename.startswith("/") or ".." in member.filename.split("/") or "\\" in member.filename:
            raise bad_card("A member of the archive lies outside of it.")
        # Only these two are unpacked piece by piece, so that reading can end at a bound.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & _ENCRYPTED:
            raise bad_card("A member of the archive is encrypted, or packed in an unusual way.")
