from hypothesis import given
from hypothesis import strategies as st

from gator.personas.breaker import Breaker, Ticket


def admitted(breaker: Breaker, now: float) -> Ticket:
    ticket = breaker.admit(now)
    assert ticket is not None
    return ticket


def fail(breaker: Breaker, now: float, times: int = 1) -> None:
    for _ in range(times):
        breaker.failed(admitted(breaker, now), now)


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(failures=3, window_s=30.0, cool_down_s=10.0)
    fail(breaker, now, times=3)
    assert breaker.state(now) == "open"
    return breaker


def test_a_new_breaker_lets_everything_through() -> None:
    breaker = Breaker()
    assert breaker.state(0.0) == "closed"
    assert breaker.opens_in_s(0.0) == 0.0
    assert all(breaker.admit(0.0) is not None for _ in range(100))


def test_failures_in_a_row_open_it_and_not_one_less() -> None:
    breaker = Breaker(failures=3)
    fail(breaker, 0.0, times=2)
    assert breaker.state(0.0) == "closed"
    fail(breaker, 0.0)
    assert breaker.state(0.0) == "open"
    assert breaker.admit(0.0) is None


def test_a_success_between_failures_begins_the_count_anew() -> None:
    breaker = Breaker(failures=3)
    fail(breaker, 0.0, times=2)
    breaker.succeeded(admitted(breaker, 0.0))
    fail(breaker, 0.0, times=2)
    assert breaker.state(0.0) == "closed"


def test_failures_that_are_far_apart_do_not_open_it() -> None:
    breaker = Breaker(failures=3, window_s=30.0)
    for now in (0.0, 15.0, 30.1, 45.2):
        fail(breaker, now)
        assert breaker.state(now) == "closed"
    fail(breaker, 45.3)
    assert breaker.state(45.3) == "open"


def test_it_stays_open_for_its_cool_down() -> None:
    breaker = opened()
    assert breaker.opens_in_s(4.0) == 6.0
    assert breaker.admit(9.9) is None
    assert breaker.state(10.0) == "half_open"
    assert breaker.opens_in_s(10.0) == 0.0


def test_half_open_it_lets_one_probe_through() -> None:
    breaker = opened()
    assert breaker.admit(10.0) is not None
    assert breaker.admit(10.0) is None
    assert breaker.admit(1000.0) is None


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.succeeded(admitted(breaker, 10.0))
    assert breaker.state(10.0) == "closed"
    fail(breaker, 10.0, times=2)
    assert breaker.state(10.0) == "closed", "failures from before count no more"


def test_a_probe_that_fails_opens_it_for_another_cool_down() -> None:
    breaker = opened()
    fail(breaker, 12.0)
    assert breaker.admit(21.9) is None
    assert breaker.admit(22.0) is not None


def test_a_probe_that_told_nothing_makes_room_for_another() -> None:
    breaker = opened()
    breaker.let_go(admitted(breaker, 10.0))
    assert breaker.state(10.0) == "half_open"
    assert breaker.admit(10.0) is not None


def test_a_call_from_before_tells_nothing_about_now() -> None:
    breaker = Breaker(failures=3, cool_down_s=10.0)
    early = admitted(breaker, 0.0)
    fail(breaker, 0.0, times=3)
    breaker.succeeded(early)
    assert breaker.state(0.0) == "open"
    probe = admitted(breaker, 10.0)
    breaker.failed(early, 10.0)
    breaker.let_go(early)
    assert breaker.admit(10.0) is None, "the probe is still out"
    breaker.succeeded(probe)
    assert breaker.state(10.0) == "closed"


@given(st.lists(st.tuples(st.sampled_from(["succeeded", "failed", "let_go"]), st.floats(0, 20)), max_size=60))
def test_whatever_happens_a_call_is_let_through_again_in_time(steps: list[tuple[str, float]]) -> None:
    breaker = Breaker(failures=2, window_s=30.0, cool_down_s=10.0)
    now = 0.0
    for outcome, later_s in steps:
        now += later_s
        ticket = breaker.admit(now)
        assert (ticket is None) == (breaker.opens_in_s(now) > 0), "no probe is out here"
        if ticket is None:
            continue
        match outcome:
            case "succeeded":
                breaker.succeeded(ticket)
            case "failed":
                breaker.failed(ticket, now)
            case _:
                breaker.let_go(ticket)
    assert breaker.admit(now + 10.0) is not None
