from collections.abc import Iterator

import pytest

from gator.protocol.commands import JoinConversation
from gator.protocol.errors import ERRORS
from gator.protocol.events import ConversationJoined
from gator.protocol.schema import (
    ANSWERS,
    COMMANDS,
    EVENTS,
    Schema,
    StructType,
    json_schema,
    struct_schemas,
    summary_of,
    tag_of,
)

DOCUMENT = json_schema()
DEFINITIONS: dict[str, Schema] = DOCUMENT["$defs"]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_leads_somewhere() -> None:
    assert {ref.removeprefix("#/$defs/") for ref in references(DOCUMENT)} == set(DEFINITIONS)


@pytest.mark.parametrize(("union", "structs"), [("Command", COMMANDS), ("Event", EVENTS)])
def test_a_union_tells_its_structs_apart_by_type(union: str, structs: tuple[StructType, ...]) -> None:
    mapping = {tag_of(struct): f"#/$defs/{struct.__name__}" for struct in structs}
    assert DEFINITIONS[union]["discriminator"] == {"propertyName": "type", "mapping": mapping}
    assert [option["$ref"] for option in DEFINITIONS[union]["anyOf"]] == list(mapping.values())


@pytest.mark.parametrize("struct", [*COMMANDS, *EVENTS])
def test_a_struct_is_described_by_its_docstring_and_its_type(struct: StructType) -> None:
    schema = DEFINITIONS[struct.__name__]
    assert schema["description"].partition("\n")[0] == summary_of(struct)
    assert summary_of(struct).endswith((".", ","))
    assert schema["properties"]["type"] == {"const": tag_of(struct)}
    assert "type" in schema["required"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_no_description_keeps_the_indentation_of_the_source(name: str) -> None:
    assert "\n " not in DEFINITIONS[name]["description"]


def test_the_string_after_a_field_describes_the_property() -> None:
    joined = DEFINITIONS["ConversationJoined"]["properties"]
    assert joined["seq"]["description"] == "The head of the log: live events continue with `seq` + 1."
    assert "description" not in joined["epoch"]


def test_an_inherited_field_keeps_its_description() -> None:
    described = DEFINITIONS["JoinConversation"]["properties"]["id"]["description"]
    assert described.startswith("Chosen by the client")


def test_a_type_that_says_what_it_is_describes_a_field_that_does_not() -> None:
    assert DEFINITIONS["Ack"]["properties"]["timestamp"]["description"] == "RFC 3339, UTC, ending in Z."


def test_the_bounds_of_a_field_are_in_its_schema() -> None:
    after_seq, null = DEFINITIONS["JoinConversation"]["properties"]["after_seq"]["anyOf"]
    assert after_seq == {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
    assert null == {"type": "null"}


def test_an_error_has_one_of_the_codes_of_the_table() -> None:
    assert set(DEFINITIONS["Error"]["properties"]["code"]["enum"]) == set(ERRORS)


def test_structs_can_refer_to_each_other_wherever_they_are_put() -> None:
    schemas = struct_schemas("#/components/schemas/{name}")
    assert schemas["NewMessage"]["properties"]["message"] == {"$ref": "#/components/schemas/Message"}
    assert set(schemas) == set(DEFINITIONS) - {"Command", "Event"}


def test_every_command_says_what_answers_it() -> None:
    assert set(ANSWERS) == set(COMMANDS)
    assert ANSWERS[JoinConversation] == (ConversationJoined,)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_answers_a_command_can_name_it(command: StructType) -> None:
    assert all("reply_to" in answer.__struct_fields__ for answer in ANSWERS[command])
