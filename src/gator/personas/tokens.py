"""How many tokens a text has: guessed rather too high, and corrected by what providers count."""

from collections.abc import Callable, Iterable
from typing import Final

from gator.ports import Turn

Estimate = Callable[[str], int]
"""Tokens of a text. Never more for a part of a text than for the whole, and never more for two
texts joined than for both apart: what is cut and joined to fit a budget relies on that."""

BYTES_PER_TOKEN: Final = 3
"""Fewer than the vocabularies in use need for most text, so that the guess is rather too high."""

TURN_TOKENS: Final = 4
"""What a chat template puts around a turn."""

MIN_RATIO: Final = 0.4
MAX_RATIO: Final = 4.0
MIN_OBSERVED: Final = 32
"""Shorter prompts say more about the template than about the text."""

RISE: Final = 0.5
FALL: Final = 0.1
"""How much of a new observation counts. A guess that is too low costs a refused request,
one that is too high only some older messages: so it rises fast and falls slowly."""

ONE: Final = 1 << 20
"""Ratios are whole numbers of this part: rounded floats could make a whole cost more than its parts."""

MAX_MODELS: Final = 256


def estimate(text: str) -> int:
    """Guess the tokens of a text: its bytes of UTF-8 by three, rounded up."""
    size_bytes = len(text) if text.isascii() else len(text.encode(errors="replace"))
    return -(-size_bytes // BYTES_PER_TOKEN)


def prompt_tokens(turns: Iterable[Turn], estimate: Estimate) -> int:
    """Guess the tokens of a prompt's turns, with what the template adds."""
    return sum(TURN_TOKENS + estimate(turn.content) for turn in turns)


class Calibration:
    """The ratio of a model's own count to the plain `estimate`, between `MIN_RATIO` and `MAX_RATIO`."""

    __slots__ = ("_ratio",)

    def __init__(self) -> None:
        self._ratio = ONE

    @property
    def ratio(self) -> float:
        """By how much the plain estimate is multiplied."""
        return self._ratio / ONE

    def observe(self, estimated: int, actual: int) -> None:
        """Learn from a call.

        Args:
            estimated: By the plain `estimate`, and not by this one: then calls that ran
                at the same time may be observed in any order.
            actual: As the provider counted; 0 or less says nothing.
        """
        if estimated < MIN_OBSERVED or actual <= 0:
            return
        seen = ONE * min(MAX_RATIO, max(MIN_RATIO, actual / estimated))
        self._ratio += round((seen - self._ratio) * (RISE if seen > self._ratio else FALL))

    def estimate(self, text: str) -> int:
        """Guess the tokens of a text, corrected."""
        return -(-estimate(text) * self._ratio // ONE)


class Calibrations:
    """A calibration for each model of each provider; of `MAX_MODELS` the oldest is forgotten."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str | None], Calibration] = {}

    def of(self, provider: str, model: str | None) -> Calibration:
        """Find the calibration of a model, or begin it."""
        known = self._of.get((provider, model))
        if known is None:
            if len(self._of) >= MAX_MODELS:
                del self._of[next(iter(self._of))]
            known = self._of[provider, model] = Calibration()
        return known
