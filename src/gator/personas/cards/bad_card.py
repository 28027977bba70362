"""What a card file may hold, and the refusal of whatever holds more."""

from typing import Final

from gator.protocol.errors import Refusal

MAX_FILE_BYTES: Final = 8 * 1024 * 1024
"""Largest file with a card in it, its picture included."""

MAX_DEPTH: Final = 32
"""Deepest nesting of JSON objects and arrays in a card."""


def bad_card(reason: str) -> Refusal:
    """Word why a file is refused."""
    return Refusal("bad_card", reason)
