"""The vectors that the clients fold are what the server says and what it folds itself."""

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from gator.domain.conversation import Conversation, apply, begin
from gator.protocol.events import (
    ConversationCreated,
    ConversationJoined,
    DurableEvent,
    Event,
    NewMessage,
    ReplyDelta,
)
from gator.protocol.schema import EVENTS, tag_of

FOLDER: Final = Path(__file__).parents[1] / "vectors"
VECTORS: Final = [
    pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem)
    for path in sorted(FOLDER.glob("*.json"))
]
KNOWN: Final = {tag_of(event) for event in EVENTS}

Vector = dict[str, Any]


@pytest.mark.parametrize("vector", VECTORS)
def test_every_event_of_a_vector_is_one_that_the_server_can_say(vector: Vector) -> None:
    for event in vector["events"]:
        if event["type"] not in KNOWN:
            assert vector["about"].startswith("Events of unknown type")
            continue
        again = json.loads(msgspec.json.encode(msgspec.convert(event, Event)))
        event.pop("flavour", None)
        assert again == event


@pytest.mark.parametrize("vector", VECTORS)
def test_the_servers_fold_comes_to_what_a_vector_expects(vector: Vector) -> None:
    expected = vector["expected"]
    conversation = folded(vector)
    if conversation is None:
        assert "kind" not in expected, "without a log from its first event there is nothing to expect this from"
        return
    found = {
        "seq": conversation.head,
        "kind": conversation.kind,
        "title": conversation.title,
        "deleted": conversation.deleted,
        "members": conversation.members,
    }
    assert {name: found[name] for name in found if name in expected} == {
        name: expected[name] for name in found if name in expected
    }
    if "members" in expected and "member_count" in expected:
        assert expected["member_count"] == len(conversation.members)


@pytest.mark.parametrize("vector", VECTORS)
def test_messages_that_a_vector_expects_are_those_that_were_said(vector: Vector) -> None:
    said = {event.seq: event.message for event in durable(vector) if isinstance(event, NewMessage)}
    for message in vector["expected"].get("messages", ()):
        assert message == {
            "seq": message["seq"],
            "id": said[message["seq"]].id,
            "content": said[message["seq"]].content,
        }


@pytest.mark.parametrize("vector", VECTORS)
def test_offsets_of_deltas_count_code_points_as_the_server_does(vector: Vector) -> None:
    """A delta within what a run says at last is the piece of it that stands at its offset."""
    for run_id, run in vector["expected"].get("runs", {}).items():
        for event in events(vector):
            if isinstance(event, ReplyDelta) and (event.run_id, event.epoch) == (run_id, run["epoch"]):
                end = event.offset + len(event.text)
                if end <= len(run["text"]):
                    assert run["text"][event.offset : end] == event.text


def folded(vector: Vector) -> Conversation | None:
    """Fold the log of a vector as the server does; None if its beginning is not there.

    What came early or twice is left out as docs/protocol.md says, for the server never
    sees it: its own log has neither.
    """
    conversation: Conversation | None = None
    for event in durable(vector):
        if isinstance(event, ConversationCreated) and conversation is None:
            conversation = begin(event)
        elif conversation is not None and event.seq == conversation.head + 1:
            apply(conversation, event)
    return conversation


def durable(vector: Vector) -> list[DurableEvent]:
    """List the log's events of the vector's conversation, in the order of arrival."""
    here = vector["conversation_id"]
    return [event for event in events(vector) if isinstance(event, DurableEvent) and event.conversation_id == here]


def events(vector: Vector) -> list[Event]:
    """Read the events that the server knows."""
    return [msgspec.convert(event, Event) for event in vector["events"] if event["type"] in KNOWN]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_begins_with_a_join_as_every_client_does(vector: Vector) -> None:
    assert isinstance(events(vector)[0], ConversationJoined)
