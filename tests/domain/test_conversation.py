from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.builders import ANN, BOB, CLEO, HERE, NOW, NOW_TEXT, ZOE, conversation, direct
from tests.laws.histories import law

from gator.domain.conversation import (
    RANK,
    Conversation,
    CreateConversation,
    DeleteConversation,
    RenameConversation,
    apply,
    begin,
    check_rank,
    direct_key,
    role_of,
)
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    DurableEvent,
    Member,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Message,
    NewMessage,
    Sender,
)
from gator.protocol.types import LARGE_CONVERSATION, Kind, MessageId, Role, Seq, UserId

AT_8: dict[str, Any] = {"conversation_id": HERE, "seq": Seq(8), "timestamp": NOW_TEXT}


def said(seq: int) -> NewMessage:
    message = Message(
        id=MessageId("m"),
        seq=Seq(seq),
        sender_id=ANN,
        sender=Sender(),
        content="hello",
        timestamp=NOW_TEXT,
        is_ai=False,
    )
    return NewMessage(conversation_id=HERE, seq=Seq(seq), timestamp=NOW_TEXT, message=message)


# The state


def test_next_seq_follows_the_head() -> None:
    assert conversation(head=7).next_seq == 8


@pytest.mark.parametrize(("count", "large"), [(LARGE_CONVERSATION, False), (LARGE_CONVERSATION + 1, True)])
def test_a_conversation_is_large_above_the_limit(count: int, large: bool) -> None:
    members: dict[str, Any] = {f"user-{n}": "member" for n in range(count)}
    state = conversation(**members)
    assert state.large == large
    assert len(state.audience) == (0 if large else count)


def test_the_audience_is_computed_once_until_members_change() -> None:
    state = conversation(ann="owner")
    assert state.audience is state.audience
    state.members[BOB] = "member"
    state.forget_audience()
    assert list(state.audience) == [ANN, BOB]


def test_states_that_differ_only_in_what_was_asked_of_them_are_equal() -> None:
    asked = conversation(ann="owner")
    assert asked.audience
    assert asked == conversation(ann="owner")


# The fold


def test_a_log_begins_with_what_its_first_event_says() -> None:
    created = CreateConversation(HERE, "group", "Garden", ANN, [BOB]).decide(None, NOW)
    assert begin(created) == Conversation(
        id=HERE,
        kind="group",
        title="Garden",
        head=Seq(1),
        members={ANN: "owner", BOB: "member"},
        created_at=NOW_TEXT,
    )


@pytest.mark.parametrize(
    ("event", "after"),
    [
        (said(8), conversation(head=8, ann="owner", bob="member")),
        (
            MembersAdded(by=ANN, members=(Member(user_id=CLEO, role="reader"),), member_count=3, **AT_8),
            conversation(head=8, ann="owner", bob="member", cleo="reader"),
        ),
        (MemberRemoved(user_id=BOB, by=ANN, member_count=1, **AT_8), conversation(head=8, ann="owner")),
        (
            MemberRemoved(user_id=ZOE, by=ANN, member_count=2, **AT_8),
            conversation(head=8, ann="owner", bob="member"),
        ),
        (
            MemberRoleChanged(user_id=BOB, role="admin", by=ANN, **AT_8),
            conversation(head=8, ann="owner", bob="admin"),
        ),
        (ConversationDeleted(by=ANN, **AT_8), conversation(head=8, deleted=True)),
    ],
)
def test_an_event_is_folded_into_the_state(event: DurableEvent, after: Conversation) -> None:
    state = conversation(ann="owner", bob="member")
    apply(state, event)
    assert state == after


def test_a_new_title_is_folded_into_the_state() -> None:
    state = conversation(ann="owner")
    apply(state, ConversationRenamed(title=None, by=ANN, **AT_8))
    assert state.title is None


def test_members_who_come_or_go_are_in_the_next_audience() -> None:
    state = conversation(ann="owner")
    assert list(state.audience) == [ANN]
    apply(state, MembersAdded(by=ANN, members=(Member(user_id=BOB, role="member"),), member_count=2, **AT_8))
    assert list(state.audience) == [ANN, BOB]
    gone = MemberRemoved(conversation_id=HERE, seq=Seq(9), timestamp=NOW_TEXT, user_id=ANN, by=ANN, member_count=1)
    apply(state, gone)
    assert list(state.audience) == [BOB]


def test_nobody_is_in_the_audience_of_a_deleted_conversation() -> None:
    state = conversation(ann="owner")
    assert list(state.audience) == [ANN]
    apply(state, ConversationDeleted(by=ANN, **AT_8))
    assert list(state.audience) == []


@pytest.mark.parametrize("seq", [1, 7, 9])
def test_an_event_that_is_not_the_next_one_is_not_folded(seq: int) -> None:
    state = conversation(head=7, ann="owner")
    with pytest.raises(ValueError, match=f"is at 7, cannot take event {seq}"):
        apply(state, said(seq))
    assert state == conversation(head=7, ann="owner")


# Who may


def test_a_member_has_a_role() -> None:
    assert role_of(conversation(ann="admin"), ANN) == "admin"


@pytest.mark.parametrize(
    "state",
    [None, conversation(deleted=True, ann="owner"), conversation(bob="owner")],
    ids=["never was", "deleted", "not a member"],
)
def test_a_conversation_that_is_not_theirs_is_not_found(state: Conversation | None) -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found: There is no such conversation"):
        role_of(state, ANN)


@pytest.mark.parametrize("least", RANK)
@pytest.mark.parametrize("role", RANK)
def test_a_right_belongs_to_its_rank_and_above(role: Role, least: Role) -> None:
    order = ["reader", "member", "admin", "owner"]
    if order.index(role) >= order.index(least):
        check_rank(role, least)
    else:
        with pytest.raises(Refusal, match=rf"^forbidden: .*'{least}' or above; yours is '{role}'"):
            check_rank(role, least)


# Direct conversations


def test_a_pair_has_one_key_whoever_asks() -> None:
    assert direct_key(ANN, BOB) == direct_key(BOB, ANN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b:c"), ("a:b", "c")),
        (("1:a", "b"), ("1", "a:b")),
        (("ab", "c"), ("a", "bc")),
    ],
)
def test_ids_that_contain_the_separator_do_not_mix_pairs_up(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert direct_key(*map(UserId, one)) != direct_key(*map(UserId, other))


@law
@given(st.lists(st.text("a:1", min_size=1, max_size=4).map(UserId), min_size=4, max_size=4))
def test_two_pairs_have_one_key_only_if_they_are_one_pair(ids: list[UserId]) -> None:
    one, other = ids[:2], ids[2:]
    assert (direct_key(*one) == direct_key(*other)) == (sorted(one) == sorted(other))


@pytest.mark.parametrize(
    ("kind", "others", "key"),
    [
        ("direct", [BOB], direct_key(ANN, BOB)),
        ("direct", [BOB, ANN, BOB], direct_key(ANN, BOB)),
        ("direct", [], None),
        ("direct", [ANN], None),
        ("direct", [BOB, CLEO], None),
        ("group", [BOB], None),
        ("channel", [BOB], None),
    ],
)
def test_only_a_direct_conversation_of_two_has_a_key(kind: Kind, others: list[UserId], key: str | None) -> None:
    assert CreateConversation(HERE, kind, None, ANN, others).direct_key == key


# CreateConversation


@pytest.mark.parametrize(
    ("kind", "title", "own", "others"),
    [
        ("direct", None, "member", "member"),
        ("group", "Garden", "owner", "member"),
        ("channel", "News", "owner", "reader"),
    ],
)
def test_the_creator_and_the_others_get_the_roles_of_the_kind(
    kind: Kind, title: str | None, own: Role, others: Role
) -> None:
    event = CreateConversation(HERE, kind, title, ANN, [BOB]).decide(None, NOW)
    assert event == ConversationCreated(
        conversation_id=HERE,
        seq=Seq(1),
        timestamp=NOW_TEXT,
        kind=kind,
        title=title,
        by=ANN,
        members=(Member(user_id=ANN, role=own), Member(user_id=BOB, role=others)),
        member_count=2,
    )


def test_who_is_named_twice_or_creates_is_a_member_once() -> None:
    event = CreateConversation(HERE, "group", None, ANN, [BOB, ANN, BOB, CLEO]).decide(None, NOW)
    assert [member.user_id for member in event.members] == [ANN, BOB, CLEO]
    assert event.member_count == 3


def test_a_group_may_begin_with_its_creator_alone() -> None:
    event = CreateConversation(HERE, "group", None, ANN, []).decide(None, NOW)
    assert event.members == (Member(user_id=ANN, role="owner"),)


@pytest.mark.parametrize("others", [[], [ANN], [BOB, CLEO]])
def test_a_direct_conversation_of_other_than_two_is_refused(others: list[UserId]) -> None:
    with pytest.raises(Refusal, match=r"^invalid_command: .*exactly one other member"):
        CreateConversation(HERE, "direct", None, ANN, others).decide(None, NOW)


@pytest.mark.parametrize("title", ["Us", ""])
def test_a_direct_conversation_with_a_title_is_refused(title: str) -> None:
    with pytest.raises(Refusal, match=r"^invalid_command: A direct conversation has no title"):
        CreateConversation(HERE, "direct", title, ANN, [BOB]).decide(None, NOW)


def test_an_id_that_is_taken_is_refused() -> None:
    with pytest.raises(Refusal, match=r"^conflict:"):
        CreateConversation(HERE, "group", None, ANN, []).decide(conversation(ann="owner"), NOW)


# RenameConversation


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_admins_and_owners_rename(role: Role) -> None:
    event = RenameConversation(HERE, "Kitchen", ANN).decide(conversation(ann=role), NOW)
    assert event == ConversationRenamed(title="Kitchen", by=ANN, **AT_8)


def test_the_same_title_again_changes_nothing() -> None:
    assert RenameConversation(HERE, "Garden", ANN).decide(conversation(ann="owner"), NOW) is None


@pytest.mark.parametrize("role", ["reader", "member"])
def test_others_do_not_rename(role: Role) -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        RenameConversation(HERE, "Kitchen", ANN).decide(conversation(ann=role, bob="owner"), NOW)


def test_a_direct_conversation_gets_no_title() -> None:
    with pytest.raises(Refusal, match=r"^direct_is_fixed:"):
        RenameConversation(HERE, "Us", ANN).decide(direct(), NOW)


def test_a_stranger_finds_nothing_to_rename() -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found:"):
        RenameConversation(HERE, "Mine", ZOE).decide(direct(), NOW)


# DeleteConversation


def test_an_owner_deletes() -> None:
    event = DeleteConversation(HERE, ANN).decide(conversation(ann="owner"), NOW)
    assert event == ConversationDeleted(by=ANN, **AT_8)


@pytest.mark.parametrize("role", ["reader", "member", "admin"])
def test_others_do_not_delete(role: Role) -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        DeleteConversation(HERE, ANN).decide(conversation(ann=role, bob="owner"), NOW)


def test_nobody_deletes_a_direct_conversation() -> None:
    with pytest.raises(Refusal, match=r"^direct_is_fixed: .*neither can delete it"):
        DeleteConversation(HERE, ANN).decide(direct(), NOW)


def test_a_stranger_finds_nothing_to_delete() -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found:"):
        DeleteConversation(HERE, ZOE).decide(conversation(ann="owner"), NOW)
