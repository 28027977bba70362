"""`gator.protocol.frames`, against the parser of the library websockets."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gator.protocol.frames import text_frame_head


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_head_and_payload_are_one_whole_text_frame(size: int) -> None:
    payload = b"x" * size
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(text_frame_head(payload) + payload)
    assert client.events_received() == [Frame(Opcode.TEXT, payload)]
