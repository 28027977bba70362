"""What a run counts and measures besides verdicts."""

from collections import Counter
from dataclasses import dataclass
from math import ceil, floor, log
from typing import Final


@dataclass(slots=True)
class Figures:
    """What was done, and what came of it. `lost` to `holes` are 0 where all is well."""

    composed: int = 0
    """Messages that clients meant to say once."""
    acknowledged: int = 0
    """Of those, how many were acknowledged."""
    sends: int = 0
    """Attempts to say them."""
    on_two_connections: int = 0
    over_http: int = 0
    conflicts: int = 0
    """Messages sent again with other content."""
    told: int = 0
    """Durable events that clients were told."""
    told_again: int = 0
    """Those told twice on one connection, as is allowed."""
    dropped: int = 0
    """Sockets dropped by this program."""
    frozen: int = 0
    """Times that a socket was not read for a while."""
    rejoins: int = 0
    """Conversations joined again on the same connection."""
    closed_by_server: int = 0
    reconnects: int = 0
    restarts: int = 0
    """Times that the restart command was run."""
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    holes: int = 0


_PRECISION: Final = log(1.02)
_SHORTEST_S: Final = 1e-6


class Latencies:
    """Durations, kept within 2 %: memory does not grow with their number."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.max_s = 0.0

    def __len__(self) -> int:
        return self._buckets.total()

    def add(self, seconds: float) -> None:
        """Take a duration in."""
        self._buckets[floor(log(max(seconds, _SHORTEST_S) / _SHORTEST_S) / _PRECISION)] += 1
        self.max_s = max(self.max_s, seconds)

    def percentile_s(self, percent: float) -> float | None:
        """Find the duration that so many percent do not exceed; None without any."""
        wanted = ceil(len(self) * percent / 100)
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                upper_s: float = _SHORTEST_S * 1.02 ** (bucket + 1)
                return min(upper_s, self.max_s)
        return None
