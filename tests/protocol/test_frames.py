"""`gator.protocol.frames`, against the parser of the library websockets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law
from tests.support.wire import (
    BINARY,
    CLOSE,
    CONT,
    FIN,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    client_frame,
)
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from gator.protocol.frames import (
    WORTH_DEFLATING,
    client_frame_size,
    control_frame,
    deflated_text_frame,
    read_plain,
    text_frame,
)

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


# Frames of clients


def parsed(data: bytes, max_bytes: int = 100_000) -> tuple[list[object], State]:
    """Have the complete parser read them."""
    parser = ServerProtocol(state=State.OPEN, max_size=max_bytes)
    parser.receive_data(data)
    return list(parser.events_received()), parser.state


@pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 124, 125])
def test_a_plain_frame_is_read_as_the_parser_reads_it(opcode: int, size: int) -> None:
    data = client_frame(opcode, bytes(range(size)))
    frame = Frame(Opcode(opcode), bytes(range(size)))
    assert read_plain(data, 0, 100_000) == (frame, len(data))
    assert parsed(data) == ([frame], State.OPEN)


@pytest.mark.parametrize("size", [126, 127, 255, 256, 65_535])
def test_a_plain_text_may_be_longer(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    data = client_frame(TEXT, payload)
    assert read_plain(data, 0, 100_000) == (Frame(Opcode.TEXT, payload), len(data))
    assert parsed(data) == ([Frame(Opcode.TEXT, payload)], State.OPEN)


def test_a_text_with_a_length_of_64_bits_is_left_to_the_parser() -> None:
    data = client_frame(TEXT, b"x" * 65_536)
    assert read_plain(data, 0, 100_000) is None
    assert parsed(data) == ([Frame(Opcode.TEXT, b"x" * 65_536)], State.OPEN)


@pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
@pytest.mark.parametrize("size", [0, 125, 126, 1000])
def test_a_plain_frame_is_no_longer_than_allowed(opcode: int, size: int) -> None:
    data = client_frame(opcode, b"x" * size)
    fits = read_plain(data, 0, size) is not None
    assert fits == (opcode == TEXT or size <= 125)
    if size > 0:
        assert read_plain(data, 0, size - 1) is None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300])
def test_a_frame_that_is_not_all_there_is_not_plain(size: int) -> None:
    data = client_frame(TEXT, b"x" * size)
    for cut in range(len(data)):
        assert read_plain(data[:cut], 0, 1000) is None
        assert read_plain(b"before" + data[:cut], 6, 1000) is None


def test_frames_of_one_read_are_read_one_after_another() -> None:
    data = (
        client_frame(TEXT, b"one") + client_frame(PING, b"two", mask=b"\1\2\3\4") + client_frame(TEXT, b"x" * 200)
    )
    at = 0
    frames = []
    while at < len(data):
        found = read_plain(data, at, 1000)
        assert found is not None
        frame, at = found
        frames.append(frame)
    assert at == len(data)
    assert frames == parsed(data)[0]
    assert [frame.data for frame in frames] == [b"one", b"two", b"x" * 200]


@pytest.mark.parametrize("end", [b"", bytes(200)])
def test_what_a_frame_begins_with_decides_whether_it_is_plain(end: bytes) -> None:
    """Every first byte, and of the second one those at the bounds."""
    for first in range(256):
        for second in (0, 1, 125, 126, 127, 128, 129, 253, 254, 255):
            data = bytes((first, second, 0, 126)) + bytes(130) + end
            found = read_plain(data, 0, 1000)
            size = 126 if second == 254 else second - 128
            is_plain = first == FIN | TEXT or (first in (FIN | PING, FIN | PONG) and size <= 125)
            assert (found is not None) == (is_plain and 128 <= second < 255)
            if found is not None:
                frame, at = found
                assert parsed(data[:at]) == ([frame], State.OPEN)


@pytest.mark.parametrize(
    "data",
    [
        client_frame(TEXT, b"unmasked", mask=None),
        client_frame(TEXT, mask=None),
        *(client_frame(TEXT, b"reserved", rsv=rsv) for rsv in (RSV1, RSV2, RSV3)),
        client_frame(TEXT, b"the first fragment", fin=False),
        client_frame(PING, b"a fragment", fin=False),
        client_frame(CONT, b"the last fragment"),
        client_frame(BINARY, b"binary"),
        client_frame(CLOSE),
        client_frame(CLOSE, b"\x03\xe8bye"),
        client_frame(0x3, b"reserved"),
        client_frame(0xB, b"reserved"),
        client_frame(PING, b"x" * 126),
        client_frame(PONG, b"x" * 126),
    ],
)
def test_all_else_is_left_to_the_parser(data: bytes) -> None:
    assert read_plain(data, 0, 1000) is None
    assert read_plain(data + client_frame(TEXT, b"more"), 0, 1000) is None


@pytest.mark.parametrize("opcode", [TEXT, PING, PONG])
@pytest.mark.parametrize("length_bytes", [2, 8])
@pytest.mark.parametrize("size", [0, 1, 125])
def test_lengths_longer_than_needed_are_let_pass_as_the_parser_does(
    opcode: int, length_bytes: int, size: int
) -> None:
    # RFC 6455 §5.2 asks clients for the shortest form, and servers for nothing.
    data = client_frame(opcode, b"x" * size, length_bytes=length_bytes)
    frame = Frame(Opcode(opcode), b"x" * size)
    assert read_plain(data, 0, 1000) == ((frame, len(data)) if length_bytes == 2 else None)
    assert parsed(data) == ([frame], State.OPEN)


any_frames = st.builds(
    client_frame,
    st.integers(0, 15),
    st.binary(max_size=140),
    fin=st.booleans() | st.just(True),
    rsv=st.just(0) | st.sampled_from([RSV1, RSV2, RSV3]),
    mask=st.binary(min_size=4, max_size=4) | st.none(),
    length_bytes=st.sampled_from([2, 8]) | st.none(),
)


@law
@given(any_frames | st.binary(max_size=20), st.binary(max_size=8), st.integers(0, 150))
def test_what_is_plain_is_what_the_parser_would_have_read(data: bytes, more: bytes, max_bytes: int) -> None:
    found = read_plain(more + data + more, len(more), max_bytes)
    if found is not None:
        frame, end = found
        assert parsed((more + data + more)[len(more) : end], max_bytes) == ([frame], State.OPEN)


@law
@given(st.sampled_from([TEXT, PING, PONG]), st.binary(max_size=125), st.binary(min_size=4, max_size=4))
def test_a_frame_is_as_long_as_counted(opcode: int, payload: bytes, mask: bytes) -> None:
    data = client_frame(opcode, payload, mask=mask)
    assert client_frame_size(len(payload)) == len(data)
    assert read_plain(data, 0, 125) == (Frame(Opcode(opcode), payload), len(data))


@pytest.mark.parametrize("size", [125, 126, 65_535, 65_536])
def test_a_long_frame_is_as_long_as_counted(size: int) -> None:
    assert client_frame_size(size) == len(client_frame(TEXT, b"x" * size))


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG])
@pytest.mark.parametrize("size", [0, 1, 125])
def test_a_control_frame_is_read_by_a_client(opcode: Opcode, size: int) -> None:
    assert read(control_frame(opcode, b"x" * size), deflate=False) == [Frame(opcode, b"x" * size)]
