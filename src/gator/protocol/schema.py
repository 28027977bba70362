"""The language for machines: JSON Schema, made from the structs and their docstrings.

Read once to generate the documents, never while serving.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final, get_args

import msgspec

from gator.protocol.commands import Command
from gator.protocol.events import Event

# A schema is JSON of any shape; that is all that can be said of its type.
Schema = dict[str, Any]
StructType = type[msgspec.Struct]

COMMANDS: Final[tuple[StructType, ...]] = get_args(Command)
EVENTS: Final[tuple[StructType, ...]] = get_args(Event)

VERSION: Final = "1"
"""Of the language, as in the subprotocol `gator.v1`. Additions do not change it."""

ID: Final = "https://gator.chat/protocol.v1.schema.json"


def json_schema() -> Schema:
    """Describe every frame as one JSON Schema document (draft 2020-12)."""
    command, event, definitions = _definitions("#/$defs/{name}")
    command["description"] = "What a client may say: one of these, told apart by `type`."
    event["description"] = "What the server says. Clients ignore a `type` and fields that they do not know."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gator Chat protocol",
        "description": "Text frames of a WebSocket connection, each a JSON object with a `type`.",
        "anyOf": [{"$ref": "#/$defs/Command"}, {"$ref": "#/$defs/Event"}],
        "$defs": {"Command": command, "Event": event, **definitions},
    }


def definitions(ref_template: str) -> dict[str, Schema]:
    """Describe every struct by its class name.

    Args:
        ref_template: How one refers to another, with `{name}` in it.
    """
    return _definitions(ref_template)[2]


def _definitions(ref_template: str) -> tuple[Schema, Schema, dict[str, Schema]]:
    (command, event), components = msgspec.json.schema_components((Command, Event), ref_template=ref_template)
    for struct in _structs():
        _describe(components[struct.__name__], struct)
    return command, event, components


def tag_of(struct: StructType) -> str:
    """Name the `type` by which a command or event is known on the wire."""
    return str(struct.__struct_config__.tag)


def meaning_of(struct: StructType) -> str:
    """Read the docstring of a struct."""
    return inspect.cleandoc(struct.__doc__ or "")
