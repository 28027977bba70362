"""A snapshot and the events after it amount to a later snapshot."""

from hypothesis import given
from tests.laws.histories import changes, histories, law, lived, moments, snapshot

from gator.domain.conversation import Change, apply, begin
from gator.protocol.codec import decode_from_log, encode_for_log
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated
from gator.protocol.times import rfc3339
from gator.protocol.types import UtcMillis


@law
@given(histories)
def test_every_log_is_numbered_from_one_without_a_hole(history: list[Change]) -> None:
    life = lived(history)
    assert [event.seq for event in life.log] == list(range(1, len(life.log) + 1))
    assert [state.head for state in life.states] == [event.seq for event in life.log]


@law
@given(histories)
def test_any_snapshot_and_the_later_events_equal_every_later_snapshot(history: list[Change]) -> None:
    life = lived(history)
    for cut in life.states:
        folded = snapshot(cut)
        for event in life.log[cut.head :]:
            apply(folded, event)
            assert folded == life.states[event.seq - 1]


@law
@given(histories)
def test_a_log_read_back_from_its_bytes_folds_to_the_same_state(history: list[Change]) -> None:
    life = lived(history)
    first, *rest = [decode_from_log(encode_for_log(event)) for event in life.log]
    assert [first, *rest] == life.log
    assert isinstance(first, ConversationCreated)
    folded = begin(first)
    for event in rest:
        apply(folded, event)
    assert folded == life.now


@law
@given(histories)
def test_the_audience_follows_the_members_however_often_it_is_asked(history: list[Change]) -> None:
    life = lived(history)
    folded = snapshot(life.states[0])
    for event in life.log[1:]:
        assert set(folded.audience) == set(folded.members)
        apply(folded, event)
    assert set(folded.audience) == set(folded.members)


@law
@given(histories, changes, moments)
def test_deciding_changes_nothing_and_decides_the_same_again(
    history: list[Change], change: Change, at: UtcMillis
) -> None:
    state = lived(history).now
    assert state is not None
    before = snapshot(state)

    def outcome() -> object:
        try:
            return change.decide(state, at)
        except Refusal as refusal:
            return refusal.args

    assert outcome() == outcome()
    assert state == before


@law
@given(histories, changes, moments)
def test_an_event_names_its_conversation_its_position_and_the_moment_it_was_decided(
    history: list[Change], change: Change, at: UtcMillis
) -> None:
    life = lived(history)
    head = len(life.log)
    event = life.submit(change, at)
    if event is not None:
        assert event.conversation_id == change.conversation_id
        assert event.seq == head + 1
        assert event.timestamp == rfc3339(at)
