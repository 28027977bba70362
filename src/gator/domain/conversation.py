"""A conversation's state, the fold of its log, and what may become of it as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

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
)
from gator.protocol.times import rfc3339
from gator.protocol.types import (
    LARGE_CONVERSATION,
    ConversationId,
    Kind,
    Role,
    Seq,
    UserId,
    UtcMillis,
)

RANK: Final[dict[Role, int]] = {"reader": 0, "member": 1, "admin": 2, "owner": 3}
"""Who may do more. A right is always "this rank or above"."""


@dataclass(slots=True)
class Conversation:
    """What a conversation's log amounts to at position `head`.

    The journal keeps one to decide changes, the hub keeps one to decide who may
    join. Both are the same fold over the same events, so a snapshot plus the events
    after it equals a later snapshot.
    """

    id: ConversationId
    kind: Kind
    title: str | None
    head: Seq
    members: dict[UserId, Role]
    created_at: str
    deleted: bool = False
    _audience: tuple[UserId, ...] | None = field(default=None, repr=False, compare=False)

    @property
    def large(self) -> bool:
        """True when presence and typing are counted instead of told one by one."""
        return len(self.members) > LARGE_CONVERSATION

    @property
    def next_seq(self) -> Seq:
        """The position that the next event takes."""
        return Seq(self.head + 1)

    @property
    def audience(self) -> tuple[UserId, ...]:
        """Members to be notified where they have not joined; nobody in a large one."""
        if self._audience is None:
            self._audience = () if self.large else tuple(self.members)
        return self._audience

    def forget_audience(self) -> None:
        """Compute `audience` anew after a change of members."""
        self._audience = None


class Change(Protocol):
    """Something that a user wants to happen to a conversation, as a value."""

    @property
    def conversation_id(self) -> ConversationId: ...

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> DurableEvent | None:
        """Turn the wish into the next event of the log, without changing anything.

        Args:
            conversation: The state at its head; None if there is no such conversation.
            now: The moment of the commit.

        Returns:
            The event, or None if what is wished for is so already.

        Raises:
            Refusal: It may not happen.
        """


def apply(conversation: Conversation, event: DurableEvent) -> None:
    """Fold the next event of the log into a conversation's state.

    Raises:
        ValueError: The event is not the next one; folding it would hide a hole.
    """
    if event.seq != conversation.head + 1:
        raise ValueError(f"{conversation.id!r} is at {conversation.head}, cannot take event {event.seq}")
    match event:
        case MembersAdded():
            conversation.members.update((member.user_id, member.role) for member in event.members)
            conversation.forget_audience()
        case MemberRemoved():
            conversation.members.pop(event.user_id, None)
            conversation.forget_audience()
        case MemberRoleChanged():
            conversation.members[event.user_id] = event.role
        case ConversationRenamed():
            conversation.title = event.title
        case ConversationDeleted():
            conversation.deleted = True
            conversation.members.clear()
            conversation.forget_audience()
        case _:
            pass
    conversation.head = event.seq


def begin(event: ConversationCreated) -> Conversation:
    """State after a log's first event."""
    return Conversation(
        id=event.conversation_id,
        kind=event.kind,
        title=event.title,
        head=event.seq,
        members={member.user_id: member.role for member in event.members},
        created_at=event.timestamp,
    )


def role_of(conversation: Conversation | None, user_id: UserId) -> Role:
    """Look up a member's role.

    Raises:
        Refusal: `conversation_not_found`, the same whether the conversation never
            was, is deleted, or is none of the user's business.
    """
    if conversation is None or conversation.deleted:
        raise Refusal("conversation_not_found")
    role = conversation.members.get(user_id)
    if role is None:
        raise Refusal("conversation_not_found")
    return role


def check_rank(role: Role, least: Role) -> None:
    """Refuse whoever ranks below `least`.

    Raises:
        Refusal: `forbidden`.
    """
    if RANK[role] < RANK[least]:
        raise Refusal("forbidden", f"This needs the role {least!r} or above; yours is {role!r}.")


def direct_key(first: UserId, second: UserId) -> str:
    """Name the pair of a direct conversation, whoever of the two asks.

    The length of the first id keeps pairs apart whose ids contain the separator.
    """
    low, high = sorted((first, second))
    return f"{len(low)}:{low}:{high}"


@dataclass(frozen=True, slots=True)
class CreateConversation:
    """Create a conversation with its first members.

    Attributes:
        conversation_id: Made by the server, or chosen by the first to join in open mode.
        member_ids: The others; the creator is a member in any case.
    """

    conversation_id: ConversationId
    kind: Kind
    title: str | None
    by: UserId
    member_ids: Sequence[UserId]

    @property
    def direct_key(self) -> str | None:
        """The pair that may have only one direct conversation; None for other kinds."""
        if self.kind != "direct":
            return None
        others = [user for user in dict.fromkeys(self.member_ids) if user != self.by]
        return direct_key(self.by, others[0]) if len(others) == 1 else None

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> ConversationCreated:
        """See `Change.decide`.

        Raises:
            Refusal: `conflict` if the id is taken, `invalid_command` for a direct
                conversation of other than two people or with a title.
        """
        if conversation is not None:
            raise Refusal("conflict", "A conversation with this id exists.")
        others = [user for user in dict.fromkeys(self.member_ids) if user != self.by]
        first: Role = "owner"
        rest: Role = "reader" if self.kind == "channel" else "member"
        if self.kind == "direct":
            if len(others) != 1:
                raise Refusal("invalid_command", "A direct conversation has exactly one other member.")
            if self.title is not None:
                raise Refusal("invalid_command", "A direct conversation has no title.")
            first = rest = "member"
        members = (Member(user_id=self.by, role=first), *(Member(user_id=u, role=rest) for u in others))
        return ConversationCreated(
            conversation_id=self.conversation_id,
            seq=Seq(1),
            timestamp=rfc3339(now),
            kind=self.kind,
            title=self.title,
            by=self.by,
            members=members,
            member_count=len(members),
        )


@dataclass(frozen=True, slots=True)
class RenameConversation:
    """Give a conversation another title, or none."""

    conversation_id: ConversationId
    title: str | None
    by: UserId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> ConversationRenamed | None:
        """See `Change.decide`.

        Raises:
            Refusal: `conversation_not_found`, `forbidden` below admin, `direct_is_fixed`.
        """
        role = role_of(conversation, self.by)
        assert conversation is not None
        if conversation.kind == "direct":
            raise Refusal("direct_is_fixed")
        check_rank(role, "admin")
        if conversation.title == self.title:
            return None
        return ConversationRenamed(
            conversation_id=self.conversation_id,
            seq=conversation.next_seq,
            timestamp=rfc3339(now),
            title=self.title,
            by=self.by,
        )


@dataclass(frozen=True, slots=True)
class DeleteConversation:
    """End a conversation for everybody. Its id is never used again."""

    conversation_id: ConversationId
    by: UserId

    def decide(self, conversation: Conversation | None, now: UtcMillis) -> ConversationDeleted:
        """See `Change.decide`.

        Raises:
            Refusal: `conversation_not_found`, `forbidden` below owner, `direct_is_fixed`.
        """
        role = role_of(conversation, self.by)
        assert conversation is not None
        if conversation.kind == "direct":
            raise Refusal("direct_is_fixed", "A direct conversation belongs to both; neither can delete it.")
        check_rank(role, "owner")
        return ConversationDeleted(
            conversation_id=self.conversation_id,
            seq=conversation.next_seq,
            timestamp=rfc3339(now),
            by=self.by,
        )
