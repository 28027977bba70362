from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.protocol.commands import (
    Command,
    CreateConversation,
    GetOnlineStatus,
    Heartbeat,
    JoinConversation,
    LeaveConversation,
    MarkRead,
    RefreshToken,
    SendMessage,
    TypingStart,
    TypingStop,
)
from gator.protocol.errors import Refusal
from gator.protocol.session import TRANSITIONS, Session, State, Step
from gator.protocol.types import ConversationId, Seq

GARDEN = ConversationId("garden")
BEGIN: list[Command] = [
    JoinConversation(conversation_id=GARDEN),
    CreateConversation(kind="group", member_ids=[]),
]
GO_ON: list[Command] = [
    LeaveConversation(conversation_id=GARDEN),
    SendMessage(conversation_id=GARDEN, content="hello"),
    TypingStart(conversation_id=GARDEN),
    TypingStop(conversation_id=GARDEN),
    GetOnlineStatus(user_ids=[]),
    MarkRead(conversation_id=GARDEN, seq=Seq(1)),
    Heartbeat(),
    RefreshToken(token="t"),
]


def session_in(state: State) -> Session:
    session = Session()
    session.state = state
    return session


def test_a_connection_is_opening_first() -> None:
    assert Session().state is State.OPENING


@pytest.mark.parametrize(
    ("state", "step", "after"),
    [
        (State.OPENING, Step.GREETED, State.OPEN),
        (State.OPENING, Step.CLOSE, State.CLOSED),
        (State.OPEN, Step.DRAIN, State.DRAINING),
        (State.OPEN, Step.CLOSE, State.CLOSED),
        (State.DRAINING, Step.DRAIN, State.DRAINING),
        (State.DRAINING, Step.CLOSE, State.CLOSED),
        (State.CLOSED, Step.DRAIN, State.CLOSED),
        (State.CLOSED, Step.CLOSE, State.CLOSED),
    ],
)
def test_a_step_leads_where_its_row_says(state: State, step: Step, after: State) -> None:
    session = session_in(state)
    session.step(step)
    assert session.state is after


@pytest.mark.parametrize(("state", "step"), [row for row in product(State, Step) if row not in TRANSITIONS])
def test_a_step_without_a_row_is_a_bug_and_changes_nothing(state: State, step: Step) -> None:
    session = session_in(state)
    with pytest.raises(KeyError):
        session.step(step)
    assert session.state is state


@law
@given(st.lists(st.sampled_from(Step)))
def test_nothing_leads_back_from_closed_and_greeting_happens_once(steps: list[Step]) -> None:
    session, seen = Session(), [State.OPENING]
    for step in steps:
        if (session.state, step) in TRANSITIONS:
            session.step(step)
            seen.append(session.state)
    assert [state.value for state in seen] == sorted(state.value for state in seen)


@pytest.mark.parametrize("command", [*BEGIN, *GO_ON])
def test_everything_may_be_said_when_open(command: Command) -> None:
    session_in(State.OPEN).check(command)


@pytest.mark.parametrize("command", GO_ON)
def test_what_was_begun_may_be_finished_while_draining(command: Command) -> None:
    session_in(State.DRAINING).check(command)


@pytest.mark.parametrize("command", BEGIN)
def test_nothing_new_may_begin_while_draining(command: Command) -> None:
    with pytest.raises(Refusal, match=r"^draining:"):
        session_in(State.DRAINING).check(command)


@pytest.mark.parametrize("command", [*BEGIN, *GO_ON])
@pytest.mark.parametrize("state", [State.OPENING, State.CLOSED])
def test_nothing_may_be_said_before_the_greeting_or_after_the_end(state: State, command: Command) -> None:
    session = session_in(state)
    with pytest.raises(Refusal, match=r"^draining:"):
        session.check(command)
    assert session.state is state
