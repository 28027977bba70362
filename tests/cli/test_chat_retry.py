import pytest

from gator.cli.chat.retry import CALM_S, LONGEST_S, Again, Backoff, GiveUp, after_close, after_status
from gator.protocol.errors import CLOSES, RATE_LIMITED, TOKEN_EXPIRED, TOO_MANY_CONNECTIONS, Close


@pytest.mark.parametrize("row", CLOSES, ids=lambda row: row.reason)
def test_every_row_of_the_table_is_obeyed(row: Close) -> None:
    end = after_close(row.code, row.reason)
    assert isinstance(end, Again) is (row.reconnect and row is not TOKEN_EXPIRED)
    assert row.reason in end.why


def test_a_refusal_says_what_it_means_and_what_to_do() -> None:
    assert after_close(1008, "Too many connections") == GiveUp(
        f"Too many connections. {TOO_MANY_CONNECTIONS.meaning}"
    )
    for end in (after_close(1008, "Invalid token"), after_close(4001, "")):
        assert isinstance(end, GiveUp)
        assert "`gator token`" in end.why


def test_a_known_code_with_another_reason_is_obeyed_too() -> None:
    assert after_close(1008, "You snore") == GiveUp("You snore.")
    assert after_close(1013, "Lunch") == Again("Lunch")


def test_who_was_too_fast_stays_away_for_a_while() -> None:
    assert after_close(RATE_LIMITED.code, "") == Again(RATE_LIMITED.reason, CALM_S)


@pytest.mark.parametrize("code", [None, 1000, 1001, 1005, 4999])
def test_from_a_code_without_a_row_one_comes_back(code: int | None) -> None:
    assert after_close(code, "") == Again("the connection broke")
    assert after_close(code, "Why") == Again("Why")


@pytest.mark.parametrize(
    ("status", "again"), [(200, False), (401, False), (404, False), (408, True), (429, True), (502, True)]
)
def test_an_http_answer_is_judged_by_its_status(status: int, *, again: bool) -> None:
    end = after_status(status)
    assert isinstance(end, Again) is again
    assert str(status) in end.why


def test_waits_double_up_to_a_bound_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(lambda: 1.0)
    waits = [backoff.next_s() for _ in range(40)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert set(waits[5:]) == {LONGEST_S}
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_a_wait_is_anything_between_nothing_and_its_bound() -> None:
    drawn = iter([0.0, 0.5])
    backoff = Backoff(lambda: next(drawn))
    assert [backoff.next_s(), backoff.next_s()] == [0.0, 0.5]
