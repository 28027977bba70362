"""Served from PostgreSQL: either of the two is killed, and nothing is lost; what was a file moves there."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.cli.gator import gator
from tests.e2e.conftest import People, Servers
from tests.e2e.swarm import Person, World, check_acks, check_log, read_log
from tests.e2e.verifying import restarting, run_verify
from tests.support.client import Client, Frame
from tests.support.paced_model import PacedModel
from tests.support.postgres import PostgresServer
from tests.support.reply_device import Device, new_persona
from tests.support.server import Server, lasting_port

from gator.storage.outage import OUTAGE_S

pytestmark = pytest.mark.native_only("what the database does has nothing to do with the gateway")

ROOM = "garden"
PASSWORD = "known-to-nobody"

Start = Callable[..., Server]


@pytest.fixture(scope="module")
def keeping() -> Iterator[PostgresServer]:
    """A PostgreSQL of this file's own, which keeps what it confirms though it is killed."""
    with PostgresServer(fsync=True) as server:
        yield server


@pytest.fixture
def own(keeping: PostgresServer) -> PostgresServer:
    """The same, running whatever a test before has done to it."""
    if not keeping.runs:
        keeping.start()
    return keeping


@pytest.fixture
def serve(start: Servers, own: PostgresServer) -> Iterator[Start]:
    """Start servers on a new database, which keep their port; none of them may log the password."""
    servers: list[Server] = []

    def serve(**settings: Any) -> Server:
        url = own.create().replace("gator@", f"gator:{PASSWORD}@")
        ours = {"port": lasting_port(), "database_url": url, "limits": "off", "drain_spread_s": 0}
        servers.append(start(**ours | settings))
        return servers[-1]

    yield serve
    assert not any(PASSWORD in line for server in servers for line in server.log)


async def history(people: People, user: str) -> list[str]:
    """Read over HTTP what was said."""
    answer = await (await people.http(user)).get(f"/conversations/{ROOM}/messages")
    return [message["content"] for message in answer.raise_for_status().json()["messages"]]


async def status_of(people: People) -> int:
    """Ask whether new clients are welcome."""
    return (await (await people.http(None)).get(f"{people.server.url}/readyz")).status_code


# A day like any other


async def test_what_was_said_is_there_after_a_restart(serve: Start, stack: AsyncExitStack) -> None:
    server = serve()
    people = People(server, stack)
    ann, bob = await people.socket("ann"), await people.socket("bob")
    for one in (ann, bob):
        await one.ask("join_conversation", conversation_id=ROOM)
    for number, content in enumerate(("Hello!", "Grüße, 日本 🐊\n\\N \\.", 'a "quote" and a \t tab')):
        ack = await ann.ask("send_message", conversation_id=ROOM, content=content, client_message_id=f"{number}")
        assert (ack["type"], ack["duplicate"]) == ("ack", False)
        told = await bob.until("new_message", seq=ack["seq"])
        assert (told["message"]["content"], told["message"]["id"]) == (content, ack["message_id"])
    first = await bob.ask("send_message", conversation_id=ROOM, content="first", client_message_id="of Bob's")
    persona = await new_persona(server, max_tokens=8)
    await bob.ask("send_message", conversation_id=ROOM, content="Who are you?", persona_id=persona)
    reply = await ann.until("new_message", seq=first["seq"] + 2)
    assert reply["message"]["is_ai"]

    before = await history(people, "bob")
    log = await read_log(await people.http("ann"), "ann", ROOM, page=2)
    assert before[-1] == reply["message"]["content"]
    assert await asyncio.to_thread(server.terminate) == 0
    await asyncio.to_thread(server.start)

    assert await history(people, "bob") == before
    assert await read_log(await people.http("ann"), "ann", ROOM, page=2) == log
    ann = await people.socket("ann")
    joined = await ann.ask("join_conversation", conversation_id=ROOM, after_seq=1)
    assert joined["recovered"]
    missed = [await ann.until(seq=event["seq"]) for event in log[1:]]
    assert missed == log[1:]
    bob = await people.socket("bob")
    again = await bob.ask("send_message", conversation_id=ROOM, content="first", client_message_id="of Bob's")
    assert (again["type"], again["duplicate"], again["message_id"]) == ("ack", True, first["message_id"])
    assert server.complaints() == []


# The server is killed


async def test_a_server_that_is_killed_loses_nothing_and_is_back_at_once(
    serve: Start, stack: AsyncExitStack
) -> None:
    dice = Random(7)
    server = serve(replay_page=50)
    world = World(server, 20, 500, [120, 320], dice)
    rooms = ["room-0", "room-1"]
    for number in range(20):
        Person(world, f"user-{number:02}", rooms, 25, Random(dice.random()))
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(60):
        for person in world.people:
            tasks.create_task(person.live())
        await world.kill_at_random()
        http = await People(server, stack).http(None)
        logs = {room: await read_log(http, "user-00", room, 500) for room in rooms}
        world.heads = {room: len(log) for room, log in logs.items()}
        for person in world.people:
            person.move()
    assert server.starts == 3
    check_log(world, logs)
    check_acks(world, logs)
    for person in world.people:
        assert person.views == logs
    assert server.complaints() == []


# PostgreSQL is killed


class Talker:
    """Somebody who says one thing after the other, and waits each time until it is acknowledged.

    Attributes:
        acks: By `client_message_id`, in the order in which they came.
    """

    def __init__(self, user: str, line: Client) -> None:
        self.user = user
        self.line = line
        self.acks: dict[str, Frame] = {}
        self._is_silent = False

    async def talk(self, said: Callable[[], None]) -> None:
        """Talk until told to be silent."""
        for number in count():
            name = f"{self.user}-{number}"
            await self.line.say("send_message", conversation_id=ROOM, content=name, client_message_id=name)
            self.acks[name] = await self.line.until("ack", client_message_id=name)
            said()
            if self._is_silent:
                return

    def be_silent(self) -> None:
        """Say nothing more once the last message is acknowledged."""
        self._is_silent = True


class Crowd:
    """People who talk in one conversation."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.talkers: list[Talker] = []
        self._said = asyncio.Event()

    async def enter(self, *users: str) -> None:
        """Have people come in, before anybody says a word."""
        for user in users:
            line = await self.people.socket(user)
            await line.ask("join_conversation", conversation_id=ROOM)
            self.talkers.append(Talker(user, line))

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Have all of them talk; at the end wait for what is under way."""
        async with asyncio.TaskGroup() as tasks:
            for talker in self.talkers:
                tasks.create_task(talker.talk(self._said.set))
            yield
            for talker in self.talkers:
                talker.be_silent()

    async def say_more(self, messages: int) -> None:
        """Wait until so many more are acknowledged."""
        until = self.said + messages
        while self.said < until:
            self._said.clear()
            await self._said.wait()

    @property
    def said(self) -> int:
        """How many messages are acknowledged."""
        return sum(len(talker.acks) for talker in self.talkers)

    async def check(self) -> None:
        """See that everything is there once, and everybody was told all of it, in one order, and nothing else."""
        log = await read_log(await self.people.http(None), self.talkers[0].user, ROOM, page=500)
        assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
        stored = {event["message"]["client_message_id"]: event for event in log if event["type"] == "new_message"}
        assert len(stored) == sum(event["type"] == "new_message" for event in log) == self.said
        for talker in self.talkers:
            for name, ack in talker.acks.items():
                assert not ack["duplicate"]
                assert (stored[name]["seq"], stored[name]["message"]["id"]) == (ack["seq"], ack["message_id"])
            await talker.line.settle()
            told = [frame for frame in talker.line.frames if frame["type"] == "new_message"]
            assert told == [event for event in log if event["type"] == "new_message"]
            assert talker.line.heard("error") == []
            assert not talker.line.is_over


async def test_while_postgres_is_killed_or_restarted_clients_notice_nothing_but_a_pause(
    serve: Start, own: PostgresServer, stack: AsyncExitStack
) -> None:
    server = serve()
    people = People(server, stack)
    crowd = Crowd(people)
    await crowd.enter(*(f"talker-{number}" for number in range(8)))
    async with asyncio.timeout(60), crowd.talking():
        for number, end in enumerate((own.kill, own.stop, own.kill)):
            await crowd.say_more(100)
            await asyncio.to_thread(end)
            # Who comes just then waits as well.
            reading = [asyncio.create_task(history(people, "talker-0")) for _ in range(20)]
            late = await people.socket(f"late-{number}")
            await late.say("join_conversation", id="join", conversation_id=f"room-{number}")
            assert await status_of(people) == 503
            await asyncio.to_thread(own.start)
            assert all(await asyncio.gather(*reading))
            assert (await late.until(reply_to="join"))["type"] == "conversation_joined"
            assert await status_of(people) == 200
        await crowd.say_more(100)
    await crowd.check()
    assert server.complaints() == []


async def test_while_postgres_is_away_for_long_everything_is_refused_for_now(
    serve: Start, own: PostgresServer, stack: AsyncExitStack
) -> None:
    server = serve()
    people = People(server, stack)
    ann = await people.socket("ann")
    await ann.ask("join_conversation", conversation_id=ROOM)
    await ann.ask("send_message", conversation_id=ROOM, content="before", client_message_id="before")
    http = await people.http("ann")
    paths = (f"/conversations/{ROOM}/messages", "/conversations", f"/conversations/{ROOM}/events")
    lost = {"conversation_id": ROOM, "content": "lost", "client_message_id": "lost"}

    async def is_refused() -> None:
        await ann.say("send_message", **lost)
        await ann.say("join_conversation", id="join", conversation_id="kitchen")
        for answer in await asyncio.gather(*map(http.get, paths)):
            assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
            assert answer.headers["Retry-After"] == "1"
        for name, value in (("client_message_id", "lost"), ("reply_to", "join")):
            refused = await ann.until("error", **{name: value})
            assert (refused["code"], refused["retry_after_ms"]) == ("overloaded", 1000)
        assert await status_of(people) == 503

    own.kill()
    await is_refused()  # after ten seconds
    began = asyncio.get_running_loop().time()
    await is_refused()
    assert asyncio.get_running_loop().time() - began < OUTAGE_S / 2, "nothing waits any more"
    assert (await ann.ask("join_conversation", conversation_id=ROOM, after_seq=1))["recovered"], (
        "that is in memory"
    )

    await asyncio.to_thread(own.start)
    async with asyncio.timeout(OUTAGE_S):
        while await status_of(people) != 200:  # it is looked for once a second
            continue
    ack = await ann.ask("send_message", **lost)
    assert (ack["type"], ack["duplicate"], ack["seq"]) == ("ack", False, 3)
    assert await history(people, "ann") == ["before", "lost"]
    assert all("database_unreachable" in line for line in server.complaints())


async def test_a_reply_that_is_being_said_while_postgres_is_killed_becomes_a_message(
    serve: Start, own: PostgresServer, stack: AsyncExitStack
) -> None:
    model = await stack.enter_async_context(PacedModel())
    server = serve(**model.settings)
    ann = await Device.enter(server.as_user("ann"), ROOM)
    nia, tom = await new_persona(server), await new_persona(server, name="Tom")
    for persona in (nia, tom):
        http = await People(server, stack).http("ann")
        (await http.post(f"/conversations/{ROOM}/members", json={"user_id": persona})).raise_for_status()
    await ann.send("Well?", persona_id=nia)
    speech = await model.asked("Well?")
    await speech.say("Once upon a time")
    await ann.hears("Once upon a time")

    own.kill()
    await speech.say(", " + "very " * 120)
    await speech.say("long ago. Go on, @Tom.")
    await ann.until(lambda: ann.reading.text.endswith("@Tom."))
    reading = ann.reading
    await speech.end()
    await asyncio.to_thread(own.start)

    await ann.until(lambda: reading.is_over)
    assert reading.ends == []
    assert ann.replies[0]["content"] == reading.text
    # Whom it asked has to read what was said.
    further = await model.asked("Go on")
    await further.say("There was a crocodile.")
    await further.end()
    await ann.until(lambda: len(ann.replies) == 2)
    assert ann.replies[1]["content"] == "There was a crocodile."
    assert len(model.speeches) == 2
    await ann.leave()
    assert server.complaints() == []


def test_verify_passes_a_server_whose_postgres_is_killed_again_and_again(
    serve: Start, own: PostgresServer
) -> None:
    server = serve(limits="on")
    with restarting(server.home, own) as command:
        status, printed, said = run_verify(
            server.url, "--seconds", 6, "--messages", 240, "--json", "--restart-command", command
        )
    print(printed, said, file=sys.stderr)
    report = json.loads(printed)
    assert (status, report["verdict"]) == (0, "PASS")
    assert report["figures"]["restarts"] >= 1
    assert report["figures"]["acknowledged"] == report["figures"]["composed"] > 0
    assert server.complaints() == []


# PostgreSQL comes back as it was before


def keep_data(own: PostgresServer) -> None:
    """Copy the data of a server that does not run, whoever owns it."""
    shutil.copytree(own.home / "data", own.home / "older", copy_function=shutil.copy2)
    owner = own.home.stat()
    for path in (own.home / "older", *(own.home / "older").rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


def put_back_data(own: PostgresServer) -> None:
    """Have a server that does not run start with what was kept."""
    shutil.rmtree(own.home / "data")
    (own.home / "older").rename(own.home / "data")


async def test_when_postgres_has_lost_what_it_confirmed_the_process_ends_and_clients_are_told_to_reload(
    start: Servers, stack: AsyncExitStack
) -> None:
    own = stack.enter_context(PostgresServer(fsync=True))  # of its own: there is less to copy
    server = start(port=lasting_port(), limits="off", drain_spread_s=0, database_url=own.create())
    people = People(server, stack)
    ann = await people.socket("ann")
    epoch = (await ann.ask("join_conversation", conversation_id=ROOM))["epoch"]
    await ann.ask("send_message", conversation_id=ROOM, content="kept")
    own.stop()
    keep_data(own)
    own.start()
    ack = await ann.ask("send_message", conversation_id=ROOM, content="lost")
    own.kill()
    put_back_data(own)
    own.start()

    refused = await ann.ask("send_message", conversation_id=ROOM, content="on another history")
    assert (refused["type"], refused["code"]) == ("error", "overloaded")
    assert (await ann.gone())[0] == 1012
    assert await asyncio.to_thread(server.ended) == 0
    [line] = [line for line in server.log if "database_rewound" in line]
    assert "clients are told to reload their history" in line

    await asyncio.to_thread(server.start)
    ann = await people.socket("ann")
    joined = await ann.ask("join_conversation", conversation_id=ROOM, after_seq=ack["seq"], epoch=epoch)
    assert (joined["recovered"], joined["reason"]) == (False, "epoch_changed")
    assert joined["epoch"] != epoch
    assert await history(people, "ann") == ["kept"]
    ack = await ann.ask("send_message", conversation_id=ROOM, content="anew")
    assert (ack["type"], ack["seq"]) == ("ack", 3)


# From a file


async def test_clients_of_a_server_that_moved_from_a_file_go_on_where_they_were(
    start: Servers, own: PostgresServer, stack: AsyncExitStack, tmp_path: Path
) -> None:
    url = own.create()
    file = start(port=lasting_port(), limits="off", drain_spread_s=0)
    people = People(file, stack)
    ann, bob = await people.socket("ann"), await people.socket("bob")
    epoch = (await ann.ask("join_conversation", conversation_id=ROOM))["epoch"]
    await bob.ask("join_conversation", conversation_id=ROOM)
    await ann.ask("send_message", conversation_id=ROOM, content="heard", client_message_id="1")
    position = (await bob.until("new_message"))["seq"]
    await bob.close()
    for number in range(2, 5):
        await ann.ask(
            "send_message", conversation_id=ROOM, content=f"missed {number} 🐊", client_message_id=str(number)
        )
    log = await read_log(await people.http("ann"), "ann", ROOM, page=100)
    assert await asyncio.to_thread(file.terminate) == 0

    said = await asyncio.to_thread(gator, "migrate", "--from", str(file.data), GATOR_DATABASE_URL=url)
    assert (said.code, said.err) == (0, "")
    assert "moved 4 messages" in said.out.splitlines()

    moved = start(port=file.port, limits="off", database_url=url)
    people = People(moved, stack)
    bob = await people.socket("bob")
    joined = await bob.ask("join_conversation", conversation_id=ROOM, after_seq=position, epoch=epoch)
    assert (joined["recovered"], joined["epoch"]) == (True, epoch)
    await bob.until("new_message", seq=len(log))
    assert [frame for frame in bob.frames if frame["type"] == "new_message"] == log[position:]
    again = await bob.ask("send_message", conversation_id=ROOM, content="mine", client_message_id="1")
    assert (again["type"], again["seq"]) == ("ack", len(log) + 1), "others' ids are others'"
    ann = await people.socket("ann")
    again = await ann.ask("send_message", conversation_id=ROOM, content="heard", client_message_id="1")
    assert (again["duplicate"], again["seq"]) == (True, position)
    assert file.complaints() == moved.complaints() == []
