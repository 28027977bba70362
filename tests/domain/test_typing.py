from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.domain.typing import EXPIRY_S, REPEAT_S, TypingBook
from gator.protocol.types import ConversationId, UserId

GARDEN, KITCHEN = ConversationId("garden"), ConversationId("kitchen")
ANN, BOB = UserId("ann"), UserId("bob")


def test_the_first_start_is_told() -> None:
    book = TypingBook()
    assert book.start((GARDEN, ANN), 100)
    assert list(book.in_conversation(GARDEN)) == [ANN]
    assert len(book) == 1


def test_repeats_are_absorbed_until_the_others_should_hear_again() -> None:
    book = TypingBook()
    book.start((GARDEN, ANN), 100)
    assert not book.start((GARDEN, ANN), 100 + REPEAT_S / 2)
    assert book.start((GARDEN, ANN), 100 + REPEAT_S)


def test_one_user_typing_in_two_conversations_is_told_in_both() -> None:
    book = TypingBook()
    assert book.start((GARDEN, ANN), 100)
    assert book.start((KITCHEN, ANN), 100)
    assert book.start((GARDEN, BOB), 100)
    assert list(book.in_conversation(KITCHEN)) == [ANN]


def test_a_stop_is_told_once() -> None:
    book = TypingBook()
    book.start((GARDEN, ANN), 100)
    assert book.stop((GARDEN, ANN))
    assert not book.stop((GARDEN, ANN))
    assert len(book) == 0


def test_a_start_after_a_stop_is_told_at_once() -> None:
    book = TypingBook()
    book.start((GARDEN, ANN), 100)
    book.stop((GARDEN, ANN))
    assert book.start((GARDEN, ANN), 100)


def test_typing_ends_by_itself() -> None:
    book = TypingBook()
    book.start((GARDEN, ANN), 100)
    assert book.expire(100 + EXPIRY_S - 0.001) == []
    assert book.expire(100 + EXPIRY_S) == [(GARDEN, ANN)]
    assert len(book) == 0


def test_a_repeat_puts_the_end_off_though_it_is_absorbed() -> None:
    book = TypingBook()
    book.start((GARDEN, ANN), 100)
    book.start((GARDEN, BOB), 100.5)
    book.start((GARDEN, ANN), 101)
    assert book.expire(100.5 + EXPIRY_S) == [(GARDEN, BOB)]
    assert book.next_expiry() == 101 + EXPIRY_S


def test_nobody_typing_needs_no_timer() -> None:
    assert TypingBook().next_expiry() is None


@law
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "stop", "expire"]),
            st.tuples(st.sampled_from([GARDEN, KITCHEN]), st.sampled_from([ANN, BOB])),
            st.floats(0, EXPIRY_S),
        ),
        min_size=10,
        max_size=60,
    )
)
def test_the_book_agrees_with_the_last_start_of_everybody(
    steps: list[tuple[str, tuple[ConversationId, UserId], float]],
) -> None:
    book, until, now = TypingBook(), dict[tuple[ConversationId, UserId], float](), 0.0
    for step, typist, wait in steps:
        now += wait
        if step == "start":
            book.start(typist, now)
            until[typist] = now + EXPIRY_S
        elif step == "stop":
            assert book.stop(typist) == (until.pop(typist, None) is not None)
        else:
            over = {typist for typist, end in until.items() if end <= now}
            assert set(book.expire(now)) == over
            until = {typist: end for typist, end in until.items() if typist not in over}
        assert len(book) == len(until)
        assert book.next_expiry() == min(until.values(), default=None)
