from typing import get_args

import msgspec
import pytest

from gator.protocol.events import Answer, Durable, DurableEvent, Ephemeral, EphemeralEvent, Event

ALL: tuple[type[msgspec.Struct], ...] = get_args(Event)


def test_no_two_events_have_the_same_type() -> None:
    assert len({event.__struct_config__.tag for event in ALL}) == len(ALL)


@pytest.mark.parametrize("event", get_args(DurableEvent))
def test_what_is_stored_has_a_place_in_a_log(event: type[msgspec.Struct]) -> None:
    assert issubclass(event, Durable)
    assert {"conversation_id", "seq"} <= set(event.__struct_fields__)


@pytest.mark.parametrize("event", get_args(EphemeralEvent))
def test_what_is_true_for_a_moment_is_never_stored(event: type[msgspec.Struct]) -> None:
    assert issubclass(event, Ephemeral)
    assert event not in get_args(DurableEvent)


@pytest.mark.parametrize("event", get_args(Answer))
def test_an_answer_is_neither_stored_nor_told_to_others(event: type[msgspec.Struct]) -> None:
    assert not issubclass(event, Durable | Ephemeral)


@pytest.mark.parametrize("event", ALL)
def test_every_event_carries_its_time_and_leaves_out_what_is_not_set(event: type[msgspec.Struct]) -> None:
    assert "timestamp" in event.__struct_fields__
    assert event.__struct_config__.omit_defaults
