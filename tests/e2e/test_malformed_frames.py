"""10,000 frames that nobody should send: answered or closed by the book, and nothing breaks."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from random import Random, SystemRandom
from typing import Any

import httpx2
import msgspec
import pytest
from tests.e2e.conftest import People, Servers
from tests.e2e.garbage import BEAT, TEXT, TEXTS, VALID, WIRE, frame, random_wire
from tests.e2e.wire import Wire, close_code
from tests.support.client import TIMEOUT_S, Client, Frame
from tests.support.server import token
from websockets.exceptions import ConnectionClosed

from gator.protocol.errors import CLOSES
from gator.protocol.events import Event

SEED = int(os.environ.get("CHAOS_SEED", SystemRandom().randrange(10**9)))
FRAMES = 10_000
WIRES = 1_000
AT_ONCE = 100
MAX_FRAME = 65_536
MOST_GROWTH_KIB = 4 * 1024

_event: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)

OURS = {close.code for close in CLOSES}
BY_THE_BOOK = OURS | {1000, 1005} | set(range(3000, 5000))
"""Codes of our table, and those that a client may send and gets back (RFC 6455 §5.5.1)."""


async def create_room(people: People) -> str:
    """Create the conversation that the frames are about."""
    http = await people.http("ann")
    answer = await http.post("/conversations", json={"kind": "group", "member_ids": ["bob"]})
    return str(answer.raise_for_status().json()["id"])


async def check_health(people: People) -> None:
    """Check that the server has not failed anywhere, and still serves."""
    http = await people.http("ann")
    metrics = (await http.get(f"{people.server.url}/metrics")).text
    assert "gator_errors_total{" not in metrics
    assert "gator_journal_failures_total 0.0" in metrics
    assert people.server.complaints() == []
    async with await Client.open(people.server.with_token(token("bob"))) as bob:
        assert (await bob.ask("heartbeat"))["type"] == "heartbeat"


async def say_garbage(client: Client, dice: Random, room: str, count: int) -> list[Frame]:
    """Send that many frames, some of them binary, and hear all answers."""
    for _ in range(count):
        if dice.random() < 0.02:
            await client.socket.send(dice.randbytes(dice.randrange(100)))
        else:
            await client.say_text(dice.choice(TEXTS)(dice).replace("ROOM", room))
    return await client.settle()


@pytest.mark.native_only("what is in a text frame is read by the same code")
@pytest.mark.timeout(300)
async def test_ten_thousand_frames_are_answered_by_the_book_and_leave_nothing_behind(people: People) -> None:
    dice, room, memory = Random(SEED), await create_room(people), []
    print(f"seed {SEED}")
    codes: dict[str, int] = {}
    for _half in range(2):
        client = await people.socket("ann")
        await client.ask("join_conversation", conversation_id=room)
        for _ in range(FRAMES // 2 // AT_ONCE):
            for answer in await say_garbage(client, dice, room, AT_ONCE):
                event = _event.decode(msgspec.json.encode(answer))
                if answer["type"] == "error":
                    codes[event.code] = codes.get(event.code, 0) + 1
            client.frames.clear()
        await client.close()
        memory.append(people.server.memory_kib())
    print(f"errors by code: {codes}; memory: {memory} KiB")
    assert {"bad_json", "not_an_object", "too_deep", "unknown_type", "invalid_command"} <= codes.keys()
    assert {"binary_not_supported", "message_not_text", "invalid_token", "conflict"} <= codes.keys()
    assert "internal" not in codes
    assert memory[1] - memory[0] < MOST_GROWTH_KIB
    await check_health(people)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("Hello", "bad_json"),
        ("{", "bad_json"),
        ('{"type":"heartbeat"}}', "bad_json"),
        ('{"type":"heartbeat"}{"type":"heartbeat"}', "bad_json"),
        ("[]", "not_an_object"),
        ("null", "not_an_object"),
        ('"heartbeat"', "not_an_object"),
        ("{}", "unknown_type"),
        ('{"type":7}', "unknown_type"),
        ('{"type":"shout"}', "unknown_type"),
        ('{"type":"new_message"}', "unknown_type"),
        ("[" * 17 + "]" * 17, "too_deep"),
        ('{"type":"heartbeat","x":' + "[" * 16 + "]" * 16 + "}", "too_deep"),
        ('{"type":"join_conversation"}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":""}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":7}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":"a\\u0000b"}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":"a","after_seq":-1}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":"a","after_seq":9007199254740992}', "invalid_command"),
        ('{"type":"join_conversation","conversation_id":"a","after_seq":1e999}', "invalid_command"),
        ('{"type":"send_message","conversation_id":"a","content":"x\\u0000"}', "message_not_text"),
        ('{"type":"send_message","conversation_id":"a","content":"\\u0020\\n"}', "message_blank"),
    ],
)
async def test_what_is_wrong_with_a_frame_is_said_and_the_connection_lives(
    people: People, text: str, code: str
) -> None:
    ann = await people.socket("ann")
    await ann.say_text(text)
    assert (await ann.until("error"))["code"] == code
    assert await ann.settle() == []


async def test_a_surrogate_escape_is_refused_and_never_stored(people: People) -> None:
    room, ann = await create_room(people), await people.socket("ann")
    await ann.say_text(f'{{"type":"send_message","conversation_id":"{room}","content":"x\\ud800y"}}')
    assert (await ann.until("error"))["code"] in ("bad_json", "message_not_text")
    assert await ann.settle() == []


async def test_names_of_commands_that_are_valid_stay_valid_beside_unknown_fields(people: People) -> None:
    room, ann = await create_room(people), await people.socket("ann")
    for command in VALID:
        text = msgspec.json.encode(command | {"later": {"a": [1]}}).decode().replace("ROOM", room)
        await ann.say_text(text)
    codes = {frame["code"] for frame in await ann.settle() if frame["type"] == "error"}
    assert codes <= {"persona_not_found", "invalid_token", "not_joined"}


@pytest.mark.parametrize(("data", "codes"), WIRE.values(), ids=WIRE.keys())
async def test_bytes_against_the_protocol_close_with_the_code_of_the_book(
    people: People, gateway: str, data: bytes, codes: set[int]
) -> None:
    wire = await Wire.open(people.server.with_token(token("ann")))
    code = close_code(await wire.last_words(data))
    # uvicorn closes with bytes of the client unread, which resets the connection.
    was_reset = gateway == "asgi" and len(data) > MAX_FRAME and code is None
    assert was_reset or code in codes
    await check_health(people)


@pytest.mark.native_only("uvicorn ends a connection before the application has read what was said")
@pytest.mark.parametrize("last", ["close", "reserved data opcode", "too long in fragments"])
async def test_what_was_said_before_the_end_is_answered_and_nothing_follows_the_close(
    people: People, last: str
) -> None:
    room = await create_room(people)
    join = msgspec.json.encode({"type": "join_conversation", "id": "join", "conversation_id": room})
    data, codes = WIRE[last]
    wire = await Wire.open(people.server.with_token(token("ann")))
    heard = await wire.last_words(frame(TEXT, join) + BEAT + data, end=False)
    assert close_code(heard) in codes
    assert [b'"reply_to":"join"' in heard[1][1], b'"reply_to":"last"' in heard[2][1]] == [True, True]


async def test_what_was_said_before_a_close_is_carried_out(people: People) -> None:
    room, http = await create_room(people), await people.http("ann")
    send = msgspec.json.encode({"type": "send_message", "conversation_id": room, "content": "My last words"})
    wire = await Wire.open(people.server.with_token(token("ann")))
    assert close_code(await wire.last_words(frame(TEXT, send) + WIRE["close"][0])) == 1000
    async with asyncio.timeout(TIMEOUT_S):
        while not (said := (await http.get(f"/conversations/{room}/messages")).json()["messages"]):
            pass
    assert [message["content"] for message in said] == ["My last words"]


async def test_nothing_is_carried_out_behind_bytes_against_the_protocol(people: People) -> None:
    wire = await Wire.open(people.server.with_token(token("ann")))
    heard = await wire.last_words(WIRE["reserved data opcode"][0] + BEAT)
    assert not any(b'"reply_to":"last"' in payload for _, payload in heard)


@pytest.mark.timeout(300)
async def test_random_bytes_are_closed_by_the_book_and_leave_nothing_behind(people: People) -> None:
    dice, memory = Random(SEED), []
    print(f"seed {SEED}")
    url = people.server.with_token(token("ann"))
    codes: dict[int | None, int] = {}
    for _half in range(2):
        for _ in range(WIRES // 2):
            wire = await Wire.open(url)
            code = close_code(await wire.last_words(random_wire(dice)))
            codes[code] = codes.get(code, 0) + 1
        memory.append(people.server.memory_kib())
    print(f"codes: {codes}; memory: {memory} KiB")
    assert {1002, 1007} <= codes.keys()
    # None: the bytes end within a frame, and so does the connection.
    assert codes.keys() <= BY_THE_BOOK | {None}
    assert memory[1] - memory[0] < MOST_GROWTH_KIB
    await check_health(people)


@pytest.mark.native_only("test_frame_for_frame has a flood for both")
async def test_who_floods_is_refused_and_then_closed(start: Servers, stack: AsyncExitStack) -> None:
    people = People(start(auth="jwt", commands_burst=50), stack)
    flooder, other = await people.socket("ann"), await people.socket("bob")
    with suppress(ConnectionClosed):
        for _ in range(50 + 100 + 200):
            await flooder.say("heartbeat")
    assert await flooder.gone() == (4029, "Rate limit exceeded")
    refused = flooder.heard("error")
    assert len(refused) >= 100
    assert {error["code"] for error in refused} == {"rate_limited"}
    assert all(error["retry_after_ms"] > 0 for error in refused)
    assert flooder.frames[-1] == refused[-1]
    assert (await other.ask("heartbeat"))["type"] == "heartbeat"
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        metrics = (await http.get(f"{people.server.url}/metrics")).text
    assert 'gator_connections_closed_total{code="4029"} 1.0' in metrics
    assert people.server.complaints() == []


@pytest.mark.native_only("the rate is counted by the same code")
async def test_messages_above_the_rate_are_refused_with_the_time_to_wait(
    start: Servers, stack: AsyncExitStack
) -> None:
    people = People(start(auth="jwt", messages_per_s=0.01, messages_burst=3), stack)
    room, ann = await create_room(people), await people.socket("ann")
    answers = [await ann.ask("send_message", conversation_id=room, content=f"{n}") for n in range(5)]
    assert [answer["type"] for answer in answers] == ["ack"] * 3 + ["error"] * 2
    assert {answer.get("code") for answer in answers[3:]} == {"rate_limited"}
    assert all(90_000 < answer["retry_after_ms"] <= 100_000 for answer in answers[3:])
    # Another connection does not help: the rate is the user's.
    again = await (await people.socket("ann")).ask("send_message", conversation_id=room, content="again")
    assert again["code"] == "rate_limited"
    http = await people.http("ann")
    over_http = await http.post(f"/conversations/{room}/messages", json={"content": "again"})
    assert (over_http.status_code, over_http.json()["code"]) == (429, "rate_limited")
    assert int(over_http.headers["Retry-After"]) > 0
