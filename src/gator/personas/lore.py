"""Which entries of a persona's lore it knows now, because one of their keys was said.

A key is found where its words stand side by side, as whole words. Scripts that are written
without spaces have no words that could be told apart: there every character counts as one,
and a key is found anywhere.

The work is linear in the text and in the keys, whatever they are: for each length that a key
has, in words, every run of so many words of the text is looked up once.

`use_regex` is kept and not obeyed: a stranger's pattern can take for ever. Its keys are looked
for as the texts they are, which serves the programs that set it for every entry, such as
SillyTavern.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import dropwhile
from typing import Final

from gator.domain.persona import Lore, LoreEntry
from gator.personas.tokens import Estimate

MAX_SCAN_CHARS: Final = 8_192
"""Newest text in which keys are looked for, in code points."""

MAX_KEY_WORDS: Final = 16
"""Longer keys are never found."""

MAX_ROUNDS: Final = 3
"""Times that entries may lead to further ones."""

# Thai and Lao, Myanmar, Khmer, kana, Han with its extensions, half-width kana.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
)
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")


class _Entry:
    """An entry made ready to be found."""

    __slots__ = ("case_sensitive", "constant", "content", "keys", "lore", "secondary_keys")

    def __init__(self, lore: LoreEntry) -> None:
        self.lore = lore
        self.content = _content(lore.content)
        self.constant = lore.constant
        self.case_sensitive = lore.case_sensitive
        self.keys = _keys(lore.keys, lore.case_sensitive)
        self.secondary_keys = _keys(lore.secondary_keys, lore.case_sensitive) if lore.selective else frozenset()

    def is_said(self, heard: set[str]) -> bool:
        """Tell whether one of its keys is among what was heard, and a secondary one if it has such."""
        if self.keys.isdisjoint(heard):
            return False
        return not self.secondary_keys or not self.secondary_keys.isdisjoint(heard)


def known_lore(lore: Lore, messages: Sequence[str], estimate: Estimate) -> list[str]:
    """Name what is known, in the order in which it is to be said.

    Args:
        messages: Oldest first; keys are looked for in the newest `lore.scan_depth`.
        estimate: Measures the entries against `lore.token_budget`: the most important
            ones that fit are known, each whole.
    """
    enabled = [_Entry(entry) for entry in lore.entries if entry.enabled]
    entries = [entry for entry in enabled if entry.content]
    depth = max(0, lore.scan_depth)
    found = _found(entries, messages[-depth:] if depth else (), MAX_ROUNDS if lore.recursive else 0)
    kept = _within(lore.token_budget, found, estimate)
    return [entry.content for entry in sorted(kept, key=lambda entry: entry.lore.insertion_order)]


def _found(entries: list[_Entry], messages: Iterable[str], rounds: int) -> list[_Entry]:
    known = [entry for entry in entries if entry.constant]
    hidden = [entry for entry in entries if not entry.constant]
    ears = [_Ear(hidden, case_sensitive=yes) for yes in (False, True)]
    texts = [*messages, *(entry.content for entry in known if rounds)]
    for _ in range(1 + rounds):
        for ear in ears:
            ear.listen(texts)
        fresh = [entry for entry in hidden if entry.is_said(ears[entry.case_sensitive].heard)]
        if not fresh:
            break
        known += fresh
        hidden = [entry for entry in hidden if not entry.is_said(ears[entry.case_sensitive].heard)]
        texts = [entry.content for entry in fresh]
    return known


class _Ear:
    """All runs of words that were said and are as long as a key that somebody waits for."""

    def __init__(self, entries: Iterable[_Entry], *, case_sensitive: bool) -> None:
        keys = [
            key
            for entry in entries
            if entry.case_sensitive == case_sensitive
            for key in entry.keys | entry.secondary_keys
        ]
        self._lengths = {1 + key.count(" ") for key in keys}
        self._case_sensitive = case_sensitive
        self.heard: set[str] = set()

    def listen(self, texts: Sequence[str]) -> None:
        """Hear texts, oldest first; of the newest `MAX_SCAN_CHARS` code points in all."""
        left = MAX_SCAN_CHARS if self._lengths else 0
        for text in reversed(texts):
            if not left:
                break
            words = _words(text[-left:], self._case_sensitive)
            left -= min(left, len(text))
            for length in self._lengths:
                self.heard.update(" ".join(words[at : at + length]) for at in range(len(words) - length + 1))


def _within(token_budget: int, entries: list[_Entry], estimate: Estimate) -> list[_Entry]:
    left = token_budget
    kept = []
    for entry in sorted(entries, key=lambda entry: (-entry.lore.priority, entry.lore.insertion_order)):
        tokens = estimate(f"{entry.content}\n")
        if tokens <= left:
            left -= tokens
            kept.append(entry)
    return kept


def _content(text: str) -> str:
    # Card format V3, "Decorators": lines at the head that ask for what we do not do are not said.
    lines = dropwhile(lambda line: not line.strip() or line.startswith("@@"), text.strip().split("\n"))
    return "\n".join(lines)


@lru_cache(4096)
def _keys(keys: tuple[str, ...], case_sensitive: bool) -> frozenset[str]:
    found = (_words(key, case_sensitive) for key in keys)
    return frozenset(" ".join(words) for words in found if 0 < len(words) <= MAX_KEY_WORDS)


def _words(text: str, case_sensitive: bool) -> list[str]:
    # Compatibility forms may be 18 times as long as what they stand for (U+FDFA): cut again.
    text = unicodedata.normalize("NFKC", text)[:MAX_SCAN_CHARS]
    words: list[str] = _WORD.findall(text if case_sensitive else text.casefold())
    return words
