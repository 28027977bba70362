"""The native gateway, fed with bytes by a client that goes by the book."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
import uvicorn
from tests.auth.issuer import key
from tests.contract.wishes import GARDEN, create, post
from tests.support.clock import NOON
from tests.support.house import PATIENCE_S, SECRET, Frame, StagedHouse, staged
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from gator.gateway.native import NativeGateway
from gator.protocol.errors import SLOW_CONSUMER, TOKEN_EXPIRED


class FakeTransport(asyncio.Transport):
    """A socket in memory; while blocked, the network takes nothing."""

    def __init__(self, peername: object = ("127.0.0.1", 5000)) -> None:
        super().__init__({"peername": peername})
        self.protocol: NativeGateway | None = None
        self.outgoing = bytearray()
        self.blocked = False
        self.reads = True
        self.ended = self.closed = self.aborted = False
        self._high = 65_536
        self._paused = False

    def write(self, data: Any) -> None:
        assert not self.closed, "nothing is written after the end"
        self.outgoing += data
        if self.blocked and len(self.outgoing) > self._high and not self._paused:
            self._paused = True
            assert self.protocol is not None
            self.protocol.pause_writing()

    def unblock(self) -> bytes:
        """Let the network take what waits."""
        self.blocked = False
        taken, self.outgoing = bytes(self.outgoing), bytearray()
        if self._paused:
            self._paused = False
            assert self.protocol is not None
            self.protocol.resume_writing()
        return taken

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or 0

    def get_write_buffer_size(self) -> int:
        return len(self.outgoing)

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.closed
        self.reads = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = True
        self.close()


class Line:
    """A client, a network, and the gateway at its other end."""

    def __init__(
        self,
        house: StagedHouse,
        path: str = "/ws/alice",
        headers: Sequence[tuple[str, str]] = (),
        *,
        transport: FakeTransport | None = None,
        **client: Any,
    ) -> None:
        self._house = house
        self.transport = transport or FakeTransport()
        unused = uvicorn.Config("unused", log_config=None)
        self.gateway = NativeGateway(unused, ServerState(), {"floor": house.house.floor})
        self.transport.protocol = self.gateway
        self.gateway.connection_made(self.transport)
        self.client = ClientProtocol(parse_uri("ws://localhost/"), **client)
        self.answer: Response | None = None
        self.frames: list[Frame] = []
        self.wire: list[WireFrame] = []
        request = self.client.connect()
        request.path = path
        for name, value in headers:
            request.headers[name] = value
        self.client.send_request(request)

    async def settle(self) -> None:
        """Carry bytes in both directions until nobody has any more to say."""
        for _ in range(100):
            moved = self._carry()
            while busy := _tasks_of_the_gateway():
                await asyncio.wait(busy)
            await self._house.settle()
            if not moved and not self.transport.outgoing:
                return

    def _carry(self) -> bool:
        sent = b"".join(self.client.data_to_send())
        if sent and not self.transport.closed:
            self.gateway.data_received(sent)
        got = b"" if self.transport.blocked else bytes(self.transport.outgoing)
        if got:
            self.transport.outgoing.clear()
            self.client.receive_data(got)
        if self.transport.ended and not self.transport.blocked:
            self.client.receive_eof()
        for event in self.client.events_received():
            if isinstance(event, Response):
                self.answer = event
                continue
            assert isinstance(event, WireFrame)
            self.wire.append(event)
            if event.opcode is Opcode.TEXT:
                self.frames.append(json.loads(bytes(event.data)))
        return bool(sent or got)

    async def say(self, **frame: Any) -> list[Frame]:
        """Send a command, and give what comes of it."""
        before = len(self.frames)
        self.client.send_text(json.dumps(frame).encode())
        await self.settle()
        return self.frames[before:]

    async def raw(self, data: bytes) -> None:
        """Send bytes past the book."""
        self.gateway.data_received(data)
        await self.settle()

    @property
    def closed(self) -> tuple[int, str] | None:
        """Give the code and reason with which the server closed."""
        received = self.client.close_rcvd
        return None if received is None else (received.code, received.reason)

    async def gone(self) -> None:
        """Break the connection off."""
        self.transport.closed = True
        self.gateway.connection_lost(None)
        await self._house.settle()


def _tasks_of_the_gateway() -> list["asyncio.Task[Any]"]:
    return [task for task in asyncio.all_tasks() if "NativeGateway." in str(task.get_coro())]


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """Write a short client frame with a mask of zeros."""
    assert len(payload) < 126
    return bytes(((0x80 if fin else 0) | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload


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
        (masked(0x1, b"\xff"), 1007),
        (masked(0x1, b"\xed\xa0\x80"), 1007),
        (bytes((0x81, 0x80 | 127)) + (2049).to_bytes(8, "big") + bytes(4), 1009),
        (bytes((0x81, 1)) + b"x", 1002),
        (masked(0x3, b""), 1002),
        (masked(0xB, b""), 1002),
        (masked(0x0, b"x"), 1002),
        (masked(0x1, b"x", fin=False) + masked(0x1, b"y"), 1002),
        (masked(0x9, b"x", fin=False), 1002),
        (bytes((0xC1, 0x80, 0, 0, 0, 0)), 1002),
        (masked(0x8, b"\x03"), 1002),
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
