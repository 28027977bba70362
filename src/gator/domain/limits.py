"""How much in how short a time: token buckets."""

from dataclasses import dataclass
from math import ceil
from typing import Final

FORGET_AFTER: Final = 10_000
"""Buckets kept before full ones, which say nothing, are swept out."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A steady rate and a burst on top.

    Attributes:
        per_second: Tokens that come back each second; above 0.
        burst: Tokens in a full bucket; at least 1.
    """

    per_second: float
    burst: float


class Buckets:
    """A token bucket for each key, such as a user or an address.

    A bucket outlives the connection that emptied it, so coming back does not
    refill it. Memory is bounded by the keys seen within one refill time.
    """

    __slots__ = ("_buckets", "_sweep_at", "rate")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}
        self._sweep_at = FORGET_AFTER

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> int:
        """Take a token.

        Args:
            key: Whose bucket.
            now: Monotonic seconds.

        Returns:
            0 if there was one, else the milliseconds until there is.
        """
        rate = self.rate
        tokens, at = self._buckets.get(key, (rate.burst, now))
        tokens = min(rate.burst, tokens + (now - at) * rate.per_second)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return ceil((1 - tokens) / rate.per_second * 1000)
        self._buckets[key] = (tokens - 1, now)
        if len(self._buckets) > self._sweep_at:
            self._sweep(now)
        return 0

    def forget(self, key: str) -> None:
        """Drop a key that will not come back."""
        self._buckets.pop(key, None)

    def _sweep(self, now: float) -> None:
        refill_s = self.rate.burst / self.rate.per_second
        self._buckets = {key: (n, at) for key, (n, at) in self._buckets.items() if now - at < refill_s}
        self._sweep_at = max(FORGET_AFTER, 2 * len(self._buckets))
