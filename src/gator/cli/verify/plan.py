"""The plan of a run, from a seed: what each client says, and how it makes trouble."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Manner = Literal[
    "once",
    "again",
    "an_earlier_one",
    "on_two_connections",
    "over_http",
    "other_content",
    "into_the_dark",
]
"""How a message is sent: `into_the_dark` drops the socket at once, before any answer."""

MANNERS: Final[dict[Manner, int]] = {
    "once": 64,
    "again": 8,
    "an_earlier_one": 6,
    "on_two_connections": 8,
    "over_http": 6,
    "other_content": 4,
    "into_the_dark": 4,
}
"""Out of a hundred messages."""

MOST_AWAY_S: Final = 2.0
MOST_FROZEN_S: Final = 3.0
LONGEST: Final = 3_000
"""Characters of the longest message."""

FEWEST_FAULTS: Final = 4
"""Faults that a client makes on average, however few its messages are."""

_WORDS: Final = ("tea", "Grüße", "日本語", "🐊🐊", 'a "quote" \\ \n line', "\u202eright to left", "  blank  ")


@dataclass(frozen=True, slots=True)
class Say:
    """Say something new, `wait_s` after the step before."""

    wait_s: float
    conversation: int
    words: str
    manner: Manner


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave, by the book or without a word, and come back later."""

    by_the_book: bool
    away_s: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """Read nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Rejoin:
    """Join a conversation again on the same connection."""

    conversation: int


@dataclass(frozen=True, slots=True)
class Type:
    """Show that the user is typing."""

    conversation: int


Step = Say | Drop | Freeze | Rejoin | Type


def plan(
    dice: Random, *, messages: int, conversations: int, seconds: float, longest: int = LONGEST
) -> Iterator[Step]:
    """Yield the steps of one client.

    Args:
        messages: What it says in all.
        conversations: Those it is in; steps name them by number.
        seconds: Over which it says that, faults not counted.
        longest: Characters of the longest message that the server takes.
    """
    if messages == 0:
        return
    trouble = min(0.5, max(0.08, FEWEST_FAULTS / messages))
    for number in range(messages):
        manner = dice.choices(list(MANNERS), list(MANNERS.values()))[0]
        wait_s = dice.uniform(0, 2 * seconds / messages)
        words = _words(dice, min(longest, LONGEST))
        yield Say(wait_s, dice.randrange(conversations), f"{number} {words}"[:longest], manner)
        if dice.random() < trouble:
            yield _trouble(dice, conversations, seconds)


def _words(dice: Random, longest: int) -> str:
    if dice.random() < 0.05:
        return "x" * dice.randrange(longest)
    return " ".join(dice.choices(_WORDS, k=dice.randrange(1, 6)))


def _trouble(dice: Random, conversations: int, seconds: float) -> Step:
    kind = dice.choices((Drop, Freeze, Rejoin, Type), (40, 25, 15, 20))[0]
    if kind is Drop:
        return Drop(dice.random() < 0.25, dice.choice((0.0, dice.uniform(0, min(MOST_AWAY_S, seconds / 5)))))
    if kind is Freeze:
        return Freeze(dice.uniform(0.1, min(MOST_FROZEN_S, max(0.2, seconds / 5))))
    return Rejoin(dice.randrange(conversations)) if kind is Rejoin else Type(dice.randrange(conversations))


def restarts(dice: Random, seconds: float) -> Iterator[float]:
    """Yield the waits between restarts of the server: every few seconds, for ever."""
    yield dice.uniform(0.1, 0.3) * min(seconds, 10.0)
    while True:
        yield dice.uniform(2.0, 6.0)
