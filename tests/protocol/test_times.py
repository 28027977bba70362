from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.protocol.times import rfc3339
from gator.protocol.types import UtcMillis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_736_937_000_000, "2025-01-15T10:30:00.000Z"),
        (1_709_164_800_050, "2024-02-29T00:00:00.050Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_worded_in_utc_with_milliseconds(at: int, text: str) -> None:
    assert rfc3339(UtcMillis(at)) == text


@law
@given(st.integers(0, 253_402_300_799_999).map(UtcMillis))
def test_the_text_read_back_is_the_moment(at: UtcMillis) -> None:
    text = rfc3339(at)
    assert datetime.fromisoformat(text) - EPOCH == timedelta(milliseconds=at)


@law
@given(*[st.integers(0, 253_402_300_799_999).map(UtcMillis)] * 2)
def test_texts_sort_as_their_moments(first: UtcMillis, second: UtcMillis) -> None:
    assert (rfc3339(first) < rfc3339(second)) == (first < second)
