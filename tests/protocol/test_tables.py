import pytest

from gator.protocol.errors import CLOSES, ERRORS
from gator.protocol.schema import COMMANDS, EVENTS, Schema, struct_schemas, tag_of
from gator.protocol.tables import tables_markdown, value_in_words

BLOCKS = tables_markdown()


def rows(block: str) -> list[list[str]]:
    """Read the cells of a table without its header."""
    lines = [line for line in block.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_there_is_a_block_for_every_table_command_event_and_part() -> None:
    parts = [name for name, schema in struct_schemas("{name}").items() if "type" not in schema["properties"]]
    assert list(BLOCKS) == [
        "commands",
        "events",
        "errors",
        "closes",
        *(f"command {tag_of(command)}" for command in COMMANDS),
        *(f"event {tag_of(event)}" for event in EVENTS),
        *(f"part {name}" for name in parts),
    ]


def test_fields_that_may_be_left_out_have_a_question_mark() -> None:
    fields = {row[0]: row[1] for row in rows(BLOCKS["commands"])}
    assert fields["`join_conversation`"] == "`conversation_id` `after_seq?` `epoch?`"
    assert fields["`leave_conversation`"] == "`conversation_id`"


@pytest.mark.parametrize(
    ("tag", "kind"), [("new_message", "durable"), ("typing_indicator", "ephemeral"), ("ack", "personal")]
)
def test_every_event_is_of_a_kind(tag: str, kind: str) -> None:
    kinds = {row[0]: row[1] for row in rows(BLOCKS["events"])}
    assert kinds[f"`{tag}`"] == kind
    assert set(kinds.values()) == {"durable", "ephemeral", "personal"}


def test_every_error_code_has_a_row() -> None:
    assert [row[0] for row in rows(BLOCKS["errors"])] == [f"`{code}`" for code in ERRORS]
    assert (
        "| `rate_limited` | 429 | yes | Too many in too short a time; wait `retry_after_ms`. |" in BLOCKS["errors"]
    )


def test_every_close_has_a_row() -> None:
    assert [row[:2] for row in rows(BLOCKS["closes"])] == [[str(close.code), close.reason] for close in CLOSES]
    assert "| 4001 | Token expired | yes |" in BLOCKS["closes"]


def test_a_command_is_shown_with_its_meaning_example_fields_and_answer() -> None:
    block = BLOCKS["command mark_read"]
    assert block.startswith("Remember that the user has read a conversation up to `seq`.")
    assert '"type": "mark_read",\n' in block
    assert "| `seq` | integer | yes |" in block
    assert block.endswith("Answer: `read_marked`, or `error`.")


def test_a_command_without_fields_of_its_own_has_no_table() -> None:
    assert rows(BLOCKS["command heartbeat"]) == []


def test_a_command_that_is_not_answered_says_so() -> None:
    assert BLOCKS["command typing_start"].endswith("Answer: none, or `error`.")


def test_an_event_is_shown_without_the_fields_that_all_events_have() -> None:
    assert [row[0] for row in rows(BLOCKS["event reconnect"])] == ["`after_ms`"]


def test_a_part_is_shown_with_all_of_its_fields() -> None:
    assert [row[0] for row in rows(BLOCKS["part Member"])] == ["`user_id`", "`role`"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "UserStatus"}, "[UserStatus](#userstatus)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "text"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"enum": ["direct", "group"]}, "`direct` or `group`"),
        ({"enum": sorted(ERRORS)}, "[error code](#error-codes)"),
        ({"type": "array", "items": {"type": "integer"}}, "list of integer"),
        (
            {"type": "array", "items": {"$ref": "Member"}, "maxItems": 20_000},
            "list of [Member](#member) (at most 20,000 entries)",
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object: integer by id"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "string", "minLength": 1, "maxLength": 128}, "text (1 to 128 characters)"),
        ({"type": "string", "maxLength": 64}, "text (at most 64 characters)"),
        ({"type": "boolean"}, "`true` or `false`"),
        ({"type": "number"}, "number"),
    ],
)
def test_a_schema_is_worded_for_people(schema: Schema, words: str) -> None:
    assert value_in_words(schema) == words
