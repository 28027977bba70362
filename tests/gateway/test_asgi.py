"""The portable gateway, over the messages of ASGI."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket
from tests.contract.wishes import create, post
from tests.support.house import PATIENCE_S, SECRET, Frame, StagedHouse, staged

from gator.domain.conversation import RenameConversation
from gator.gateway.asgi import serve
from gator.protocol.errors import SLOW_CONSUMER
from gator.protocol.types import ConversationId, UserId


class FakeSocket:
    """The ASGI server's side of a WebSocket, whose network can be blocked."""

    def __init__(self, house: StagedHouse, user_id: str | None, **scope: Any) -> None:
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._sent = asyncio.Event()
        self.sent: list[Message] = []
        websocket = WebSocket(
            {
                "type": "websocket",
                "path": "/ws",
                "query_string": b"",
                "headers": [(b"host", b"localhost")],
                "client": ("127.0.0.1", 5000),
                "subprotocols": [],
                **scope,
            },
            self._incoming.get,
            self._send,
        )
        self._incoming.put_nowait({"type": "websocket.connect"})
        self.serving = asyncio.create_task(serve(websocket, house.house.floor, user_id))

    async def _send(self, message: Message) -> None:
        await self._may_send.wait()
        self.sent.append(message)
        self._sent.set()

    def receive(self, **message: Any) -> None:
        """Bring a message from the client."""
        self._incoming.put_nowait({"type": "websocket.receive", **message})

    def say(self, **frame: Any) -> None:
        self.receive(text=json.dumps(frame))

    def hang_up(self, code: int | None = 1001) -> None:
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code})

    def block(self) -> None:
        self._may_send.clear()

    def unblock(self) -> None:
        self._may_send.set()

    @property
    def frames(self) -> list[Frame]:
        return [json.loads(message["text"]) for message in self.sent if message["type"] == "websocket.send"]

    @property
    def closed(self) -> tuple[int, str] | None:
        closes = [message for message in self.sent if message["type"] == "websocket.close"]
        assert len(closes) <= 1
        return (closes[0]["code"], closes[0]["reason"]) if closes else None

    async def hears(self, *types: str) -> Frame:
        """Wait for the next frames, of these types in this order, and give the last."""
        async with asyncio.timeout(PATIENCE_S):
            while [frame["type"] for frame in self.frames][-len(types) :] != list(types):
                self._sent.clear()
                await self._sent.wait()
        return self.frames[-1]

    async def over(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.serving


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path, outbox_bytes=16_384, limits="on", max_connections_per_user=2) as house:
        yield house


async def test_a_connection_from_the_greeting_to_the_end(house: StagedHouse) -> None:
    alice = FakeSocket(house, "alice")
    await alice.hears("online_users")
    assert alice.sent[0] == {"type": "websocket.accept", "subprotocol": None, "headers": []}
    alice.say(type="join_conversation", conversation_id="garden")
    await alice.hears("online_users", "conversation_joined")
    alice.say(type="send_message", conversation_id="garden", content="hello")
    await alice.hears("ack", "new_message")
    alice.hang_up(1001)
    await alice.over()
    assert alice.closed is None
    assert house.metric("gator_connections_closed_total", code="1001") == 1
    assert len(house.house.floor) == 0


async def test_a_connection_that_breaks_off_has_no_code(house: StagedHouse) -> None:
    alice = FakeSocket(house, "alice")
    await alice.hears("online_users")
    alice.hang_up(None)
    await alice.over()
    assert house.metric("gator_connections_closed_total", code="1005") == 1


async def test_commands_are_carried_out_one_after_the_other(house: StagedHouse) -> None:
    alice = FakeSocket(house, "alice")
    alice.say(type="join_conversation", conversation_id="garden")
    for n in range(20):
        alice.say(type="send_message", conversation_id="garden", content=str(n))
    alice.say(type="get_online_status", user_ids=[], id="last")
    await alice.hears("online_users")
    async with asyncio.timeout(PATIENCE_S):
        while len([frame for frame in alice.frames if frame["type"] == "new_message"]) < 20:
            await house.settle()
    told = [frame["message"]["content"] for frame in alice.frames if frame["type"] == "new_message"]
    assert told == [str(n) for n in range(20)]
    alice.hang_up()
    await alice.over()


@pytest.mark.parametrize("message", [{"bytes": b"\x00"}, {"bytes": b"x", "text": None}])
async def test_a_binary_frame_is_answered(house: StagedHouse, message: Message) -> None:
    alice = FakeSocket(house, "alice")
    alice.receive(**message)
    assert (await alice.hears("online_users", "error"))["code"] == "binary_not_supported"
    alice.hang_up()
    await alice.over()


@pytest.mark.parametrize(
    ("user_id", "scope", "closed"),
    [
        ("x" * 129, {}, (1008, "Invalid user id")),
        (None, {"query_string": b"token=bad"}, (1008, "Invalid token")),
        ("alice", {"headers": [(b"origin", b"http://evil.example")]}, (1008, "Origin not allowed")),
    ],
)
async def test_who_is_refused_is_accepted_to_be_told_why(
    house: StagedHouse, user_id: str | None, scope: Any, closed: tuple[int, str]
) -> None:
    turned_away = FakeSocket(house, user_id, **scope)
    await turned_away.over()
    assert [message["type"] for message in turned_away.sent] == ["websocket.accept", "websocket.close"]
    assert turned_away.closed == closed
    assert len(house.house.floor) == 0


async def test_a_user_s_sixth_connection_is_one_too_many_however_fast_they_come(house: StagedHouse) -> None:
    sockets = [FakeSocket(house, "alice") for _ in range(6)]
    async with asyncio.timeout(PATIENCE_S):
        while len(house.house.floor) < 2 or sum(socket.closed is not None for socket in sockets) < 4:
            await house.settle()
    closed = [socket.closed for socket in sockets if socket.closed is not None]
    assert closed == [(1008, "Too many connections")] * 4
    for socket in sockets:
        socket.hang_up()
        await socket.over()


@pytest.mark.parametrize(
    "headers",
    [
        {"headers": [(b"sec-websocket-protocol", b"gator.v1, bearer.TOKEN")]},
        {"headers": [(b"sec-websocket-protocol", b"gator.v1"), (b"sec-websocket-protocol", b"bearer.TOKEN")]},
        {"headers": [(b"authorization", b"Bearer TOKEN"), (b"sec-websocket-protocol", b"gator.v1")]},
        {"headers": [(b"sec-websocket-protocol", b"gator.v1")], "query_string": b"token=TOKEN&token=e30"},
    ],
)
async def test_a_token_is_found_where_it_may_be(tmp_path: Path, headers: dict[str, Any]) -> None:
    import jwt
    from tests.support.clock import NOON

    token = jwt.encode({"sub": "alice", "exp": NOON // 1000 + 60}, SECRET, "HS256").encode()
    headers["headers"] = [(name, value.replace(b"TOKEN", token)) for name, value in headers["headers"]]
    if "query_string" in headers:
        headers["query_string"] = headers["query_string"].replace(b"TOKEN", token)
    async with staged(tmp_path / "strict", auth="jwt", jwt_secret=SECRET) as house:
        alice = FakeSocket(house, None, **headers)
        assert (await alice.hears("online_users"))["user_id"] == "alice"
        assert alice.sent[0]["subprotocol"] == "gator.v1"
        await house.advance(60 + 30)
        await alice.over()
        assert alice.closed == (4001, "Token expired")


async def test_a_chain_of_proxies_is_believed_as_far_as_it_is_trusted(tmp_path: Path) -> None:
    async with staged(
        tmp_path, trusted_proxies=("127.0.0.1", "10.0.0.2"), limits="on", connects_burst=1, connects_per_s=0.001
    ) as house:
        outcomes = []
        for address in (b"1.1.1.1", b"2.2.2.2", b"1.1.1.1"):
            hops = [(b"x-forwarded-for", address), (b"x-forwarded-for", b"10.0.0.2")]
            client = FakeSocket(house, "alice", headers=[(b"host", b"localhost"), *hops])
            client.hang_up()
            await client.over()
            outcomes.append(client.closed)
        assert outcomes == [None, None, (1013, "Try again later")]


# Frames that are too big, or too late


LARGEST = 2048


@pytest.mark.parametrize(
    ("fits", "is_too_big"),
    [
        ({"text": "x" * LARGEST}, {"text": "x" * (LARGEST + 1)}),
        ({"text": "ü" * (LARGEST // 2)}, {"text": "ü" * (LARGEST // 2) + "x"}),
        ({"text": "🐊" * (LARGEST // 4)}, {"text": "🐊" * (LARGEST // 4) + "x"}),
        ({"bytes": b"x" * LARGEST}, {"bytes": b"x" * (LARGEST + 1)}),
    ],
)
async def test_a_frame_that_is_too_big_closes_under_a_server_that_lets_it_pass(
    tmp_path: Path, fits: dict[str, Any], is_too_big: dict[str, Any]
) -> None:
    async with staged(tmp_path, max_frame_bytes=LARGEST) as house:
        alice = FakeSocket(house, "alice")
        alice.receive(**fits)
        assert (await alice.hears("online_users", "error"))["code"] in ("bad_json", "binary_not_supported")
        alice.receive(**is_too_big)
        await alice.over()
        assert alice.closed == (1009, "Message too big")
        assert house.metric("gator_connections_closed_total", code="1009") == 1


async def test_what_is_said_after_the_server_closed_is_not_carried_out(tmp_path: Path) -> None:
    async with staged(tmp_path, max_frame_bytes=LARGEST) as house:
        alice = FakeSocket(house, "alice")
        alice.receive(text="x" * (LARGEST + 1))
        alice.say(type="heartbeat")
        alice.receive(bytes=b"x")
        await alice.over()
        assert house.metric("gator_commands_total", type="heartbeat") == 0
        assert [frame["type"] for frame in alice.frames] == ["online_users"]


class Gone(FakeSocket):
    """A client that left; what it had said waits to be read, as with a real server."""

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError("gone")


async def test_a_client_that_is_gone_before_it_is_greeted_leaves_nothing(house: StagedHouse) -> None:
    alice = Gone(house, "alice")
    alice.hang_up(1005)
    await alice.over()
    assert len(house.house.floor) == 0
    assert house.metric("gator_connections_closed_total", code="1005") == 1


async def test_what_a_client_said_before_it_left_is_carried_out(house: StagedHouse) -> None:
    alice = Gone(house, "alice")
    alice.say(type="join_conversation", conversation_id="garden")
    alice.say(type="send_message", conversation_id="garden", content="my last words")
    alice.hang_up()
    await alice.over()
    await house.change(RenameConversation(ConversationId("garden"), "after it in the log", UserId("alice")))
    messages = await house.house.store.messages(ConversationId("garden"), limit=9)
    assert [message.content for message in messages] == ["my last words"]


# Slow readers


async def until_paused(house: StagedHouse) -> None:
    """Post twenty long messages, more than may wait for one reader."""
    for _ in range(20):
        await house.house.journal.commit(post("garden", "alice", "x" * 4000))
        await asyncio.sleep(0)
    assert all(peer.paused_at is not None for peer in house.house.hub.peers)


async def test_a_blocked_socket_is_paused_and_read_on_when_it_opens(house: StagedHouse) -> None:
    await house.change(create("garden", "alice"))
    alice = FakeSocket(house, "alice")
    alice.say(type="join_conversation", conversation_id="garden")
    await alice.hears("online_users", "conversation_joined")
    alice.block()
    await until_paused(house)
    assert house.metric("gator_shed_total", kind="live") > 0
    for _ in range(5):
        alice.say(type="heartbeat")
    await house.house.journal.commit(post("garden", "alice", "more"))
    heartbeats = house.metric("gator_commands_total", type="heartbeat")
    assert heartbeats <= 1, "but for one that was waited for, no command is read whose answer would wait"
    alice.unblock()
    async with asyncio.timeout(PATIENCE_S):
        while house.metric("gator_commands_total", type="heartbeat") < 5 or len(alice.frames) < 2 + 21 + 5:
            await house.settle()
    seqs = [frame["seq"] for frame in alice.frames if frame["type"] == "new_message"]
    assert seqs == list(range(2, 23))
    alice.hang_up()
    await alice.over()


async def test_a_blocked_socket_is_let_go_at_the_deadline(house: StagedHouse) -> None:
    await house.change(create("garden", "alice"))
    alice = FakeSocket(house, "alice")
    alice.say(type="join_conversation", conversation_id="garden")
    await alice.hears("online_users", "conversation_joined")
    alice.block()
    await until_paused(house)
    [connection] = house.house.floor.batches(1)[0]
    connection.peer.close(SLOW_CONSUMER)
    await alice.over()
    assert house.metric("gator_connections_closed_total", code="4008") == 1
    assert len(house.house.floor) == 0


async def test_a_server_that_stops_closes_its_connections(house: StagedHouse) -> None:
    alice = FakeSocket(house, "alice")
    await alice.hears("online_users")
    house.house.floor.close_all()
    await alice.over()
    assert alice.closed == (1012, "Server restarting")
    assert house.metric("gator_connections_closed_total", code="1012") == 1
