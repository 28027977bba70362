"""What is true of every conversation, whatever its users try."""

from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.histories import HERE, ROLES, USERS, histories, law, lived

from gator.domain.conversation import RANK, Change, Conversation, DeleteConversation, RenameConversation
from gator.domain.membership import AddMembers, ChangeRole, EnterConversation, RemoveMember
from gator.domain.message import PostMessage
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Sender,
)
from gator.protocol.types import MessageId, Role, UserId, UtcMillis

STRANGER = UserId("zoe")
EMPTIED: list[Change] = [
    EnterConversation(HERE, USERS[0]),
    RemoveMember(HERE, USERS[0], USERS[0]),
    EnterConversation(HERE, USERS[1]),
]


@law
@given(histories)
@example(EMPTIED)
def test_a_conversation_with_members_has_an_owner_unless_it_is_direct(history: list[Change]) -> None:
    for state in lived(history).states:
        if state.kind != "direct" and state.members:
            assert "owner" in state.members.values()


@law
@given(histories)
def test_a_direct_conversation_always_has_its_two_members_and_is_never_deleted(history: list[Change]) -> None:
    states = lived(history).states
    for state in states:
        if state.kind == "direct":
            assert state.members == states[0].members
            assert list(state.members.values()) == ["member", "member"]
            assert not state.deleted


@law
@given(histories)
def test_the_member_count_of_an_event_is_the_number_of_members_after_it(history: list[Change]) -> None:
    life = lived(history)
    for event, after in zip(life.log, life.states, strict=True):
        if isinstance(event, ConversationCreated | MembersAdded | MemberRemoved):
            assert event.member_count == len(after.members)


@law
@given(histories)
def test_nothing_follows_a_deletion(history: list[Change]) -> None:
    assert not any(isinstance(event, ConversationDeleted) for event in lived(history).log[:-1])


@law
@given(histories)
@example(EMPTIED)
def test_nobody_gives_a_rank_above_their_own(history: list[Change]) -> None:
    life = lived(history)
    for before, event in zip(life.states, life.log[1:], strict=False):
        for role in _given(before, event):
            assert RANK[role] <= RANK[before.members[event.by]]  # type: ignore[union-attr]


def _given(before: Conversation, event: object) -> list[Role]:
    """List the roles that an event gives, but not what who enters on their own takes."""
    match event:
        case MembersAdded(by=by, members=members) if by in before.members:
            return [member.role for member in members]
        case MemberRoleChanged(role=role):
            return [role]
    return []


@law
@given(histories, st.sampled_from(USERS), st.sampled_from(ROLES))
def test_who_is_no_member_cannot_tell_a_conversation_from_one_that_never_was(
    history: list[Change], other: UserId, role: Role
) -> None:
    state = lived(history).now
    assert state is not None
    members = {} if state.deleted else state.members
    for by in [*USERS, STRANGER]:
        if by not in members:
            for change in _attempts(by, other, role):
                assert _refusal(change, state) == _refusal(change, None)
                assert _refusal(change, state)[0] == "conversation_not_found"


def _attempts(by: UserId, other: UserId, role: Role) -> list[Change]:
    """List all that one can do to a conversation that others made."""
    return [
        AddMembers(HERE, [by, other], by, role),
        RemoveMember(HERE, other, by),
        RemoveMember(HERE, by, by),
        ChangeRole(HERE, other, role, by),
        RenameConversation(HERE, "mine", by),
        DeleteConversation(HERE, by),
        PostMessage(HERE, by, Sender(), "hello?", MessageId("m")),
    ]


@law
@given(histories, st.sampled_from([*USERS, STRANGER]))
def test_entering_a_direct_or_deleted_conversation_is_refused_as_if_it_never_was(
    history: list[Change], by: UserId
) -> None:
    state = lived(history).now
    assert state is not None
    if state.deleted or (state.kind == "direct" and by not in state.members):
        assert _refusal(EnterConversation(HERE, by), state) == _refusal(DeleteConversation(HERE, by), None)


def _refusal(change: Change, conversation: Conversation | None) -> tuple[str, str, int | None]:
    try:
        change.decide(conversation, UtcMillis(0))
    except Refusal as refusal:
        return refusal.code, refusal.detail, refusal.retry_after_ms
    raise AssertionError(f"{change!r} was not refused")
