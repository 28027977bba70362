"""How fast counters rose lately: the difference of two readings of them."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.registry import Collector

KEPT: Final = 40

Reading = Mapping[tuple[str, tuple[str, ...]], float]
"""Values by the name of the sample and the values of its labels."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between two readings.

    Attributes:
        seconds: Between the two.
    """

    seconds: float
    rises: Reading

    def per_second(self, sample: str) -> float:
        """Tell how fast a counter rose, summed over its labels."""
        rise = sum(rise for (name, _), rise in self.rises.items() if name == sample)
        return rise / self.seconds if self.seconds > 0 else 0.0

    def by_label(self, sample: str) -> dict[str, float]:
        """Tell by how much a counter rose, by its labels; those that did not are left out."""
        risen = {
            " ".join(labels): rise for (name, labels), rise in self.rises.items() if name == sample and rise > 0
        }
        return dict(sorted(risen.items()))

    def buckets(self, histogram: str) -> list[tuple[float, float]]:
        """List the upper bounds of a histogram's buckets, ascending, and how many values each one got."""
        cumulative: Counter[float] = Counter()
        for (name, labels), rise in self.rises.items():
            if name == f"{histogram}_bucket":
                cumulative[float(labels[-1])] += rise  # type: ignore[assignment] # counts are whole
        bounds = sorted(cumulative)
        totals = [cumulative[bound] for bound in bounds]
        return [(bound, high - low) for bound, low, high in zip(bounds, [0, *totals], totals, strict=False)]


class Recent:
    """Readings of some counters and histograms, the last `KEPT` of them."""

    __slots__ = ("_collectors", "_readings")

    def __init__(self, collectors: Sequence[Collector]) -> None:
        self._collectors = collectors
        self._readings: deque[tuple[float, Reading]] = deque(maxlen=KEPT)

    def take(self, now: float) -> None:
        """Take a reading, at a moment in monotonic seconds."""
        self._readings.append((now, self._read()))

    def since(self, seconds: float, now: float) -> Interval:
        """Compare this moment with the last reading that is so old, or else with the oldest."""
        before: Reading = {}
        at = now
        for taken_at, reading in reversed(self._readings):
            at, before = taken_at, reading
            if now - taken_at >= seconds:
                break
        rises = {key: value - before.get(key, 0.0) for key, value in self._read().items()}
        return Interval(now - at, rises)

    def _read(self) -> Reading:
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for collector in self._collectors
            for metric in collector.collect()
            for sample in metric.samples
        }


def quantile(buckets: Iterable[tuple[float, float]], share: float) -> float | None:
    """Estimate below which value a share of all values lies; None if there are none.

    Within a bucket values count as spread evenly. Beyond the last bound nothing is known,
    so that bound is told.
    """
    bounds, counts = zip(*buckets, strict=True) if (buckets := list(buckets)) else ((), ())
    total = sum(counts)
    if total <= 0:
        return None
    wanted = share * total
    low = 0.0
    for bound, count, reached in zip(bounds, counts, accumulate(counts), strict=True):
        if bound == float("inf"):
            return low
        if reached >= wanted and count > 0:
            return float(bound - (bound - low) * (reached - wanted) / count)
        low = bound
    return low
