"""Replies of a real language model, over real sockets: heard, stopped, understood by every client."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count

import pytest
from tests.e2e.conftest import Servers
from tests.seed.document import json_blocks
from tests.support.byte_model import write_byte_model
from tests.support.client import Client, Frame
from tests.support.paced_model import PacedModel
from tests.support.reply_device import Device, Reading, new_persona
from tests.support.server import Server

from gator.personas.model_files import find_model, has_runtime

STOP_S = 1.0
"""After a stop until the provider's slot is free."""

LONG = "Tell me a story. " + "It is about a gardener, a gate and a river that nobody has crossed. " * 30
"""A question that a small model reads for seconds."""

pytestmark = pytest.mark.native_only("what a model says has nothing to do with the gateway")

_numbers = count(1)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Server]:
    """A server with the packaged model, which makes one reply at a time."""
    if find_model() is None or not has_runtime():
        pytest.skip("the embedded model is not installed: run `gator models install`")
    home = tmp_path_factory.mktemp("embedded")
    settings = {"reply_provider": "embedded", "embedded_slots": 1, "limits": "off"}
    with Server(home, gateway=gateway, **settings) as server:
        yield server


@pytest.fixture
async def persona(embedded: Server) -> str:
    """Somebody whose replies are the same each time."""
    return await new_persona(embedded, description="A calm gardener.", temperature=0)


class Rooms:
    """Makes conversations of their own for devices, which are gone when the test is over."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack

    def new(self) -> str:
        """Name a conversation that nobody was in."""
        return f"room-{next(_numbers)}"

    async def device(self, user: str, room: str) -> Device:
        """Have a device enter."""
        device = await Device.enter(self._server.as_user(user), room)
        self._stack.push_async_callback(device.leave)
        return device


async def asked(device: Device, persona: str, question: str) -> Reading:
    """Ask, and await the first word of the run."""
    before = {*device.readings}
    await device.send(question, persona_id=persona)
    await device.until(lambda: device.readings.keys() - before)
    [run_id] = device.readings.keys() - before
    return device.readings[run_id]


async def whole(device: Device, reading: Reading) -> Frame:
    """Await a reply's message, which is what was heard of it."""
    await device.until(lambda: reading.is_over)
    assert reading.message is not None
    assert reading.text == reading.message["content"]
    return reading.message


# Heard


async def test_a_model_answers_and_what_is_heard_is_what_is_kept(
    embedded: Server, persona: str, stack: AsyncExitStack
) -> None:
    rooms = Rooms(embedded, stack)
    said = []
    for _ in range(2):
        device = await rooms.device("ann", rooms.new())
        reading = await asked(device, await new_persona(embedded, max_tokens=16, temperature=0), "What is a rose?")
        message = await whole(device, reading)
        assert reading.deltas > 1
        assert reading.provider == "embedded"
        assert message["is_ai"] is True
        assert message["reply"]["answers"] == device.messages[0]["id"]
        await device.until(lambda device=device: "idle" in device.states)
        assert device.states == ["thinking", "typing", "idle"]
        said.append(message["content"])
    assert said[0] == said[1], "at temperature 0 it says the same thing twice"


async def test_whatever_bytes_a_model_says_everybody_has_the_same_text(
    start: Servers, stack: AsyncExitStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = write_byte_model(tmp_path_factory.mktemp("models") / "bytes.gguf", says=range(256))
    server = start(reply_provider="embedded", embedded_model=model, limits="off", embedded_slots=4)
    persona = await new_persona(server, max_tokens=200)
    rooms = Rooms(server, stack)

    async def talk(room: str) -> None:
        one, two = await rooms.device(f"one-{room}", room), await rooms.device(f"two-{room}", room)
        reading = await asked(one, persona, "Well?")
        await one.until(lambda: reading.deltas)
        await one.cut()
        await one.come()
        await two.until(lambda: two.readings and two.reading.is_over)
        await one.until(lambda: reading.is_over)
        message = await whole(two, two.reading)
        assert reading.message == message
        assert message["content"].startswith(reading.text)
        assert message["reply"]["status"] == "truncated"

    await asyncio.gather(*(talk(rooms.new()) for _ in range(8)))
    assert server.complaints() == []


# Stopped


def check_stopped(reading: Reading, *devices: Device) -> None:
    """Check that a run ended once, as everybody knows, with what was heard of it."""
    for device in devices:
        known = device.readings[reading.run_id]
        [end] = known.ends
        assert (end["type"], end["by"]) == ("reply_stopped", "ann")
        assert known.message == reading.message
        if known.message is None:
            assert (known.text, end.get("message_id")) == ("", None)
        else:
            assert (known.text, end["message_id"]) == (known.message["content"], known.message["id"])
            assert known.message["reply"]["status"] == "stopped"


@pytest.mark.parametrize(
    ("question", "deltas"),
    [
        pytest.param(LONG, 0, id="while the question is read"),
        pytest.param("Tell me a long story.", 1, id="at the first word"),
        pytest.param("Tell me a long story.", 4, id="in the middle"),
    ],
)
async def test_a_stopped_reply_frees_the_models_slot_for_the_next(
    embedded: Server, persona: str, stack: AsyncExitStack, question: str, deltas: int
) -> None:
    rooms = Rooms(embedded, stack)
    room = rooms.new()
    here, there = await rooms.device("ann", room), await rooms.device("ann", room)
    bob = await rooms.device("bob", rooms.new())
    reading = await asked(here, persona, question)
    await here.until(lambda: reading.provider and reading.deltas >= deltas)
    next_one = await asked(bob, await new_persona(embedded, max_tokens=4), "Yes?")
    await bob.settle()
    assert (next_one.provider, next_one.position) == (None, 0), "it does not wait"

    stopped_at = asyncio.get_running_loop().time()
    assert (await there.ask("stop_reply", run_id=reading.run_id))["type"] == "run_accepted"
    await bob.until(lambda: next_one.provider)
    assert asyncio.get_running_loop().time() - stopped_at < STOP_S
    await whole(bob, next_one)
    for device in (here, there):
        await device.settle()
    assert bool(reading.message) is bool(deltas)
    check_stopped(reading, here, there)
    # Once more is harmless, and says nothing new.
    assert (await there.ask("stop_reply", run_id=reading.run_id))["type"] == "run_accepted"
    await here.settle()
    check_stopped(reading, here, there)


async def test_a_reply_that_waits_for_the_models_slot_is_stopped_before_it_begins(
    embedded: Server, persona: str, stack: AsyncExitStack
) -> None:
    rooms = Rooms(embedded, stack)
    busy = await rooms.device("bob", rooms.new())
    first = await asked(busy, await new_persona(embedded, max_tokens=40), "Tell me a story.")
    room = rooms.new()
    here, there = await rooms.device("ann", room), await rooms.device("ann", room)
    reading = await asked(here, persona, "And me?")
    await there.ask("stop_reply", run_id=reading.run_id)
    for device in (here, there):
        await device.until(lambda device=device: device.readings and device.reading.is_over)
    check_stopped(reading, here, there)
    await whole(busy, first)
    await here.settle()
    assert (here.replies, here.reading.provider) == ([], None)


async def test_a_stop_at_the_last_moment_ends_a_reply_once(start: Servers, stack: AsyncExitStack) -> None:
    model = await stack.enter_async_context(PacedModel())
    server = start(limits="off", **model.settings)
    persona = await new_persona(server)
    rooms = Rooms(server, stack)

    async def race(room: str) -> str:
        one, two = await rooms.device(f"ann-{room}", room), await rooms.device(f"bob-{room}", room)
        reading = await asked(one, persona, f"In {room}?")
        speech = await model.asked(f"In {room}?")
        await speech.say("All of it.")
        await one.hears("All of it.")
        await asyncio.gather(speech.end(), *(each.say("stop_reply", run_id=reading.run_id) for each in (one, two)))
        for device in (one, two):
            await device.until(lambda device=device: device.reading.message)
            await device.settle()
            await device.settle()
        [message] = one.replies
        assert [message] == two.replies
        assert message["content"] == "All of it."
        assert one.reading.ends == two.reading.ends
        status = message["reply"].get("status", "complete")
        assert [end["type"] for end in one.reading.ends] == ["reply_stopped"] * (status == "stopped")
        return str(status)

    ended = await asyncio.gather(*(race(f"race {number:02}") for number in range(24)))
    assert {*ended} <= {"complete", "stopped"}
    assert len(model.speeches) == len(ended)
    assert server.complaints() == []


# Understood


async def test_the_documents_client_asks_a_persona_and_is_answered_in_its_words(
    embedded: Server, stack: AsyncExitStack
) -> None:
    persona = await new_persona(embedded, max_tokens=8)
    asked = [json.loads(re.sub(r"//.*", "", each)) for each in json_blocks("### Client → Server Messages")]
    [join] = [example for example in asked if example["type"] == "join_conversation"]
    [send] = [example for example in asked if example["type"] == "send_message"]
    [told] = [json.loads(each) for each in json_blocks("### Server → Client Messages") if '"new_message"' in each]

    client = await stack.enter_async_context(await Client.open(embedded.as_user("user-uuid")))
    await client.say_text(json.dumps(join))
    await client.say_text(json.dumps(send | {"persona_id": persona}))
    own = await client.until("new_message")
    reply = await client.until("new_message")
    assert (own["message"]["sender_id"], own["message"]["is_ai"]) == ("user-uuid", False)
    assert (reply["message"]["sender_id"], reply["message"]["is_ai"]) == (persona, True)
    assert reply["message"]["content"].strip()
    assert told.keys() <= reply.keys()
    assert told["message"].keys() <= reply["message"].keys()
    assert client.heard("error") == []
