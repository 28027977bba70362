"""Whose turn it is: one at a time in a conversation, users in turn across them, every queue bounded."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gator.domain.scheduling import (
    MAX_RUNNING_OF_USER,
    MAX_WAITING,
    MAX_WAITING_IN_CONVERSATION,
    QueueFull,
    Ticket,
    Turns,
)
from gator.protocol.types import ConversationId, PersonaId, RunId, UserId


def ticket(number: int, *, by: str = "ann", where: str | None = None) -> Ticket:
    return Ticket(
        RunId(f"run-{number}"),
        ConversationId(where or f"c-{number}"),
        PersonaId("nia"),
        UserId(by),
        "scripted",
    )


def free(_provider: str) -> bool:
    return True


def test_one_reply_at_a_time_in_a_conversation_and_in_order() -> None:
    turns = Turns()
    first, second = ticket(1, where="here"), ticket(2, where="here", by="bob")
    assert (turns.add(first), turns.add(second)) == (0, 1)
    assert turns.take(free) == first
    assert turns.take(free) is None
    assert list(turns.waiting_in(second.conversation_id)) == [(1, second)]
    turns.done(first)
    assert turns.take(free) == second


def test_who_asks_once_is_served_within_one_turn() -> None:
    turns = Turns()
    for number in range(50):
        turns.add(ticket(number))
    late = ticket(99, by="bob")
    turns.add(late)
    taken = [turns.take(free) for _ in range(2)]
    assert late in taken


def test_one_user_has_only_so_many_replies_at_once() -> None:
    turns = Turns()
    for number in range(5):
        turns.add(ticket(number))
    begun = [turns.take(free) for _ in range(MAX_RUNNING_OF_USER)]
    assert None not in begun
    assert turns.take(free) is None
    assert begun[0] is not None
    turns.done(begun[0])
    assert turns.take(free) is not None


def test_a_provider_without_a_slot_makes_nobody_else_wait() -> None:
    turns = Turns()
    turns.add(ticket(1))
    other = Ticket(RunId("r"), ConversationId("c"), PersonaId("p"), UserId("bob"), "embedded")
    turns.add(other)
    assert turns.take(lambda provider: provider == "embedded") == other


def test_a_conversation_has_only_so_many_places() -> None:
    turns = Turns()
    for number in range(MAX_WAITING_IN_CONVERSATION):
        turns.add(ticket(number, where="here"))
    with pytest.raises(QueueFull) as caught:
        turns.add(ticket(99, where="here"))
    assert caught.value.of_conversation
    turns.add(ticket(100, where="elsewhere"))


def test_an_installation_has_only_so_many_places() -> None:
    turns = Turns()
    for number in range(MAX_WAITING):
        turns.add(ticket(number))
    with pytest.raises(QueueFull) as caught:
        turns.add(ticket(MAX_WAITING))
    assert not caught.value.of_conversation


def test_who_gives_up_a_place_leaves_nothing() -> None:
    turns = Turns()
    one, two = ticket(1, where="here"), ticket(2, where="here")
    turns.add(one)
    turns.add(two)
    turns.remove(one)
    turns.remove(one)
    assert len(turns) == 1
    assert turns.take(free) == two
    turns.done(two)
    assert len(turns) == 0
    assert turns.running_in(two.conversation_id) is None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 3), st.integers(0, 4)),
            st.tuples(st.just("take"), st.integers(1, 4), st.just(0)),
            st.tuples(st.just("done"), st.integers(0, 5), st.just(0)),
            st.tuples(st.just("remove"), st.integers(0, 20), st.just(0)),
        ),
        max_size=60,
    )
)
def test_whatever_happens_nobody_runs_twice_or_is_forgotten(steps: list[tuple[str, int, int]]) -> None:
    turns = Turns()
    waiting: dict[RunId, Ticket] = {}
    running: list[Ticket] = []
    for number, (what, one, two) in enumerate(steps):
        if what == "add":
            new = ticket(number, by=f"user-{one}", where=f"c-{two}")
            try:
                turns.add(new)
                waiting[new.run_id] = new
            except QueueFull:
                pass
        elif what == "take":
            begun = turns.take(lambda _provider, slots=one: len(running) < slots)
            if begun is not None:
                del waiting[begun.run_id]
                running.append(begun)
        elif what == "done" and running:
            turns.done(running.pop(one % len(running)))
        elif what == "remove" and waiting:
            gone = list(waiting.values())[one % len(waiting)]
            turns.remove(gone)
            del waiting[gone.run_id]
        assert len(turns) == len(waiting)
        assert max(Counter(each.conversation_id for each in running).values(), default=0) <= 1
        assert max(Counter(each.user_id for each in running).values(), default=0) <= MAX_RUNNING_OF_USER
    while waiting:
        while running:
            turns.done(running.pop())
        begun = turns.take(free)
        assert begun is not None
        assert waiting.pop(begun.run_id) == begun
        running.append(begun)
