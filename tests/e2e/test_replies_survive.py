"""Replies outlive sockets and servers: cut, killed and stopped, everybody has the same text in the end.

The model says a piece when the test tells it to, so that everything happens at a known place of
a reply, as often as the test is run.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from typing import Any

import httpx2
import pytest
from tests.e2e.conftest import Servers
from tests.e2e.swarm import read_log
from tests.support.client import Frame
from tests.support.paced_model import PacedModel, Speech
from tests.support.reply_device import Device, new_persona
from tests.support.server import Server, lasting_port

# Letters of one to four bytes, of one and two UTF-16 units, and of several code points.
PIECES = ("Well", ",", " Grüße", " 日本", " 🐊🐊", "\n", "e\u0301", ' "q\\', "👩‍🌾", " <b>", "\u2028", "the end")
TEXT = "".join(PIECES)

Steps = AsyncGenerator[None, None]


@pytest.fixture
async def model() -> AsyncIterator[PacedModel]:
    """A model that says what a test tells it to."""
    async with PacedModel() as model:
        yield model


@pytest.fixture
def serve(start: Servers, model: PacedModel) -> Callable[..., Server]:
    """Start servers that ask the model, and keep their port."""
    return lambda **settings: start(port=lasting_port(), limits="off", **model.settings | settings)


class Scene:
    """One conversation in which a persona was asked something.

    Attributes:
        witness: Never loses its connection: what it has heard was told to everybody.
        question: The message that asks, as its sender repeats it.
    """

    def __init__(self, server: Server, model: PacedModel, persona: str, name: str, stack: AsyncExitStack) -> None:
        self.server = server
        self.model = model
        self.name = name
        self.asker = f"asker-{name}"
        self.question = {
            "content": f"What about {name}?",
            "persona_id": persona,
            "client_message_id": f"question-{name}",
        }
        self._stack = stack
        self.witness: Device

    async def enter(self) -> Device:
        """Have a device of the asker's come in, and the witness."""
        asker = await self.device(self.asker)
        self.witness = await self.device(f"witness-{self.name}")
        return asker

    async def device(self, user: str) -> Device:
        """Have somebody come in."""
        device = await Device.enter(self.server.as_user(user), self.name)
        self._stack.push_async_callback(self._let_go, device)
        return device

    async def _let_go(self, device: Device) -> None:
        if device.client is not None:
            await device.cut()

    async def ask(self, by: Device) -> Speech:
        """Ask, and wait until the model is asked."""
        await by.send(**self.question)
        return await self.model.asked(self.question["content"])

    async def ask_again(self, by: Device) -> None:
        """Repeat the question, as a client does that is not sure whether it was heard."""
        assert (await by.send(**self.question))["duplicate"] is True

    async def log(self) -> list[Frame]:
        """Read what the conversation's log says, over HTTP."""
        async with httpx2.AsyncClient(base_url=f"{self.server.url}/api/v1", trust_env=False, verify=False) as http:
            events = await read_log(http, self.asker, self.name, page=100)
        return [event["message"] for event in events if event["type"] == "new_message"]

    async def replies(self) -> list[Frame]:
        """Read what personas have said."""
        return [message for message in await self.log() if message["is_ai"]]


def status(reply: Frame) -> str:
    """Tell how a reply ended; `complete` goes without saying."""
    return str(reply["reply"].get("status", "complete"))


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Do several things at once; the first failure ends all of them."""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)


# The socket is cut


class Cuts:
    """What becomes of two devices while a reply is made.

    Args:
        first: After how many deltas the first one is cut.
        away: How many pieces are said before it comes back; None until the reply is over.
        epoch: What it says of its epoch when it comes back; None for the truth.
        again: It is cut once more before it has heard an answer.
    """

    def __init__(self, first: int, away: int | None, *, epoch: int | None = None, again: bool = False) -> None:
        self.first = first
        self.away = away
        self.epoch = epoch
        self.again = again
        self.second = (first * 5 + 3) % (len(PIECES) + 1)
        """After how many deltas the second device is cut. It comes back two pieces later."""

    def __str__(self) -> str:
        away = "till-the-end" if self.away is None else f"for-{self.away}"
        return f"cut-at-{self.first}-{away}" + "-stale" * (self.epoch is not None) + "-twice" * self.again


KINDS: tuple[dict[str, Any], ...] = (
    {"away": 0, "again": True},
    {"away": 2},
    {"away": None},
    {"away": 1, "epoch": 3},
)
ALL_CUTS = [Cuts(first, **kind) for first in range(len(PIECES) + 1) for kind in KINDS]


async def test_wherever_a_socket_is_cut_every_device_has_the_same_text(
    serve: Callable[..., Server], model: PacedModel, stack: AsyncExitStack
) -> None:
    server = serve()
    persona = await new_persona(server)
    await together(*(cut_and_come_back(server, model, persona, cuts, stack) for cuts in ALL_CUTS))
    assert len(model.speeches) == len(ALL_CUTS), "a reply was made twice"
    assert server.complaints() == []


async def cut_and_come_back(
    server: Server, model: PacedModel, persona: str, cuts: Cuts, stack: AsyncExitStack
) -> None:
    """Have one reply made while two of the asker's devices lose their connections."""
    play = Scene(server, model, persona, str(cuts), stack)
    one = await play.enter()
    two = await play.device(play.asker)
    speech = await play.ask(one)
    await asyncio.gather(*(device.begins() for device in (one, two, play.witness)))

    for said in range(len(PIECES) + 1):
        await play.witness.hears("".join(PIECES[:said]))
        if said == cuts.first:
            await one.hears("".join(PIECES[:said]))
            await one.cut()
        if cuts.away is not None and said == min(cuts.first + cuts.away, len(PIECES)):
            await come_back(play, one, cuts)
        if said == cuts.second:
            await two.hears("".join(PIECES[:said]))
            await two.cut()
        if said == min(cuts.second + 2, len(PIECES)):
            await two.come()
            await two.resume(two.reading)
        if said < len(PIECES):
            await speech.say(PIECES[said])
    await asyncio.gather(*(device.hears(TEXT) for device in (one, two) if device.client is not None))
    await speech.end()
    await play.witness.until(lambda: play.witness.reading.is_over)
    if cuts.away is None:
        await come_back(play, one, cuts)

    stored = (await play.replies())[0]
    assert (stored["content"], status(stored)) == (TEXT, "complete")
    for device in (one, two, play.witness):
        await device.until(lambda device=device: device.reading.is_over)
        await device.settle()
        assert (device.replies, device.reading.ends) == ([stored], [])
        assert device.messages == await play.log()
        # Who was away at the end has a beginning of it, and the message.
        assert device.reading.text == (TEXT[: len(device.reading.text)] if cuts.away is None else TEXT)


async def come_back(play: Scene, device: Device, cuts: Cuts) -> None:
    """Have a device connect again, say what it has of the reply, and repeat the question."""
    stale = {} if cuts.epoch is None else {"epoch": cuts.epoch}
    if cuts.again:
        await device.come()
        await device.say("resume_reply", run_id=device.reading.run_id, epoch=0, offset=len(device.reading.text))
        await device.cut()
    await device.come()
    await device.resume(device.reading, **stale)
    await play.ask_again(device)


async def test_a_device_that_was_never_there_has_the_reply_from_the_middle_on_and_after_its_end(
    serve: Callable[..., Server], model: PacedModel, stack: AsyncExitStack
) -> None:
    server = serve()
    play = Scene(server, model, await new_persona(server), "late", stack)
    asker = await play.enter()
    speech = await play.ask(asker)
    await speech.say("The beginning")
    await asker.hears("The beginning")

    in_the_middle = await play.device("in-the-middle")
    await in_the_middle.hears("The beginning")
    await speech.say(" and the end.")
    await in_the_middle.hears("The beginning and the end.")
    await speech.end()
    await in_the_middle.until(lambda: in_the_middle.reading.is_over)

    after_the_end = await play.device("after-the-end")
    await after_the_end.until(lambda: after_the_end.readings)
    await after_the_end.resume(after_the_end.reading, epoch=7, offset=3)
    assert after_the_end.replies == in_the_middle.replies == await play.replies()
    assert after_the_end.replies[0]["content"] == "The beginning and the end."


# The server is killed


class Killed(Scene):
    """A conversation that is in the middle of something when the server is killed.

    Its steps yield where it is ready for that, and go on when the server is there again.
    """

    async def told(self) -> Steps:
        """Who has read most of a reply keeps it, and may have it made again."""
        asker, speech = await self.opened()
        said = ""
        for piece in ("Once upon a time", ", " + "very " * 120, "long ago", " there lived 🐊"):
            await speech.say(piece)
            said += piece
            await asker.hears(said)
        yield
        await self.back(asker)
        await asker.until(lambda: asker.reading.is_over)
        [kept] = await self.replies()
        assert status(kept) == "interrupted"
        assert said.startswith(kept["content"])
        assert len(said) - len(kept["content"]) <= 512
        assert (asker.replies, self.witness.replies) == ([kept], [kept])
        await self.ask_again(asker)
        assert self.model.about(self.name) == [speech], "what people have read is not made again unasked"

        accepted = await asker.ask("regenerate_reply", message_id=kept["id"])
        anew = await self.model.asked(self.name)
        await anew.say("Once again.")
        await anew.end()
        await asker.until(lambda: len(asker.replies) == 2)
        [_, sibling] = await self.replies()
        assert (sibling["content"], status(sibling)) == ("Once again.", "complete")
        assert (sibling["reply"]["run_id"], sibling["reply"]["attempt"]) == (accepted["run_id"], 2)
        assert sibling["reply"]["answers"] == kept["reply"]["answers"] == asker.messages[0]["id"]

    async def paused(self) -> Steps:
        """What was read for more than a second is kept, though the model pauses."""
        asker, speech = await self.opened()
        for said in ("Let me think", "Let me think ..."):
            await speech.say(said.removeprefix(asker.reading.text))
            await asker.hears(said)
        async with asyncio.timeout(5):
            while kept_text(self.server, asker.reading.run_id) != "Let me think ...":
                await asker.settle()
        yield
        await self.back(asker)
        await asker.until(lambda: asker.reading.is_over)
        [kept] = await self.replies()
        assert (kept["content"], status(kept)) == ("Let me think ...", "interrupted")

    async def silent(self) -> Steps:
        """What had not begun is made without anybody there who asks."""
        asker, before = await self.opened()
        run_id = asker.reading.run_id
        yield
        await before.is_left()
        anew = await self.model.asked(self.name)
        await anew.say("Here I am.")
        await self.back(asker)
        await asker.hears("Here I am.")
        await anew.end()
        await asker.until(lambda: asker.reading.is_over)
        await self.ask_again(asker)
        [stored] = await self.replies()
        assert (stored["content"], status(stored), stored["reply"]["run_id"]) == ("Here I am.", "complete", run_id)
        assert self.model.about(self.name) == [before, anew]

    async def queued(self) -> Steps:
        """What waited is made in its order, one after the other."""
        asker, before = await self.opened()
        questions = [self.question["content"], *(f"And {self.name} {number}?" for number in range(3))]
        others = [await self.device(f"other-{number}") for number in range(3)]
        for other, question in zip(others, questions[1:], strict=True):
            await other.send(question, persona_id=self.question["persona_id"])
        yield
        await self.back(asker)
        asked = [before]
        for question in questions:
            asked.append(await self.model.asked(question))
            assert self.model.about(self.name) == asked, "two at once in one conversation"
            await asked[-1].say(f"About: {question}")
            await asked[-1].end()
        await asker.until(lambda: len(asker.replies) == len(questions))
        log = await self.log()
        assert [message["content"] for message in log] == [*questions, *(f"About: {each}" for each in questions)]
        assert [reply["reply"]["answers"] for reply in log[4:]] == [message["id"] for message in log[:4]]

    async def unwritten(self) -> Steps:
        """Who has read a beginning that no disk has reads the reply from its beginning."""
        asker, before = await self.opened()
        yield
        await before.say("A first attempt")
        await asker.hears("A first attempt")
        yield
        anew = await self.model.asked(self.name)
        await anew.say("Another attempt, and longer than the first.")
        await self.back(asker)
        await asker.hears("Another attempt, and longer than the first.")
        await anew.end()
        await asker.until(lambda: asker.reading.is_over)
        [stored] = await self.replies()
        assert stored["content"] == asker.reading.text

    async def opened(self) -> tuple[Device, Speech]:
        """Have somebody ask."""
        asker = await self.enter()
        return asker, await self.ask(asker)

    async def back(self, asker: Device) -> None:
        """Have both devices come back."""
        for device in (asker, self.witness):
            await device.cut()
            await device.come()


def kept_text(server: Server, run_id: str) -> str:
    """Read what is kept of a reply for after a crash."""
    with closing(sqlite3.connect(f"file:{server.data / 'gator.db'}?mode=ro", uri=True)) as database:
        [[text]] = database.execute("SELECT text FROM runs WHERE id = ?", [run_id]).fetchall()
    return str(text)


@contextmanager
def nothing_written(server: Server) -> Iterator[None]:
    """Have whatever the server writes wait."""
    with closing(sqlite3.connect(server.data / "gator.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


async def step(plays: Iterable[Steps]) -> None:
    """Have all plays go on to their next pause, or their end."""
    async with asyncio.TaskGroup() as group:
        for play in plays:
            group.create_task(anext(play, None))  # type: ignore[arg-type]


@pytest.mark.native_only("what is kept of a reply has nothing to do with the gateway")
async def test_a_killed_server_says_no_reply_twice_and_forgets_none(
    serve: Callable[..., Server], model: PacedModel, stack: AsyncExitStack
) -> None:
    server = serve()
    persona = await new_persona(server)

    def play(name: str) -> Killed:
        return Killed(server, model, persona, name, stack)

    last = play("unwritten").unwritten()
    plays = [play("told").told(), play("paused").paused(), play("silent").silent(), play("queued").queued()]
    await step([*plays, last])
    with nothing_written(server):
        await step([last])
        server.kill()
    await asyncio.to_thread(server.start)
    await step([*plays, last])
    assert server.complaints() == []


# The server is told to stop


@pytest.mark.native_only("what is kept of a reply has nothing to do with the gateway")
async def test_a_server_that_is_told_to_stop_keeps_what_was_said(
    serve: Callable[..., Server], model: PacedModel, stack: AsyncExitStack
) -> None:
    server = serve(drain_spread_s=0, drain_s=1)
    persona = await new_persona(server)
    play = Scene(server, model, persona, "begun", stack)
    silent = Scene(server, model, persona, "silent", stack)
    asker, waiting = await play.enter(), await silent.enter()
    speech = await play.ask(asker)
    await speech.say("Before I could")
    await asker.hears("Before I could")
    unbegun = await silent.ask(waiting)

    assert await asyncio.to_thread(server.terminate) == 0
    for device in (asker, play.witness, waiting, silent.witness):
        assert (await device.here.gone())[0] == 1012
        await device.cut()
    await unbegun.is_left()
    assert server.complaints() == []
    await asyncio.to_thread(server.start)
    for device in (asker, waiting):
        await device.come()

    await asker.until(lambda: asker.reading.is_over)
    [kept] = await play.replies()
    assert (kept["content"], status(kept)) == ("Before I could", "interrupted")
    anew = await model.asked("silent")
    await anew.say("Now I can.")
    await anew.end()
    await waiting.until(lambda: waiting.reading.is_over)
    [made] = await silent.replies()
    assert (made["content"], status(made)) == ("Now I can.", "complete")
    assert len(model.speeches) == 3
