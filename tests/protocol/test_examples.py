import json

import msgspec
import pytest

from gator.protocol.codec import decode, encode
from gator.protocol.commands import GetOnlineStatus
from gator.protocol.events import Event
from gator.protocol.examples import COMMAND_EXAMPLES, EVENT_EXAMPLES
from gator.protocol.schema import ANSWERS, COMMANDS, EVENTS, StructType, tag_of


def test_every_command_and_event_has_exactly_one_example() -> None:
    assert list(COMMAND_EXAMPLES) == [tag_of(command) for command in COMMANDS]
    assert list(EVENT_EXAMPLES) == [tag_of(event) for event in EVENTS]


@pytest.mark.parametrize("tag", COMMAND_EXAMPLES)
def test_the_example_of_a_command_is_read_and_says_all_that_it_shows(tag: str) -> None:
    example = COMMAND_EXAMPLES[tag]
    command = decode(json.dumps(dict(example)))
    said = {name: value for name, value in msgspec.to_builtins(command).items() if value is not None}
    assert said == example


@pytest.mark.parametrize("tag", EVENT_EXAMPLES)
def test_the_example_of_an_event_is_what_the_server_writes(tag: str) -> None:
    example = dict(EVENT_EXAMPLES[tag])
    event: Event = msgspec.convert(example, Event)
    assert json.loads(encode(event)) == example


# `online_users` is shown as the first frame, which answers nothing.
ANSWERED = [one for one in COMMANDS if ANSWERS[one] and one is not GetOnlineStatus]


@pytest.mark.parametrize("answer", dict.fromkeys(answer for command in ANSWERED for answer in ANSWERS[command]))
def test_the_example_of_an_answer_answers_the_example_of_a_command(answer: StructType) -> None:
    asked = [COMMAND_EXAMPLES[tag_of(command)]["id"] for command in ANSWERED if answer in ANSWERS[command]]
    assert EVENT_EXAMPLES[tag_of(answer)]["reply_to"] in asked


def test_commands_of_one_connection_have_ids_of_their_own() -> None:
    ids = [example["id"] for example in COMMAND_EXAMPLES.values() if "id" in example]
    assert len(ids) == len(set(ids))


def test_the_piece_of_a_reply_is_the_one_that_is_asked_for() -> None:
    asked, said = COMMAND_EXAMPLES["resume_reply"], EVENT_EXAMPLES["reply_delta"]
    assert all(asked[name] == said[name] for name in ("run_id", "epoch", "offset"))
