"""The language as an AsyncAPI 3.0 document: where to connect, what to say, what to expect.

Seen from the server, as AsyncAPI wants it: it *receives* commands and *sends* events.
"""

from collections.abc import Iterator
from typing import Final

from gator.protocol.errors import CLOSES, ERRORS
from gator.protocol.events import Error
from gator.protocol.examples import COMMAND_EXAMPLES, EVENT_EXAMPLES, Json
from gator.protocol.schema import (
    ANSWERS,
    COMMANDS,
    EVENTS,
    VERSION,
    Schema,
    StructType,
    struct_schemas,
    summary_of,
    tag_of,
)

_STRUCTS: Final = (*COMMANDS, *EVENTS)
_SCHEMES: Final[dict[str, Schema]] = {
    "header": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": "Offer `gator.v1, bearer.TOKEN`; the server answers `gator.v1`.",
    },
    "query": {"type": "httpApiKey", "in": "query", "name": "token"},
}


def asyncapi() -> Schema:
    """Describe the service as one AsyncAPI document."""
    schemas = struct_schemas("#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gator Chat",
            "version": VERSION,
            "description": "Real-time chat for people and AI personas. The prose is in docs/protocol.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8000",
                "protocol": "ws",
                "description": "A server on this machine with the settings it comes with.",
            }
        },
        "channels": {
            "user": _channel(
                address="/ws/{user_id}",
                title="By user id",
                description="In open mode the address is believed; a token has to name the same user.",
                parameters={"user_id": {"description": "1 to 128 characters, percent-encoded."}},
            ),
            "token": _channel(address="/ws/auth", title="By token", description="The token names the user."),
        },
        "operations": {**dict(_operations("user")), **dict(_operations("token"))},
        "components": {
            "messages": {struct.__name__: _message(struct, schemas) for struct in _STRUCTS},
            "schemas": schemas,
            "securitySchemes": _SCHEMES,
        },
        "x-errors": [
            {"code": code, "httpStatus": row.http_status, "temporary": row.temporary, "meaning": row.meaning}
            for code, row in ERRORS.items()
        ],
        "x-closes": [
            {"code": row.code, "reason": row.reason, "reconnect": row.reconnect, "meaning": row.meaning}
            for row in CLOSES
        ],
    }


def _channel(**said: object) -> Schema:
    query = {"type": "object", "properties": {"token": {"type": "string", "description": "A JWT."}}}
    return {
        **said,
        "messages": {struct.__name__: {"$ref": f"#/components/messages/{struct.__name__}"} for struct in _STRUCTS},
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }


def _operations(channel: str) -> Iterator[tuple[str, Schema]]:
    """Describe each command with its answers, and the events as one stream."""
    shared: Schema = {"channel": {"$ref": f"#/channels/{channel}"}}
    if channel == "token":
        shared["security"] = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SCHEMES]
    for command in COMMANDS:
        answers = _in_channel(channel, *ANSWERS[command], Error)
        yield (
            f"{channel}.{tag_of(command)}",
            {
                "action": "receive",
                "summary": summary_of(command),
                **shared,
                "messages": _in_channel(channel, command),
                "reply": {"channel": shared["channel"], "messages": answers},
            },
        )
    summary = "What the server says, asked or unasked."
    messages = _in_channel(channel, *EVENTS)
    yield f"{channel}.events", {"action": "send", "summary": summary, **shared, "messages": messages}


def _in_channel(channel: str, *structs: StructType) -> list[Schema]:
    return [{"$ref": f"#/channels/{channel}/messages/{struct.__name__}"} for struct in structs]


def _message(struct: StructType, schemas: dict[str, Schema]) -> Schema:
    name = struct.__name__
    return {
        "name": tag_of(struct),
        "title": name,
        "summary": summary_of(struct),
        "description": schemas[name]["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [{"payload": _example(struct)}],
    }


def _example(struct: StructType) -> Json:
    return (COMMAND_EXAMPLES if struct in COMMANDS else EVENT_EXAMPLES)[tag_of(struct)]
