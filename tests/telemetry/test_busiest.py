from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.auth.issuer import law

from gator.telemetry.busiest import Busiest


def test_the_busiest_come_first_with_their_pace() -> None:
    busiest = Busiest(now=100.0)
    busiest.count("quiet", 1, 2)
    busiest.count("loud", 4, 40)
    found = [(load.key, load.messages_per_s, load.deliveries_per_s) for load in busiest.top(10, now=102.0)]
    assert found == [("loud", 2.0, 20.0), ("quiet", 0.5, 1.0)]


def test_no_more_are_told_than_were_asked_for() -> None:
    busiest = Busiest()
    for n in range(20):
        busiest.count(f"room-{n}", n, 0)
    assert [load.key for load in busiest.top(2, now=1.0)] == ["room-19", "room-18"]


def test_slices_are_told_together() -> None:
    busiest = Busiest(now=0.0, slices=5)
    for second in (2.0, 4.0, 6.0):
        busiest.count("room", 2, 8)
        busiest.turn(second)
    [load] = busiest.top(10, now=6.0)
    assert (load.messages_per_s, load.deliveries_per_s) == (1.0, 4.0)


def test_what_was_long_ago_is_forgotten() -> None:
    busiest = Busiest(now=0.0, slices=2)
    busiest.count("old", 100, 100)
    for second in (2.0, 4.0, 6.0):
        busiest.turn(second)
    busiest.count("new", 1, 1)
    assert [load.key for load in busiest.top(10, now=7.0)] == ["new"]


def test_at_its_very_beginning_there_is_no_pace() -> None:
    busiest = Busiest(now=5.0)
    busiest.count("room", 1, 1)
    assert busiest.top(10, now=5.0) == []


@law
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_a_loud_one_is_found_among_any_number_of_others(seed: int, kept: int) -> None:
    random = Random(seed)
    busiest = Busiest(now=0.0, kept=kept)
    for n in range(500):
        busiest.count(f"other-{random.randrange(10_000)}-{n}", 0, 1)
        if random.random() < 0.5:
            busiest.count("loud", 1, 10)
    assert busiest.top(1, now=1.0)[0].key == "loud"


def test_memory_is_bounded_however_many_keys_there_are() -> None:
    busiest = Busiest(kept=8)
    for n in range(1_000):
        busiest.count(f"room-{n}", 1, 1)
    assert len(busiest.top(1_000, now=1.0)) <= 16
