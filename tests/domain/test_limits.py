import pytest

from gator.domain.limits import FORGET_AFTER, Buckets, Rate


def test_a_burst_is_granted_and_then_refused() -> None:
    buckets = Buckets(Rate(per_second=2, burst=3))
    assert [buckets.take("ann", 100) for _ in range(4)] == [0, 0, 0, 500]


def test_tokens_come_back_at_the_rate() -> None:
    buckets = Buckets(Rate(per_second=2, burst=1))
    buckets.take("ann", 100)
    assert buckets.take("ann", 100.25) == 250
    assert buckets.take("ann", 100.5) == 0


def test_a_full_bucket_gets_no_fuller() -> None:
    buckets = Buckets(Rate(per_second=1, burst=2))
    buckets.take("ann", 100)
    assert [buckets.take("ann", 1000) for _ in range(3)] == [0, 0, 1000]


@pytest.mark.parametrize(("per_second", "wait_ms"), [(3, 334), (1_000, 1), (10_000, 1), (0.5, 2_000)])
def test_the_wait_is_rounded_up_so_that_it_is_long_enough(per_second: float, wait_ms: int) -> None:
    buckets = Buckets(Rate(per_second=per_second, burst=1))
    buckets.take("ann", 0)
    assert buckets.take("ann", 0) == wait_ms
    assert buckets.take("ann", wait_ms / 1000) == 0


def test_everybody_has_their_own_bucket() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1))
    buckets.take("ann", 100)
    assert buckets.take("bob", 100) == 0
    assert len(buckets) == 2


def test_who_is_forgotten_starts_with_a_full_bucket() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1))
    buckets.take("ann", 100)
    buckets.forget("ann")
    buckets.forget("bob")
    assert len(buckets) == 0
    assert buckets.take("ann", 100) == 0


def test_full_buckets_are_forgotten_and_others_are_kept() -> None:
    buckets = Buckets(Rate(per_second=1, burst=10))
    for number in range(FORGET_AFTER - 1):
        buckets.take(f"user-{number}", 100)
    for _ in range(10):
        buckets.take("busy", 105)
    buckets.take("last", 110)
    assert len(buckets) == 2
    assert buckets.take("busy", 105) > 0


def test_sweeping_waits_until_there_are_twice_as_many_as_could_not_be_forgotten() -> None:
    buckets = Buckets(Rate(per_second=1, burst=10))
    for number in range(FORGET_AFTER + 1):
        buckets.take(f"user-{number}", 100)
    assert len(buckets) == FORGET_AFTER + 1
    for number in range(FORGET_AFTER + 1):
        buckets.take(f"later-{number}", 200)
    assert len(buckets) == 2 * (FORGET_AFTER + 1)
    buckets.take("last", 200)
    assert len(buckets) == FORGET_AFTER + 2
