"""`gator.protocol.frames`, against the parser of the library websockets."""

import random

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from gator.protocol.frames import WORTH_DEFLATING, deflated_text_frame, text_frame

SIZES = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 70_000]


def read(wire: bytes, *, deflate: bool) -> list[object]:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    if deflate:
        client.extensions = [PerMessageDeflate(True, True, 15, 15)]
    client.receive_data(wire)
    return list(client.events_received())


@pytest.mark.parametrize("size", SIZES)
def test_text_frame_is_one_whole_frame(size: int) -> None:
    payload = b"x" * size
    assert read(text_frame(payload), deflate=False) == [Frame(Opcode.TEXT, payload)]


@pytest.mark.parametrize("size", SIZES)
def test_deflated_frames_stand_alone(size: int) -> None:
    payload = b"a line that repeats itself, " * (size // 28) + b"x" * (size % 28)
    wire = deflated_text_frame(payload)
    heard = read(wire + wire, deflate=True)
    assert [frame.data for frame in heard if isinstance(frame, Frame)] == [payload, payload]
    assert (len(wire) < len(payload)) == (size >= WORTH_DEFLATING)


def test_what_does_not_shrink_stays_as_it_is() -> None:
    noise = random.Random(7).randbytes(1_000)
    assert deflated_text_frame(noise) == text_frame(noise)
