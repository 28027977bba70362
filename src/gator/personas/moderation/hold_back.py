"""Holding a stream back until whole words, and mostly whole sentences, can be judged."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

LONGEST_RUN: Final = 160
"""Characters without a place to cut after which the text is cut anywhere: the bound of what is held."""

# Signs that stand for letters (`$hit`) count as parts of words here as in the word list.
_GAP: Final = re.compile(r"\s+|[。、，？]")
_ENDS_IN_A_WORD: Final = re.compile(r"[^\W_]{2}[@$!|+]*[^\w\s@$!|+]*\Z")
_ENDS_A_SENTENCE: Final = re.compile(r"""[.!?…]["'”’»)\]]*\Z""")


class HoldBack:
    """Lets a text pass in steps: a sentence, or the whole words of at least `chars` characters.

    A step ends after a word of two letters or more and what separates it from the next one.
    So neither a word nor a row of single letters (`b a d`) is ever cut, unless nothing
    can be cut for `LONGEST_RUN` characters. What comes out is what went in.

    Args:
        chars: 0 lets the text pass word by word.
    """

    __slots__ = ("_chars", "_held")

    def __init__(self, chars: int = 40) -> None:
        self._chars = chars
        self._held = ""

    def feed(self, text: str) -> str:
        """Take more of the text; returns what may pass now, often nothing."""
        self._held += text
        place = self._place()
        step, self._held = self._held[:place], self._held[place:]
        return step

    def flush(self) -> str:
        """Let the rest pass, because no more will come."""
        rest, self._held = self._held, ""
        return rest

    def _place(self) -> int:
        word = sentence = 0
        for word, ends_a_sentence in _places(self._held):
            if ends_a_sentence:
                sentence = word
        place = word if len(self._held) >= self._chars else sentence
        return len(self._held) if len(self._held) - place > LONGEST_RUN else place


def _places(text: str) -> Iterator[tuple[int, bool]]:
    """Find where a text may be cut, each with whether a sentence ends there."""
    begin = 0
    for gap in _GAP.finditer(text):
        before = text[begin : gap.start()]
        begin = gap.end()
        if _ENDS_IN_A_WORD.search(unicodedata.normalize("NFKD", before)) is not None:
            yield begin, "\n" in gap[0] or gap[0] in "。？" or _ENDS_A_SENTENCE.search(before) is not None
