"""One example of every command and event, as it looks on the wire.

Together they tell of an evening in the conversation "Tea club": Ada makes it, Bob comes
in, they talk, the persona Nia is asked what goes with the tea, and in the end it is gone.
They are part of the generated documents.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Json = Mapping[str, object]

_TEA_CLUB: Final = "01946980-8e20-7c1a-8a4f-5b6c7d8e9f01"
_MESSAGE: Final = {
    "id": "01946983-4c40-7e2b-9d3c-4a5b6c7d8e9f",
    "seq": 12,
    "sender_id": "ada",
    "sender": {"name": "Ada", "avatar": "https://example.org/ada.png"},
    "content": "The kettle is on.",
    "timestamp": "2025-01-15T10:30:00.000Z",
    "is_ai": False,
    "client_message_id": "b8f1c2d4",
}

# Bob asks Nia at `seq` 13. Ada stops the reply, which is stored at 14, and asks for another
# one, which fails; then the day's budget is spent.
_NIA: Final = "01945162-6740-7b06-a6f2-8d9e0f1a2b3c"
_QUESTION: Final = "01946983-9b14-7d40-8c11-2f3a4b5c6d7e"
_REPLY: Final = "01946983-9b14-7c31-b84d-1c2d3e4f5a6b"
_FIRST_RUN: Final = "01946983-9b14-7a52-9e63-7081920a1b2c"
_SECOND_RUN: Final = "01946983-c224-7f0d-8b75-92a3b4c5d6e7"
_THIRD_RUN: Final = "01946983-e934-7e18-a9c6-0d1e2f3a4b5c"
_OF_NIA: Final = {"conversation_id": _TEA_CLUB, "persona_id": _NIA}

COMMAND_EXAMPLES: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "join_conversation": {
            "type": "join_conversation",
            "id": "1",
            "conversation_id": _TEA_CLUB,
            "after_seq": 9,
            "epoch": "7f3a9c12",
        },
        "leave_conversation": {"type": "leave_conversation", "id": "2", "conversation_id": _TEA_CLUB},
        "create_conversation": {
            "type": "create_conversation",
            "id": "3",
            "kind": "group",
            "member_ids": ["bob"],
            "title": "Tea club",
        },
        "send_message": {
            "type": "send_message",
            "id": "4",
            "conversation_id": _TEA_CLUB,
            "content": "The kettle is on.",
            "client_message_id": "b8f1c2d4",
        },
        "stop_reply": {"type": "stop_reply", "id": "9", "run_id": _FIRST_RUN},
        "regenerate_reply": {"type": "regenerate_reply", "id": "10", "message_id": _REPLY},
        "resume_reply": {"type": "resume_reply", "id": "11", "run_id": _FIRST_RUN, "epoch": 1, "offset": 22},
        "typing_start": {"type": "typing_start", "conversation_id": _TEA_CLUB},
        "typing_stop": {"type": "typing_stop", "conversation_id": _TEA_CLUB},
        "get_online_status": {"type": "get_online_status", "id": "5", "user_ids": ["bob", "cleo"]},
        "mark_read": {"type": "mark_read", "id": "6", "conversation_id": _TEA_CLUB, "seq": 12},
        "heartbeat": {"type": "heartbeat", "id": "7"},
        "refresh_token": {
            "type": "refresh_token",
            "id": "8",
            "token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln",
        },
    }
)
"""By `type`. What may be absent and says nothing is absent."""

EVENT_EXAMPLES: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "new_message": {
            "type": "new_message",
            "conversation_id": _TEA_CLUB,
            "seq": 12,
            "message": _MESSAGE,
            "timestamp": "2025-01-15T10:30:00.000Z",
        },
        "conversation_created": {
            "type": "conversation_created",
            "conversation_id": _TEA_CLUB,
            "seq": 1,
            "kind": "group",
            "title": "Tea club",
            "by": "ada",
            "members": [{"user_id": "ada", "role": "owner"}, {"user_id": "bob", "role": "member"}],
            "member_count": 2,
            "reply_to": "3",
            "timestamp": "2025-01-15T10:27:00.256Z",
        },
        "conversation_renamed": {
            "type": "conversation_renamed",
            "conversation_id": _TEA_CLUB,
            "seq": 15,
            "title": "Tea and biscuits",
            "by": "ada",
            "timestamp": "2025-01-15T10:31:12.480Z",
        },
        "conversation_deleted": {
            "type": "conversation_deleted",
            "conversation_id": _TEA_CLUB,
            "seq": 19,
            "by": "ada",
            "timestamp": "2025-01-15T11:02:45.007Z",
        },
        "members_added": {
            "type": "members_added",
            "conversation_id": _TEA_CLUB,
            "seq": 16,
            "by": "bob",
            "members": [{"user_id": "cleo", "role": "member"}],
            "member_count": 3,
            "timestamp": "2025-01-15T10:33:20.911Z",
        },
        "member_removed": {
            "type": "member_removed",
            "conversation_id": _TEA_CLUB,
            "seq": 18,
            "user_id": "bob",
            "by": "bob",
            "member_count": 2,
            "timestamp": "2025-01-15T10:58:03.150Z",
        },
        "member_role_changed": {
            "type": "member_role_changed",
            "conversation_id": _TEA_CLUB,
            "seq": 17,
            "user_id": "cleo",
            "role": "admin",
            "by": "ada",
            "timestamp": "2025-01-15T10:40:00.002Z",
        },
        "typing_indicator": {
            "type": "typing_indicator",
            "conversation_id": _TEA_CLUB,
            "user_id": "bob",
            "is_typing": True,
            "timestamp": "2025-01-15T10:30:04.733Z",
        },
        "presence_update": {
            "type": "presence_update",
            "user_id": "bob",
            "online": False,
            "timestamp": "2025-01-15T10:58:06.154Z",
        },
        "occupancy": {
            "type": "occupancy",
            "conversation_id": "town-square",
            "online": 412,
            "typing": 3,
            "member_count": 1874,
            "timestamp": "2025-01-15T10:30:05.000Z",
        },
        "notification": {
            "type": "notification",
            "conversation_id": _TEA_CLUB,
            "seq": 12,
            "reason": "new_message",
            "message": _MESSAGE,
            "timestamp": "2025-01-15T10:30:00.000Z",
        },
        "reply_queued": {
            "type": "reply_queued",
            **_OF_NIA,
            "run_id": _FIRST_RUN,
            "answers": _QUESTION,
            "position": 0,
            "timestamp": "2025-01-15T10:30:20.181Z",
        },
        "reply_started": {
            "type": "reply_started",
            **_OF_NIA,
            "run_id": _FIRST_RUN,
            "answers": _QUESTION,
            "message_id": _REPLY,
            "epoch": 0,
            "attempt": 1,
            "provider": "openai-compatible",
            "model": "llama-3.3-70b-instruct",
            "timestamp": "2025-01-15T10:30:20.186Z",
        },
        "reply_delta": {
            "type": "reply_delta",
            **_OF_NIA,
            "run_id": _FIRST_RUN,
            "message_id": _REPLY,
            "epoch": 1,
            "offset": 22,
            "text": "the plum jam, ",
            "reply_to": "11",
            "timestamp": "2025-01-15T10:30:21.402Z",
        },
        "reply_reset": {
            "type": "reply_reset",
            **_OF_NIA,
            "run_id": _FIRST_RUN,
            "message_id": _REPLY,
            "epoch": 1,
            "reason": "moderated",
            "timestamp": "2025-01-15T10:30:21.090Z",
        },
        "reply_stopped": {
            "type": "reply_stopped",
            **_OF_NIA,
            "run_id": _FIRST_RUN,
            "answers": _QUESTION,
            "by": "ada",
            "message_id": _REPLY,
            "timestamp": "2025-01-15T10:30:21.644Z",
        },
        "reply_failed": {
            "type": "reply_failed",
            **_OF_NIA,
            "run_id": _SECOND_RUN,
            "answers": _QUESTION,
            "code": "provider_timeout",
            "retryable": True,
            "timestamp": "2025-01-15T10:30:50.207Z",
        },
        "reply_rejected": {
            "type": "reply_rejected",
            **_OF_NIA,
            "run_id": _THIRD_RUN,
            "answers": _QUESTION,
            "code": "budget",
            "resets_at": "2025-01-16T00:00:00.000Z",
            "timestamp": "2025-01-15T10:30:58.415Z",
        },
        "persona_state": {
            "type": "persona_state",
            **_OF_NIA,
            "state": "typing",
            "timestamp": "2025-01-15T10:30:20.871Z",
        },
        "conversation_joined": {
            "type": "conversation_joined",
            "conversation_id": _TEA_CLUB,
            "seq": 12,
            "epoch": "7f3a9c12",
            "recovered": True,
            "role": "member",
            "member_count": 2,
            "online": ["ada", "bob"],
            "online_count": 2,
            "reply_to": "1",
            "timestamp": "2025-01-15T10:30:02.118Z",
        },
        "conversation_left": {
            "type": "conversation_left",
            "conversation_id": _TEA_CLUB,
            "reason": "asked",
            "reply_to": "2",
            "timestamp": "2025-01-15T10:45:00.640Z",
        },
        "ack": {
            "type": "ack",
            "conversation_id": _TEA_CLUB,
            "message_id": "01946983-4c40-7e2b-9d3c-4a5b6c7d8e9f",
            "seq": 12,
            "duplicate": False,
            "client_message_id": "b8f1c2d4",
            "reply_to": "4",
            "timestamp": "2025-01-15T10:30:00.000Z",
        },
        "run_accepted": {
            "type": "run_accepted",
            "run_id": _FIRST_RUN,
            "reply_to": "9",
            "timestamp": "2025-01-15T10:30:21.641Z",
        },
        "online_users": {
            "type": "online_users",
            "users": ["ada", "bob"],
            "connection_id": "01946983-1b60-7f1e-b2d3-0c1d2e3f4a5b",
            "user_id": "ada",
            "heartbeat_ms": 25000,
            "epoch": "7f3a9c12",
            "limits": {
                "max_frame_bytes": 65536,
                "max_message_chars": 5000,
                "max_joined_conversations": 1000,
                "max_connections_per_user": 5,
                "messages_per_second": 10.0,
            },
            "timestamp": "2025-01-15T10:29:47.488Z",
        },
        "read_marked": {
            "type": "read_marked",
            "conversation_id": _TEA_CLUB,
            "seq": 12,
            "reply_to": "6",
            "timestamp": "2025-01-15T10:30:09.301Z",
        },
        "heartbeat": {
            "type": "heartbeat",
            "heads": {_TEA_CLUB: 12},
            "reply_to": "7",
            "timestamp": "2025-01-15T10:30:12.488Z",
        },
        "token_refreshed": {
            "type": "token_refreshed",
            "expires_at": "2025-01-15T11:30:00.000Z",
            "reply_to": "8",
            "timestamp": "2025-01-15T10:31:00.074Z",
        },
        "reconnect": {"type": "reconnect", "after_ms": 11840, "timestamp": "2025-01-15T11:05:00.000Z"},
        "error": {
            "type": "error",
            "code": "rate_limited",
            "message": "Too many in too short a time; wait `retry_after_ms`.",
            "reply_to": "4",
            "client_message_id": "b8f1c2d4",
            "retry_after_ms": 100,
            "timestamp": "2025-01-15T10:30:01.020Z",
        },
    }
)
"""By `type`. `online_users` is shown as the first frame of a connection, `reply_delta` as an answer."""
