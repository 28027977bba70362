"""People who chat over a real server."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest
from tests.cli.conftest import SECRET, Seat
from tests.support.server import Server
from websockets.asyncio.client import connect

from gator.auth.minting import mint
from gator.clock import SystemClock


def token_for(user: str) -> str:
    return mint(SECRET, user, name=user.title(), roles=(), now=SystemClock().now(), expires_s=600)


def url_of(server: Server) -> str:
    return server.url.replace("http", "ws", 1)


class BadLine:
    """A way to the server that breaks, once, before the answer that holds some bytes."""

    def __init__(self, server: Server, breaks_before: bytes) -> None:
        self._port = int(server.url.rpartition(":")[2])
        self._breaks_before: bytes | None = breaks_before
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> str:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        for pair in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._copy(*pair))
            self._tasks.add(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if self._breaks_before is not None and self._breaks_before in data:
                    self._breaks_before = None
                    return
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def test_two_people_talk_and_everything_is_shown_once(server: Server, seat: Seat) -> None:
    ann = seat(url_of(server), "ann", "tea")
    await ann.until("You are ann in tea")
    bob = seat(url_of(server), "bob", "tea")
    await ann.until("bob is online")
    ann.type("hello bob")
    await bob.until("ann: hello bob")
    bob.type("hello ann", "", "//shrug")
    for person in (ann, bob):
        await person.until("bob: /shrug")
        assert person.said == ["ann: hello bob", "bob: hello ann", "bob: /shrug"]
    assert "* bob joined" in ann.shown
    bob.type("/quit")
    assert (await bob.left()).status == 0
    await ann.until("bob is offline")


async def test_who_is_here_is_told_by_name(server: Server, seat: Seat) -> None:
    ann, bob = seat(url_of(server), "ann", "who"), seat(url_of(server), "bob", "who")
    await bob.until("You are bob")
    await ann.until("You are ann")
    assert (await bob.leave()).status == 0
    await ann.until("bob is offline")
    ann.type("/who", "/help", "/unknown")
    await ann.until("* Away (1): bob")
    await ann.until("There is no /unknown")
    assert "* Online (1): ann" in ann.shown


async def test_a_name_in_any_script_may_ask_who_is_here(server: Server, seat: Seat) -> None:
    person = seat(url_of(server), "王", "who else")
    person.type("/who")
    await person.until("* Online (1): 王")


async def test_who_comes_late_sees_what_was_said_before(server: Server, seat: Seat) -> None:
    ann = seat(url_of(server), "ann", "late")
    ann.type(*(f"line {number}" for number in range(25)), None)
    assert (await ann.left()).status == 0
    bob = seat(url_of(server), "bob", "late")
    await bob.until("line 24")
    await bob.until("bob joined")
    assert bob.said == [f"ann: line {number}" for number in range(6, 25)]


async def test_a_killed_server_loses_nothing_and_doubles_nothing(server: Server, seat: Seat) -> None:
    ann, bob = seat(url_of(server), "ann"), seat(url_of(server), "bob")
    await bob.until("You are bob")
    await ann.until("You are ann")
    ann.type("before")
    await bob.until("ann: before")
    server.kill()
    ann.type("just then")
    await ann.until("No connection")
    ann.type("while it was down")
    await ann.until("Kept until the server is back: while it was down")
    assert (await seat(url_of(server), "cleo").left()).status == 1  # who was never in does not wait
    await asyncio.to_thread(server.start)
    ann.type("after", None)
    assert (await ann.left()).status == 0
    await bob.until("ann: after")
    for person in (ann, bob):
        assert person.said == [f"ann: {text}" for text in ("before", "just then", "while it was down", "after")]


async def test_a_line_whose_ack_was_lost_is_not_said_twice(server: Server, seat: Seat) -> None:
    bob = seat(url_of(server), "bob", "ack")
    await bob.until("You are bob")
    async with BadLine(server, b'"type":"ack"') as url:
        ann = seat(url, "ann", "ack")
        ann.type("one", "two", None)
        assert (await ann.left()).status == 0
    await bob.until("ann: two")
    assert ann.said == bob.said == ["ann: one", "ann: two"]
    assert "* Connected again." in ann.shown


async def test_what_was_said_while_the_line_was_broken_is_shown_in_order(server: Server, seat: Seat) -> None:
    bob = seat(url_of(server), "bob", "gap")
    await bob.until("You are bob")
    async with BadLine(server, b"three") as url:
        ann = seat(url, "ann", "gap")
        await bob.until("ann joined")
        bob.type(*["one", "two", "three", "four", "five"])
        await ann.until("bob: five")
    assert ann.said == [f"bob: {text}" for text in ("one", "two", "three", "four", "five")]


async def test_a_token_opens_the_door_and_names_the_speaker(strict: Server, seat: Seat) -> None:
    async with httpx2.AsyncClient(
        trust_env=False, headers={"Authorization": f"Bearer {token_for('ann')}"}
    ) as http:
        made = await http.post(
            f"{strict.url}/api/v1/conversations", json={"kind": "group", "member_ids": ["bob"], "title": "Tea"}
        )
    conversation = made.json()["id"]
    ann = seat(url_of(strict), "ann", conversation, token_for("ann"))
    bob = seat(url_of(strict), "bob", conversation, token_for("bob"))
    await bob.until("You are bob")
    ann.type("hello", "/who")
    await bob.until("Ann: hello")
    await ann.until("* Online (")
    stranger = await seat(url_of(strict), "eve", conversation, token_for("eve")).left()
    assert stranger.status == 1
    assert stranger.why is not None
    assert stranger.why.startswith(f"You cannot join '{conversation}'")


@pytest.mark.parametrize(
    ("user", "token", "why"),
    [
        ("ann", None, "Invalid token"),
        ("ann", lambda: "not.a.token", "Invalid token"),
        ("ann", lambda: token_for("bob"), "The token is that of 'bob', not of 'ann'."),
    ],
)
async def test_who_cannot_prove_who_they_are_is_told(
    strict: Server, seat: Seat, user: str, token: Callable[[], str] | None, why: str
) -> None:
    left = await seat(url_of(strict), user, "room", token and token()).left()
    assert left.status == 1
    assert left.why is not None
    assert why in left.why


async def test_who_has_too_many_connections_is_told(strict: Server, seat: Seat) -> None:
    headers = {"Authorization": f"Bearer {token_for('bob')}"}
    async with (
        connect(strict.ws("auth"), additional_headers=headers, proxy=None) as one,
        connect(strict.ws("auth"), additional_headers=headers, proxy=None) as two,
    ):
        await one.recv()
        await two.recv()
        left = await seat(url_of(strict), "bob", "room", token_for("bob")).left()
    assert left.status == 1
    assert left.why is not None
    assert "Too many connections" in left.why
