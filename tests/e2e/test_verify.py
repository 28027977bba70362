"""`gator verify` passes a server that keeps its word though it is killed, and fails those that lie."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Literal
from urllib.parse import unquote

import pytest
from tests.e2e.conftest import Servers
from tests.e2e.verifying import restarting, run_verify
from tests.support.server import lasting_port
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gator.cli.verify import Options, chaos, minted
from gator.cli.verify.report import as_text
from gator.cli.verify.run import Outcome, verify
from gator.domain.message import check_content
from gator.protocol.codec import command_id, decode, encode
from gator.protocol.commands import (
    Command,
    CreateConversation,
    Heartbeat,
    JoinConversation,
    LeaveConversation,
    MarkRead,
    SendMessage,
    TypingStart,
    TypingStop,
)
from gator.protocol.errors import INVALID_USER, Refusal
from gator.protocol.events import (
    Ack,
    ConversationCreated,
    ConversationJoined,
    ConversationLeft,
    Durable,
    Error,
    Event,
    HeartbeatEvent,
    Limits,
    Member,
    Message,
    NewMessage,
    OnlineUsers,
    Sender,
)
from gator.protocol.types import ConversationId, Kind, MessageId, Seq, UserId
from gator.settings import Settings

pytestmark = pytest.mark.native_only("it is about the program that verifies")

SECRET = "a secret of the tests, long enough for HS256"
NOON = "2025-01-15T12:00:00.000Z"


# The real server


def results(report: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"PASS": set(), "FAIL": set(), "not checked": set()}
    for promise in report["promises"]:
        found[promise["result"]].add(promise["name"])
    return found


def test_a_server_that_is_killed_again_and_again_keeps_every_promise(start: Servers) -> None:
    server = start(port=lasting_port())
    with restarting(server.home, server) as command:
        status, printed, said = run_verify(
            server.url, "--seconds", 10, "--messages", 400, "--json", "--restart-command", command
        )
    print(printed, said, file=sys.stderr)
    report = json.loads(printed)
    assert (status, report["verdict"]) == (0, "PASS")
    assert results(report)["not checked"] == {"idle", "others_not_held_up"}
    figures = report["figures"]
    assert figures["restarts"] == server.starts - 1 >= 1
    assert figures["acknowledged"] == figures["composed"] > 0
    assert min(figures[name] for name in ("on_two_connections", "dropped", "frozen", "reconnects")) > 0
    assert report["send_to_receipt_ms"]["max"] > 0
    assert report["not_deleted"] == []
    assert server.complaints() == []


async def test_tokens_of_several_users_check_what_one_token_cannot(start: Servers) -> None:
    server = start(auth="jwt", jwt_secret=SECRET, heartbeat_s=1.5)
    tokens = minted(Settings.model_validate({"jwt_secret": SECRET}), "verify", 4)
    several, one = await asyncio.gather(
        verify(options(server.url, tokens=tokens[:4], idle_seconds=4), asyncio.Event()),
        verify(options(server.url, tokens=tokens[-1:], name="verify-one"), asyncio.Event()),
    )
    print(as_text(several), as_text(one), sep="\n\n")
    assert (several.status, several.trouble, several.clients, several.users) == (0, None, 4, 4)
    assert {name for name, verdict in several.verdicts if not verdict.checked} == {"others_not_held_up"}
    assert several.verdicts["subprotocol"].checked == 2
    assert (one.status, one.trouble, one.clients, one.users) == (0, None, 3, 1)
    assert one.verdicts["members_only"].why_not == "it needs two users"
    assert several.left == one.left == []


def test_where_there_is_no_server_or_no_token_it_cannot_run(start: Servers) -> None:
    status, printed, said = run_verify(f"ws://127.0.0.1:{lasting_port()}")
    assert (status, printed) == (2, "")
    assert "no chat server answers" in said
    server = start(auth="jwt", jwt_secret=SECRET)
    status, _, said = run_verify(server.url)
    assert status == 2
    assert "wants one: see --token" in said


def test_a_restart_command_that_fails_ends_the_run(start: Servers) -> None:
    status, printed, _ = run_verify(start().url, "--seconds", 5, "--restart-command", "echo no such unit; false")
    assert status == 2
    assert "exited with status 1: no such unit" in printed
    assert printed.endswith("COULD NOT RUN\n")


# Servers that lie

Lie = Literal["none", "loses", "doubles", "forgets repeats", "skips a listener", "tells late", "lets strangers in"]

EVERY = 7
"""Every so many messages the server lies."""


class Room:
    def __init__(self, kind: Kind, members: set[str]) -> None:
        self.kind = kind
        self.members = members
        self.log: list[Durable] = []
        self.lines: dict[Liar, None] = {}
        self.acks: dict[tuple[str, str], tuple[str, Ack]] = {}


class Tiny:
    """A chat server in memory that knows just enough, without HTTP, and tells one kind of lie."""

    def __init__(self, lie: Lie) -> None:
        self.lie = lie
        self.rooms: dict[str, Room] = {}
        self.sent = 0
        self.numbers = count(1)

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        user = unquote(socket.request.path.removeprefix("/ws/"))
        if len(user) > 128:
            await socket.close(INVALID_USER.code, INVALID_USER.reason)
            return
        line = Liar(self, socket, user)
        writing = asyncio.create_task(line.write())
        try:
            async for frame in socket:
                line.take(frame)
        except ConnectionClosed:
            pass
        finally:
            writing.cancel()
            for room in self.rooms.values():
                room.lines.pop(line, None)


class Liar:
    """One connection. Whatever it does it does at once, so that the order is plain."""

    def __init__(self, tiny: Tiny, socket: ServerConnection, user: str) -> None:
        self.tiny = tiny
        self.socket = socket
        self.user = user
        self.out: asyncio.Queue[Event] = asyncio.Queue()
        self.held: Event | None = None
        limits = Limits(
            max_frame_bytes=65_536,
            max_message_chars=5_000,
            max_joined_conversations=100,
            max_connections_per_user=5,
            messages_per_second=0,
        )
        self.say(
            OnlineUsers, users=(), connection_id="c", user_id=UserId(user), heartbeat_ms=25_000, limits=limits
        )

    async def write(self) -> None:
        while True:
            await self.socket.send(encode(await self.out.get()).decode())

    def say(self, kind: type[Any], /, **fields: object) -> None:
        self.out.put_nowait(kind(timestamp=NOON, **fields))

    def take(self, frame: str | bytes) -> None:
        command: Command | None = None
        try:
            if isinstance(frame, bytes):
                raise Refusal("binary_not_supported")
            command = decode(frame)
            self.obey(command)
        except Refusal as refusal:
            known = command.id if command is not None else command_id(frame if isinstance(frame, str) else "")
            name = command.client_message_id if isinstance(command, SendMessage) else None
            self.say(Error, code=refusal.code, message=refusal.detail, reply_to=known, client_message_id=name)

    def room(self, conversation_id: str) -> Room:
        room = self.tiny.rooms.get(conversation_id)
        if room is None or self.user not in room.members:
            raise Refusal("conversation_not_found")
        return room

    def obey(self, command: Command) -> None:
        match command:
            case Heartbeat():
                self.say(HeartbeatEvent, reply_to=command.id)
            case CreateConversation():
                name = f"made-{next(self.tiny.numbers):08}"
                self.say(
                    ConversationCreated, **self.create(name, command.kind, command.member_ids), reply_to=command.id
                )
            case JoinConversation():
                self.join(command)
            case LeaveConversation(conversation_id=name):
                self.say(ConversationLeft, conversation_id=name, reason="asked", reply_to=command.id)
            case SendMessage():
                check_content(command.content, 5_000)
                self.send(command, self.room(command.conversation_id))
            case TypingStart(conversation_id=name) | TypingStop(conversation_id=name):
                if self not in getattr(self.tiny.rooms.get(name), "lines", ()):
                    raise Refusal("not_joined")
            case MarkRead(conversation_id=name):
                self.room(name)
            case _:
                raise Refusal("forbidden")

    def create(self, name: str, kind: Kind, others: list[UserId]) -> dict[str, Any]:
        people = [UserId(self.user), *others]
        room = self.tiny.rooms[name] = Room(kind, set(people))
        members = tuple(Member(user_id=user, role="member") for user in people)
        fields = {"conversation_id": ConversationId(name), "seq": Seq(1), "kind": kind, "title": None}
        fields |= {"by": people[0], "members": members, "member_count": len(members)}
        room.log.append(ConversationCreated(timestamp=NOON, **fields))  # type: ignore[arg-type]
        return fields

    def join(self, command: JoinConversation) -> None:
        name = command.conversation_id
        if name not in self.tiny.rooms:
            self.create(name, "group", [])
        room = self.tiny.rooms[name]
        if room.kind != "direct" or self.tiny.lie == "lets strangers in":
            room.members.add(self.user)  # no event: who is in is not what this is about
        self.room(name)
        room.lines[self] = None
        answer: dict[str, object] = {"conversation_id": name, "seq": Seq(len(room.log)), "epoch": "e"}
        answer |= {"recovered": command.after_seq is not None, "role": "member", "member_count": 2}
        answer |= {"reason": "no_position" if command.after_seq is None else None}
        self.say(ConversationJoined, **answer, online=(), online_count=0, reply_to=command.id)
        for event in room.log[len(room.log) if command.after_seq is None else command.after_seq :]:
            self.out.put_nowait(event)  # type: ignore[arg-type]  # all of them are events of a log

    def send(self, command: SendMessage, room: Room) -> None:
        key = (self.user, command.client_message_id or f"none-{next(self.tiny.numbers)}")
        known = room.acks.get(key)
        if known is not None and self.tiny.lie != "forgets repeats":
            content, ack = known
            if content != command.content:
                raise Refusal("conflict")
            fields = {
                name: getattr(ack, name) for name in ("conversation_id", "message_id", "seq", "client_message_id")
            }
            self.say(Ack, **fields, duplicate=True, reply_to=command.id)
            return
        self.tiny.sent += 1
        is_lie = self.tiny.sent % EVERY == 0
        event = self.message(command, len(room.log) + 1)
        ack = Ack(
            conversation_id=command.conversation_id,
            message_id=event.message.id,
            seq=event.seq,
            duplicate=False,
            timestamp=NOON,
            client_message_id=command.client_message_id,
            reply_to=command.id,
        )
        room.acks[key] = (command.content, ack)
        if not (is_lie and self.tiny.lie == "loses"):
            self.tell(room, event, is_lie)
        if is_lie and self.tiny.lie == "doubles":
            self.tell(room, self.message(command, len(room.log) + 1), False)
        self.out.put_nowait(ack)

    def message(self, command: SendMessage, seq: int) -> NewMessage:
        message = Message(
            id=MessageId(f"m-{next(self.tiny.numbers)}"),
            seq=Seq(seq),
            sender_id=UserId(self.user),
            sender=Sender(),
            content=command.content,
            timestamp=NOON,
            is_ai=False,
            client_message_id=command.client_message_id,
        )
        return NewMessage(conversation_id=command.conversation_id, seq=Seq(seq), message=message, timestamp=NOON)

    def tell(self, room: Room, event: NewMessage, is_lie: bool) -> None:
        room.log.append(event)
        victim = next(iter(room.lines), None) if is_lie else None
        for line in room.lines:
            if line is victim and self.tiny.lie == "skips a listener":
                continue
            if line is victim and self.tiny.lie == "tells late" and line.held is None:
                line.held = event
                continue
            line.out.put_nowait(event)
            if line.held is not None and line.held.conversation_id == event.conversation_id:  # type: ignore[union-attr]
                line.out.put_nowait(line.held)
                line.held = None


@asynccontextmanager
async def tiny(lie: Lie) -> AsyncIterator[str]:
    options = {"subprotocols": [Subprotocol("gator.v1")], "max_size": 65_536, "compression": None}
    async with serve(Tiny(lie), "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def options(url: str, **fields: Any) -> Options:
    few = {"clients": 4, "conversations": 2, "messages": 80, "seconds": 1.0, "seed": 7, "name": "verify-some"}
    return Options(url=url, **(few | fields))


def broken(outcome: Outcome) -> set[str]:
    return {name for name, verdict in outcome.verdicts if verdict.result == "FAIL"}


async def test_a_server_that_drops_what_it_acknowledged_fails() -> None:
    async with tiny("loses") as url:
        arguments = ("--clients", 4, "--messages", 80, "--seconds", 5, "--json")
        status, printed, _ = await asyncio.to_thread(run_verify, url, *arguments)
    report = json.loads(printed)
    assert (status, report["verdict"]) == (1, "FAIL")
    assert report["figures"]["lost"] > 0
    # It has no HTTP, and acknowledges the place that the next message gets.
    assert {"acknowledged", "history"} <= results(report)["FAIL"] <= {"acknowledged", "history", "ack_matches"}


async def test_the_same_server_without_the_lie_lacks_nothing_but_http(monkeypatch: pytest.MonkeyPatch) -> None:
    # All is planned to be said in one second; a busy machine may take ten.
    monkeypatch.setattr(chaos, "SHARE", 0.1)
    async with tiny("none") as url:
        outcome = await verify(options(url, seconds=100.0), asyncio.Event())
    assert broken(outcome) == {"history"}
    assert outcome.trouble is None
    assert outcome.figures.acknowledged == outcome.figures.composed == 80
    assert len(outcome.left) == 4


@pytest.mark.parametrize(
    ("lie", "promises"),
    [
        ("doubles", {"not_doubled"}),
        ("forgets repeats", {"repeat", "not_doubled", "conflict"}),
        ("skips a listener", {"live"}),
        ("tells late", {"one_order"}),
        ("lets strangers in", {"members_only"}),
    ],
)
async def test_every_lie_is_found_out(lie: Lie, promises: set[str]) -> None:
    async with tiny(lie) as url:
        outcome = await verify(options(url), asyncio.Event())
    assert broken(outcome) >= promises
    assert outcome.status == 1
