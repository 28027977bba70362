"""The language for people: blocks of Markdown that are generated into the documents."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import get_args

from gator.protocol.errors import CLOSES, ERRORS
from gator.protocol.events import DurableEvent, EphemeralEvent
from gator.protocol.examples import COMMAND_EXAMPLES, EVENT_EXAMPLES, Json
from gator.protocol.schema import ANSWERS, COMMANDS, EVENTS, Schema, StructType, struct_schemas, summary_of, tag_of


def tables_markdown() -> dict[str, str]:
    """Word every block, by the name that stands in its markers."""
    schemas = struct_schemas("{name}")
    commands = {struct: schemas[struct.__name__] for struct in COMMANDS}
    events = {struct: schemas[struct.__name__] for struct in EVENTS}
    parts = {name: schema for name, schema in schemas.items() if "type" not in schema["properties"]}
    return {
        "commands": table(
            ("Command", "Fields", "Meaning"),
            (
                (_code(tag_of(struct)), _names(schema, "type", "id"), summary_of(struct))
                for struct, schema in commands.items()
            ),
        ),
        "events": table(
            ("Event", "Kind", "Fields", "Meaning"),
            (
                (_code(tag_of(struct)), _kind(struct), _names(schema, "type", "timestamp"), summary_of(struct))
                for struct, schema in events.items()
            ),
        ),
        "errors": table(
            ("Code", "HTTP status", "Temporary", "Meaning"),
            ((_code(code), row.http_status, _yes(row.temporary), row.meaning) for code, row in ERRORS.items()),
        ),
        "closes": table(
            ("Code", "Reason", "Reconnect", "Meaning"),
            ((row.code, row.reason, _yes(row.reconnect), row.meaning) for row in CLOSES),
        ),
        **{f"command {tag_of(struct)}": _command(struct, schema) for struct, schema in commands.items()},
        **{f"event {tag_of(struct)}": _event(struct, schema) for struct, schema in events.items()},
        **{f"part {name}": _fields(schema, "Always there") for name, schema in parts.items()},
    }


def _command(struct: StructType, schema: Schema) -> str:
    answers = " and ".join(_code(tag_of(answer)) for answer in ANSWERS[struct])
    return _paragraphs(
        schema["description"],
        _json(COMMAND_EXAMPLES[tag_of(struct)]),
        _fields(schema, "Required", "type", "id"),
        f"Answer: {answers}, or `error`." if answers else "Answer: none, or `error`.",
    )


def _event(struct: StructType, schema: Schema) -> str:
    return _paragraphs(
        schema["description"],
        _json(EVENT_EXAMPLES[tag_of(struct)]),
        _fields(schema, "Always there", "type", "timestamp"),
    )


def _kind(struct: StructType) -> str:
    if struct in get_args(DurableEvent):
        return "durable"
    return "ephemeral" if struct in get_args(EphemeralEvent) else "personal"


def _names(schema: Schema, *without: str) -> str:
    """Name the fields, those that may be absent with a question mark."""
    names = (
        name if name in schema["required"] else f"{name}?" for name in schema["properties"] if name not in without
    )
    return " ".join(map(_code, names))


def _fields(schema: Schema, required: str, *without: str) -> str:
    rows = [
        (
            _code(name),
            value_in_words(field),
            _yes(name in schema.get("required", ())),
            field.get("description", ""),
        )
        for name, field in schema["properties"].items()
        if name not in without
    ]
    return table(("Field", "Value", required, "Meaning"), rows) if rows else ""


def value_in_words(field: Schema) -> str:
    """Say what a field's schema allows, as far as a reader wants to know."""
    match field:
        case {"$ref": str(name)}:
            return f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            absent = "default" in field and field["default"] is None
            return " or ".join(value_in_words(one) for one in options if not (absent and one == {"type": "null"}))
        case {"enum": codes} if set(codes) == set(ERRORS):
            return "[error code](#error-codes)"
        case {"enum": values}:
            return " or ".join(map(_code, values))
        case {"type": "array", "items": items}:
            return "list of " + value_in_words(items) + _bounds(field, "Items", "entries")
        case {"type": "object", "additionalProperties": values}:
            return f"object: {value_in_words(values)} by id"
        case {"type": "string", "format": "date-time"}:
            return "time"
        case {"type": "string"}:
            return "text" + _bounds(field, "Length", "characters")
        case {"type": "boolean"}:
            return "`true` or `false`"
        case _:
            return str(field["type"])


def _bounds(field: Schema, what: str, unit: str) -> str:
    most = field.get(f"max{what}")
    if most is None:
        return ""
    least = field.get(f"min{what}")
    return f" (at most {most:,} {unit})" if least is None else f" ({least} to {most:,} {unit})"


def table(header: Sequence[str], rows: Iterable[Collection[object]]) -> str:
    """Word a table; any text may stand in a cell."""
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in cells)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", r"\|")


def _json(example: Json) -> str:
    return f"```json\n{json.dumps(dict(example), indent=2, ensure_ascii=False)}\n```"


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _code(name: str) -> str:
    return f"`{name}`"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else ""
