"""The native gateway, fed with bytes by a client that goes by the book."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.auth.issuer import key
from tests.contract.wishes import GARDEN, create, post
from tests.support.clock import NOON
from tests.support.house import PATIENCE_S, SECRET, StagedHouse, staged
from tests.support.line import FakeTransport, Line
from tests.support.wire import BINARY, CLOSE, CONT, PING, PONG, RSV1, TEXT, client_frame
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.protocol import State

from gator.protocol.errors import SLOW_CONSUMER, TOKEN_EXPIRED


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(
        tmp_path, max_frame_bytes=2048, outbox_bytes=16_384, limits="on", max_connections_per_user=2
    ) as house:
        yield house


@pytest.fixture
async def alice(house: StagedHouse) -> AsyncIterator[Line]:
    line = Line(house)
    await line.settle()
    yield line
    await line.gone()


# The handshake


async def test_a_client_is_greeted(alice: Line) -> None:
    assert alice.answer is not None
    assert alice.answer.status_code == 101
    [greeting] = alice.frames
    assert (greeting["type"], greeting["user_id"]) == ("online_users", "alice")


@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/ws/a%20b", "a b"),
        ("/ws/%E5%90%8D", "名"),
        ("/ws/a/b", "a/b"),
        ("/ws/alice?token=&x=1", "alice"),
        ("/ws/alice?" + "&".join(f"x{n}=1" for n in range(40)), "alice"),
    ],
)
async def test_the_address_names_the_user(house: StagedHouse, path: str, user: str) -> None:
    line = Line(house, path)
    await line.settle()
    assert line.frames[0]["user_id"] == user
    await line.gone()


@pytest.mark.parametrize("path", ["/", "/ws", "/wss/alice", "/api/v1/users/me", "//[", "*", "http://[/ws/alice"])
async def test_elsewhere_there_is_no_websocket(house: StagedHouse, path: str) -> None:
    line = Line(house, path)
    await line.settle()
    assert line.answer is not None
    assert line.answer.status_code == 404
    assert len(house.house.floor) == 0
    await line.gone()


@pytest.mark.parametrize(
    "request_text",
    [
        "GET /ws/alice HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET /ws/alice HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET /ws/alice HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n",
    ],
)
async def test_a_handshake_against_the_book_is_answered_by_the_book(house: StagedHouse, request_text: str) -> None:
    line = Line(house)
    line.gateway.data_received(request_text.encode())
    await asyncio.sleep(0)
    status = bytes(line.transport.outgoing).split(b" ")[1]
    assert status in (b"400", b"426")
    assert len(house.house.floor) == 0
    await line.gone()


@pytest.mark.parametrize(
    ("path", "headers", "closed"),
    [
        ("/ws/", (), (1008, "Invalid user id")),
        ("/ws/" + "x" * 129, (), (1008, "Invalid user id")),
        ("/ws/a%0Ab", (), (1008, "Invalid user id")),
        ("/ws/auth", (), (1008, "Invalid token")),
        ("/ws/auth?token=bad", (), (1008, "Invalid token")),
        ("/ws/alice", [("Origin", "http://evil.example")], (1008, "Origin not allowed")),
    ],
)
async def test_who_is_refused_is_accepted_to_be_told_why(
    house: StagedHouse, path: str, headers: list[tuple[str, str]], closed: tuple[int, str]
) -> None:
    line = Line(house, path, headers)
    await line.settle()
    assert line.answer is not None
    assert line.answer.status_code == 101
    assert line.closed == closed
    assert line.frames == []
    assert len(house.house.floor) == 0
    await line.gone()


async def test_one_connection_too_many_is_told_so(house: StagedHouse) -> None:
    lines = [Line(house) for _ in range(3)]
    for line in lines:
        await line.settle()
    assert [line.closed for line in lines] == [None, None, (1008, "Too many connections")]
    await lines[0].gone()
    again = Line(house)
    await again.settle()
    assert again.closed is None
    for line in (*lines[1:], again):
        await line.gone()


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Authorization", "Host", "Cookie", "X-Whatever"])
async def test_a_header_may_come_twice(house: StagedHouse, name: str) -> None:
    line = Line(house, headers=[(name, "one"), (name, "two")])
    await line.settle()
    assert line.frames[0]["type"] == "online_users"
    await line.gone()


async def test_addresses_of_a_chain_of_proxies_may_come_in_several_headers(tmp_path: Path) -> None:
    async with staged(
        tmp_path, trusted_proxies=("10.0.0.1", "10.0.0.2"), limits="on", connects_burst=1, connects_per_s=0.001
    ) as house:
        outcomes = []
        for client in ("1.1.1.1", "2.2.2.2", "1.1.1.1"):
            headers = [("X-Forwarded-For", client), ("X-Forwarded-For", "10.0.0.2")]
            line = Line(house, headers=headers, transport=FakeTransport(("10.0.0.1", 5000)))
            await line.settle()
            outcomes.append(line.closed)
            await line.gone()
        assert outcomes == [None, None, (1013, "Try again later")]


def raw_request(*headers: bytes, target: bytes = b"/ws/alice") -> bytes:
    """Write a request with headers that the client of the library would not send."""
    lines = [
        b"GET " + target + b" HTTP/1.1",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        *headers,
    ]
    return b"\r\n".join((*lines, b"", b""))


async def answered(house: StagedHouse, request: bytes) -> list[bytes]:
    """Have a request answered, and give the lines of the answer's head."""
    line = Line(house)
    line.gateway.data_received(request)
    head, _, _ = bytes(line.transport.outgoing).partition(b"\r\n\r\n")
    await line.gone()
    return head.split(b"\r\n")


@pytest.mark.parametrize("auth", ["open", "jwt"])
@pytest.mark.parametrize(
    "name",
    [
        *(b"Host", b"Origin", b"Authorization", b"X-Forwarded-For", b"Cookie"),
        *(b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions"),
    ],
)
@pytest.mark.parametrize("value", [b"\xff\xfe", "Bearer a.b.ą".encode(), "bearer.a.b.ą".encode(), b"\x80, \xa0"])
async def test_headers_with_bytes_that_are_not_ascii_do_no_harm(
    tmp_path: Path, auth: str, name: bytes, value: bytes
) -> None:
    async with staged(
        tmp_path, auth=auth, jwt_secret=SECRET, deflate=True, trusted_proxies=("127.0.0.1",)
    ) as house:
        first, *_ = await answered(house, raw_request(name + b": " + value))
        malformed = name == b"Sec-WebSocket-Extensions"
        assert first.split(b" ")[1] == (b"400" if malformed else b"101")


@pytest.mark.parametrize(
    "headers",
    [
        [b"Sec-WebSocket-Protocol: gator.v1"],
        [b"Sec-WebSocket-Protocol: other, gator.v1, bearer.x"],
        [b"Sec-WebSocket-Protocol: other"],
        [b"Sec-WebSocket-Protocol: gator.v1\nSet-Cookie: a=b"],
        [b"Sec-WebSocket-Protocol: gator.v1\rSet-Cookie: a=b, gator.v1\n"],
        [b"Sec-WebSocket-Protocol: gator.v1%0d%0aSet-Cookie: a=b"],
        [b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"],
        [b'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits="1\n5"'],
        [b'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="15\rSet-Cookie: a=b"'],
        [b"Sec-WebSocket-Extensions: x-mine; a=b, permessage-deflate"],
        [b"Sec-WebSocket-Extensions: x\nSet-Cookie: a=b"],
    ],
)
async def test_nothing_that_a_client_writes_gets_into_the_answer(tmp_path: Path, headers: list[bytes]) -> None:
    async with staged(tmp_path, deflate=True) as house:
        first, *lines = await answered(house, raw_request(*headers))
        if first == b"HTTP/1.1 101 Switching Protocols":
            assert lines[:3] == [
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            ]
            assert set(lines[3:]) <= {
                b"Sec-WebSocket-Protocol: gator.v1",
                b"Sec-WebSocket-Extensions: permessage-deflate"
                b"; server_no_context_takeover; client_no_context_takeover",
            }
        else:
            assert first == b"HTTP/1.1 400 Bad Request"
            assert [line.partition(b":")[0] for line in lines] == [
                b"Content-Type",
                b"Content-Length",
                b"Connection",
            ]


def token(sub: str = "alice", **claims: Any) -> str:
    return jwt.encode({"sub": sub, "exp": NOON // 1000 + 60} | claims, SECRET, "HS256")


@pytest.mark.parametrize(
    ("path", "headers", "client"),
    [
        ("/ws/auth?token=TOKEN", [], {}),
        ("/ws/alice?token=TOKEN", [], {}),
        ("/ws/auth", [("Authorization", "Bearer TOKEN")], {}),
        ("/ws/auth", [], {"subprotocols": ["gator.v1", "bearer.TOKEN"]}),
    ],
)
async def test_a_token_is_found_where_it_may_be(
    tmp_path: Path, path: str, headers: list[tuple[str, str]], client: dict[str, Any]
) -> None:
    async with staged(tmp_path, auth="jwt", jwt_secret=SECRET) as house:
        headers = [(name, value.replace("TOKEN", token())) for name, value in headers]
        client = {name: [one.replace("TOKEN", token()) for one in value] for name, value in client.items()}
        line = Line(house, path.replace("TOKEN", token()), headers, **client)
        await line.settle()
        assert line.frames[0]["user_id"] == "alice"
        assert line.client.subprotocol == ("gator.v1" if client else None)
        await house.advance(60 + 30)
        await line.settle()
        assert line.closed == (TOKEN_EXPIRED.code, TOKEN_EXPIRED.reason)
        await line.gone()


@pytest.mark.parametrize("is_good", [True, False])
async def test_keys_that_have_to_be_read_first_are_waited_for(tmp_path: Path, is_good: bool) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [key("EdDSA").jwk()]}))
    signed = (key("EdDSA") if is_good else key("EdDSA", 2)).sign({"sub": "alice", "exp": NOON // 1000 + 60})
    async with staged(tmp_path / "data", auth="jwt", jwt_jwks=str(keys)) as house:
        line = Line(house, f"/ws/auth?token={signed}")
        await line.settle()
        if is_good:
            assert [frame["type"] for frame in line.frames] == ["online_users"]
            assert [frame["type"] for frame in await line.say(type="heartbeat")] == ["heartbeat"]
        else:
            assert line.closed == (1008, "Invalid token")
        await line.gone()


# Frames


async def test_a_command_is_carried_out_and_answered(alice: Line, house: StagedHouse) -> None:
    assert [f["type"] for f in await alice.say(type="join_conversation", conversation_id="garden")] == [
        "conversation_joined"
    ]
    heard = await alice.say(type="send_message", conversation_id="garden", content="hello")
    assert [frame["type"] for frame in heard] == ["ack", "new_message"]


async def test_commands_that_come_together_are_carried_out_in_order(alice: Line) -> None:
    for n in range(3):
        alice.client.send_text(json.dumps({"type": "join_conversation", "conversation_id": f"c{n}"}).encode())
        alice.client.send_text(json.dumps({"type": "heartbeat", "id": str(n)}).encode())
    await alice.settle()
    answers = [frame.get("reply_to", frame.get("conversation_id")) for frame in alice.frames[1:]]
    assert answers == ["c0", "0", "c1", "1", "c2", "2"]
    assert alice.transport.reads


async def test_while_a_command_is_waited_for_nothing_is_read(alice: Line, house: StagedHouse) -> None:
    alice.client.send_text(json.dumps({"type": "join_conversation", "conversation_id": "garden"}).encode())
    alice.gateway.data_received(b"".join(alice.client.data_to_send()))
    assert not alice.transport.reads
    await alice.settle()
    assert alice.transport.reads


async def test_a_message_may_come_in_fragments(alice: Line) -> None:
    alice.client.send_text(b'{"type": ', fin=False)
    alice.client.send_ping(b"in between")
    alice.client.send_continuation(b'"heartbeat", "id"', fin=False)
    alice.client.send_continuation(b': "1"}', fin=True)
    await alice.settle()
    assert (alice.frames[-1]["type"], alice.frames[-1]["reply_to"]) == ("heartbeat", "1")
    assert [frame.opcode for frame in alice.wire if frame.opcode is Opcode.PONG] == [Opcode.PONG]


async def test_text_is_judged_when_it_is_whole(alice: Line) -> None:
    text = '{"type": "heartbeat", "id": "ą"}'.encode()
    cut = text.index("ą".encode()) + 1
    alice.client.send_text(text[:cut], fin=False)
    alice.client.send_continuation(text[cut:], fin=True)
    await alice.settle()
    assert alice.frames[-1]["reply_to"] == "ą"


@pytest.mark.parametrize("parts", [[b"\x00\x01"], [b"\x00", b"\x01"], [b""]])
async def test_a_binary_message_is_answered(alice: Line, parts: list[bytes]) -> None:
    alice.client.send_binary(parts[0], fin=len(parts) == 1)
    for part in parts[1:]:
        alice.client.send_continuation(part, fin=True)
    await alice.settle()
    assert [frame["code"] for frame in alice.frames[1:]] == ["binary_not_supported"]
    assert [frame["type"] for frame in await alice.say(type="heartbeat")] == ["heartbeat"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (client_frame(TEXT, b"\xff"), 1007),
        (client_frame(TEXT, b"\xed\xa0\x80"), 1007),
        (bytes((0x81, 0x80 | 127)) + (2049).to_bytes(8, "big") + bytes(4), 1009),
        (client_frame(TEXT, b"x", mask=None), 1002),
        (client_frame(0x3), 1002),
        (client_frame(0xB), 1002),
        (client_frame(CONT, b"x"), 1002),
        (client_frame(TEXT, b"x", fin=False) + client_frame(TEXT, b"y"), 1002),
        (client_frame(PING, b"x", fin=False), 1002),
        (client_frame(TEXT, rsv=RSV1), 1002),
        (client_frame(CLOSE, b"\x03"), 1002),
    ],
)
async def test_who_breaks_the_book_is_closed_by_the_book(
    alice: Line, house: StagedHouse, data: bytes, code: int
) -> None:
    await alice.raw(data)
    assert alice.closed is not None
    assert alice.closed[0] == code
    assert len(house.house.floor) == 0
    assert house.metric("gator_connections_closed_total", code=str(code)) == 1


async def test_a_frame_that_just_fits_is_read(alice: Line) -> None:
    text = b'{"type": "heartbeat", "pad": "' + b"x" * (2048 - 32) + b'"}'
    assert len(text) == 2048
    alice.client.send_text(text)
    await alice.settle()
    assert alice.frames[-1]["type"] == "heartbeat"


async def test_a_ping_of_the_server_is_answered_by_any_client(alice: Line) -> None:
    before = alice.gateway.heard_at
    alice.gateway.ping()
    await alice.settle()
    assert [frame.opcode for frame in alice.wire][-1] is Opcode.PING
    assert alice.gateway.heard_at >= before


def pongs(line: Line) -> list[bytes]:
    return [bytes(frame.data) for frame in line.wire if frame.opcode is Opcode.PONG]


@pytest.mark.parametrize("payload", [b"", b"a", bytes(range(125))])
async def test_a_ping_of_the_client_is_answered_with_its_payload(alice: Line, payload: bytes) -> None:
    await alice.raw(client_frame(PING, payload))
    assert pongs(alice) == [payload]


@pytest.mark.parametrize("kind", [TEXT, BINARY, PONG])
async def test_pings_among_other_frames_are_answered_each(alice: Line, kind: int) -> None:
    other = client_frame(kind, b'{"type": "join_conversation", "conversation_id": "garden"}')
    await alice.raw(other + client_frame(PING, b"1") + other + client_frame(PING, b"2") + client_frame(PING, b"2"))
    assert pongs(alice) == [b"1", b"2", b"2"]


async def test_a_ping_that_comes_in_parts_is_answered_when_it_is_whole(alice: Line) -> None:
    ping = client_frame(PING, b"whole")
    for at in range(len(ping)):
        assert pongs(alice) == []
        await alice.raw(ping[at : at + 1])
    assert pongs(alice) == [b"whole"]


async def test_lengths_longer_than_needed_lose_nothing(alice: Line) -> None:
    long_winded = [client_frame(TEXT, HEARTBEAT, length_bytes=length_bytes) for length_bytes in (2, 8, 2)]
    data = b"".join(long_winded)
    for at in range(len(data)):
        await alice.raw(data[at : at + 1])
    await alice.raw(data + data[:-5])
    await alice.raw(data[-5:])
    assert [frame["type"] for frame in alice.frames[1:]] == ["heartbeat"] * 9


# The parser is there while something needs it


HEARTBEAT = b'{"type": "heartbeat", "id": "1"}'
A_TEXT = client_frame(TEXT, HEARTBEAT)
A_PING = client_frame(PING, b"are you there?")
BEGUN = client_frame(TEXT, HEARTBEAT[:8], fin=False)
DONE = client_frame(CONT, HEARTBEAT[8:])
MORE = client_frame(CONT, b" " * 9, fin=False)


def has_parser(line: Line) -> bool:
    return line.gateway._wire is not None


@pytest.mark.parametrize(
    "read",
    [
        A_TEXT,
        A_PING,
        client_frame(PONG, b"gator"),
        A_TEXT + A_PING + A_TEXT + client_frame(PONG),
        client_frame(BINARY, b"\x00"),
        BEGUN + A_PING + DONE,
        BEGUN + MORE + DONE + A_TEXT,
        client_frame(BINARY, b"\x00") + BEGUN + DONE,
        client_frame(TEXT, b"not JSON"),
        client_frame(BINARY, b"x" * 200),
        client_frame(TEXT, b'{"type": "join_conversation", "conversation_id": "garden"}') + BEGUN + DONE,
    ],
)
async def test_an_idle_connection_keeps_no_parser(alice: Line, read: bytes) -> None:
    assert not has_parser(alice)
    for _ in range(2):
        await alice.raw(read)
        assert not has_parser(alice)


async def test_whole_text_ping_and_pong_frames_begin_no_parser(alice: Line) -> None:
    join = client_frame(TEXT, b'{"type": "join_conversation", "conversation_id": "garden"}')
    alice.gateway.data_received(A_TEXT + A_PING + client_frame(PONG) + join + A_TEXT)
    assert not alice.transport.reads, "the join is waited for, and the text behind it waits"
    assert not has_parser(alice)
    await alice.settle()
    assert [frame["type"] for frame in alice.frames[1:]] == ["heartbeat", "conversation_joined", "heartbeat"]


@pytest.mark.parametrize(
    "reads",
    [
        *([A_TEXT[:cut], A_TEXT[cut:]] for cut in (1, 2, 5, 6, 7, len(A_TEXT) - 1)),
        [A_TEXT + A_TEXT[:3], A_TEXT[3:]],
        [A_PING[:8], A_PING[8:]],
        [client_frame(TEXT, b"x" * 200)[:20], client_frame(TEXT, b"x" * 200)[20:]],
        [A_TEXT[:8], A_TEXT[8:] + A_PING + A_TEXT[:1], A_TEXT[1:]],
        [A_TEXT[at : at + 1] for at in range(len(A_TEXT))],
        [BEGUN, DONE],
        [BEGUN, A_PING, MORE, A_PING, DONE],
        [BEGUN, A_PING + DONE[:5], DONE[5:]],
        [BEGUN, DONE + A_TEXT[:9], A_TEXT[9:]],
        [client_frame(TEXT, fin=False), client_frame(CONT, fin=False), client_frame(CONT, HEARTBEAT)],
        [client_frame(BINARY, b"\x00", fin=False), client_frame(CONT, b"\x01"), A_TEXT],
    ],
)
async def test_the_parser_is_kept_until_all_that_was_begun_is_whole(alice: Line, reads: list[bytes]) -> None:
    *others, last = reads
    if last == A_TEXT:
        last = others.pop() + last
    for read in others:
        await alice.raw(read)
        assert has_parser(alice)
    await alice.raw(last)
    assert not has_parser(alice)
    assert alice.closed is None
    assert await alice.say(type="heartbeat", id="2")
    assert not has_parser(alice)


async def test_the_parser_is_kept_while_frames_wait_that_it_has_read(alice: Line) -> None:
    join = client_frame(TEXT, b'{"type": "join_conversation", "conversation_id": "garden"}')
    alice.gateway.data_received(client_frame(BINARY) + join + BEGUN)
    assert not alice.transport.reads
    assert has_parser(alice)
    await alice.settle()
    assert has_parser(alice)
    await alice.raw(DONE)
    assert not has_parser(alice)
    assert alice.frames[-1]["type"] == "heartbeat"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
async def test_between_fragments_no_other_message_begins(alice: Line, opcode: int) -> None:
    await alice.raw(BEGUN)
    await alice.raw(client_frame(opcode, HEARTBEAT))
    assert alice.closed is not None
    assert alice.closed[0] == 1002
    assert len(alice.frames) == 1


async def test_what_looks_like_a_frame_in_the_middle_of_one_is_none(alice: Line) -> None:
    hidden = A_PING + A_TEXT
    data = client_frame(BINARY, b"before" + hidden, mask=bytes(4))
    await alice.raw(data[: -len(hidden)])
    await alice.raw(hidden)
    assert pongs(alice) == []
    assert [frame.get("code") for frame in alice.frames[1:]] == ["binary_not_supported"]


async def test_the_parser_is_kept_once_a_close_was_said(alice: Line) -> None:
    await alice.raw(client_frame(CLOSE, b"\x03\xe8"))
    assert has_parser(alice)
    await alice.raw(A_TEXT + A_PING)
    assert pongs(alice) == []
    assert len(alice.frames) == 1


# The end


async def test_a_close_is_answered(alice: Line, house: StagedHouse) -> None:
    alice.client.send_close(1001, "going")
    await alice.settle()
    assert alice.closed == (1001, "going")
    assert alice.client.state in (State.CLOSING, State.CLOSED)
    assert house.metric("gator_connections_closed_total", code="1001") == 1
    assert len(house.house.floor) == 0


async def test_what_was_said_before_a_close_is_carried_out(alice: Line, house: StagedHouse) -> None:
    alice.client.send_text(json.dumps({"type": "join_conversation", "conversation_id": "garden"}).encode())
    command = {"type": "send_message", "conversation_id": "garden", "content": "my last words"}
    alice.client.send_text(json.dumps(command).encode())
    alice.client.send_close(1000)
    await alice.settle()
    async with asyncio.timeout(PATIENCE_S):
        while (await house.house.store.conversation(GARDEN) is None) or len(house.house.floor):
            await alice.settle()
    assert (await house.house.store.conversation(GARDEN)).head == 2  # type: ignore[union-attr]


async def test_what_was_said_before_the_end_of_the_stream_is_carried_out(alice: Line, house: StagedHouse) -> None:
    alice.client.send_text(json.dumps({"type": "join_conversation", "conversation_id": "garden"}).encode())
    alice.gateway.data_received(b"".join(alice.client.data_to_send()))
    keeps_open = alice.gateway.eof_received()
    assert keeps_open
    await alice.settle()
    assert [frame["type"] for frame in alice.frames][-1] == "conversation_joined"


async def test_a_stream_that_ends_without_a_close_ends_the_connection(alice: Line, house: StagedHouse) -> None:
    if not alice.gateway.eof_received():
        alice.transport.close()
    await alice.settle()
    assert len(house.house.floor) == 0
    assert house.metric("gator_connections_closed_total", code="1006") == 1


async def test_a_connection_that_breaks_off_leaves_nothing(house: StagedHouse) -> None:
    line = Line(house)
    await line.settle()
    line.client.send_text(json.dumps({"type": "join_conversation", "conversation_id": "garden"}).encode())
    line.gateway.data_received(b"".join(line.client.data_to_send()))
    await line.gone()
    await line.gone()
    assert len(house.house.floor) == 0
    assert house.metric("gator_joined") == 0
    assert house.metric("gator_connections_closed_total", code="1006") == 1


async def test_a_server_that_stops_says_so(alice: Line, house: StagedHouse) -> None:
    house.house.floor.close_all()
    await alice.settle()
    assert alice.closed == (1012, "Server restarting")


async def test_when_uvicorn_stops_the_transport_is_closed(alice: Line) -> None:
    alice.gateway.shutdown()
    assert alice.transport.closed


async def test_who_is_given_up_is_dropped(alice: Line, house: StagedHouse) -> None:
    alice.gateway.give_up()
    await asyncio.sleep(0)
    assert alice.transport.aborted
    assert len(house.house.floor) == 0


# Slow readers


async def fill(house: StagedHouse, line: Line) -> None:
    """Have the client join, stop reading, and miss more than may wait for it."""
    await house.change(create("garden", "alice"))
    await line.say(type="join_conversation", conversation_id="garden")
    line.transport.blocked = True
    for _ in range(20):
        await house.house.journal.commit(post("garden", "alice", "x" * 1500))
        await asyncio.sleep(0)
    assert line.gateway.backlog_bytes() > 16_384
    assert not line.transport.reads, "no command is read whose answer would wait"


async def test_a_slow_reader_is_paused_and_then_caught_up(alice: Line, house: StagedHouse) -> None:
    await fill(house, alice)
    assert alice.gateway.backlog_bytes() < 16_384 + 2 * 2000
    alice.client.receive_data(alice.transport.unblock())
    assert alice.transport.reads
    await alice.settle()
    seqs = [frame["seq"] for frame in alice.frames if frame["type"] == "new_message"]
    assert seqs == list(range(2, 22))


async def test_a_slow_reader_is_dropped_without_waiting_for_it(alice: Line, house: StagedHouse) -> None:
    await fill(house, alice)
    [connection] = house.house.floor.batches(1)[0]
    connection.peer.close(SLOW_CONSUMER)
    assert alice.transport.aborted
    await asyncio.sleep(0)
    assert house.metric("gator_connections_closed_total", code="4008") == 1


async def test_after_the_end_nothing_is_written(alice: Line, house: StagedHouse) -> None:
    await alice.say(type="join_conversation", conversation_id="garden")
    alice.transport.closed = True
    await house.change(post("garden", "alice", "to nobody"))
    assert alice.transport.outgoing == b""


# Compression


async def test_compression_is_agreed_to_where_it_is_switched_on(tmp_path: Path) -> None:
    async with staged(tmp_path, deflate=True) as house:
        offers = [ClientPerMessageDeflateFactory(client_no_context_takeover=True)]
        squeezed, plain = Line(house, extensions=offers), Line(house, "/ws/bob")
        for line in (squeezed, plain):
            await line.settle()
            await line.say(type="join_conversation", conversation_id="garden")
        assert squeezed.answer is not None
        assert "permessage-deflate" in squeezed.answer.headers["Sec-WebSocket-Extensions"]
        for n in range(3):
            await squeezed.say(type="send_message", conversation_id="garden", content=f"{n} " * 300)
            await plain.settle()
        for line in (squeezed, plain):
            told = [f["message"]["content"] for f in line.frames if f["type"] == "new_message"]
            assert told == [f"{n} " * 300 for n in range(3)]
            await line.gone()


async def test_compression_is_declined_where_it_is_switched_off(house: StagedHouse) -> None:
    line = Line(house, extensions=[ClientPerMessageDeflateFactory(client_no_context_takeover=True)])
    await line.settle()
    assert line.answer is not None
    assert "Sec-WebSocket-Extensions" not in line.answer.headers
    assert line.frames[0]["type"] == "online_users"
    await line.gone()


async def test_the_parser_is_kept_where_an_extension_was_agreed_to(tmp_path: Path) -> None:
    async with staged(tmp_path, deflate=True) as house:
        line = Line(house, extensions=[ClientPerMessageDeflateFactory()])
        await line.settle()
        assert has_parser(line)
        for read in (A_TEXT, A_PING, BEGUN + DONE, A_TEXT[:7], A_TEXT[7:]):
            await line.raw(read)
            assert has_parser(line)
        assert [frame["type"] for frame in await line.say(type="heartbeat", pad="x" * 1000)] == ["heartbeat"]
        await line.gone()


@pytest.mark.parametrize(
    "offered", ["x-mine", "permessage-deflate; server_max_window_bits=10; server_max_window_bits=11"]
)
async def test_no_parser_is_kept_where_no_extension_was_agreed_to(tmp_path: Path, offered: str) -> None:
    async with staged(tmp_path, deflate=True) as house:
        line = Line(house, headers=[("Sec-WebSocket-Extensions", offered)])
        await line.settle()
        assert line.answer is not None
        assert "Sec-WebSocket-Extensions" not in line.answer.headers
        assert not has_parser(line)
        await line.gone()
