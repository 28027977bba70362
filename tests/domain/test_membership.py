from typing import Any

import pytest
from tests.domain.builders import ANN, BOB, CLEO, HERE, NOW, NOW_TEXT, ZOE, conversation, direct

from gator.domain.conversation import Change, Conversation
from gator.domain.membership import AddMembers, ChangeRole, EnterConversation, RemoveMember
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, Member, MemberRemoved, MemberRoleChanged, MembersAdded
from gator.protocol.types import Kind, Role, Seq, UserId

AT_8: dict[str, Any] = {"conversation_id": HERE, "seq": Seq(8), "timestamp": NOW_TEXT}


def added(by: UserId, count: int, **members: Role) -> MembersAdded:
    new = tuple(Member(user_id=UserId(name), role=role) for name, role in members.items())
    return MembersAdded(by=by, members=new, member_count=count, **AT_8)


@pytest.mark.parametrize(
    "change",
    [
        AddMembers(HERE, [BOB], ZOE),
        RemoveMember(HERE, ANN, ZOE),
        RemoveMember(HERE, ZOE, ZOE),
        ChangeRole(HERE, ANN, "reader", ZOE),
    ],
)
@pytest.mark.parametrize("state", [None, direct(), conversation(ann="owner")])
def test_a_stranger_finds_no_conversation(change: Change, state: Conversation | None) -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found:"):
        change.decide(state, NOW)


@pytest.mark.parametrize(
    "change",
    [AddMembers(HERE, [CLEO], ANN), RemoveMember(HERE, ANN, ANN), ChangeRole(HERE, BOB, "reader", ANN)],
)
def test_the_members_of_a_direct_conversation_are_fixed(change: Change) -> None:
    with pytest.raises(Refusal, match=r"^direct_is_fixed:"):
        change.decide(direct(), NOW)


# EnterConversation


def test_the_first_to_enter_creates_a_group_and_owns_it() -> None:
    assert EnterConversation(HERE, ANN).decide(None, NOW) == ConversationCreated(
        conversation_id=HERE,
        seq=Seq(1),
        timestamp=NOW_TEXT,
        kind="group",
        title=None,
        by=ANN,
        members=(Member(user_id=ANN, role="owner"),),
        member_count=1,
    )


@pytest.mark.parametrize(("kind", "role"), [("group", "member"), ("channel", "reader")])
def test_who_enters_gets_the_least_role_of_the_kind(kind: Kind, role: Role) -> None:
    event = EnterConversation(HERE, BOB).decide(conversation(kind, ann="owner"), NOW)
    assert event == added(BOB, 2, bob=role)


@pytest.mark.parametrize("kind", ["group", "channel"])
def test_who_enters_after_all_have_left_owns_the_conversation(kind: Kind) -> None:
    assert EnterConversation(HERE, BOB).decide(conversation(kind), NOW) == added(BOB, 1, bob="owner")


@pytest.mark.parametrize("state", [direct(), conversation(ann="reader")])
def test_a_member_who_enters_changes_nothing(state: Conversation) -> None:
    assert EnterConversation(HERE, ANN).decide(state, NOW) is None


@pytest.mark.parametrize("state", [direct(), conversation(deleted=True, zoe="owner"), conversation(deleted=True)])
def test_a_direct_or_deleted_conversation_cannot_be_entered(state: Conversation) -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found:"):
        EnterConversation(HERE, ZOE).decide(state, NOW)


# AddMembers


@pytest.mark.parametrize(
    ("kind", "own", "wished", "got"),
    [
        ("group", "member", None, "member"),
        ("group", "member", "reader", "reader"),
        ("group", "admin", "member", "member"),
        ("group", "owner", "admin", "admin"),
        ("group", "owner", "owner", "owner"),
        ("channel", "admin", None, "reader"),
        ("channel", "owner", "member", "member"),
    ],
)
def test_members_bring_others_with_the_roles_they_may_give(
    kind: Kind, own: Role, wished: Role | None, got: Role
) -> None:
    event = AddMembers(HERE, [BOB], ANN, wished).decide(conversation(kind, ann=own), NOW)
    assert event == added(ANN, 2, bob=got)


@pytest.mark.parametrize(
    ("kind", "own", "wished"),
    [
        ("group", "reader", None),
        ("group", "member", "admin"),
        ("group", "admin", "admin"),
        ("group", "admin", "owner"),
        ("channel", "reader", None),
        ("channel", "member", None),
        ("channel", "admin", "owner"),
    ],
)
def test_nobody_brings_others_without_the_right_or_gives_a_role_of_their_own_rank(
    kind: Kind, own: Role, wished: Role | None
) -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        AddMembers(HERE, [BOB], ANN, wished).decide(conversation(kind, ann=own), NOW)


def test_who_is_a_member_already_stays_as_they_are() -> None:
    state = conversation(ann="owner", bob="admin")
    assert AddMembers(HERE, [BOB, CLEO, CLEO], ANN).decide(state, NOW) == added(ANN, 3, cleo="member")


@pytest.mark.parametrize("users", [[], [ANN, BOB]])
def test_adding_nobody_new_changes_nothing(users: list[UserId]) -> None:
    assert AddMembers(HERE, users, ANN).decide(conversation(ann="owner", bob="member"), NOW) is None


# RemoveMember


@pytest.mark.parametrize(
    ("own", "target"),
    [("admin", "reader"), ("admin", "member"), ("owner", "reader"), ("owner", "member"), ("owner", "admin")],
)
def test_who_ranks_above_removes(own: Role, target: Role) -> None:
    event = RemoveMember(HERE, BOB, ANN).decide(conversation(ann=own, bob=target, cleo="owner"), NOW)
    assert event == MemberRemoved(user_id=BOB, by=ANN, member_count=2, **AT_8)


@pytest.mark.parametrize(
    ("own", "target"),
    [
        ("reader", "reader"),
        ("member", "reader"),
        ("member", "member"),
        ("admin", "admin"),
        ("admin", "owner"),
        ("owner", "owner"),
    ],
)
def test_who_does_not_rank_above_removes_nobody(own: Role, target: Role) -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        RemoveMember(HERE, BOB, ANN).decide(conversation(ann=own, bob=target, cleo="owner"), NOW)


@pytest.mark.parametrize("role", ["reader", "member", "admin", "owner"])
def test_everybody_may_leave_while_an_owner_stays(role: Role) -> None:
    event = RemoveMember(HERE, ANN, ANN).decide(conversation(ann=role, bob="owner"), NOW)
    assert event == MemberRemoved(user_id=ANN, by=ANN, member_count=1, **AT_8)


def test_the_last_owner_does_not_leave_others_behind() -> None:
    with pytest.raises(Refusal, match=r"^last_owner:"):
        RemoveMember(HERE, ANN, ANN).decide(conversation(ann="owner", bob="admin"), NOW)


def test_the_last_member_may_leave_though_they_own_it() -> None:
    event = RemoveMember(HERE, ANN, ANN).decide(conversation(ann="owner"), NOW)
    assert event.member_count == 0


def test_who_is_no_member_cannot_be_removed() -> None:
    with pytest.raises(Refusal, match=r"^member_not_found:"):
        RemoveMember(HERE, ZOE, ANN).decide(conversation(ann="owner"), NOW)


# ChangeRole


@pytest.mark.parametrize(
    ("own", "before", "after"),
    [
        ("admin", "reader", "member"),
        ("admin", "member", "reader"),
        ("owner", "member", "owner"),
        ("owner", "admin", "reader"),
        ("owner", "owner", "member"),
    ],
)
def test_owners_change_anyone_and_admins_who_ranks_below_them(own: Role, before: Role, after: Role) -> None:
    event = ChangeRole(HERE, BOB, after, ANN).decide(conversation(ann=own, bob=before, cleo="owner"), NOW)
    assert event == MemberRoleChanged(user_id=BOB, role=after, by=ANN, **AT_8)


@pytest.mark.parametrize(
    ("own", "before", "after"),
    [
        ("reader", "reader", "member"),
        ("member", "reader", "member"),
        ("admin", "reader", "admin"),
        ("admin", "member", "owner"),
        ("admin", "admin", "member"),
        ("admin", "owner", "reader"),
    ],
)
def test_others_change_no_role(own: Role, before: Role, after: Role) -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        ChangeRole(HERE, BOB, after, ANN).decide(conversation(ann=own, bob=before, cleo="owner"), NOW)


def test_the_same_role_again_changes_nothing() -> None:
    state = conversation(ann="owner", bob="admin")
    assert ChangeRole(HERE, BOB, "admin", ANN).decide(state, NOW) is None


def test_the_last_owner_stays_owner() -> None:
    with pytest.raises(Refusal, match=r"^last_owner:"):
        ChangeRole(HERE, ANN, "admin", ANN).decide(conversation(ann="owner", bob="admin"), NOW)


def test_an_owner_steps_down_while_another_stays() -> None:
    event = ChangeRole(HERE, ANN, "reader", ANN).decide(conversation(ann="owner", bob="owner"), NOW)
    assert event == MemberRoleChanged(user_id=ANN, role="reader", by=ANN, **AT_8)


def test_who_is_no_member_has_no_role_to_change() -> None:
    with pytest.raises(Refusal, match=r"^member_not_found:"):
        ChangeRole(HERE, ZOE, "admin", ANN).decide(conversation(ann="owner"), NOW)


@pytest.mark.parametrize("lower", ["member", "reader"])
def test_an_admin_steps_down_by_themselves(lower: Role) -> None:
    event = ChangeRole(HERE, ANN, lower, ANN).decide(conversation(ann="admin", zoe="owner"), NOW)
    assert event is not None
    assert (event.user_id, event.role) == (ANN, lower)


def test_the_last_owner_does_not_step_down() -> None:
    with pytest.raises(Refusal, match=r"^last_owner:"):
        ChangeRole(HERE, ANN, "member", ANN).decide(conversation(ann="owner", bob="admin"), NOW)
