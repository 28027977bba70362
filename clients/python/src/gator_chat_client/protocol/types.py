# Generated from the server's types.py by clients/python/generate.py; edit that one instead.
"""Identifiers and scalar types that appear on the wire."""

from typing import Annotated, Final, Literal, NewType

from msgspec import Meta

UserId = NewType("UserId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
PersonaId = NewType("PersonaId", str)
RunId = NewType("RunId", str)
"""One attempt of a persona to answer one message."""
ConnectionId = NewType("ConnectionId", str)

Seq = NewType("Seq", int)
"""Position of a durable event in its conversation's log: 1, 2, 3 ... without holes."""

UtcMillis = NewType("UtcMillis", int)
"""A moment as milliseconds since 1970-01-01T00:00:00Z."""

MAX_ID_LENGTH: Final = 128
"""Longest id, in characters, that the server accepts from outside."""

MAX_NESTING: Final = 16
"""Deepest nesting of JSON objects and arrays in a frame."""

MAX_STATUS_IDS: Final = 200
"""Most user ids in one `get_online_status`."""

MAX_INITIAL_MEMBERS: Final = 20_000
"""Most members named when a conversation is created."""

LARGE_CONVERSATION: Final = 100
"""Above this many members presence and typing become counts and member lists stay off the wire."""

# No control characters: they are invisible in logs and PostgreSQL cannot store NUL.
# The look-ahead is `\Z` in a form that JSON Schema's dialect (ECMA 262) knows as well.
ID_PATTERN: Final = r"^[^\x00-\x1f\x7f]+(?![\s\S])"

_ID = Meta(min_length=1, max_length=MAX_ID_LENGTH, pattern=ID_PATTERN)
_TIME = Meta(
    description="RFC 3339, UTC, ending in Z.",
    extra_json_schema={"format": "date-time", "examples": ["2025-01-15T10:30:00.000Z"]},
)

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=ID_PATTERN)]
WireUserId = Annotated[UserId, _ID]
WireConversationId = Annotated[ConversationId, _ID]
WireMessageId = Annotated[MessageId, _ID]
WirePersonaId = Annotated[PersonaId, _ID]
WireRunId = Annotated[RunId, _ID]
CommandId = Annotated[str, Meta(min_length=1, max_length=MAX_ID_LENGTH)]
ClientMessageId = Annotated[str, _ID]
WireSeq = Annotated[Seq, Meta(ge=0, le=2**53 - 1)]
Timestamp = Annotated[str, _TIME]

MAX_CODE_POINTS: Final = 2**31 - 1
"""Largest offset into a reply that is understood."""

Kind = Literal["direct", "group", "channel"]
Role = Literal["owner", "admin", "member", "reader"]
