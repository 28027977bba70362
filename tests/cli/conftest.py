"""What the tests of `gator chat` share: servers, and people who sit at a screen."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack

import pytest
from tests.support.server import Server, lasting_port

from gator.cli.chat.lines import Line, Said
from gator.cli.chat.plain import HISTORY, Left, Plain
from gator_chat_client import Client

SECRET = "a secret of the tests, long enough for HS256"
PATIENCE_S = 20


class FakeScreen:
    """A keyboard and a screen in memory."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.live: list[str] = []
        """What was shown only for a moment, as often as it changed."""
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._read = 0

    def show(self, line: Line) -> None:
        self.shown.append(_plain(line))
        self._changed.set()

    def show_live(self, lines: Sequence[Line]) -> None:
        shown = "\n".join(_plain(line) for line in lines)
        if shown != (self.live[-1] if self.live else ""):
            self.live.append(shown)
        self._changed.set()

    async def lines(self) -> AsyncIterator[str]:
        while (line := await self._typed.get()) is not None:
            self._read += 1
            self._changed.set()
            yield line

    def type(self, *lines: str | None) -> None:
        """Type lines; None is the end of input."""
        for line in lines:
            self._typed.put_nowait(line)

    async def until(self, part: str, times: int = 1) -> None:
        """Wait until so many lines hold that text."""
        await self._wait_for(lambda: sum(part in line for line in self.shown) >= times)

    async def until_live(self, part: str) -> None:
        """Wait until something that still changes holds that text."""
        await self._wait_for(lambda: any(part in shown for shown in self.live))

    async def until_read(self, lines: int) -> None:
        """Wait until so many lines were taken from the keyboard."""
        await self._wait_for(lambda: self._read >= lines)

    async def _wait_for(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not happened():
                self._changed.clear()
                await self._changed.wait()

    @property
    def said(self) -> list[str]:
        """What was said, without what merely happened."""
        return [line for line in self.shown if not line.startswith("* ")]


def _plain(line: Line) -> str:
    return f"{line.name}: {line.text}" if isinstance(line, Said) else f"* {line.text}"


class Person(FakeScreen):
    """A running client, with the screen before which somebody sits."""

    def __init__(self, url: str, user: str, conversation: str, token: str | None = None) -> None:
        super().__init__()
        # A tenth of at most a second at first: the wait doubles, the tests do not wait for long.
        client = Client(url, user=user, token=token, dice=lambda: 0.1)
        self._told_to_leave = asyncio.Event()
        self._running = asyncio.create_task(self._chat(client, user, conversation))

    async def _chat(self, client: Client, user: str, conversation: str) -> Left:
        async with client:
            talk = client.conversation(conversation, history=HISTORY)
            return await Plain(client, talk, user, self).run(self._told_to_leave)

    async def left(self) -> Left:
        """Wait until the client has ended by itself."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._running

    async def leave(self) -> Left:
        """Press Ctrl-C."""
        self._told_to_leave.set()
        return await self.left()


Seat = Callable[..., Person]


@pytest.fixture
async def seat() -> AsyncIterator[Seat]:
    """Seat people; all are gone when the test is over."""
    async with AsyncExitStack() as stack:

        def sit(url: str, user: str, conversation: str = "room", token: str | None = None) -> Person:
            person = Person(url, user, conversation, token)
            stack.push_async_callback(person.leave)
            return person

        yield sit


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Start two servers at once: the second takes as long as the first."""
    # A port of its own, because a test kills this server and starts it again.
    with_names = Server(tmp_path_factory.mktemp("open"), port=lasting_port(), presence_grace_s=0)
    with_tokens = Server(tmp_path_factory.mktemp("jwt"), auth="jwt", jwt_secret=SECRET, max_connections_per_user=2)
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        yield tuple(pool.map(stack.enter_context, (with_names, with_tokens)))


@pytest.fixture(scope="session")
def server(servers: tuple[Server, Server]) -> Server:
    """A server in open mode."""
    return servers[0]


@pytest.fixture(scope="session")
def strict(servers: tuple[Server, Server]) -> Server:
    """A server that wants tokens, and lets everybody connect twice."""
    return servers[1]
