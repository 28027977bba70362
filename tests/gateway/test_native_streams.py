"""However a client's bytes are cut into reads, the native gateway understands the same.

It reads most frames by hand, and begins a complete parser only for the others: whether it
does depends on where a read ends, and none of it may be seen from outside.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.support.house import StagedHouse, staged
from tests.support.line import Line
from tests.support.wire import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    client_frame,
    server_frames,
)

MAX_FRAME_BYTES = 1024

# One house serves all examples, since no connection leaves anything that the next would hear of.
# A failure is shown as it was found: to look for the shortest takes minutes.
stream_law = settings(
    max_examples=120,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# What goes on


def command(kind: str, id_: str, pad: int = 0) -> bytes:
    fields = {"type": kind, "conversation_id": f"c{len(id_)}", "id": id_, "pad": "x" * pad}
    return json.dumps(fields, ensure_ascii=False).encode()


commands = st.builds(
    command,
    st.sampled_from(["heartbeat", "join_conversation", "leave_conversation", "no_such_command"]),
    st.text("aż\N{CROCODILE}", min_size=1, max_size=3),
    st.sampled_from([0, 0, 100, 400]),
)
texts = commands | st.sampled_from([b"", b"not JSON", b"[]"])
masks = st.binary(min_size=4, max_size=4)
lengths = st.sampled_from([None, None, None, 2, 8])
small = st.binary(max_size=12) | st.just(bytes(range(125)))

# A piece of a stream is a tuple, between whose parts a read is likely to end.


def sent(opcode: int, payload: bytes, mask: bytes, length_bytes: int | None = None) -> tuple[bytes, ...]:
    return (client_frame(opcode, payload, mask=mask, length_bytes=length_bytes),)


def in_disguise(opcode: int, hidden: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Send a frame whose payload ends with what would be frames, had a frame ended before."""
    data = client_frame(opcode, b"see: " + b"".join(hidden), mask=bytes(4))
    return data[: -len(b"".join(hidden))], *hidden


whole_messages = st.builds(sent, st.just(TEXT), texts, masks)
controls = st.builds(sent, st.sampled_from([PING, PONG]), small, masks, lengths)
long_winded = st.builds(sent, st.just(TEXT), texts, masks, st.sampled_from([2, 8]))
binaries = st.builds(sent, st.just(BINARY), small, masks, lengths)
disguised = st.builds(in_disguise, st.just(BINARY), whole_messages | controls)


@st.composite
def fragments(draw: st.DrawFn) -> tuple[bytes, ...]:
    """Send a message in fragments, empty ones as well, with control frames between."""
    payload = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), min_size=1, max_size=3)))
    opcode = draw(st.sampled_from([TEXT, TEXT, TEXT, BINARY]))
    parts: list[bytes] = []
    for begin, end in pairwise([0, *cuts, len(payload)]):
        parts.append(client_frame(opcode, payload[begin:end], fin=False, length_bytes=draw(lengths)))
        for control in draw(st.lists(controls, max_size=2)):
            parts.extend(control)
        opcode = CONT
    return *parts, client_frame(CONT)


go_on = whole_messages | controls | whole_messages | binaries | long_winded | disguised | fragments()

# What ends a connection

BEGUN = client_frame(TEXT, b"begun", fin=False)
TOO_LONG = b"x" * (MAX_FRAME_BYTES + 1)

ENDS: list[tuple[bytes, ...]] = [
    *(
        (client_frame(TEXT, payload),)
        for payload in (b"\xff", b'{"type": "heartbeat"}\xc3', b"\xed\xa0\x80", b"\xff" * 200)
    ),
    (client_frame(TEXT, b"\xff", fin=False), client_frame(PING, b"in between"), client_frame(CONT)),
    *(
        (client_frame(CLOSE, payload),)
        for payload in (b"", b"\x03\xe8", b"\x03\xe9going", b"\x0f\xa0", b"\x03", b"\x03\xed", b"\x03\xe8\xff")
    ),
    *((client_frame(opcode, b"unmasked", mask=None),) for opcode in (TEXT, PING, PONG)),
    *((client_frame(opcode, rsv=rsv),) for opcode in (TEXT, PING) for rsv in (RSV1, RSV2, RSV3)),
    *((client_frame(opcode),) for opcode in (0x3, 0x7, 0xB, 0xF)),
    (client_frame(CONT, b"of nothing"),),
    *((client_frame(opcode, b"x", fin=False),) for opcode in (PING, PONG, CLOSE)),
    *((client_frame(opcode, b"x" * 126),) for opcode in (PING, PONG, CLOSE)),
    *((client_frame(TEXT, TOO_LONG, length_bytes=length_bytes),) for length_bytes in (2, 8)),
    (client_frame(TEXT, b"x" * 700, fin=False), client_frame(CONT, b"x" * 325)),
    (BEGUN, client_frame(TEXT, b'{"type": "heartbeat"}')),
    (BEGUN, client_frame(PING), client_frame(BINARY)),
    (BEGUN, client_frame(CLOSE, b"\x03\xe8")),
]
ends = st.sampled_from(ENDS)

# Streams and reads


@st.composite
def cut(draw: st.DrawFn, streams: st.SearchStrategy[list[tuple[bytes, ...]]]) -> list[bytes]:
    """Cut a stream into reads; the last frame may lack its end."""
    parts = [part for piece in draw(streams) for part in piece]
    stream = b"".join(parts)
    manner = draw(st.sampled_from([*["between parts"] * 5, *["anywhere"] * 2, "often", "everywhere"]))
    if manner == "between parts":
        joined = draw(st.lists(st.sampled_from([False, False, True]), min_size=len(parts), max_size=len(parts)))
        ends_of_parts = accumulate(map(len, parts))
        places = [place for place, goes_on in zip(ends_of_parts, joined, strict=True) if not goes_on]
    elif manner == "anywhere":
        places = sorted(draw(st.lists(st.integers(0, len(stream)), min_size=1, max_size=8)))
        stream = stream[: places[-1]]
    else:
        step = 1 if manner == "everywhere" else 7
        places = list(range(step, len(stream), step))
    return [stream[begin:end] for begin, end in pairwise([0, *places, len(stream)]) if begin < end]


one_life = st.builds(
    lambda before, end, after: [*before, *end, *after],
    st.lists(go_on, min_size=2, max_size=8),
    st.lists(ends, max_size=1),
    st.lists(go_on, max_size=3),
)
anything = st.lists(go_on | go_on | ends, min_size=3, max_size=8)


@dataclass(frozen=True)
class Outcome:
    """What a client saw of a connection.

    Attributes:
        answers: To commands and to messages that are none, in order: type, code and id.
        close: The payload of the close frame.
    """

    answers: list[tuple[str, str | None, str | None]]
    pongs: Counter[bytes]
    close: bytes | None
    stream_ended: bool


async def outcome(house: StagedHouse, reads: Sequence[bytes], *, with_parser: bool) -> Outcome:
    """Have a new connection read all that."""
    line = Line(house)
    await line.settle()
    for data in reads:
        if with_parser:
            line.gateway._parser()
        line.gateway.data_received(data)
        await line.worked_off()
        assert line.transport.reads
    await house.settle()
    frames = server_frames(bytes(line.transport.outgoing))
    ended = line.transport.ended
    await line.gone()

    closes = [payload for opcode, payload in frames if opcode == CLOSE]
    assert len(closes) <= 1
    after_close = frames[[opcode for opcode, _ in frames].index(CLOSE) + 1 :] if closes else []
    assert {opcode for opcode, _ in after_close} <= {PONG}
    heard = [json.loads(payload) for opcode, payload in frames if opcode == TEXT]
    return Outcome(
        answers=[
            (frame["type"], frame.get("code"), frame.get("reply_to"))
            for frame in heard
            if "reply_to" in frame or frame["type"] == "error"
        ],
        pongs=Counter(payload for opcode, payload in frames if opcode == PONG),
        close=closes[0] if closes else None,
        stream_ended=ended,
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path, max_frame_bytes=MAX_FRAME_BYTES) as house:
        yield house


@stream_law
@given(cut(one_life))
@example([client_frame(TEXT, command("join_conversation", "a")) + client_frame(PING, b"1"), client_frame(CLOSE)])
async def test_it_does_not_matter_where_reads_end(house: StagedHouse, reads: list[bytes]) -> None:
    """As if a complete parser had read all of it at once."""
    expected = await outcome(house, [b"".join(reads)], with_parser=True)
    assert await outcome(house, reads, with_parser=False) == expected


@stream_law
@given(cut(anything))
async def test_it_does_not_matter_who_reads_a_frame(house: StagedHouse, reads: list[bytes]) -> None:
    """As if a complete parser had read it all, in the same reads.

    Of two reasons to close, that counts which the gateway comes to first; and a parser
    sees what comes in one read before any of it is carried out.
    """
    expected = await outcome(house, reads, with_parser=True)
    assert await outcome(house, reads, with_parser=False) == expected


@pytest.mark.parametrize("end", ENDS)
async def test_every_end_is_the_same_wherever_reads_end(house: StagedHouse, end: tuple[bytes, ...]) -> None:
    text = client_frame(TEXT, command("heartbeat", "a"))
    expected = await outcome(house, [b"".join((text, *end, text))], with_parser=True)
    assert expected.close is not None
    assert len(expected.answers) == 1
    for reads in ([text, *end, text], [b"".join((text, *end, text))], [text, b"".join(end)]):
        assert await outcome(house, reads, with_parser=False) == expected


async def test_the_law_looks_at_something(house: StagedHouse) -> None:
    join = client_frame(TEXT, command("join_conversation", "a"))
    reads = [join + client_frame(PING, b"1"), client_frame(BINARY), client_frame(CLOSE, b"\x03\xe8bye")]
    assert await outcome(house, reads, with_parser=False) == Outcome(
        answers=[("conversation_joined", None, "a"), ("error", "binary_not_supported", None)],
        pongs=Counter([b"1"]),
        close=b"\x03\xe8bye",
        stream_ended=True,
    )
