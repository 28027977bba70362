"""The client before a server that does what a script says."""

import asyncio
import http
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.cli.conftest import PATIENCE_S, Seat
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gator.cli.chat.plain import MOST_WAITING

AT = "2025-01-15T10:30:00.000Z"
Script = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection to a client, seen from the server."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def say(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, "timestamp": AT, **fields}))

    async def hear(self, kind: str) -> dict[str, Any]:
        command = json.loads(await self.connection.recv())
        assert command["type"] == kind
        return dict(command)

    async def greet(self, heartbeat_ms: int = 60_000) -> None:
        limits = {
            "max_frame_bytes": 65536,
            "max_message_chars": 5000,
            "max_joined_conversations": 9,
            "max_connections_per_user": 5,
            "messages_per_second": 10.0,
        }
        await self.say(
            "online_users", users=[], connection_id="c", user_id="ann", heartbeat_ms=heartbeat_ms, limits=limits
        )

    async def let_in(self, seq: int) -> int | None:
        """Answer a join, and tell from where on it asked."""
        command = await self.hear("join_conversation")
        after = command.get("after_seq")
        await self.say(
            "conversation_joined",
            conversation_id="room",
            seq=seq,
            epoch="e",
            recovered=after is not None,
            role="member",
            member_count=1,
            online=["ann"],
            online_count=1,
            reply_to=command["id"],
        )
        return None if after is None else int(after)

    async def welcome(self, seq: int, heartbeat_ms: int = 60_000) -> None:
        """Do all that comes before the first event; there is no history."""
        await self.greet(heartbeat_ms)
        assert await self.let_in(0) is None
        assert await self.let_in(0) == 0
        for number in range(1, seq + 1):
            await self.tell(number)

    async def tell(self, seq: int, text: str = "hi", sender: str = "bob") -> None:
        message = {"id": "m", "seq": seq, "sender_id": sender, "sender": {}, "content": text, "timestamp": AT}
        await self.say("new_message", conversation_id="room", seq=seq, message={**message, "is_ai": False})

    async def take(self, seq: int) -> str:
        """Store a message and tell its text."""
        command = await self.hear("send_message")
        await self.tell(seq, command["content"], "ann")
        await self.say(
            "ack",
            conversation_id="room",
            message_id="m",
            seq=seq,
            duplicate=False,
            client_message_id=command["client_message_id"],
            reply_to=command["id"],
        )
        return str(command["content"])

    async def goes(self) -> int:
        """Wait until the client closes."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await self.connection.recv()
                except ConnectionClosed as closed:
                    return 1006 if closed.rcvd is None else closed.rcvd.code


@asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[str]:
    """Serve one connection after the other, each by the next script."""
    left = list(scripts)
    failed: list[BaseException] = []

    async def handler(connection: ServerConnection) -> None:
        try:
            await left.pop(0)(Line(connection))
            await connection.wait_closed()
        except (AssertionError, KeyError, IndexError) as error:
            failed.append(error)

    async with serve(handler, "127.0.0.1", 0, subprotocols=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    assert failed == []
    assert left == []


async def stays(line: Line) -> None:
    await line.welcome(0)
    await line.goes()


async def test_a_server_that_will_restart_is_left_and_found_again(seat: Seat) -> None:
    async def drains(line: Line) -> None:
        await line.welcome(3)
        await line.say("reconnect", after_ms=1)
        assert await line.goes() == 1000

    async def is_back(line: Line) -> None:
        await line.greet()
        assert await line.let_in(4) == 3
        await line.tell(4, "news")
        await line.goes()

    async with scripted(drains, is_back) as url:
        ann = seat(url, "ann")
        await ann.until("bob: news")
        assert ann.said == ["bob: hi", "bob: hi", "bob: hi", "bob: news"]
        assert "* The server will restart and asks to come back in 0 s." in ann.shown
        await ann.leave()


async def test_a_silent_server_is_left_after_two_heartbeats(seat: Seat) -> None:
    async def falls_silent(line: Line) -> None:
        await line.welcome(2, heartbeat_ms=150)
        await line.goes()

    async def is_back(line: Line) -> None:
        await line.greet()
        assert await line.let_in(2) == 2
        await line.goes()

    async with scripted(falls_silent, is_back) as url:
        ann = seat(url, "ann")
        await ann.until("Connected again")
        assert "* No connection: nothing was heard. Trying again ..." in ann.shown
        await ann.leave()


async def test_a_hole_is_filled_on_the_same_connection(seat: Seat) -> None:
    async def loses_one(line: Line) -> None:
        await line.welcome(2)
        await line.tell(4, "four")
        assert await line.let_in(4) == 2
        await line.tell(3, "three")
        await line.tell(4, "four")
        await line.goes()

    async with scripted(loses_one) as url:
        ann = seat(url, "ann")
        await ann.until("four")
        assert ann.said[2:] == ["bob: three", "bob: four"]
        await ann.leave()


async def test_a_close_that_allows_it_is_followed_by_another_attempt(seat: Seat) -> None:
    async def is_full(line: Line) -> None:
        await line.connection.close(1013, "Server overloaded")

    async with scripted(is_full, stays) as url:
        ann = seat(url, "ann")
        await ann.until("You are ann")
        assert ann.shown[0] == "* No connection: Server overloaded. Trying again ..."
        await ann.leave()


async def test_a_close_that_forbids_it_is_the_end(seat: Seat) -> None:
    async def refuses(line: Line) -> None:
        await line.connection.close(1008, "Too many connections")

    async with scripted(refuses) as url:
        left = await seat(url, "ann").left()
    assert left.status == 1
    assert left.why is not None
    assert left.why.startswith("The server refuses: Too many connections.")


async def test_a_line_refused_for_haste_is_said_after_a_rest(seat: Seat) -> None:
    async def is_busy(line: Line) -> None:
        await line.welcome(0)
        command = await line.hear("send_message")
        await line.say("error", code="rate_limited", message="Wait.", reply_to=command["id"], retry_after_ms=1)
        assert await line.take(1) == "one"
        assert await line.take(2) == "two"
        await line.goes()

    async with scripted(is_busy) as url:
        ann = seat(url, "ann")
        ann.type("one", "two", None)
        assert (await ann.left()).status == 0
        assert ann.said == ["ann: one", "ann: two"]


async def test_a_line_refused_for_good_shows_in_the_exit_status(seat: Seat) -> None:
    async def forbids(line: Line) -> None:
        await line.welcome(0)
        command = await line.hear("send_message")
        await line.say("error", code="forbidden", message="No.", reply_to=command["id"])
        await line.goes()

    async with scripted(forbids) as url:
        ann = seat(url, "ann")
        ann.type("one", None)
        assert (await ann.left()).status == 1
        assert "* Not sent: 'one'. No." in ann.shown


async def test_frames_without_meaning_are_passed_over(seat: Seat) -> None:
    async def is_newer(line: Line) -> None:
        await line.welcome(0)
        await line.connection.send(b"\x00\x01")
        await line.connection.send("no JSON")
        await line.say("fireworks")
        await line.tell(1, "after all")
        await line.goes()

    async with scripted(is_newer) as url:
        ann = seat(url, "ann")
        await ann.until("after all")
        assert len(ann.shown) == 2
        await ann.leave()


async def test_when_too_much_waits_no_more_is_read_from_the_keyboard(seat: Seat) -> None:
    go_on = asyncio.Event()

    async def takes_its_time(line: Line) -> None:
        await line.greet()
        await go_on.wait()
        assert await line.let_in(0) is None
        assert await line.let_in(0) == 0
        for number in range(MOST_WAITING + 5):
            assert await line.take(number + 1) == str(number)
        await line.goes()

    async with scripted(takes_its_time) as url:
        ann = seat(url, "ann")
        ann.type(*(str(number) for number in range(MOST_WAITING + 5)), None)
        await ann.until_read(MOST_WAITING + 1)
        go_on.set()
        assert (await ann.left()).status == 0
        assert len(ann.said) == MOST_WAITING + 5


async def test_ctrl_c_does_not_wait_and_tells_what_was_not_said(seat: Seat) -> None:
    async def never_acknowledges(line: Line) -> None:
        await line.welcome(0)
        await line.goes()

    async with scripted(never_acknowledges) as url:
        ann = seat(url, "ann")
        await ann.until("You are ann")
        ann.type("one", "two", "/help")
        await ann.until("/quit")
        left = await ann.leave()
    assert (left.status, left.why) == (1, "Left with 2 unsent lines.")


@pytest.mark.parametrize(("status", "why"), [(404, "HTTP status 404"), (403, "HTTP status 403")])
async def test_where_there_is_no_chat_it_says_so(seat: Seat, status: int, why: str) -> None:
    def answer(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(http.HTTPStatus(status), "")

    async with serve(lambda _: None, "127.0.0.1", 0, process_request=answer) as server:  # type: ignore[arg-type]
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        left = await seat(url, "ann").left()
    assert left.status == 1
    assert left.why == f"The server refuses: {why}"


async def test_where_nothing_answers_it_says_how_to_start_a_server(seat: Seat) -> None:
    left = await seat("ws://127.0.0.1:9", "ann").left()
    assert left.status == 1
    assert left.why == ("No chat server answers at ws://127.0.0.1:9 (connection refused). `make run` starts one.")


async def test_where_something_else_answers_it_says_so(seat: Seat) -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hangs_up, "127.0.0.1", 0) as server:
        left = await seat(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", "ann").left()
    assert left.status == 1
    assert left.why is not None
    assert left.why.startswith("No chat server answers at ws://127.0.0.1:")


async def test_the_token_is_in_a_header_and_in_no_address(seat: Seat) -> None:
    seen: list[tuple[str, Headers]] = []

    def note(connection: ServerConnection, request: Request) -> Response:
        seen.append((request.path, request.headers))
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "")

    async with serve(lambda _: None, "127.0.0.1", 0, process_request=note) as server:  # type: ignore[arg-type]
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        left = await seat(url, "ann", "room", "a.b.c").left()
    ((path, headers),) = seen
    assert path == "/ws/auth"
    assert headers["Authorization"] == "Bearer a.b.c"
    assert headers["Sec-WebSocket-Protocol"] == "gator.v1"
    assert "a.b.c" not in str(left.why)
