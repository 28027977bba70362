"""What a program sees of a conversation: one immutable value."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from gator_chat_client.gaps import Discontinuity
from gator_chat_client.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Message,
    PersonaActivity,
)
from gator_chat_client.protocol.types import Kind, Role

Status = Literal["idle", "joining", "live", "left", "failed"]
"""`idle`: nobody wants it. `joining`: it is asked for, or what was missed is on its way. `live`: everything is
there. `left`: membership has ended. `failed`: the server does not let this user in."""

SystemEvent = (
    ConversationCreated
    | ConversationRenamed
    | ConversationDeleted
    | MembersAdded
    | MemberRemoved
    | MemberRoleChanged
)
"""An event of the log that is no message."""

SendState = Literal["sending", "sent", "failed"]

REMEMBERED_ENDS: Final = 20
"""Runs of which it is remembered how they ended."""

REMEMBERED_RUNS: Final = 64
"""Runs of which it is remembered that they ended."""


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message of this user that is not in the log yet, as far as is known here.

    Attributes:
        client_message_id: Under which it is sent, however often.
        error: Code of the refusal, if it failed.
        why: The same as a sentence for people.
        seq: Its place in the log, once it is sent.
    """

    client_message_id: str
    conversation_id: str
    content: str
    persona_id: str | None = None
    state: SendState = "sending"
    error: str | None = None
    why: str | None = None
    message_id: str | None = None
    seq: int | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """A persona's reply that is being made.

    Attributes:
        position: How many are before it, while it is queued.
        text: What it has said so far, in this epoch.
        is_asking: What is missing of it is asked for.
    """

    run_id: str
    persona_id: str
    at: str
    state: Literal["queued", "thinking", "streaming"] = "thinking"
    answers: str | None = None
    message_id: str | None = None
    position: int | None = None
    attempt: int = 1
    epoch: int = 0
    text: str = ""
    provider: str | None = None
    model: str | None = None
    is_asking: bool = False


class ReplyEnd(Struct, frozen=True, kw_only=True):
    """How a run ended that has no message, or none that is whole.

    Attributes:
        message_id: What it said, if it said anything.
        by: Who stopped it; None if the server did.
        code: Why it failed or was rejected.
        retryable: True if regenerating it may well succeed.
    """

    run_id: str
    persona_id: str
    how: Literal["stopped", "failed", "rejected"]
    answers: str
    message_id: str | None = None
    by: str | None = None
    code: str | None = None
    retryable: bool | None = None
    retry_after_ms: int | None = None
    resets_at: str | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """A conversation at one moment. Equal to the same value as long as nothing has changed.

    Attributes:
        me: The user whose view it is; None before the first greeting.
        reason: Why it is `left` or `failed`.
        seq: Position up to which everything is here.
        head: Newest position that was heard of.
        members: Who is in it; None as long as that is not known, and in conversations of over 100 members.
        messages: Those that are loaded, without a hole, in order of `seq`.
        events: What else happened in that stretch of the log.
        outgoing: Own messages that are not among `messages` yet, in order of sending.
        has_older: There are messages before the first one that is loaded.
        discontinuity: The gap of the last join, if there was one. `messages` begins behind it.
        read_seq: Up to where the user has read.
        unread: Messages of others after that.
        counted_seq: Position up to which the server has counted them.
        typing: Users who are typing, without personas.
        typing_count: How many are; all that is told in a conversation of over 100 members.
        replies: Replies that are being made.
        reply_ends: Runs that were stopped, failed or rejected, the newest last.
        ended_runs: Ids of runs that are over; what comes late of them means nothing.
        persona_states: What personas do, except `idle`.
    """

    id: str
    me: str | None = None
    status: Status = "idle"
    reason: str | None = None
    kind: Kind | None = None
    title: str | None = None
    role: Role | None = None
    peer_id: str | None = None
    seq: int = 0
    head: int = 0
    epoch: str | None = None
    member_count: int = 0
    members: Mapping[str, Role] | None = None
    messages: tuple[Message, ...] = ()
    events: tuple[SystemEvent, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    has_older: bool = False
    discontinuity: Discontinuity | None = None
    read_seq: int = 0
    unread: int = 0
    counted_seq: int = 0
    typing: tuple[str, ...] = ()
    typing_count: int = 0
    online: tuple[str, ...] = ()
    online_count: int = 0
    replies: tuple[Reply, ...] = ()
    reply_ends: tuple[ReplyEnd, ...] = ()
    ended_runs: tuple[str, ...] = ()
    persona_states: Mapping[str, PersonaActivity] = {}

    def reply(self, run_id: str) -> Reply | None:
        """Find a reply that is being made."""
        return next((reply for reply in self.replies if reply.run_id == run_id), None)

    def message(self, message_id: str) -> Message | None:
        """Find a message that is loaded."""
        return next((message for message in reversed(self.messages) if message.id == message_id), None)


def siblings_of(snapshot: Snapshot, message_id: str) -> list[Message]:
    """List all attempts at the reply that a message is, the first attempt first; of any other message, itself."""
    message = snapshot.message(message_id)
    if message is None or message.reply is None:
        return [] if message is None else [message]
    answers, persona_id = message.reply.answers, message.sender_id
    attempts = [
        other
        for other in snapshot.messages
        if other.reply is not None and other.reply.answers == answers and other.sender_id == persona_id
    ]
    return sorted(attempts, key=lambda other: 0 if other.reply is None else other.reply.attempt)
