"""Connections from the handshake to the end: who gets in, and why and how one gets out."""

import asyncio
import signal
import socket
import time
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx2
import pytest
from tests.e2e.conftest import People, Servers
from tests.e2e.swarm import read_log
from tests.support.client import TIMEOUT_S, Client, Frame, Gone
from tests.support.server import Server, lasting_port, token
from websockets.exceptions import ConnectionClosed

MAX_FRAME = 65_536

# uvicorn closes with bytes of the client unread, which resets the connection: the code may be lost.
CODES_OF_TOO_MUCH = {"native": {1009}, "asgi": {1009, 1006}}


# Who gets in


@pytest.fixture
def guarded(jwt_server: Server) -> Server:
    """A server that wants tokens."""
    return jwt_server


async def greeted(url: str, **options: Any) -> tuple[str, str | None]:
    """Connect; tell who the server takes us for, and the subprotocol it chose."""
    async with await Client.open(url, **options) as client:
        greeting = await client.until()
        assert greeting["type"] == "online_users"
        return greeting["user_id"], client.socket.subprotocol


async def refused(url: str, **options: Any) -> tuple[int | None, str | None, list[Frame]]:
    """Connect, which has to succeed; tell how it was closed, and what was said before."""
    client = await Client.open(url, **options)
    return *await client.gone(), client.frames


async def test_a_token_is_taken_from_the_address(guarded: Server) -> None:
    assert await greeted(guarded.with_token(token("ann"))) == ("ann", None)


async def test_a_token_is_taken_from_the_header(guarded: Server) -> None:
    headers = {"Authorization": f"Bearer {token('ann')}"}
    assert await greeted(guarded.ws("auth"), additional_headers=headers) == ("ann", None)
    assert await greeted(guarded.as_user("ann"), additional_headers=headers) == ("ann", None)


async def test_a_token_is_taken_from_the_subprotocols(guarded: Server) -> None:
    offered = ["gator.v1", f"bearer.{token('ann')}"]
    assert await greeted(guarded.ws("auth"), subprotocols=offered) == ("ann", "gator.v1")


async def test_no_token_ends_in_the_log(guarded: Server) -> None:
    for secret in (token("ann"), "e30.not-valid.e30"):
        await (await Client.open(guarded.with_token(secret))).close()
        assert not any(secret in line for line in guarded.log)


@pytest.mark.parametrize("wrong", ["", "e30", "e30.e30.e30", "x" * 5000])
async def test_a_wrong_token_is_closed_with_a_reason_that_a_browser_sees(guarded: Server, wrong: str) -> None:
    assert await refused(guarded.with_token(wrong)) == (1008, "Invalid token", [])


async def test_a_token_that_is_over_or_anothers_is_no_token(guarded: Server) -> None:
    assert await refused(guarded.with_token(token("ann", expires_s=-3600))) == (1008, "Invalid token", [])
    anothers = {"Authorization": f"Bearer {token('bob')}"}
    assert await refused(guarded.as_user("ann"), additional_headers=anothers) == (1008, "Invalid token", [])
    assert await refused(guarded.as_user("ann")) == (1008, "Invalid token", [])


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Any:
    """A server with limits, in open mode."""
    with Server(tmp_path_factory.mktemp("limited"), gateway=gateway) as server:
        yield server


async def test_the_sixth_connection_of_a_user_is_one_too_many(limited: Server, stack: AsyncExitStack) -> None:
    people = People(limited, stack)
    five = [await people.socket("ann") for _ in range(5)]
    assert await refused(limited.as_user("ann")) == (1008, "Too many connections", [])
    assert await greeted(limited.as_user("bob")) == ("bob", None)
    # Those that were there live, and a place that is given up is free at once.
    for client in five:
        assert (await client.ask("heartbeat"))["type"] == "heartbeat"
    await five[0].close()
    assert await greeted(limited.as_user("ann")) == ("ann", None)


async def test_many_connections_at_the_same_instant_get_five_places(
    limited: Server, stack: AsyncExitStack
) -> None:
    clients = await asyncio.gather(*(Client.open(limited.as_user("carl")) for _ in range(20)))
    for client in clients:
        await stack.enter_async_context(client)
    await asyncio.gather(*(first_sign(client) for client in clients))
    assert sum(bool(client.frames) for client in clients) == 5
    closed = [await client.gone() for client in clients if not client.frames]
    assert closed == [(1008, "Too many connections")] * 15


async def first_sign(client: Client) -> None:
    """Await a frame, or the end."""
    with suppress(Gone):
        await client.until("online_users")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "null",
        "http://127.0.0.1.evil.example:1",
        "file://",
    ],
)
async def test_a_page_from_elsewhere_cannot_connect(limited: Server, origin: str) -> None:
    assert await refused(limited.as_user("ann"), origin=origin) == (1008, "Origin not allowed", [])


async def test_a_page_of_the_same_host_can_connect(limited: Server) -> None:
    assert await greeted(limited.as_user("ann"), origin=limited.url) == ("ann", None)


async def test_a_page_on_another_port_of_this_machine_can_connect(limited: Server) -> None:
    assert await greeted(limited.as_user("ann"), origin="http://localhost:5173") == ("ann", None)


@pytest.mark.native_only("the rule is the same code, and a server of its own takes seconds to start")
async def test_a_page_on_the_list_can_connect_and_no_other(start: Servers) -> None:
    server = start(allowed_origins="https://chat.example, https://other.example")
    assert await greeted(server.as_user("ann"), origin="https://chat.example") == ("ann", None)
    assert await refused(server.as_user("ann"), origin=server.url) == (1008, "Origin not allowed", [])


# What is too much


async def test_the_largest_frame_is_taken_and_one_byte_more_is_not(
    limited: Server, stack: AsyncExitStack, gateway: str
) -> None:
    ann = await People(limited, stack).socket("ann")
    await ann.say_text("x" * MAX_FRAME)
    assert (await ann.until("error"))["code"] == "bad_json"
    await ann.socket.send(["x" * 40_000, "x" * (MAX_FRAME - 40_000)])
    assert (await ann.until("error"))["code"] == "bad_json"
    await ann.say_text("x" * (MAX_FRAME + 1))
    assert (await ann.gone())[0] in CODES_OF_TOO_MUCH[gateway]


@pytest.mark.parametrize("parts", [[MAX_FRAME, 1], [40_000, 25_537], [1_000] * 66, [60_000] * 40])
async def test_a_message_that_is_too_big_in_all_is_closed_and_the_code_arrives(
    limited: Server, stack: AsyncExitStack, gateway: str, parts: list[int]
) -> None:
    ann = await People(limited, stack).socket("ann")
    with suppress(ConnectionClosed):  # noticed while it was still being sent
        await ann.socket.send(["x" * size for size in parts])
    assert (await ann.gone())[0] in CODES_OF_TOO_MUCH[gateway]


# How long


@pytest.mark.native_only("test_frame_for_frame has a token that ends, for both")
async def test_a_token_that_ends_closes_the_connection_unless_it_was_refreshed(
    start: Servers, stack: AsyncExitStack
) -> None:
    people = People(start(auth="jwt", jwt_leeway_s=0), stack)
    brief = token("ann", expires_s=2)
    until = time.time() + 2
    url = people.server.with_token(brief)
    forgetful = await stack.enter_async_context(await Client.open(url))
    careful = await stack.enter_async_context(await Client.open(url))
    anothers = await careful.ask("refresh_token", token=token("bob"))
    assert anothers["code"] == "invalid_token"
    fresh = await careful.ask("refresh_token", token=token("ann"))
    assert fresh["type"] == "token_refreshed"

    assert await forgetful.gone() == (4001, "Token expired")
    assert time.time() < until + 3
    assert (await careful.ask("heartbeat"))["type"] == "heartbeat"
    assert await refused(url) == (1008, "Invalid token", [])


# The end of the server


async def test_sigterm_asks_clients_back_and_loses_nothing(start: Servers, stack: AsyncExitStack) -> None:
    server = start(port=lasting_port(), limits="off", drain_s=2)
    people = People(server, stack)
    http = await people.http("ann")
    ann, bob = await people.socket("ann"), await people.socket("bob")
    for client in (ann, bob):
        await client.ask("join_conversation", conversation_id="room", after_seq=0)

    readiness = asyncio.create_task(until_not_ready(http, server))
    for number in range(200):
        await ann.say("send_message", conversation_id="room", content=f"{number}", client_message_id=f"{number}")
    stopped = asyncio.create_task(asyncio.to_thread(server.terminate))
    for client in (ann, bob):
        assert (await client.until("reconnect"))["after_ms"] >= 0
        assert await client.gone() == (1012, "Server restarting")
    assert await readiness == {"status": "draining"}
    assert await stopped == 0
    assert server.complaints() == []

    acked = {ack["client_message_id"]: ack["seq"] for ack in ann.heard("ack")}
    assert len(acked) == 200
    await asyncio.to_thread(server.start)
    log = await read_log(await people.http("bob"), "bob", "room", 500)
    stored = {event["message"]["client_message_id"]: event["seq"] for event in log if "message" in event}
    assert stored == acked
    assert durable(bob) == log


def durable(client: Client) -> list[Frame]:
    """List the events of the log that a client was told."""
    answers = ("conversation_joined", "ack")
    return [frame for frame in client.frames if "seq" in frame and frame["type"] not in answers]


async def until_not_ready(http: httpx2.AsyncClient, server: Server) -> dict[str, str]:
    """Ask whether the server is ready until it is not; tell what it says then."""
    while (answer := await http.get(f"{server.url}/readyz")).status_code == 200:
        pass
    assert answer.status_code == 503
    return dict(answer.json())


@pytest.mark.native_only("test_frame_for_frame has it for both")
async def test_who_connects_while_the_server_drains_is_sent_away(start: Servers, stack: AsyncExitStack) -> None:
    server = start(limits="off")
    people = People(server, stack)
    ann = await people.socket("ann")
    server.send_signal(signal.SIGTERM)
    await ann.until("reconnect")
    assert await refused(server.as_user("bob")) == (1012, "Server restarting", [])
    refusal = await ann.ask("join_conversation", conversation_id="room")
    assert refusal["code"] == "draining"
    assert await ann.gone() == (1012, "Server restarting")


# Slow readers


def narrow(server: Server) -> socket.socket:
    """Connect a socket that takes little before it is read."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    host, port = server.url.removeprefix("http://").split(":")
    narrow.connect((host, int(port)))
    narrow.setblocking(False)
    return narrow


async def shed(http: httpx2.AsyncClient, server: Server) -> int:
    """Read how many live events were kept back from slow readers."""
    lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
    found = [line for line in lines if line.startswith('gator_shed_total{kind="live"}')]
    return int(float(found[0].split()[1])) if found else 0


async def say_much(client: Client) -> int:
    """Send messages of 4 kB each, wait until they are written, and tell how many."""
    for _ in range(99):
        await client.say("send_message", conversation_id="room", content="x" * 4_000)
    await client.ask("send_message", conversation_id="room", content="x" * 4_000)
    return 100


async def test_a_slow_reader_disturbs_nobody_and_catches_up_from_the_log(
    start: Servers, stack: AsyncExitStack
) -> None:
    server = start(limits="off", outbox_bytes=16_384, replay_page=50)
    people = People(server, stack)
    ann, bob = await people.socket("ann"), await people.socket("bob")
    slow = await people.socket("slow", sock=narrow(server), reading=False, max_queue=1)
    for client in (ann, bob):
        await client.ask("join_conversation", conversation_id="room", after_seq=0)
    await slow.say("join_conversation", conversation_id="room", after_seq=0)
    await ann.until("members_added", seq=3)

    http = await people.http("ann")
    sent = 0
    while not await shed(http, server):
        sent += await say_much(ann)
        assert sent < 10_000, "the server never noticed that somebody does not read"
    sent += await say_much(ann) + await say_much(ann)
    head = 3 + sent
    # Nobody else noticed: everybody has everything, and is answered.
    await bob.until("new_message", seq=head)
    assert [event["seq"] for event in durable(bob)] == [*range(1, head + 1)]

    slow.read()
    await slow.until("new_message", seq=head)
    await ann.ask("send_message", conversation_id="room", content="live again")
    await slow.until("new_message", seq=head + 1)
    log = await read_log(http, "ann", "room", 100)
    assert durable(slow) == log
    assert server.complaints() == []
    print(f"{sent} messages of 4 kB until it had fallen behind and more")


async def test_who_never_reads_again_is_closed_after_the_deadline(start: Servers, stack: AsyncExitStack) -> None:
    server = start(limits="off", outbox_bytes=16_384, slow_reader_s=0.1)
    people = People(server, stack)
    ann = await people.socket("ann")
    await ann.ask("join_conversation", conversation_id="room")
    dead = await people.socket("dead", sock=narrow(server), reading=False, max_queue=1)
    await dead.say("join_conversation", conversation_id="room")
    await ann.until("members_added")
    http = await people.http("ann")
    async with asyncio.timeout(3 * TIMEOUT_S):
        while not await closed_as(http, server, 4008):
            await say_much(ann)
    dead.read()
    await dead.gone()
    assert server.complaints() == []


async def closed_as(http: httpx2.AsyncClient, server: Server, code: int) -> bool:
    """Tell whether a connection was closed with a code."""
    return f'gator_connections_closed_total{{code="{code}"}}' in (await http.get(f"{server.url}/metrics")).text
