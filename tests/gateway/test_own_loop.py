"""An application can be called from any loop, with lifespan or without."""

import asyncio
from collections.abc import Iterator
from threading import current_thread

import pytest
from starlette.types import Message, Receive, Scope, Send

from gator.gateway.own_loop import OwnLoop

HTTP: Scope = {"type": "http"}


class Application:
    """An ASGI application that says where it was called, and echoes what it receives."""

    def __init__(self) -> None:
        self.events: list[tuple[str, asyncio.AbstractEventLoop, str]] = []
        self.broken = False

    def note(self, what: str) -> None:
        self.events.append((what, asyncio.get_running_loop(), current_thread().name))

    async def start(self) -> None:
        self.note("start")
        if self.broken:
            raise OSError("no data")

    async def stop(self) -> None:
        self.note("stop")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.note(scope["type"])
        if scope["type"] == "lifespan":
            await receive()
            await self.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.stop()
            return
        while (message := await receive())["type"] != "end":
            await send(message)
        if scope.get("fails"):
            raise ZeroDivisionError("in the application")

    def names(self) -> list[str]:
        return [what for what, _, _ in self.events]


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def own_loop(application: Application) -> Iterator[OwnLoop]:
    own_loop = OwnLoop(application, application.start, application.stop)
    yield own_loop
    own_loop.leave_home()


async def call(own_loop: OwnLoop, *messages: str, scope: Scope = HTTP) -> list[str]:
    """Call the application and give what it sent."""
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    for message in (*messages, "end"):
        incoming.put_nowait({"type": message})
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await own_loop(scope, incoming.get, send)
    return sent


def test_without_lifespan_it_starts_by_itself_once(own_loop: OwnLoop, application: Application) -> None:
    for _ in range(3):
        assert asyncio.run(call(own_loop, "a", "b")) == ["a", "b"]
    assert application.names() == ["start", "http", "http", "http"]
    assert len({loop for _, loop, _ in application.events}) == 1
    assert {thread for _, _, thread in application.events} == {"gator-loop"}


def test_calls_from_many_loops_at_once_share_one_home(own_loop: OwnLoop, application: Application) -> None:
    async def many() -> list[list[str]]:
        return await asyncio.gather(
            *(asyncio.to_thread(asyncio.run, call(own_loop, str(n))) for n in range(5)),
        )

    assert asyncio.run(many()) == [[str(n)] for n in range(5)]
    assert application.names().count("start") == 1


def test_leaving_home_stops_it(own_loop: OwnLoop, application: Application) -> None:
    asyncio.run(call(own_loop))
    own_loop.leave_home()
    own_loop.leave_home()
    assert application.names() == ["start", "http", "stop"]
    assert asyncio.run(call(own_loop, "again")) == ["again"]
    assert application.names()[3:] == ["start", "http"]


async def test_a_server_s_loop_is_its_home(own_loop: OwnLoop, application: Application) -> None:
    here = asyncio.get_running_loop()
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    lifespan = asyncio.create_task(own_loop({"type": "lifespan"}, incoming.get, sent.put))
    incoming.put_nowait({"type": "lifespan.startup"})
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    assert await call(own_loop, "a") == ["a"]
    incoming.put_nowait({"type": "lifespan.shutdown"})
    await lifespan
    assert application.names() == ["lifespan", "start", "http", "stop"]
    assert {loop for _, loop, _ in application.events} == {here}


async def test_while_it_lives_on_a_server_s_loop_others_are_carried_there(
    own_loop: OwnLoop, application: Application
) -> None:
    here = asyncio.get_running_loop()
    incoming: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    lifespan = asyncio.create_task(own_loop({"type": "lifespan"}, incoming.get, sent.put))
    incoming.put_nowait({"type": "lifespan.startup"})
    await sent.get()
    assert await asyncio.to_thread(asyncio.run, call(own_loop, "from elsewhere")) == ["from elsewhere"]
    assert application.events[-1][1] is here
    incoming.put_nowait({"type": "lifespan.shutdown"})
    await lifespan


def test_a_start_with_lifespan_after_one_without_moves_house(own_loop: OwnLoop, application: Application) -> None:
    asyncio.run(call(own_loop))

    async def serve() -> None:
        incoming: asyncio.Queue[Message] = asyncio.Queue()
        sent: asyncio.Queue[Message] = asyncio.Queue()
        for message in ("lifespan.startup", "lifespan.shutdown"):
            incoming.put_nowait({"type": message})
        await own_loop({"type": "lifespan"}, incoming.get, sent.put)

    asyncio.run(serve())
    assert application.names() == ["start", "http", "stop", "lifespan", "start", "stop"]


def test_a_failure_reaches_who_called(own_loop: OwnLoop) -> None:
    with pytest.raises(ZeroDivisionError, match="in the application"):
        asyncio.run(call(own_loop, scope=HTTP | {"fails": True}))


def test_a_start_that_fails_reaches_who_called_and_is_tried_again(
    own_loop: OwnLoop, application: Application
) -> None:
    application.broken = True
    with pytest.raises(OSError, match="no data"):
        asyncio.run(call(own_loop))
    application.broken = False
    assert asyncio.run(call(own_loop, "better")) == ["better"]
