from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.domain.unique_ids import uuid7
from gator.protocol.types import UtcMillis

moments = st.integers(0, 2**48 - 1).map(UtcMillis)
dice = st.integers(0, 2**80 - 1)


def test_the_example_of_the_rfc_is_worded_as_there() -> None:
    # RFC 9562 §A.6
    rand_a, rand_b = 0xCC3, 0x18C4DC0C0C07398F
    assert uuid7(UtcMillis(0x017F22E279B0), rand_b << 12 | rand_a) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@law
@given(moments, dice)
def test_every_id_is_a_uuid_of_version_7(now: UtcMillis, random_bits: int) -> None:
    made = UUID(uuid7(now, random_bits))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == now


@law
@given(moments, moments, dice, dice)
def test_ids_sort_by_the_moment_they_were_made(a: UtcMillis, b: UtcMillis, first: int, second: int) -> None:
    if a != b:
        assert (uuid7(a, first) < uuid7(b, second)) == (a < b)


@pytest.mark.parametrize("bit", range(80))
def test_ids_of_one_moment_differ_in_any_of_74_bits(bit: int) -> None:
    assert (uuid7(UtcMillis(0), 0) != uuid7(UtcMillis(0), 1 << bit)) == (bit < 74)
