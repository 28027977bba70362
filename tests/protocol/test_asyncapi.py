import msgspec
import pytest

from gator.protocol import commands, events
from gator.protocol.asyncapi import asyncapi
from gator.protocol.errors import CLOSES, ERRORS
from gator.protocol.schema import ANSWERS, COMMANDS, EVENTS, Schema, StructType, tag_of

DOCUMENT = asyncapi()
MESSAGES: dict[str, Schema] = DOCUMENT["components"]["messages"]
CHANNELS = ["user", "token"]


def resolve(reference: str) -> object:
    found: object = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        assert isinstance(found, dict)
        found = found[step]
    return found


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [ref for inner in value.values() for ref in references(inner)]
    if isinstance(value, list):
        return [ref for inner in value for ref in references(inner)]
    return []


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    assert isinstance(resolve(reference), dict)


@pytest.mark.parametrize("struct", [*COMMANDS, *EVENTS])
def test_every_command_and_event_is_a_message_with_an_example_of_itself(struct: StructType) -> None:
    message = MESSAGES[struct.__name__]
    assert (message["name"], message["title"]) == (tag_of(struct), struct.__name__)
    assert message["description"].startswith(message["summary"])
    [example] = message["examples"]
    union = commands.Command if struct in COMMANDS else events.Event
    assert type(msgspec.convert(dict(example["payload"]), union)) is struct


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_received_and_replied_to_with_its_answers_or_an_error(
    channel: str, command: StructType
) -> None:
    operation = DOCUMENT["operations"][f"{channel}.{tag_of(command)}"]
    place = f"#/channels/{channel}/messages/"
    assert operation["action"] == "receive"
    assert references(operation["messages"]) == [place + command.__name__]
    replies = [answer.__name__ for answer in ANSWERS[command]]
    assert references(operation["reply"]["messages"]) == [place + name for name in (*replies, "Error")]


@pytest.mark.parametrize("channel", CHANNELS)
def test_all_events_are_sent(channel: str) -> None:
    operation = DOCUMENT["operations"][f"{channel}.events"]
    assert operation["action"] == "send"
    assert len(operation["messages"]) == len(EVENTS)


def test_only_the_channel_of_tokens_asks_for_one() -> None:
    secured = {name for name, operation in DOCUMENT["operations"].items() if "security" in operation}
    assert secured == {name for name in DOCUMENT["operations"] if name.startswith("token.")}


def test_the_address_is_a_template_of_the_user() -> None:
    assert DOCUMENT["channels"]["user"]["address"] == "/ws/{user_id}"
    assert list(DOCUMENT["channels"]["user"]["parameters"]) == ["user_id"]
    assert DOCUMENT["channels"]["token"]["address"] == "/ws/auth"


def test_both_tables_of_failure_are_in_the_document() -> None:
    assert [row["code"] for row in DOCUMENT["x-errors"]] == list(ERRORS)
    assert [(row["code"], row["reason"]) for row in DOCUMENT["x-closes"]] == [(c.code, c.reason) for c in CLOSES]
