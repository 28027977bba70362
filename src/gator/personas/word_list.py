"""Words that are blocked however they are spelled: `Word`, `w0rd`, `w o r d`, `wоrd` with a Cyrillic о.

A floor, not a judgement: it finds whole words that it was given, and understands nothing.
This program brings none along; an operator names a file of them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from gator.personas.moderation.verdicts import ALLOWED, Verdict

MAX_FILE_BYTES: Final = 1024 * 1024

_BLOCKED: Final = Verdict("blocked", ("words",), "word list")

# Code points, first and last of a range, that change how a text looks and not what it says.
_UNSEEN: Final = (
    *((0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F)),  # controls that are no white space
    *((0xAD, 0xAD), (0x61C, 0x61C), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)),
    *((0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xE0000, 0xE01EF)),
    *((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),  # diacritics
    *((0x591, 0x5C7), (0x64B, 0x65F), (0x670, 0x670)),  # vowel points of Hebrew and Arabic
)
# Letters of Unicode's confusables (UTS #39) that pass for small Latin ones at a glance; and the underscore,
# which `\w` takes for a letter.
_LOOKALIKES: Final = (
    str.maketrans("аеорсухіѕјԁһԛԝ", "aeopcyxisjdhqw")
    | str.maketrans("αοιρνεκ", "aoipvek")
    | str.maketrans("ıłøđħŧ_", "ilodht-")
)
_FOLDED: Final[dict[int, int | str | None]] = {
    **{code: None for first, last in _UNSEEN for code in range(first, last + 1)},
    **_LOOKALIKES,
    ord("æ"): "ae",
    ord("œ"): "oe",
}

# Signs and digits for letters. A one may be an i or an l, so that a text has two readings.
_SIGNS: Final = "@$!|+"
_SPELLED: Final = "034578@$+9"
_READINGS: Final = tuple(str.maketrans(_SPELLED + "1!|", "oeastbastg" + 3 * stroke) for stroke in "il")

# `\w` knows the letters of all scripts, but not the marks that are a part of some.
_MARKS: Final = "".join(
    chr(code) for code in (*range(0x900, 0x1AB0), 0x3099, 0x309A) if unicodedata.category(chr(code))[0] == "M"
)
_LETTER: Final = rf"\w{_MARKS}"
_WORD: Final = re.compile(rf"[{_LETTER}]+")
_RUN: Final = re.compile(rf"[{_LETTER}{_SIGNS}]+")
_STRETCHED: Final = re.compile(r"(.)\1{2,}")
_UNSPACED_SCRIPT: Final = re.compile(  # Thai, Lao, Burmese, Khmer, Kana, Han
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U000323af]"
)


def _apart(letter: str) -> re.Pattern[str]:
    """Match single letters with one to three other characters between two of them."""
    return re.compile(rf"(?<![{letter}])[{letter}](?:[^{letter}]{{1,3}}[{letter}](?![{letter}]))+")


_APART: Final = ((_apart(_LETTER), _WORD), (_apart(_LETTER + _SIGNS), _RUN))
_MIN_APART: Final = 3

_ONE_LETTER_WORDS: Final = "aio"
"""They may stand before letters that are set apart without being of the word."""


class WordList:
    """Blocks texts that hold one of a list of words, as a whole word.

    Case, accents, invisible characters and lookalikes of Latin letters make no difference.
    A word is also found with digits and signs for letters (`w0rd`), with letters set
    apart (`w-o-r d`), and stretched (`wooord`). In scripts that are written without
    spaces it is found anywhere.

    Args:
        words: Letters and digits. With a `*` at its end one stands for all words that begin so.

    Raises:
        ValueError: What is no word.
    """

    __slots__ = ("_anywhere", "_stem_lengths", "_stems", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._stems: set[str] = set()
        self._anywhere: set[str] = set()
        for word in words:
            self._add(word)
        self._stem_lengths = sorted(set(map(len, self._stems)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file in UTF-8 with a word a line; what begins with `#` is a comment.

        Raises:
            OSError: It cannot be read.
            ValueError: It is longer than 1 MiB, or a line is no word.
        """
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError(f"{path} is longer than {MAX_FILE_BYTES} bytes.")
        lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
        return cls(line for line in lines if line and not line.startswith("#"))

    async def check(self, text: str) -> Verdict:
        """See `Moderator`. Waits for nothing."""
        return _BLOCKED if self.finds(text) else ALLOWED

    def finds(self, text: str) -> bool:
        """Tell whether a text holds one of the words."""
        folded = _fold(text)
        return any(map(self._knows, set(_readings(folded)))) or any(word in folded for word in self._anywhere)

    def _add(self, written: str) -> None:
        is_stem = written.endswith("*")
        word = _fold(written.removesuffix("*"))
        if _WORD.fullmatch(word) is None:
            raise ValueError(f"{written!r} is not a word of letters and digits, with or without a * at its end.")
        if _UNSPACED_SCRIPT.search(word) is not None:
            self._anywhere.add(word)
        else:
            (self._stems if is_stem else self._words).add(word)

    def _knows(self, word: str) -> bool:
        return word in self._words or any(word[:length] in self._stems for length in self._stem_lengths)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKD", text).casefold().translate(_FOLDED)


def _readings(folded: str) -> Iterator[str]:
    """Name every word that a text can be read as having."""
    for run in set(_RUN.findall(folded)):
        yield from _readings_of_run(run)
    for apart, unit in _APART:
        for letters in apart.findall(folded):
            joined = "".join(unit.findall(letters))
            if len(joined) >= _MIN_APART:
                yield from _readings_of_run(joined)
                if joined[0] in _ONE_LETTER_WORDS:
                    yield from _readings_of_run(joined[1:])


def _readings_of_run(run: str) -> Iterator[str]:
    """Read letters, digits and signs that stand together.

    Signs at an edge may be letters or punctuation; those in the middle may part two words.
    """
    if run.isalpha():
        yield from _shortened(run)
        return
    inner = {run, run.strip("!"), run.strip(_SIGNS), run.lstrip(_SIGNS), run.rstrip(_SIGNS)}
    for spelled in inner.union(_WORD.findall(run)):
        yield from _shortened(spelled)
        if not _is_number(spelled):
            for reading in _READINGS:
                yield from _shortened(spelled.translate(reading))


def _is_number(spelled: str) -> bool:
    # A55 is a road and 455 a house; in a word that somebody disguised most letters are left.
    return sum(map(str.isdigit, spelled)) * 2 > len(spelled)


def _shortened(word: str) -> Iterator[str]:
    yield word
    if _STRETCHED.search(word) is not None:
        yield _STRETCHED.sub(r"\1\1", word)
        yield _STRETCHED.sub(r"\1", word)
