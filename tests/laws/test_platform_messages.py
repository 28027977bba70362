"""The messages that the platform's own document shows keep their names, fields and JSON types."""

import json

import msgspec
import pytest

from gator.protocol.codec import decode, encode
from gator.protocol.commands import (
    Command,
    GetOnlineStatus,
    JoinConversation,
    LeaveConversation,
    SendMessage,
    TypingStart,
    TypingStop,
)
from gator.protocol.events import (
    ConversationJoined,
    Error,
    Event,
    Message,
    NewMessage,
    OnlineUsers,
    PresenceUpdate,
    Sender,
    TypingIndicator,
)
from gator.protocol.types import ConversationId, MessageId, PersonaId, Seq, UserId

CONVERSATION = ConversationId("conversation-uuid")
TEST = ConversationId("test-conv-id")
USER = UserId("user-uuid")
AT = "2025-01-15T10:30:00Z"

COMMANDS: list[tuple[str, Command]] = [
    (
        '{"type": "join_conversation", "conversation_id": "conversation-uuid"}',
        JoinConversation(conversation_id=CONVERSATION),
    ),
    (
        '{"type": "leave_conversation", "conversation_id": "conversation-uuid"}',
        LeaveConversation(conversation_id=CONVERSATION),
    ),
    (
        '{"type": "send_message", "conversation_id": "conversation-uuid", '
        '"content": "Hello! This is my message.", "persona_id": "persona-uuid"}',
        SendMessage(
            conversation_id=CONVERSATION,
            content="Hello! This is my message.",
            persona_id=PersonaId("persona-uuid"),
        ),
    ),
    (
        '{"type":"send_message","conversation_id":"conversation-uuid","content":"Hello!","persona_id":null}',
        SendMessage(conversation_id=CONVERSATION, content="Hello!"),
    ),
    (
        '{"type": "typing_start", "conversation_id": "conversation-uuid"}',
        TypingStart(conversation_id=CONVERSATION),
    ),
    (
        '{"type": "typing_stop", "conversation_id": "conversation-uuid"}',
        TypingStop(conversation_id=CONVERSATION),
    ),
    (
        '{"type": "get_online_status", "user_ids": ["user1-uuid", "user2-uuid"]}',
        GetOnlineStatus(user_ids=[UserId("user1-uuid"), UserId("user2-uuid")]),
    ),
    (
        '{"type": "join_conversation", "conversation_id": "test-conv-id"}',
        JoinConversation(conversation_id=TEST),
    ),
    (
        '{"type": "send_message", "conversation_id": "test-conv-id", "content": "Hello!"}',
        SendMessage(conversation_id=TEST, content="Hello!"),
    ),
    (
        '{"type": "typing_start", "conversation_id": "test-conv-id"}',
        TypingStart(conversation_id=TEST),
    ),
    ('{"type": "typing_stop", "conversation_id": "test-conv-id"}', TypingStop(conversation_id=TEST)),
]

EVENTS: list[tuple[str, Event]] = [
    (
        '{"type": "conversation_joined", "conversation_id": "conversation-uuid", '
        '"timestamp": "2025-01-15T10:30:00Z"}',
        ConversationJoined(
            conversation_id=CONVERSATION,
            seq=Seq(3),
            epoch="e",
            recovered=False,
            role="member",
            member_count=1,
            online=(),
            online_count=0,
            timestamp=AT,
        ),
    ),
    (
        '{"type": "new_message", "conversation_id": "conversation-uuid", "message": {"id": "message-uuid", '
        '"sender_id": "user-uuid", "content": "Message text", "timestamp": "2025-01-15T10:30:00Z", '
        '"is_ai": false}, "timestamp": "2025-01-15T10:30:00Z"}',
        NewMessage(
            conversation_id=CONVERSATION,
            seq=Seq(3),
            message=Message(
                id=MessageId("message-uuid"),
                seq=Seq(3),
                sender_id=USER,
                sender=Sender(),
                content="Message text",
                timestamp=AT,
                is_ai=False,
            ),
            timestamp=AT,
        ),
    ),
    (
        '{"type": "typing_indicator", "conversation_id": "conversation-uuid", "user_id": "user-uuid", '
        '"is_typing": true, "timestamp": "2025-01-15T10:30:00Z"}',
        TypingIndicator(conversation_id=CONVERSATION, user_id=USER, is_typing=True, timestamp=AT),
    ),
    (
        '{"type": "presence_update", "user_id": "user-uuid", "online": true, "timestamp": "2025-01-15T10:30:00Z"}',
        PresenceUpdate(user_id=USER, online=True, timestamp=AT),
    ),
    (
        '{"type": "online_users", "users": ["user1-uuid", "user2-uuid", "user3-uuid"], '
        '"timestamp": "2025-01-15T10:30:00Z"}',
        OnlineUsers(users=(UserId("user1-uuid"), UserId("user2-uuid"), UserId("user3-uuid")), timestamp=AT),
    ),
    (
        '{"type": "error", "message": "Error description", "timestamp": "2025-01-15T10:30:00Z"}',
        Error(code="internal", message="Error description", timestamp=AT),
    ),
]


@pytest.mark.parametrize(("shown", "command"), COMMANDS)
def test_what_clients_were_told_to_send_is_understood(shown: str, command: Command) -> None:
    assert decode(shown) == command


@pytest.mark.parametrize(("shown", "event"), EVENTS)
def test_what_clients_were_told_to_expect_is_in_the_event(shown: str, event: Event) -> None:
    sent = json.loads(encode(event))
    assert _common(sent, json.loads(shown)) == json.loads(shown)


@pytest.mark.parametrize(("shown", "event"), EVENTS)
def test_what_clients_were_told_to_expect_is_never_left_out(shown: str, event: Event) -> None:
    assert json.loads(shown).keys() <= _always_there(type(event))


def test_what_clients_were_told_to_expect_of_a_message_is_never_left_out() -> None:
    assert {"id", "sender_id", "content", "timestamp", "is_ai"} <= _always_there(Message)


def _always_there(struct: type[msgspec.Struct]) -> set[str]:
    return {"type"} | {field.encode_name for field in msgspec.structs.fields(struct) if field.required}


def _common(sent: object, shown: object) -> object:
    """Reduce what was sent to what was shown; a field of another type is not common."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        return {name: _common(sent[name], value) for name, value in shown.items() if name in sent}
    return sent if type(sent) is type(shown) else None
