"""The language for machines: JSON Schema, made from the structs and their docstrings.

Read once, to generate documents, and never while serving.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, get_args

import msgspec

from gator.protocol import commands, events

# A schema is JSON of any shape: no more can be said of its type.
Schema = dict[str, Any]
StructType = type[msgspec.Struct]

COMMANDS: Final[tuple[StructType, ...]] = get_args(commands.Command)
EVENTS: Final[tuple[StructType, ...]] = get_args(events.Event)

VERSION: Final = "1"
"""Of the language, as in the subprotocol `gator.v1`. Additions do not change it."""

ANSWERS: Final[Mapping[StructType, tuple[StructType, ...]]] = MappingProxyType(
    {
        commands.JoinConversation: (events.ConversationJoined,),
        commands.LeaveConversation: (events.ConversationLeft,),
        commands.CreateConversation: (events.ConversationCreated,),
        commands.SendMessage: (events.Ack,),
        commands.StopReply: (events.RunAccepted,),
        commands.RegenerateReply: (events.RunAccepted,),
        commands.ResumeReply: (events.ReplyDelta,),
        commands.TypingStart: (),
        commands.TypingStop: (),
        commands.GetOnlineStatus: (events.OnlineUsers,),
        commands.MarkRead: (events.ReadMarked,),
        commands.Heartbeat: (events.HeartbeatEvent,),
        commands.RefreshToken: (events.TokenRefreshed,),
    }
)
"""What a command is answered with when it is carried out. `error` may answer any."""

_STRUCTS: Final[Mapping[str, StructType]] = {
    name: found
    for module in (commands, events)
    for name, found in vars(module).items()
    if inspect.isclass(found) and issubclass(found, msgspec.Struct)
}


def json_schema() -> Schema:
    """Describe every frame in one JSON Schema document (draft 2020-12)."""
    (command, event), definitions = _describe("#/$defs/{name}")
    command["description"] = "What a client may say, told apart by `type`."
    event["description"] = "What the server says, told apart by `type`. Ignore what you do not know."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gator Chat protocol",
        "description": "Text frames of a WebSocket connection: each is a JSON object with a `type`.",
        "anyOf": [{"$ref": "#/$defs/Command"}, {"$ref": "#/$defs/Event"}],
        "$defs": {"Command": command, "Event": event, **definitions},
    }


def struct_schemas(ref_template: str) -> dict[str, Schema]:
    """Describe every struct, by its class name.

    Args:
        ref_template: How one refers to another, with `{name}` in it.
    """
    return _describe(ref_template)[1]


def tag_of(struct: StructType) -> str:
    """Name the `type` that a command or event has on the wire."""
    return str(struct.__struct_config__.tag)


def summary_of(struct: StructType) -> str:
    """Read the first line of a struct's docstring."""
    return (struct.__doc__ or "").partition("\n")[0]


def _describe(ref_template: str) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    unions, definitions = msgspec.json.schema_components(
        (commands.Command, events.Event), ref_template=ref_template
    )
    docs = _field_docs()
    for name, schema in definitions.items():
        struct = _STRUCTS[name]
        schema["description"] = inspect.cleandoc(schema["description"])
        properties = schema["properties"]
        if "type" in properties:
            properties["type"] = {"const": tag_of(struct)}
        for base in reversed(struct.__mro__):
            for field, text in docs.get(base.__name__, {}).items():
                properties[field]["description"] = text
    return unions, definitions


def _field_docs() -> dict[str, dict[str, str]]:
    """Read the string that follows a field, by class and field.

    Python throws these strings away, so they are read from the source.
    """
    trees = (ast.parse(inspect.getsource(module)) for module in (commands, events))
    return {
        statement.name: dict(_documented(statement.body))
        for tree in trees
        for statement in tree.body
        if isinstance(statement, ast.ClassDef)
    }


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=field)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield field, inspect.cleandoc(text)
