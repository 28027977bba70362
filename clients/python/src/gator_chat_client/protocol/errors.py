# Generated from the server's errors.py by clients/python/generate.py; edit that one instead.
"""The two tables of failure: a refusal answers one command, a close ends the connection.

Clients branch on `code`, never on text. Both tables are generated into
`docs/protocol.md` and the machine-readable schema; a code that is not in its
table cannot be constructed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

ErrorCode = Literal[
    "bad_json",
    "not_an_object",
    "too_deep",
    "unknown_type",
    "invalid_command",
    "binary_not_supported",
    "not_authenticated",
    "invalid_token",
    "conversation_not_found",
    "user_not_found",
    "member_not_found",
    "not_joined",
    "forbidden",
    "direct_is_fixed",
    "last_owner",
    "message_blank",
    "message_too_long",
    "message_not_text",
    "conflict",
    "persona_not_found",
    "run_not_found",
    "bad_card",
    "too_many_personas",
    "too_many_joined",
    "rate_limited",
    "overloaded",
    "draining",
    "not_found",
    "method_not_allowed",
    "body_too_large",
    "internal",
]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What one error code means: its sentence, its HTTP status, and if waiting helps."""

    meaning: str
    http_status: int
    temporary: bool = False


ERRORS: Final[Mapping[ErrorCode, ErrorRow]] = MappingProxyType(
    {
        "bad_json": ErrorRow("The frame is not JSON text.", 400),
        "not_an_object": ErrorRow("The frame is JSON, but not an object.", 400),
        "too_deep": ErrorRow("The frame nests deeper than 16 objects or arrays.", 400),
        "unknown_type": ErrorRow("The frame's `type` is missing or no command of this server.", 400),
        "invalid_command": ErrorRow("A field of the command is missing, of a wrong type or out of bounds.", 422),
        "binary_not_supported": ErrorRow("Binary frames have no meaning on this server.", 400),
        "not_authenticated": ErrorRow("The request names no user.", 401),
        "invalid_token": ErrorRow("The token is malformed, expired, or not signed by a trusted key.", 401),
        "conversation_not_found": ErrorRow("There is no such conversation, or you are not a member of it.", 404),
        "user_not_found": ErrorRow("There is no such user, or you share no conversation with them.", 404),
        "member_not_found": ErrorRow("That user is not a member of this conversation.", 404),
        "not_joined": ErrorRow("This connection has not joined the conversation.", 409),
        "forbidden": ErrorRow(
            "Your role in this conversation does not allow that, or the persona is not yours.", 403
        ),
        "direct_is_fixed": ErrorRow("A direct conversation's name and two members cannot change.", 409),
        "last_owner": ErrorRow("A conversation's last owner must name another one first.", 409),
        "message_blank": ErrorRow("The message is empty or only white space.", 422),
        "message_too_long": ErrorRow("The message is longer than this server allows.", 422),
        "message_not_text": ErrorRow("The message holds a NUL character or is not valid Unicode.", 422),
        "conflict": ErrorRow("This id was used before with other content.", 409),
        "persona_not_found": ErrorRow(
            "There is no such persona, or you may not ask it; a message that named it is stored.", 404
        ),
        "run_not_found": ErrorRow("There is no such reply, or you are not in its conversation.", 404),
        "bad_card": ErrorRow("The file is no character card, or no picture, that this server reads.", 422),
        "too_many_personas": ErrorRow("You have as many personas as one user may have.", 409),
        "too_many_joined": ErrorRow("This connection has joined as many conversations as it may.", 409),
        "rate_limited": ErrorRow("Too many in too short a time; wait `retry_after_ms`.", 429, temporary=True),
        "overloaded": ErrorRow("The server cannot take more right now; try again.", 503, temporary=True),
        "draining": ErrorRow("The server is about to restart; connect again.", 503, temporary=True),
        "not_found": ErrorRow("There is nothing at this address.", 404),
        "method_not_allowed": ErrorRow("This address does not answer to that method.", 405),
        "body_too_large": ErrorRow("The body of the request is larger than this server allows.", 413),
        "internal": ErrorRow("The server failed; nothing was changed.", 500),
    }
)
assert set(ERRORS) == set(get_args(ErrorCode))


@dataclass(frozen=True, slots=True)
class Close:
    """Why a connection ends: RFC 6455 §7.4 code, reason, and whether to come back.

    Attributes:
        code: Below 4000 as registered; 4000 to 4999 are this product's own.
        reason: At most 123 bytes of UTF-8, because it shares a control frame.
        reconnect: True if a client should connect again without a human's help.
        meaning: The sentence for the documents.
    """

    code: int
    reason: str
    reconnect: bool
    meaning: str


INVALID_TOKEN: Final = Close(
    1008, "Invalid token", False, "The token is missing, malformed, expired or untrusted."
)
INVALID_USER: Final = Close(
    1008, "Invalid user id", False, "The user id in the address is empty, too long or not text."
)
TOO_MANY_CONNECTIONS: Final = Close(
    1008, "Too many connections", False, "This user has the most connections allowed."
)
ORIGIN_NOT_ALLOWED: Final = Close(1008, "Origin not allowed", False, "The page that connected is not on the list.")
RATE_LIMITED: Final = Close(
    4029, "Rate limit exceeded", True, "The client kept on after many refusals; wait a minute."
)
CONNECTING_TOO_FAST: Final = Close(1013, "Try again later", True, "This address opens connections too fast.")
TOO_BIG: Final = Close(1009, "Message too big", False, "A frame was larger than `max_frame_bytes`.")
PROTOCOL_ERROR: Final = Close(1002, "Protocol error", False, "The client broke RFC 6455.")
NOT_UTF8: Final = Close(1007, "Not UTF-8", False, "A text frame was not valid UTF-8 (RFC 6455 §8.1).")
RESTARTING: Final = Close(1012, "Server restarting", True, "The server drains; come back after a random delay.")
OVERLOADED: Final = Close(1013, "Server overloaded", True, "The server has as many connections as it may.")
INTERNAL: Final = Close(1011, "Internal error", True, "The server failed; the failure is in its log.")
TOKEN_EXPIRED: Final = Close(
    4001, "Token expired", True, "The token ended while connected; come back with a fresh one."
)
SLOW_CONSUMER: Final = Close(
    4008, "Reading too slowly", True, "Nothing was read until the deadline; resume from your seq."
)

CLOSES: Final = (
    INVALID_TOKEN,
    INVALID_USER,
    TOO_MANY_CONNECTIONS,
    ORIGIN_NOT_ALLOWED,
    TOO_BIG,
    PROTOCOL_ERROR,
    NOT_UTF8,
    INTERNAL,
    RESTARTING,
    CONNECTING_TOO_FAST,
    OVERLOADED,
    TOKEN_EXPIRED,
    SLOW_CONSUMER,
    RATE_LIMITED,
)
