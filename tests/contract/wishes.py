"""Changes and notes in few words, for the suites of journal and store."""

from itertools import count
from typing import Final

from gator.domain.conversation import CreateConversation, DeleteConversation, RenameConversation
from gator.domain.identity import Identity
from gator.domain.membership import AddMembers, ChangeRole, EnterConversation, RemoveMember
from gator.domain.message import PostMessage
from gator.ports import LastSeen, ReadUpTo, UserSeen
from gator.protocol.events import Sender
from gator.protocol.types import ConversationId, Kind, MessageId, PersonaId, Role, Seq, UserId, UtcMillis

GARDEN: Final = ConversationId("garden")
KITCHEN: Final = ConversationId("kitchen")
ANN, BOB, CLEO, ZOE = UserId("ann"), UserId("bob"), UserId("cleo"), UserId("zoe")

_numbers = count(1)


def create(
    where: str, by: str, *others: str, kind: Kind = "group", title: str | None = None
) -> CreateConversation:
    """Create a conversation with its first members."""
    return CreateConversation(ConversationId(where), kind, title, UserId(by), [UserId(user) for user in others])


def enter(where: str, by: str) -> EnterConversation:
    """Become a member as in open mode."""
    return EnterConversation(ConversationId(where), UserId(by))


def post(where: str, by: str, content: str, key: str | None = None, persona: str | None = None) -> PostMessage:
    """Say something; `key` is the client's id."""
    return PostMessage(
        conversation_id=ConversationId(where),
        by=UserId(by),
        sender=Sender(),
        content=content,
        message_id=MessageId(f"message-{next(_numbers)}"),
        client_message_id=key,
        persona_id=None if persona is None else PersonaId(persona),
    )


def add(where: str, by: str, *users: str, role: Role | None = None) -> AddMembers:
    """Bring users in."""
    return AddMembers(ConversationId(where), [UserId(user) for user in users], UserId(by), role)


def remove(where: str, by: str, user: str) -> RemoveMember:
    """Remove a member, or leave."""
    return RemoveMember(ConversationId(where), UserId(user), UserId(by))


def promote(where: str, by: str, user: str, role: Role) -> ChangeRole:
    """Give a member another role."""
    return ChangeRole(ConversationId(where), UserId(user), role, UserId(by))


def rename(where: str, by: str, title: str | None) -> RenameConversation:
    """Give a conversation another title."""
    return RenameConversation(ConversationId(where), title, UserId(by))


def delete(where: str, by: str) -> DeleteConversation:
    """End a conversation."""
    return DeleteConversation(ConversationId(where), UserId(by))


def seen(user: str, name: str | None = None, avatar: str | None = None, at: int = 5) -> UserSeen:
    """Note that a user connected."""
    return UserSeen(Identity(UserId(user), name=name, avatar=avatar), UtcMillis(at))


def gone(user: str, at: int) -> LastSeen:
    """Note that a user's last connection ended."""
    return LastSeen(UserId(user), UtcMillis(at))


def read(where: str, user: str, seq: int) -> ReadUpTo:
    """Note how far a member has read."""
    return ReadUpTo(ConversationId(where), UserId(user), Seq(seq))
