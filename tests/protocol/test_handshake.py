"""A handshake carries its token in the header, the subprotocols or the address."""

from collections.abc import Sequence

import pytest

from gator.protocol.handshake import token_of


@pytest.mark.parametrize(
    ("query", "authorization", "subprotocols", "expected"),
    [
        (None, None, (), (None, None)),
        ("Q", None, (), ("Q", None)),
        (None, "Bearer H", (), ("H", None)),
        (None, "bearer H", (), ("H", None)),
        (None, " BEARER   H ", (), ("H", None)),
        (None, None, ("gator.v1", "bearer.S"), ("S", "gator.v1")),
        (None, None, ("bearer.S", "gator.v1"), ("S", "gator.v1")),
        (None, None, (" gator.v1 ", " bearer.a.b.c "), ("a.b.c", "gator.v1")),
    ],
)
def test_a_token_is_found_where_it_stands(
    query: str | None,
    authorization: str | None,
    subprotocols: Sequence[str],
    expected: tuple[str | None, str | None],
) -> None:
    assert token_of(query, authorization, subprotocols) == expected


def test_the_header_goes_before_the_subprotocol_and_that_before_the_address() -> None:
    assert token_of("Q", "Bearer H", ["bearer.S"]) == ("H", None)
    assert token_of("Q", None, ["bearer.S"]) == ("S", None)


def test_the_first_token_among_the_subprotocols_counts() -> None:
    assert token_of(None, None, ["bearer.", "bearer.first", "bearer.second"]) == ("first", None)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token H", "H"])
def test_a_header_that_bears_no_token_is_passed_over(authorization: str) -> None:
    assert token_of("Q", authorization, ()) == ("Q", None)


def test_an_empty_token_is_no_token() -> None:
    assert token_of("", "Bearer ", ["gator.v1", "bearer."]) == (None, "gator.v1")


def test_gator_v1_is_selected_whenever_it_is_offered() -> None:
    assert token_of(None, None, ["gator.v1"]) == (None, "gator.v1")
    assert token_of("Q", "Bearer H", ["gator.v1", "bearer.S"]) == ("H", "gator.v1")


@pytest.mark.parametrize("offered", ["bearer.S", "GATOR.V1", "gator.v2", "Bearer.S"])
def test_nothing_else_is_ever_selected(offered: str) -> None:
    assert token_of(None, None, [offered])[1] is None
