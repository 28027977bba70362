"""Text from outside, with nothing in it that a terminal would obey."""

from typing import Final

_REPLACEMENT: Final = "\ufffd"
# C0 and DEL as their pictures; C1, which some terminals obey like escape sequences; signs that
# turn the direction of writing; lone surrogates, which cannot be written.
_HARMLESS: Final[dict[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    0x2028: "\u2424",
    0x2029: "\u2424",
    **dict.fromkeys((0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), _REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT),
    ord("\t"): "    ",
}


def harmless(text: str) -> str:
    """Make text safe to write to a terminal: one line, no control characters."""
    return text.translate(_HARMLESS)
