"""`gator.telemetry.tallies` show what prometheus_client's own metrics would."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest
from tests.laws.histories import law

from gator.telemetry.metrics import BATCH_BUCKETS, DURATION_BUCKETS, LATENCY_BUCKETS
from gator.telemetry.tallies import Distribution, LabelledTally, Tally

HELP = 'Things seen, with a \\ and\na second line and "quotes".'


@pytest.fixture(autouse=True, scope="module")
def _as_in_metrics() -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]


def both() -> tuple[CollectorRegistry, CollectorRegistry]:
    return CollectorRegistry(), CollectorRegistry()


@pytest.mark.parametrize("name", ["gator_things", "gator_things_total"])
@pytest.mark.parametrize("steps", [[], [1], [1, 5, 0], [2**53, 1], [10**15] * 3])
def test_a_tally_is_shown_as_a_counter(name: str, steps: list[int]) -> None:
    ours, theirs = both()
    tally, counter = Tally(name, HELP, registry=ours), Counter(name, HELP, registry=theirs)
    for by in steps:
        tally.inc(by)
        counter.inc(by)
        assert generate_latest(ours) == generate_latest(theirs)
    assert generate_latest(ours) == generate_latest(theirs)
    assert ours.get_sample_value("gator_things_total") == sum(steps)


def test_a_tally_counts_one_unless_told_otherwise() -> None:
    registry = CollectorRegistry()
    tally = Tally("gator_things", HELP, registry=registry)
    tally.inc()
    tally.inc()
    assert registry.get_sample_value("gator_things_total") == 2


@pytest.mark.parametrize("values", [[], ["b"], ["b", "a", "b", "c"], ["", 'say "hi"', "a\nb", "\\", "名"]])
def test_a_labelled_tally_is_shown_as_a_labelled_counter(values: list[str]) -> None:
    ours, theirs = both()
    tally = LabelledTally("gator_things", HELP, "kind", registry=ours)
    counter = Counter("gator_things", HELP, ["kind"], registry=theirs)
    for by, value in enumerate(values):
        tally.labels(value).inc(by)
        counter.labels(value).inc(by)
    assert generate_latest(ours) == generate_latest(theirs)


def test_a_label_that_was_asked_for_is_shown_before_it_is_counted() -> None:
    ours, theirs = both()
    LabelledTally("gator_things", HELP, "kind", registry=ours).labels("a")
    Counter("gator_things", HELP, ["kind"], registry=theirs).labels("a")
    assert generate_latest(ours) == generate_latest(theirs)
    assert ours.get_sample_value("gator_things_total", {"kind": "a"}) == 0


def shown(bounds: Sequence[float], observed: Sequence[float]) -> tuple[bytes, bytes]:
    ours, theirs = both()
    distribution = Distribution("gator_seconds", HELP, bounds=bounds, registry=ours)
    histogram = Histogram("gator_seconds", HELP, buckets=bounds, registry=theirs)
    for value in observed:
        distribution.observe(value)
        histogram.observe(value)
    return generate_latest(ours), generate_latest(theirs)


@pytest.mark.parametrize("bounds", [LATENCY_BUCKETS, DURATION_BUCKETS, BATCH_BUCKETS, (0.5,), (0, 1e-9, 1e9)])
def test_a_distribution_is_shown_as_a_histogram(bounds: Sequence[float]) -> None:
    beside = [bound * factor for bound in bounds for factor in (1 - 1e-9, 1 + 1e-9)]
    for observed in ([], [0], bounds, beside, [*bounds, *beside, *bounds], [1e12], [-1e12, float("inf")]):
        ours, theirs = shown(bounds, observed)
        assert ours == theirs


def test_a_value_on_a_bound_belongs_below_it() -> None:
    registry = CollectorRegistry()
    distribution = Distribution("gator_seconds", HELP, bounds=(1, 2), registry=registry)
    for value in (1, 2, 2.5):
        distribution.observe(value)
    counts = [registry.get_sample_value("gator_seconds_bucket", {"le": le}) for le in ("1.0", "2.0", "+Inf")]
    assert counts == [1, 2, 3]
    assert registry.get_sample_value("gator_seconds_count") == 3
    assert registry.get_sample_value("gator_seconds_sum") == 5.5


@law
@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=6, unique=True).map(sorted),
    st.lists(st.floats(-1e9, 1e9) | st.integers(-5, 5), max_size=20),
)
def test_any_distribution_is_shown_as_a_histogram(bounds: list[float], observed: list[float]) -> None:
    ours, theirs = shown(bounds, [*observed, *bounds])
    assert ours == theirs
