"""The table of a connection's states."""

from typing import get_args

import pytest

from gator_chat_client.states import MOVES, Reason, State, moved


def test_every_state_can_be_left_and_reached() -> None:
    assert set(MOVES) == set(get_args(State))
    assert {after for row in MOVES.values() for after in row.values()} == set(get_args(State))


def test_every_reason_but_the_first_moves_something() -> None:
    assert {reason for row in MOVES.values() for reason in row} == set(get_args(Reason)) - {"new"}


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("reason", get_args(Reason))
def test_a_move_that_is_not_in_the_table_does_not_happen(state: State, reason: Reason) -> None:
    if reason in MOVES[state]:
        assert moved(state, reason) == MOVES[state][reason]
    else:
        with pytest.raises(LookupError, match=f"{state} is not moved by {reason}"):
            moved(state, reason)
