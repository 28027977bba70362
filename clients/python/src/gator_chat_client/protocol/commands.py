# Generated from the server's commands.py by clients/python/generate.py; edit that one instead.
"""What a client may say. A command is an imperative; it may fail and has one handler."""

from typing import Annotated

from msgspec import Meta, Struct

from gator_chat_client.protocol.types import (
    MAX_CODE_POINTS,
    MAX_INITIAL_MEMBERS,
    MAX_STATUS_IDS,
    ClientMessageId,
    CommandId,
    Kind,
    Title,
    WireConversationId,
    WireMessageId,
    WirePersonaId,
    WireRunId,
    WireSeq,
    WireUserId,
)


class _Command(Struct, frozen=True, kw_only=True, tag_field="type"):
    id: CommandId | None = None
    """Chosen by the client; whatever this command causes carries it back as `reply_to`."""


class JoinConversation(_Command, frozen=True, kw_only=True, tag="join_conversation"):
    """Receive a conversation's live events on this connection, from `after_seq` on.

    Answered with `conversation_joined`. In open mode an unknown conversation is
    created, and whoever joins becomes a member.
    """

    conversation_id: WireConversationId
    after_seq: WireSeq | None = None
    """Position the client has; everything after it follows as ordinary events."""
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    """`epoch` under which `after_seq` was learnt."""


class LeaveConversation(_Command, frozen=True, kw_only=True, tag="leave_conversation"):
    """Stop receiving a conversation's events here. Membership is untouched."""

    conversation_id: WireConversationId


class CreateConversation(_Command, frozen=True, kw_only=True, tag="create_conversation"):
    """Create a conversation and name its members. Answered with `conversation_created`.

    A second `direct` conversation of the same two people is the first one.
    """

    kind: Kind
    member_ids: Annotated[list[WireUserId], Meta(max_length=MAX_INITIAL_MEMBERS)]
    title: Title | None = None


class SendMessage(_Command, frozen=True, kw_only=True, tag="send_message"):
    """Say something in a conversation. Answered with `ack` once it is on disk."""

    conversation_id: WireConversationId
    content: str
    client_message_id: ClientMessageId | None = None
    """Unique per sender and conversation for ever: a repeat gets the original `ack` again."""
    persona_id: WirePersonaId | None = None
    """The persona that is to answer. Unasked answers one in a direct conversation with it, or one
    that is a member of a group and mentioned by name: `@Nia`."""


class StopReply(_Command, frozen=True, kw_only=True, tag="stop_reply"):
    """End a persona's reply; what it has said so far is kept. Answered with `run_accepted`."""

    run_id: WireRunId


class RegenerateReply(_Command, frozen=True, kw_only=True, tag="regenerate_reply"):
    """Have a persona answer again. Answered with `run_accepted`, which names the new run.

    The new reply is a sibling of the old one: both are kept, told apart by `reply.attempt`.
    """

    message_id: WireMessageId
    """The reply to replace, or the message whose reply failed."""


class ResumeReply(_Command, frozen=True, kw_only=True, tag="resume_reply"):
    """Ask for what a reply says from an offset on. Answered with `reply_delta`, or the end if it ended."""

    run_id: WireRunId
    epoch: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    offset: Annotated[int, Meta(ge=0, le=MAX_CODE_POINTS)] = 0
    """Code points of the reply that the client has; of another epoch it has none."""


class TypingStart(_Command, frozen=True, kw_only=True, tag="typing_start"):
    """Tell the others in a joined conversation that the user is typing."""

    conversation_id: WireConversationId


class TypingStop(_Command, frozen=True, kw_only=True, tag="typing_stop"):
    """Tell the others in a joined conversation that the user stopped typing."""

    conversation_id: WireConversationId


class GetOnlineStatus(_Command, frozen=True, kw_only=True, tag="get_online_status"):
    """Ask who of these users is online. Answered with `online_users`."""

    user_ids: Annotated[list[WireUserId], Meta(max_length=MAX_STATUS_IDS)]


class MarkRead(_Command, frozen=True, kw_only=True, tag="mark_read"):
    """Remember that the user has read a conversation up to `seq`. It never moves back."""

    conversation_id: WireConversationId
    seq: WireSeq


class Heartbeat(_Command, frozen=True, kw_only=True, tag="heartbeat"):
    """Ask for a sign of life. Answered with `heartbeat`."""


class RefreshToken(_Command, frozen=True, kw_only=True, tag="refresh_token"):
    """Replace the connection's token before it ends. Answered with `token_refreshed`."""

    token: Annotated[str, Meta(max_length=16_384)]


Command = (
    JoinConversation
    | LeaveConversation
    | CreateConversation
    | SendMessage
    | StopReply
    | RegenerateReply
    | ResumeReply
    | TypingStart
    | TypingStop
    | GetOnlineStatus
    | MarkRead
    | Heartbeat
    | RefreshToken
)
