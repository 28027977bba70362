"""Bodies of requests and answers. Field names are those of the socket."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gator.domain.budget import Measure, Scope, Window
from gator.protocol.events import ReplyStatus
from gator.protocol.types import MAX_ID_LENGTH, MAX_INITIAL_MEMBERS, Kind, Role

# In Rust's dialect, which Pydantic uses, `$` is the end and nothing else.
NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]+$"
NO_NUL = r"^[^\x00]*$"
"""PostgreSQL cannot store it."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_LENGTH, pattern=NO_CONTROL_CHARACTERS)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROL_CHARACTERS)]


class Body(BaseModel):
    """What a client sends; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid")


class NewConversation(Body):
    """A conversation to create. The asker becomes its owner."""

    kind: Kind
    title: Title | None = None
    member_ids: Annotated[list[Id], Field(max_length=MAX_INITIAL_MEMBERS)] = []


class Renaming(Body):
    """Another title, or none."""

    title: Title | None


class NewMessageBody(Body):
    """A message to send."""

    content: str
    client_message_id: Id | None = None
    persona_id: Id | None = None


class NewMember(Body):
    """Somebody to bring in."""

    user_id: Id
    role: Role | None = None


class RoleChange(Body):
    """What a member may do from now on."""

    role: Role


class ReadPosition(Body):
    """Up to where the asker has read."""

    seq: Annotated[int, Field(ge=0, le=2**53 - 1)]


class MemoryBody(Body):
    """What the personas of a conversation are to remember of it."""

    summary: Annotated[str, StringConstraints(pattern=NO_NUL)]
    pins: list[Annotated[str, StringConstraints(pattern=NO_NUL)]]


class LoginOut(BaseModel):
    """The OpenID provider where people log in, and the page's name there."""

    issuer: str
    client_id: str
    scope: str


class ConfigOut(BaseModel):
    """What a client needs to know before anybody has logged in."""

    version: str
    auth: Literal["open", "jwt"]
    oidc: LoginOut | None


class SenderOut(BaseModel):
    """How an author is shown."""

    name: str | None = None
    avatar: str | None = None


class ReplyOut(BaseModel):
    """How a persona's message came about."""

    run_id: str
    answers: str
    """The message that it is a reply to."""
    attempt: int
    status: ReplyStatus
    model: str | None


class MessageOut(BaseModel):
    """One message."""

    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender: SenderOut
    content: str
    timestamp: str
    is_ai: bool
    client_message_id: str | None = None
    persona_id: str | None = None
    reply: ReplyOut | None = None
    """Of a persona's message only."""


class SentMessage(MessageOut):
    """A message that was sent, or that had been."""

    duplicate: bool


class MessagePage(BaseModel):
    """A page of history, oldest first. `seq` is the cursor."""

    messages: list[MessageOut]
    has_more: bool
    """Whether there is more in the direction that was asked for."""
    head: int
    """Newest position of the conversation's log."""
    epoch: str


class EventPage(BaseModel):
    """A page of the log: events exactly as the socket sends them."""

    events: list[dict[str, object]]
    has_more: bool
    head: int
    epoch: str


class ConversationOut(BaseModel):
    """A conversation as one of its members sees it."""

    id: str
    kind: Kind
    title: str | None
    role: Role
    seq: int
    """Newest position of the log."""
    member_count: int
    read_seq: int
    unread: int
    """Messages of others after `read_seq`, counted up to 1,000."""
    created_at: str
    last_message: MessageOut | None
    peer_id: str | None
    """The other one in a direct conversation."""


class ConversationPage(BaseModel):
    """A page of the asker's conversations, the one with the newest message first."""

    conversations: list[ConversationOut]
    next_cursor: str | None


class MemberOut(BaseModel):
    """A member."""

    user_id: str
    role: Role
    name: str | None
    avatar: str | None
    online: bool
    last_seen: str | None


class MemberPage(BaseModel):
    """A page of members, by their ids."""

    members: list[MemberOut]
    next_cursor: str | None


class UserOut(BaseModel):
    """A user."""

    id: str
    name: str | None
    avatar: str | None
    online: bool
    last_seen: str | None


class Me(UserOut):
    """The asker."""

    roles: list[str]


class StatusOut(BaseModel):
    """Whether a user is online, and when they last were."""

    online: bool
    last_seen: str | None


class Statuses(BaseModel):
    """Those of the users asked for whom the asker may see."""

    statuses: dict[str, StatusOut]


class MemoryOut(BaseModel):
    """What the personas of a conversation remember of it."""

    summary: str
    summary_seq: int
    """The summary tells of everything up to here."""
    pins: list[str]


class BudgetLeft(BaseModel):
    """What is left of one limit. Currency is counted in millionths."""

    scope: Scope
    window: Window
    measure: Measure
    limit: int
    left: int
    resets_at: str


class Budget(BaseModel):
    """What replies may still use that the asker asks for; no limits: as much as they like."""

    limits: list[BudgetLeft]


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """As in the event `error`."""
    retry_after_ms: int | None = None


class Health(BaseModel):
    """Whether the server is well."""

    status: Literal["ok", "draining", "unavailable"]
