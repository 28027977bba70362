"""What the server says. An event is a fact; there are two kinds, and answers.

`Durable` events take the next `seq` of their conversation and are stored before
anybody hears of them. `Ephemeral` events (typing, presence) never are. The type,
not the caller, picks the path. Answers go to one connection only.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gator.protocol.errors import ErrorCode
from gator.protocol.types import (
    ConversationId,
    Kind,
    MessageId,
    PersonaId,
    Role,
    RunId,
    Seq,
    Timestamp,
    UserId,
)

Unrecovered = Literal["no_position", "epoch_changed", "ahead_of_log", "too_far_behind"]

ReplyStatus = Literal["complete", "truncated", "stopped", "failed", "interrupted"]
"""How a reply came to its end: said whole; cut at its longest; ended by somebody, by a fault
of the provider, or by one of the server. What was said before is kept in any case."""

ReplyFailure = Literal[
    "provider_unreachable",
    "provider_timeout",
    "provider_busy",
    "provider_refused",
    "provider_broke_off",
    "moderated",
    "empty",
    "internal",
]
"""Why a reply failed."""

ResetReason = Literal["fallback", "moderated"]
"""Another provider says it anew; it may not be said here."""

ReplyRefusal = Literal["queue_full", "overloaded", "budget", "moderated", "persona_not_found"]
"""Why there will be no reply at all."""

PersonaActivity = Literal["idle", "thinking", "typing"]


class Sender(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a message's author is shown."""

    name: str | None = None
    avatar: str | None = None


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a persona's message came about."""

    run_id: RunId
    answers: MessageId
    """The message that it is a reply to."""
    attempt: int = 1
    """1 for the first; a regenerated reply is a sibling with the next number."""
    status: ReplyStatus = "complete"
    model: str | None = None


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of a conversation."""

    id: MessageId
    seq: Seq
    sender_id: UserId
    sender: Sender
    content: str
    timestamp: Timestamp
    is_ai: bool
    client_message_id: str | None = None
    persona_id: PersonaId | None = None
    """The persona that was asked to answer, as the sender gave it."""
    reply: Reply | None = None
    """Of a persona's message only."""


class Member(Struct, frozen=True, kw_only=True):
    """A user's place in a conversation."""

    user_id: UserId
    role: Role


class _Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    timestamp: Timestamp


class Durable(_Event, frozen=True, kw_only=True):
    """An event of a conversation's log."""

    conversation_id: ConversationId
    seq: Seq


class NewMessage(Durable, frozen=True, kw_only=True, tag="new_message"):
    """A message was stored. Everybody who has joined hears it, the sender too."""

    message: Message


class ConversationCreated(Durable, frozen=True, kw_only=True, tag="conversation_created"):
    """A conversation exists from now on, at `seq` 1.

    As the answer about a direct conversation that two people had already, `seq` is its head.
    """

    kind: Kind
    title: str | None
    by: UserId
    members: tuple[Member, ...]
    """Empty on the wire when there are more than 100; ask over HTTP."""
    member_count: int
    reply_to: str | None = None


class ConversationRenamed(Durable, frozen=True, kw_only=True, tag="conversation_renamed"):
    """A conversation has another title."""

    title: str | None
    by: UserId


class ConversationDeleted(Durable, frozen=True, kw_only=True, tag="conversation_deleted"):
    """A conversation is gone; the last event of its log."""

    by: UserId


class MembersAdded(Durable, frozen=True, kw_only=True, tag="members_added"):
    """Users are members from now on."""

    by: UserId
    members: tuple[Member, ...]
    """Empty on the wire when the conversation has more than 100 members."""
    member_count: int


class MemberRemoved(Durable, frozen=True, kw_only=True, tag="member_removed"):
    """A user left (`by` is the user) or was removed."""

    user_id: UserId
    by: UserId
    member_count: int


class MemberRoleChanged(Durable, frozen=True, kw_only=True, tag="member_role_changed"):
    """A member may do more or less from now on."""

    user_id: UserId
    role: Role
    by: UserId


class Ephemeral(_Event, frozen=True, kw_only=True):
    """An event that is true for a moment and never stored. At most once."""


class TypingIndicator(Ephemeral, frozen=True, kw_only=True, tag="typing_indicator"):
    """Someone else in a joined conversation started or stopped typing."""

    conversation_id: ConversationId
    user_id: UserId
    is_typing: bool


class PresenceUpdate(Ephemeral, frozen=True, kw_only=True, tag="presence_update"):
    """Someone with whom a joined conversation is shared came or went."""

    user_id: UserId
    online: bool


class Occupancy(Ephemeral, frozen=True, kw_only=True, tag="occupancy"):
    """How many are online and typing in a joined conversation of over 100 members."""

    conversation_id: ConversationId
    online: int
    typing: int
    member_count: int


class Notification(Ephemeral, frozen=True, kw_only=True, tag="notification"):
    """Something happened in a conversation that this connection has not joined.

    Sent to members of conversations of up to 100 members, and to whoever is added
    or removed. The log has the whole story; this is the tap on the shoulder.
    """

    conversation_id: ConversationId
    seq: Seq
    reason: Literal["new_message", "added", "removed", "deleted"]
    message: Message | None = None


class _OfRun(Ephemeral, frozen=True, kw_only=True):
    conversation_id: ConversationId
    run_id: RunId
    persona_id: PersonaId


class ReplyQueued(_OfRun, frozen=True, kw_only=True, tag="reply_queued"):
    """A persona will answer when its turn comes."""

    answers: MessageId
    position: int
    """Runs before this one in the conversation."""


class ReplyStarted(_OfRun, frozen=True, kw_only=True, tag="reply_started"):
    """A persona was asked and thinks. Also said to who joins in the middle of a reply."""

    answers: MessageId
    message_id: MessageId
    """What the reply will be called once it is stored."""
    epoch: int
    attempt: int
    provider: str
    model: str | None = None


class ReplyDelta(_OfRun, frozen=True, kw_only=True, tag="reply_delta"):
    """A piece of a reply.

    Append it if `offset` is the length of what you have, drop the overlap if it is less,
    and say `resume_reply` if it is more.
    """

    message_id: MessageId
    epoch: int
    offset: int
    """Unicode code points of the reply before this piece."""
    text: str
    reply_to: str | None = None
    """As the answer to `resume_reply` only."""


class ReplyReset(_OfRun, frozen=True, kw_only=True, tag="reply_reset"):
    """Forget what the reply said: it begins anew, at offset 0 of the new epoch."""

    message_id: MessageId
    epoch: int
    reason: ResetReason


class ReplyStopped(_OfRun, frozen=True, kw_only=True, tag="reply_stopped"):
    """The end of a run that somebody ended. If it had said something, that is a message now."""

    answers: MessageId
    by: UserId | None = None
    """None if the server did: a follow-up came, or the conversation is gone."""
    message_id: MessageId | None = None


class ReplyFailed(_OfRun, frozen=True, kw_only=True, tag="reply_failed"):
    """The end of a run that went wrong. If it had said something, that is a message now."""

    answers: MessageId
    code: ReplyFailure
    retryable: bool
    """True if `regenerate_reply` may well succeed."""
    message_id: MessageId | None = None


class ReplyRejected(_OfRun, frozen=True, kw_only=True, tag="reply_rejected"):
    """There will be no reply. The message itself is stored."""

    answers: MessageId
    code: ReplyRefusal
    retry_after_ms: int | None = None
    resets_at: Timestamp | None = None
    """When the budget that is spent begins anew."""


class PersonaState(Ephemeral, frozen=True, kw_only=True, tag="persona_state"):
    """What a persona does in a conversation just now."""

    conversation_id: ConversationId
    persona_id: PersonaId
    state: PersonaActivity


class RunAccepted(_Event, frozen=True, kw_only=True, tag="run_accepted"):
    """Answer to `stop_reply` and `regenerate_reply`; what becomes of it is told to everybody."""

    run_id: RunId
    reply_to: str | None = None


class ConversationJoined(_Event, frozen=True, kw_only=True, tag="conversation_joined"):
    """Answer to `join_conversation`: from here on events follow."""

    conversation_id: ConversationId
    seq: Seq
    """The head of the log: live events continue with `seq` + 1."""
    epoch: str
    recovered: bool
    """True when everything after `after_seq` follows, in order and before anything newer."""
    role: Role
    member_count: int
    online: tuple[UserId, ...]
    """Members who are online; empty above 100 members, see `online_count`."""
    online_count: int
    reason: Unrecovered | None = None
    """Why `recovered` is false: load the history over HTTP instead."""
    reply_to: str | None = None


class ConversationLeft(_Event, frozen=True, kw_only=True, tag="conversation_left"):
    """Answer to `leave_conversation`, or said unasked when membership ended."""

    conversation_id: ConversationId
    reason: Literal["asked", "removed", "deleted"]
    reply_to: str | None = None


class Ack(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ack", tag_field="type"):
    """Answer to `send_message`: it is on disk at `seq`."""

    conversation_id: ConversationId
    message_id: MessageId
    seq: Seq
    duplicate: bool
    """True when this `client_message_id` had been stored before; nothing was stored again."""
    timestamp: Timestamp
    client_message_id: str | None = None
    reply_to: str | None = None


class UserStatus(Struct, frozen=True, kw_only=True):
    """Whether a user is online, and when they last were."""

    online: bool
    last_seen: Timestamp | None


class Limits(Struct, frozen=True, kw_only=True):
    """The limits in force on a connection."""

    max_frame_bytes: int
    max_message_chars: int
    max_joined_conversations: int
    max_connections_per_user: int
    """0 when limits are off."""
    messages_per_second: float
    """0 when limits are off."""


class OnlineUsers(_Event, frozen=True, kw_only=True, tag="online_users"):
    """First frame of a connection, and answer to `get_online_status`."""

    users: tuple[UserId, ...]
    """Ids that are online and that the receiver may see."""
    statuses: dict[UserId, UserStatus] | None = None
    """Answer only: every id asked for that the asker may see."""
    connection_id: str | None = None
    """First frame only, as are the fields below."""
    user_id: UserId | None = None
    heartbeat_ms: int | None = None
    epoch: str | None = None
    limits: Limits | None = None
    reply_to: str | None = None


class ReadMarked(_Event, frozen=True, kw_only=True, tag="read_marked"):
    """Answer to `mark_read`, sent to all of the user's own connections."""

    conversation_id: ConversationId
    seq: Seq
    reply_to: str | None = None


class HeartbeatEvent(_Event, frozen=True, kw_only=True, tag="heartbeat"):
    """A sign of life. A head above what the client has seen means that it missed something."""

    heads: dict[ConversationId, Seq] = {}
    """Head `seq` of every joined conversation that moved since the last heartbeat."""
    reply_to: str | None = None


class TokenRefreshed(_Event, frozen=True, kw_only=True, tag="token_refreshed"):
    """Answer to `refresh_token`."""

    expires_at: Timestamp | None
    reply_to: str | None = None


class Reconnect(_Event, frozen=True, kw_only=True, tag="reconnect"):
    """The server will go away: close and come back after `after_ms`."""

    after_ms: Annotated[int, Meta(ge=0)]


class Error(_Event, frozen=True, kw_only=True, tag="error"):
    """A command was refused and nothing was changed; the connection lives.

    With `persona_not_found` the message itself was stored and acknowledged.
    """

    code: ErrorCode
    message: str
    reply_to: str | None = None
    client_message_id: str | None = None
    retry_after_ms: int | None = None


DurableEvent = (
    NewMessage
    | ConversationCreated
    | ConversationRenamed
    | ConversationDeleted
    | MembersAdded
    | MemberRemoved
    | MemberRoleChanged
)
ReplyEvent = (
    ReplyQueued
    | ReplyStarted
    | ReplyDelta
    | ReplyReset
    | ReplyStopped
    | ReplyFailed
    | ReplyRejected
    | PersonaState
)
EphemeralEvent = TypingIndicator | PresenceUpdate | Occupancy | Notification | ReplyEvent
Answer = (
    ConversationJoined
    | ConversationLeft
    | Ack
    | RunAccepted
    | OnlineUsers
    | ReadMarked
    | HeartbeatEvent
    | TokenRefreshed
    | Reconnect
    | Error
)
Event = DurableEvent | EphemeralEvent | Answer
