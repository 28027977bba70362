"""JSON Schema in one line, as programmers write types: `{ title?: string | null }`."""

import json
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]


def type_of(schema: Schema, name_of: Callable[[str], str] = str) -> str:
    """Word the type that a schema describes.

    Args:
        name_of: Words the name of another schema, such as a link to it.
    """
    if "$ref" in schema:
        return name_of(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(type_of(choice, name_of) for choice in schema["anyOf"])
    match schema.get("type"):
        case "array":
            element = type_of(schema.get("items", {}), name_of)
            return f"({element})[]" if " | " in element else f"{element}[]"
        case "object":
            return _object(schema, name_of)
        case "string" if schema.get("format") == "binary":
            return "bytes"
        case None:
            return "any"
        case name:
            return str(name)


def fields_of(schema: Schema, name_of: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """List the fields of an object: names, ending in `?` where it may be left out, and types."""
    required = schema.get("required", [])
    return [
        (name if name in required else f"{name}?", type_of(field, name_of))
        for name, field in schema.get("properties", {}).items()
    ]


def bounds_of(schema: Schema) -> str:
    """Word what a value has to keep to besides its type; blank for nothing."""
    found = []
    for choice in schema.get("anyOf", [schema]):
        unit = {"string": " characters", "array": " items"}.get(choice.get("type", ""), "")
        least = choice.get("minLength", choice.get("minItems", choice.get("minimum")))
        most = choice.get("maxLength", choice.get("maxItems", choice.get("maximum")))
        if least is not None and most is not None:
            found.append(f"{least} to {most}{unit}")
        elif least is not None:
            found.append(f"at least {least}{unit}")
        elif most is not None:
            found.append(f"at most {most}{unit}")
    if schema.get("default") not in (None, []):
        found.append(f"{json.dumps(schema['default'])} if not given")
    return ", ".join(found)


def _object(schema: Schema, name_of: Callable[[str], str]) -> str:
    if "properties" in schema:
        return "{ " + ", ".join(f"{name}: {kind}" for name, kind in fields_of(schema, name_of)) + " }"
    values = schema.get("additionalProperties")
    return f"{{ [name]: {type_of(values, name_of)} }}" if isinstance(values, dict) else "object"
