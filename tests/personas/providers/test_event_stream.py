from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.personas.providers.event_stream import MAX_EVENT_BYTES, EventStream

WRITTEN = (
    b": a comment\n\n"
    b"data: one\n\n"
    b"event: x\nid: 7\ndata:two\ndata:  lines\n\n"
    b"retry: 5\n\n"
    b"data\n\n"
    b"data: \n\n\n\n"
    b"data: end\n\n"
)
MEANT = [b"one", b"two\n lines", b"", b"end"]


def test_an_event_is_its_data_lines() -> None:
    assert EventStream(10_000_000).feed(WRITTEN) == MEANT


@given(cuts=st.lists(st.integers(0, 200)), line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_a_stream_means_the_same_wherever_it_is_cut_and_however_its_lines_end(
    cuts: list[int], line_end: bytes
) -> None:
    written = WRITTEN.replace(b"\n", line_end)
    places = [0, *sorted(min(cut, len(written)) for cut in cuts), len(written)]
    stream = EventStream(10_000_000)
    events = [event for begin, end in pairwise(places) for event in stream.feed(written[begin:end])]
    assert events == MEANT


def test_an_event_is_told_as_soon_as_its_last_line_ends_though_it_ends_in_half_a_line_break() -> None:
    stream = EventStream(10_000_000)
    assert stream.feed(b"data: a\r\n\r") == [b"a"]
    assert stream.feed(b"\ndata: b\r\n\r\n") == [b"b"]


def test_a_line_break_that_was_cut_in_two_takes_no_other_along() -> None:
    stream = EventStream(10_000_000)
    assert [stream.feed(piece) for piece in (b"data: a\r", b"\n", b"", b"\n")] == [[], [], [], [b"a"]]


def test_what_the_end_of_the_stream_cuts_off_is_no_event() -> None:
    stream = EventStream(10_000_000)
    assert stream.feed(b"data: whole\n\ndata: half\n") == [b"whole"]
    assert stream.feed(b"") == []


def test_an_event_without_an_end_is_refused() -> None:
    stream = EventStream(10_000_000)
    stream.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 6))
    with pytest.raises(OverflowError):
        stream.feed(b"x")


def test_a_stream_without_an_end_is_refused() -> None:
    stream = EventStream(18)
    assert stream.feed(b"data: a\n\ndata: b\n\n") == [b"a", b"b"]
    with pytest.raises(OverflowError):
        stream.feed(b"\n")
