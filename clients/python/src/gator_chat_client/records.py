"""What the server says over HTTP."""

from msgspec import Struct

from gator_chat_client.protocol.events import Message
from gator_chat_client.protocol.types import Kind, Role


class ConversationSummary(Struct, frozen=True, kw_only=True):
    """A conversation in the list of a user.

    Attributes:
        peer_id: The other one in a direct conversation.
        read_seq: Up to where the user has read.
        unread: Messages of others after that, counted up to 1,000.
        seq: Newest position of the log.
    """

    id: str
    kind: Kind
    title: str | None
    role: Role
    seq: int
    member_count: int
    read_seq: int
    unread: int
    created_at: str
    last_message: Message | None
    peer_id: str | None = None


class ConversationPage(Struct, frozen=True, kw_only=True):
    """A page of a user's conversations, the one with the newest message first."""

    conversations: list[ConversationSummary]
    next_cursor: str | None


class MessagePage(Struct, frozen=True, kw_only=True):
    """A page of history, oldest first."""

    messages: list[Message]
    has_more: bool
    head: int
    epoch: str


class UserRecord(Struct, frozen=True, kw_only=True):
    """A user, as others see them."""

    id: str
    name: str | None
    avatar: str | None
    online: bool
    last_seen: str | None


class MemberRecord(Struct, frozen=True, kw_only=True):
    """A member of a conversation."""

    user_id: str
    role: Role
    name: str | None
    avatar: str | None
    online: bool
    last_seen: str | None


class MemberPage(Struct, frozen=True, kw_only=True):
    """A page of members, by their ids."""

    members: list[MemberRecord]
    next_cursor: str | None


class PersonaSummary(Struct, frozen=True, kw_only=True):
    """A persona that the user may ask, in short."""

    id: str
    name: str
    avatar: str | None
    blurb: str
    tags: list[str]
    mine: bool


class PersonaPage(Struct, frozen=True, kw_only=True):
    """A page of personas."""

    personas: list[PersonaSummary]
    next_cursor: str | None
