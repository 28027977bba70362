"""Who comes into a conversation, who leaves it, and who may do what in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gator.domain.conversation import (
    RANK,
    Conversation,
    CreateConversation,
    check_rank,
    role_of,
)
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationCreated,
    Member,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
)
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, Role, UserId, UtcMillis


@dataclass(frozen=True, slots=True)
class EnterConversation:
    """Become a member by joining, as open mode allows.

    The first to enter creates it, and who enters after all have left owns it.
    """

    conversation_id: ConversationId
    by: UserId

    def decide(
        self, conversation: Conversation | None, now: UtcMillis
    ) -> ConversationCreated | MembersAdded | None:
        """See `Change.decide`. None if the user is a member already.

        Raises:
            Refusal: `conversation_not_found` for a deleted or a direct conversation.
        """
        if conversation is None:
            return CreateConversation(self.conversation_id, "group", None, self.by, ()).decide(None, now)
        if self.by in conversation.members and not conversation.deleted:
            return None
        if conversation.deleted or conversation.kind == "direct":
            raise Refusal("conversation_not_found")
        role: Role = "reader" if conversation.kind == "channel" else "member"
        if not conversation.members:
            role = "owner"
        return _added(conversation, [Member(user_id=self.by, role=role)], self.by, now)


@dataclass(frozen=True, slots=True)
class AddMembers:
    """Bring users into a conversation. Those who are members already stay as they are.

    Attributes:
        role: Their role; by default reader in a channel and member in a group.
    """

    conversation_id: ConversationId
    user_ids: Sequence[UserId]
    by: UserId
    role: Role | None = None

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> MembersAdded | None:
        """See `Change.decide`. A group's members may bring others, a channel's admins.

        Raises:
            Refusal: `conversation_not_found`, `direct_is_fixed`, `forbidden`.
        """
        own = role_of(conversation, self.by)
        assert conversation is not None
        if conversation.kind == "direct":
            raise Refusal("direct_is_fixed")
        check_rank(own, "admin" if conversation.kind == "channel" else "member")
        role: Role = self.role or ("reader" if conversation.kind == "channel" else "member")
        if role in ("owner", "admin") and not _outranks(own, role):
            raise Refusal("forbidden", f"You cannot give the role {role!r}; yours is {own!r}.")
        new = [
            Member(user_id=user, role=role)
            for user in dict.fromkeys(self.user_ids)
            if user not in conversation.members
        ]
        return _added(conversation, new, self.by, now) if new else None


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Leave a conversation, or remove somebody who ranks lower."""

    conversation_id: ConversationId
    user_id: UserId
    by: UserId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> MemberRemoved:
        """See `Change.decide`.

        Raises:
            Refusal: `conversation_not_found`, `member_not_found`, `direct_is_fixed`,
                `forbidden`, or `last_owner` while others remain.
        """
        own = role_of(conversation, self.by)
        assert conversation is not None
        if conversation.kind == "direct":
            raise Refusal("direct_is_fixed")
        target = conversation.members.get(self.user_id)
        if target is None:
            raise Refusal("member_not_found")
        if self.user_id != self.by:
            check_rank(own, "admin")
            if RANK[target] >= RANK[own]:
                raise Refusal("forbidden", f"You cannot remove a member whose role is {target!r}.")
        if len(conversation.members) > 1:
            _check_owner_remains(conversation, self.user_id)
        return MemberRemoved(
            conversation_id=self.conversation_id,
            seq=conversation.next_seq,
            timestamp=rfc3339(now),
            user_id=self.user_id,
            by=self.by,
            member_count=len(conversation.members) - 1,
        )


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Let a member do more or less. Everybody may step down by themselves."""

    conversation_id: ConversationId
    user_id: UserId
    role: Role
    by: UserId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> MemberRoleChanged | None:
        """See `Change.decide`. Owners change anyone; admins change who ranks below them.

        Raises:
            Refusal: `conversation_not_found`, `member_not_found`, `direct_is_fixed`,
                `forbidden`, `last_owner`.
        """
        own = role_of(conversation, self.by)
        assert conversation is not None
        if conversation.kind == "direct":
            raise Refusal("direct_is_fixed")
        steps_down = self.user_id == self.by and RANK[self.role] < RANK[own]
        if not steps_down:
            check_rank(own, "admin")
        target = conversation.members.get(self.user_id)
        if target is None:
            raise Refusal("member_not_found")
        if target == self.role:
            return None
        if not steps_down and not (_outranks(own, target) and _outranks(own, self.role)):
            raise Refusal(
                "forbidden", f"You are {own}; you cannot make a member with role {target!r} {self.role!r}."
            )
        if self.role != "owner":
            _check_owner_remains(conversation, self.user_id)
        return MemberRoleChanged(
            conversation_id=self.conversation_id,
            seq=conversation.next_seq,
            timestamp=rfc3339(now),
            user_id=self.user_id,
            role=self.role,
            by=self.by,
        )


def _added(conversation: Conversation, members: Sequence[Member], by: UserId, now: UtcMillis) -> MembersAdded:
    return MembersAdded(
        conversation_id=conversation.id,
        seq=conversation.next_seq,
        timestamp=rfc3339(now),
        by=by,
        members=tuple(members),
        member_count=len(conversation.members) + len(members),
    )


def _outranks(own: Role, other: Role) -> bool:
    """Tell whether one may give or take a role: owners every one, others those below theirs."""
    return own == "owner" or RANK[other] < RANK[own]


def _check_owner_remains(conversation: Conversation, without: UserId) -> None:
    if conversation.members[without] != "owner":
        return
    if not any(role == "owner" and user != without for user, role in conversation.members.items()):
        raise Refusal("last_owner")
