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
@pytest.mark.parametrize("command", [one for one in COMMANDS if ANSWERS[one] and one is not GetOnlineStatus])
def test_the_example_of_an_answer_answers_the_example_of_its_command(command: StructType) -> None:
    for answer in ANSWERS[command]:
        assert EVENT_EXAMPLES[tag_of(answer)]["reply_to"] == COMMAND_EXAMPLES[tag_of(command)]["id"]
