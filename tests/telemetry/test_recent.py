import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from gator.telemetry.recent import KEPT, Recent, quantile

INF = float("inf")


class Counters:
    """A counter, one with a label, a histogram, and readings of them."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.plain = Counter("plain", "x", registry=registry)
        self.coded = Counter("coded", "x", ["code"], registry=registry)
        self.seconds = Histogram("seconds", "x", ["route"], buckets=(1, 2), registry=registry)
        self.recent = Recent((self.plain, self.coded, self.seconds))


@pytest.fixture
def counters() -> Counters:
    return Counters()


def test_a_pace_is_told_over_the_time_that_was_asked_for(counters: Counters) -> None:
    for second in range(20):
        counters.recent.take(float(second))
        counters.plain.inc(second)
    interval = counters.recent.since(4, now=20.0)
    assert interval.seconds == 4
    assert interval.per_second("plain_total") == (16 + 17 + 18 + 19) / 4


def test_soon_after_the_start_the_time_since_then_counts(counters: Counters) -> None:
    counters.plain.inc(7)
    counters.recent.take(100.0)
    counters.plain.inc(6)
    interval = counters.recent.since(60, now=103.0)
    assert (interval.seconds, interval.per_second("plain_total")) == (3, 2)


def test_in_the_instant_of_the_start_there_is_no_pace(counters: Counters) -> None:
    counters.recent.take(100.0)
    counters.plain.inc()
    assert counters.recent.since(10, now=100.0).per_second("plain_total") == 0


def test_before_any_reading_there_is_no_pace(counters: Counters) -> None:
    assert counters.recent.since(10, now=100.0).per_second("plain_total") == 0


def test_labels_are_told_apart_and_summed_up(counters: Counters) -> None:
    counters.coded.labels("old").inc()
    counters.recent.take(0.0)
    counters.coded.labels("b").inc(4)
    counters.coded.labels("a").inc(2)
    interval = counters.recent.since(2, now=2.0)
    assert list(interval.by_label("coded_total").items()) == [("a", 2), ("b", 4)]
    assert interval.per_second("coded_total") == 3


def test_values_of_a_histogram_are_counted_by_bucket_over_all_labels(counters: Counters) -> None:
    counters.seconds.labels("x").observe(0.5)
    counters.recent.take(0.0)
    counters.seconds.labels("x").observe(0.5)
    counters.seconds.labels("y").observe(1.5)
    counters.seconds.labels("y").observe(9)
    counters.seconds.labels("y").observe(9)
    assert counters.recent.since(1, now=1.0).buckets("seconds") == [(1, 1), (2, 1), (INF, 2)]


def test_readings_are_bounded(counters: Counters) -> None:
    for second in range(KEPT + 10):
        counters.recent.take(float(second))
    assert counters.recent.since(10 * KEPT, now=float(KEPT + 10)).seconds == KEPT


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (0.99, 3.96), (1.0, 4.0)]
)
def test_within_a_bucket_values_are_spread_evenly(share: float, value: float) -> None:
    assert quantile([(1, 0), (2, 50), (4, 50), (INF, 0)], share) == pytest.approx(value)


def test_beyond_the_last_bound_that_bound_is_told() -> None:
    assert quantile([(1, 0), (2, 1), (INF, 99)], 0.5) == 2


@pytest.mark.parametrize("buckets", [[], [(1.0, 0.0), (INF, 0.0)]])
def test_of_nothing_there_is_no_quantile(buckets: list[tuple[float, float]]) -> None:
    assert quantile(buckets, 0.5) is None
