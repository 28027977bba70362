"""No window of time, however chosen, sees more than the burst and what came back in it."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.domain.limits import Buckets, Rate

rates = st.builds(Rate, per_second=st.floats(0.01, 1000), burst=st.floats(1, 50))
gaps_s = st.lists(st.floats(0, 5) | st.floats(0, 0.01), min_size=1, max_size=60)
starts_s = st.floats(0, 1e6)


@law
@given(rates, starts_s, gaps_s)
def test_no_window_grants_more_than_the_burst_and_the_refill(rate: Rate, start: float, gaps: list[float]) -> None:
    buckets = Buckets(rate)
    granted = [at for at in accumulate(gaps, initial=start) if buckets.take("ann", at) == 0]
    for first, begin in enumerate(granted):
        for last, end in enumerate(granted[first:], start=first):
            assert last - first + 1 <= rate.burst + (end - begin) * rate.per_second + 1e-6


@law
@given(rates, starts_s, gaps_s)
def test_who_waits_as_long_as_told_is_served(rate: Rate, start: float, gaps: list[float]) -> None:
    buckets = Buckets(rate)
    at = start
    for gap in gaps:
        at += gap
        wait_ms = buckets.take("ann", at)
        if wait_ms > 0:
            at += wait_ms / 1000 + 1e-6  # a microsecond of grace, because sums of clock readings are rounded
            assert buckets.take("ann", at) == 0


@law
@given(rates, gaps_s)
def test_one_key_takes_nothing_from_another(rate: Rate, gaps: list[float]) -> None:
    alone, shared = Buckets(rate), Buckets(rate)
    for at in accumulate(gaps):
        shared.take("bob", at)
        assert alone.take("ann", at) == shared.take("ann", at)
