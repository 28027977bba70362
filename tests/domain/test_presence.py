import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.domain.presence import PresenceBook
from gator.protocol.types import ConversationId, UserId

GARDEN, KITCHEN = ConversationId("garden"), ConversationId("kitchen")
ANN, BOB = UserId("ann"), UserId("bob")
GRACE_S = 5.0


def test_nobody_is_online_at_first() -> None:
    book = PresenceBook()
    assert not book.is_online(ANN)
    assert book.connections_of(ANN) == 0
    assert len(book) == 0


def test_the_first_connection_brings_a_user_online_and_the_next_does_not() -> None:
    book = PresenceBook()
    assert book.connected(ANN)
    assert not book.connected(ANN)
    assert book.is_online(ANN)
    assert book.connections_of(ANN) == 2
    assert len(book) == 1


def test_only_the_last_disconnect_starts_the_grace() -> None:
    book = PresenceBook()
    book.connected(ANN)
    book.connected(ANN)
    assert not book.disconnected(ANN, 105)
    assert book.next_expiry() is None
    assert book.disconnected(ANN, 106)
    assert book.next_expiry() == 106


def test_a_user_in_their_grace_is_online_without_a_connection() -> None:
    book = PresenceBook()
    book.connected(ANN)
    book.disconnected(ANN, 105)
    assert book.is_online(ANN)
    assert book.connections_of(ANN) == 0
    assert len(book) == 1


def test_who_is_back_within_the_grace_was_never_away() -> None:
    book = PresenceBook()
    book.connected(ANN)
    book.show(ANN, GARDEN)
    book.disconnected(ANN, 105)
    assert not book.connected(ANN)
    assert book.expire(200) == {}
    assert book.is_shown(ANN, GARDEN)


def test_a_user_goes_offline_when_the_grace_is_over_wherever_they_were_shown() -> None:
    book = PresenceBook()
    book.connected(ANN)
    book.show(ANN, GARDEN)
    book.show(ANN, KITCHEN)
    book.disconnected(ANN, 105)
    assert book.expire(104.999) == {}
    assert book.expire(105) == {ANN: frozenset({GARDEN, KITCHEN})}
    assert not book.is_online(ANN)
    assert book.shown_in(ANN) == frozenset()
    assert book.connected(ANN)


def test_a_user_who_joined_nothing_goes_offline_unseen() -> None:
    book = PresenceBook()
    book.connected(ANN)
    book.disconnected(ANN, 105)
    assert book.expire(105) == {ANN: frozenset()}


def test_a_disconnect_without_a_connection_is_a_bug() -> None:
    with pytest.raises(KeyError):
        PresenceBook().disconnected(ANN, 105)


def test_showing_twice_is_told_once() -> None:
    book = PresenceBook()
    book.connected(ANN)
    assert book.show(ANN, GARDEN)
    assert not book.show(ANN, GARDEN)
    assert book.shown_in(ANN) == {GARDEN}


def test_hiding_takes_back_one_conversation() -> None:
    book = PresenceBook()
    book.show(ANN, GARDEN)
    book.show(ANN, KITCHEN)
    book.hide(ANN, GARDEN)
    assert book.shown_in(ANN) == {KITCHEN}
    assert not book.is_shown(ANN, GARDEN)
    book.hide(ANN, KITCHEN)
    assert book.shown_in(ANN) == frozenset()


def test_hiding_who_is_not_shown_changes_nothing() -> None:
    book = PresenceBook()
    book.hide(ANN, GARDEN)
    assert not book.is_shown(ANN, GARDEN)


def test_a_viewer_sees_through_any_conversation_they_share() -> None:
    book = PresenceBook()
    book.show(ANN, GARDEN)
    assert book.sees([KITCHEN, GARDEN], ANN)
    assert not book.sees([KITCHEN], ANN)
    assert not book.sees([], ANN)
    assert not book.sees([GARDEN], BOB)


@law
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["connect", "disconnect", "show", "hide", "expire"]),
            st.sampled_from([ANN, BOB]),
            st.sampled_from([GARDEN, KITCHEN]),
            st.floats(0, GRACE_S / 2),
        ),
        min_size=10,
        max_size=60,
    )
)
def test_whoever_was_shown_online_is_told_offline_in_the_same_places(
    steps: list[tuple[str, UserId, ConversationId, float]],
) -> None:
    book, now = PresenceBook(), 0.0
    told: dict[UserId, set[ConversationId]] = {ANN: set(), BOB: set()}
    for step, user, where, wait in steps:
        now += wait
        if step == "connect":
            was_offline = not book.is_online(user)
            assert book.connected(user) == was_offline
        elif step == "disconnect" and book.connections_of(user) > 0:
            book.disconnected(user, now + GRACE_S)
        elif step == "show" and book.is_online(user):
            assert book.show(user, where) == (where not in told[user])
            told[user].add(where)
        elif step == "hide":
            book.hide(user, where)
            told[user].discard(where)
        elif step == "expire":
            for gone, places in book.expire(now).items():
                assert places == told[gone]
                told[gone].clear()
        assert {user: set(book.shown_in(user)) for user in told} == told
        assert len(book) == sum(book.is_online(user) for user in told)
