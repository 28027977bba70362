"""The client before the real server process: killed, frozen, cut off. Nothing is missed, nothing doubled."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from clients.python.tests.stage import Reader
from tests.support.server import Server, lasting_port, token

from gator_chat_client import Client, Conversation, Discontinuity, NewMessage, Position, SqliteOutbox

PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in open mode on a port that stays its own, with a heart that beats fast."""
    home = tmp_path_factory.mktemp("open")
    with Server(home, port=lasting_port(), presence_grace_s=0, heartbeat_s=1, limits="off") as server:
        yield server


@pytest.fixture
async def seats(server: Server) -> AsyncIterator["Seats"]:
    """Clients that are gone when the test is over."""
    async with AsyncExitStack() as stack:
        yield Seats(server, stack)


class Seats:
    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack

    async def take(self, user: str, url: str | None = None, **options: object) -> Client:
        # Waits are a tenth of what they might be.
        client = Client(url or self._server.url, user=user, dice=lambda: 0.1, **options)  # type: ignore[arg-type]
        return await self._stack.enter_async_context(client)

    async def follow(self, conversation: Conversation) -> Reader:
        reader = Reader(conversation, with_history=True)
        self._stack.push_async_callback(reader.stop)
        async with asyncio.timeout(PATIENCE_S):
            await conversation.until(lambda snapshot: snapshot.status == "live")
        return reader


def said(reader: Reader) -> list[str]:
    assert not [item for item in reader.items if isinstance(item, Discontinuity)]
    return [item.message.content for item in reader.items if isinstance(item, NewMessage)]


async def reads(reader: Reader, content: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await reader.until(lambda reader: content in said(reader))


async def heard(conversation: Conversation, content: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await conversation.until(lambda snapshot: any(each.content == content for each in snapshot.messages))


async def test_a_server_killed_while_people_talk_loses_nothing_and_doubles_nothing(
    server: Server, seats: Seats
) -> None:
    ada, bob = await seats.take("ada"), await seats.take("bob")
    tea, bobs = ada.conversation("killed"), bob.conversation("killed")
    readers = [await seats.follow(tea), await seats.follow(bobs)]
    lines = [f"line {number}" for number in range(60)]
    for number, line in enumerate(lines):
        await tea.send(line)
        if number in (15, 40):
            await heard(tea, lines[number - 10])
            server.kill()
            await asyncio.to_thread(server.start)
    async with asyncio.timeout(PATIENCE_S):
        await ada.flushed()
    for reader in readers:
        await reads(reader, lines[-1])
        assert said(reader) == lines
    assert [each.content for each in bobs.snapshot.messages] == lines
    assert tea.snapshot.outgoing == ()


class Wire:
    """A way to the server that can be cut, or swallow everything without a sign."""

    def __init__(self, server: Server) -> None:
        self._port = int(server.url.rpartition(":")[2])
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._goes_on = asyncio.Event()
        self._goes_on.set()

    async def __aenter__(self) -> "Wire":
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def freeze(self) -> None:
        self._goes_on.clear()

    def thaw(self) -> None:
        self.cut()
        self._goes_on.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, there_writer}
        for pair in ((reader, there_writer), (there_reader, writer)):
            self._tasks.add(asyncio.create_task(self._copy(*pair)))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._goes_on.wait()
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


async def test_a_wire_that_is_cut_again_and_again_loses_nothing_and_doubles_nothing(
    server: Server, seats: Seats
) -> None:
    bob = await seats.take("bob")
    bobs = bob.conversation("cut")
    reader = await seats.follow(bobs)
    async with Wire(server) as wire:
        ada = await seats.take("ada", wire.url)
        tea = ada.conversation("cut")
        adas = await seats.follow(tea)
        lines = [f"line {number}" for number in range(40)]
        for number, line in enumerate(lines):
            await tea.send(line)
            await bobs.send(f"bob {number}")
            if number % 8 == 7:
                await heard(bobs, lines[number - 4])
                wire.cut()
        async with asyncio.timeout(PATIENCE_S):
            await ada.flushed()
            await bob.flushed()
        for each in (adas, reader):
            await reads(each, lines[-1])
            await reads(each, "bob 39")
        assert said(adas) == said(reader)
        assert [line for line in said(reader) if line.startswith("line")] == lines
        assert len(said(reader)) == 80
        await ada.close()


async def test_a_socket_that_falls_silent_is_found_out_within_two_beats(server: Server, seats: Seats) -> None:
    bob = await seats.take("bob")
    bobs = bob.conversation("silent")
    await seats.follow(bobs)
    async with Wire(server) as wire:
        ada = await seats.take("ada", wire.url)
        tea = ada.conversation("silent")
        reader = await seats.follow(tea)
        wire.freeze()
        await bobs.send("while it was frozen")
        async with asyncio.timeout(PATIENCE_S):
            await ada.until(lambda client: client.connection.reason == "silent")
        wire.thaw()
        await reads(reader, "while it was frozen")
        assert said(reader) == ["while it was frozen"]
        await ada.close()


async def test_a_server_that_is_frozen_is_left_and_found_again(server: Server, seats: Seats) -> None:
    ada = await seats.take("ada")
    tea = ada.conversation("frozen")
    reader = await seats.follow(tea)
    server.send_signal(signal.SIGSTOP)
    try:
        sent = await tea.send("kept")
        async with asyncio.timeout(PATIENCE_S):
            await ada.until(lambda client: client.connection.reason == "silent")
    finally:
        server.send_signal(signal.SIGCONT)
    async with asyncio.timeout(PATIENCE_S):
        await sent.stored()
    await reads(reader, "kept")
    assert said(reader) == ["kept"]


async def test_what_one_program_could_not_send_the_next_one_sends(
    server: Server, seats: Seats, tmp_path: Path
) -> None:
    bob = await seats.take("bob")
    bobs = bob.conversation("outbox")
    reader = await seats.follow(bobs)
    path = tmp_path / "outbox.sqlite3"
    nobody_listens = f"http://127.0.0.1:{lasting_port()}"
    async with Client(nobody_listens, user="ada", outbox=SqliteOutbox(path)) as offline:
        for line in ("one", "two", "three"):
            await offline.conversation("outbox").send(line)
    ada = await seats.take("ada", outbox=SqliteOutbox(path))
    async with asyncio.timeout(PATIENCE_S):
        await ada.flushed()
    await reads(reader, "three")
    assert said(reader) == ["one", "two", "three"]


async def test_a_bot_that_comes_back_reads_what_it_missed_and_nothing_else(server: Server, seats: Seats) -> None:
    bob = await seats.take("bob")
    bobs = bob.conversation("bot")
    async with bobs:
        async with asyncio.timeout(PATIENCE_S):
            await (await bobs.send("before")).stored()
        await heard(bobs, "before")
        position = bobs.position
        assert position is not None
        async with asyncio.timeout(PATIENCE_S):
            await (await bobs.send("meanwhile")).stored()
        bot = await seats.take("bot")
        reader = Reader(bot.conversation("bot", after=position))
        await reads(reader, "meanwhile")
        assert said(reader) == ["meanwhile"]
        await reader.stop()


async def test_a_position_of_another_history_is_a_plain_discontinuity(server: Server, seats: Seats) -> None:
    ada = await seats.take("ada")
    async with ada.conversation("elsewhere") as tea:
        async with asyncio.timeout(PATIENCE_S):
            await (await tea.send("here")).stored()
        bob = await seats.take("bob")
        reader = Reader(bob.conversation("elsewhere", after=Position(700, "0badcafe")))
        await heard(bob.conversation("elsewhere"), "here")
        async with asyncio.timeout(PATIENCE_S):
            await reader.until(lambda reader: reader.items)
        gaps = [item for item in reader.items if isinstance(item, Discontinuity)]
        assert [(gap.reason, gap.after_seq) for gap in gaps] == [("epoch_changed", 700)]
        await reader.stop()


async def test_typing_presence_members_and_read_marks_reach_the_others(server: Server, seats: Seats) -> None:
    ada = await seats.take("ada")
    tea = ada.conversation("signs")
    await seats.follow(tea)
    bob = await seats.take("bob")
    bobs = bob.conversation("signs")
    await seats.follow(bobs)
    async with asyncio.timeout(PATIENCE_S):
        await tea.until(lambda snapshot: snapshot.online == ("ada", "bob"))
        await tea.until(lambda snapshot: snapshot.members and set(snapshot.members) == {"ada", "bob"})
        bobs.typing()
        await tea.until(lambda snapshot: snapshot.typing == ("bob",))
        await bobs.send("done")
        await tea.until(lambda snapshot: snapshot.unread == 1 and not snapshot.typing)
        other_device = (await seats.take("ada")).conversation("signs")
        await seats.follow(other_device)
        await other_device.until(lambda snapshot: snapshot.unread == 1)
        tea.mark_read()
        assert tea.snapshot.unread == 0
        await other_device.until(lambda snapshot: snapshot.unread == 0)
        await bob.close()
        await tea.until(lambda snapshot: snapshot.online == ("ada",))


async def test_a_persona_replies_is_stopped_and_answers_again(server: Server, seats: Seats) -> None:
    ada = await seats.take("ada")
    tea = ada.conversation("persona")
    await seats.follow(tea)
    personas = await ada.http.personas()
    question = "what do you think of a long walk along the river, in the rain, with a small umbrella?"
    async with asyncio.timeout(PATIENCE_S):
        await tea.send(question, persona_id=personas[0].id)
        snapshot = await tea.until(lambda snapshot: snapshot.replies and snapshot.replies[0].text)
        await tea.stop_reply(snapshot.replies[0].run_id)
        snapshot = await tea.until(lambda snapshot: snapshot.messages[-1].reply)
        first = snapshot.messages[-1]
        assert first.reply is not None
        assert first.reply.status == "stopped"
        await tea.regenerate_reply(first.id)
        snapshot = await tea.until(lambda snapshot: snapshot.messages[-1].id != first.id)
        second = snapshot.messages[-1].reply
        assert second is not None
        assert (second.attempt, second.status) == (2, "complete")


async def test_tokens_are_replaced_in_band_and_strangers_kept_out(tmp_path: Path) -> None:
    given: list[str] = []
    has_outlived = asyncio.Event()

    def source() -> str:
        given.append(token("ada", expires_s=2))
        # Each is replaced after half of its life: with the fourth, the first has ended.
        if len(given) == 4:
            has_outlived.set()
        return given[-1]

    with Server(tmp_path, auth="jwt") as strict:
        async with Client(strict.url, user="ada", token=source) as ada:
            changes: list[str] = []
            made = await ada.create_conversation("group", ["bob"], "Tea club")
            async with made, asyncio.timeout(PATIENCE_S):
                await made.until(lambda snapshot: snapshot.status == "live" and snapshot.title == "Tea club")
                ada.subscribe(lambda: changes.append(ada.connection.state))
                await has_outlived.wait()
                await (await made.send("still here")).stored()
                assert set(changes) <= {"open"}
            async with Client(strict.url, user="eve", token=token("eve")) as eve:
                reader = Reader(eve.conversation(made.id))
                async with asyncio.timeout(PATIENCE_S):
                    await eve.conversation(made.id).until(lambda snapshot: snapshot.status == "failed")
                assert eve.conversation(made.id).snapshot.reason == "conversation_not_found"
                await reader.stop()
