"""Counters and histograms for the path of a message, where every microsecond counts.

The ones of prometheus_client take a lock for each change and a look-up for each label,
which together were a tenth of a message's cost. These belong to one thread, the event
loop's, and are plain numbers that prometheus_client reads when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class _Count:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, by: int = 1) -> None:
        """Count."""
        self.value += by


class Tally(_Count, Collector):
    """A counter without labels."""

    __slots__ = ("_help", "_name")

    def __init__(self, name: str, documentation: str, *, registry: CollectorRegistry) -> None:
        super().__init__()
        self._name = name
        self._help = documentation
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        yield CounterMetricFamily(self._name, self._help, value=self.value)


class LabelledTally(Collector):
    """A counter with one label, of few values."""

    def __init__(self, name: str, documentation: str, label: str, *, registry: CollectorRegistry) -> None:
        self._name = name
        self._help = documentation
        self._label = label
        self._counts: dict[str, _Count] = {}
        registry.register(self)

    def labels(self, value: str) -> _Count:
        """Get the counter of one value of the label."""
        count = self._counts.get(value)
        if count is None:
            count = self._counts[value] = _Count()
        return count

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        family = CounterMetricFamily(self._name, self._help, labels=[self._label])
        for value, count in self._counts.copy().items():
            family.add_metric([value], count.value)
        yield family


class Distribution(Collector):
    """A histogram without labels.

    Args:
        bounds: Upper bounds of the buckets, ascending, none negative; a last one without bound is added.
        registry: None keeps it from being exposed.
    """

    __slots__ = ("_bounds", "_counts", "_help", "_name", "_sum")

    def __init__(
        self, name: str, documentation: str, *, bounds: Sequence[float], registry: CollectorRegistry | None
    ) -> None:
        self._name = name
        self._help = documentation
        self._bounds = tuple(map(float, bounds))
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        if registry is not None:
            registry.register(self)

    def observe(self, value: float) -> None:
        """Count a value in its bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        buckets = [(name, float(count)) for name, count in zip(names, accumulate(self._counts), strict=True)]
        yield HistogramMetricFamily(self._name, self._help, buckets=buckets, sum_value=self._sum)
