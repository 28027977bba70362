from hypothesis import given
from hypothesis import strategies as st

from gator.hub.tail import MAX_BYTES, MAX_EVENTS, Tail
from gator.protocol.types import Seq


def payload(seq: int) -> bytes:
    return f"event {seq}".encode()


def tail(first: int, last: int) -> Tail:
    kept = Tail()
    for seq in range(first, last + 1):
        kept.append(Seq(seq), payload(seq))
    return kept


def test_what_is_missing_is_taken_from_the_end() -> None:
    kept = tail(5, 9)
    assert kept.after(Seq(6), Seq(9)) == [payload(7), payload(8), payload(9)]
    assert kept.after(Seq(4), Seq(9)) == [payload(seq) for seq in range(5, 10)]
    assert kept.after(Seq(9), Seq(9)) == []


def test_a_part_is_never_given() -> None:
    kept = tail(5, 9)
    assert kept.after(Seq(3), Seq(9)) is None
    assert kept.after(Seq(6), Seq(10)) is None
    assert kept.after(Seq(6), Seq(8)) is None
    assert Tail().after(Seq(0), Seq(1)) is None


def test_after_a_hole_it_begins_anew() -> None:
    kept = tail(5, 9)
    kept.append(Seq(11), payload(11))
    assert kept.after(Seq(10), Seq(11)) == [payload(11)]
    assert kept.after(Seq(8), Seq(11)) is None


def test_the_oldest_are_forgotten_first() -> None:
    kept = tail(1, MAX_EVENTS + 1)
    assert kept.after(Seq(0), Seq(MAX_EVENTS + 1)) is None
    assert len(kept.after(Seq(1), Seq(MAX_EVENTS + 1)) or ()) == MAX_EVENTS


def test_what_is_kept_has_a_bound_in_bytes() -> None:
    kept = Tail()
    for seq in range(1, 6):
        kept.append(Seq(seq), b"x" * (MAX_BYTES // 3))
    assert kept.after(Seq(1), Seq(5)) is None
    assert len(kept.after(Seq(2), Seq(5)) or ()) == 3
    kept.append(Seq(6), b"x" * (MAX_BYTES + 1))
    assert kept.after(Seq(5), Seq(6)) is None


def test_a_page_that_reaches_further_replaces_what_is_kept() -> None:
    kept = tail(8, 9)
    kept.fill(Seq(5), [payload(seq) for seq in range(5, 10)])
    assert kept.after(Seq(4), Seq(9)) == [payload(seq) for seq in range(5, 10)]
    kept.append(Seq(10), payload(10))
    assert kept.after(Seq(8), Seq(10)) == [payload(9), payload(10)]


def test_an_older_or_shorter_page_changes_nothing() -> None:
    kept = tail(5, 9)
    kept.fill(Seq(1), [payload(seq) for seq in range(1, 9)])
    kept.fill(Seq(7), [payload(seq) for seq in range(7, 10)])
    assert kept.after(Seq(4), Seq(9)) == [payload(seq) for seq in range(5, 10)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(1, 12)), max_size=30),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_whatever_is_given_is_the_log(moves: list[tuple[bool, int, int]], after: int, head: int) -> None:
    kept = Tail()
    for is_append, first, count in moves:
        if is_append:
            kept.append(Seq(first), payload(first))
        else:
            kept.fill(Seq(first), [payload(seq) for seq in range(first, first + count)])
    given_payloads = kept.after(Seq(after), Seq(max(after, head)))
    if given_payloads is not None:
        assert given_payloads == [payload(seq) for seq in range(after + 1, max(after, head) + 1)]
