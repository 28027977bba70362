import msgspec
import pytest

from gator.cli.verify.frames import Unreadable, read
from gator.protocol.examples import EVENT_EXAMPLES


@pytest.mark.parametrize("kind", EVENT_EXAMPLES)
def test_every_event_is_read(kind: str) -> None:
    event = read(msgspec.json.encode(EVENT_EXAMPLES[kind]).decode())
    assert not isinstance(event, Unreadable)
    assert event.__struct_config__.tag == kind


def test_of_an_event_of_a_newer_server_the_position_is_read() -> None:
    frame = '{"type": "message_edited", "conversation_id": "room", "seq": 9, "content": "hi", "shape": {}}'
    assert read(frame) == Unreadable(type="message_edited", conversation_id="room", seq=9)


def test_an_error_with_a_newer_code_keeps_its_words() -> None:
    frame = '{"type": "error", "code": "too_purple", "message": "No.", "reply_to": "1", "timestamp": "t"}'
    assert read(frame) == Unreadable(type="error", message="No.", reply_to="1")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"type": 7}', '{"type": "\\ud800"}', "[" * 5000])
def test_what_is_no_event_at_all_is_nothing(text: str) -> None:
    assert read(text) == Unreadable()
