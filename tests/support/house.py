"""A whole server without sockets: real database, memory broker, a clock set by hand.

async with staged(tmp_path) as house:
    alice = house.connect("alice")
    await alice.say(type="join_conversation", conversation_id="garden")
    assert alice.types() == ["online_users", "conversation_joined"]
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from typing import Protocol as TypingProtocol

from tests.support.clock import FakeClock
from websockets.frames import Frame as WireFrame
from websockets.protocol import Protocol, Side

from gator.app import House, open_house
from gator.domain.conversation import Change
from gator.domain.identity import Identity
from gator.gateway.connection import Connection
from gator.hub.batch import Batch
from gator.hub.peer import Peer
from gator.ports import Broker, LastSeen, ReplyProvider
from gator.protocol.errors import Close
from gator.protocol.types import UserId, UtcMillis
from gator.settings import Settings
from gator.storage.sqlite import FILE_NAME, connect

Frame = dict[str, Any]

SECRET: Final = "a shared secret of 32 bytes or so"
PATIENCE_S: Final = 10
"""How long a test waits for what must happen before it fails. No test waits in vain to pass."""

_NOBODY: Final = LastSeen(UserId("nobody"), UtcMillis(0))


class FakeLog:
    """See `Log`. Keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def debug(self, event: str, **fields: object) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.lines.append(("error", event, fields))

    def events(self, level: str) -> list[str]:
        """Name the events logged at a level."""
        return [event for found, event, _ in self.lines if found == level]

    def take_errors(self) -> list[str]:
        """Name the errors, and expect them."""
        errors = self.events("error")
        self.lines = [line for line in self.lines if line[0] != "error"]
        return errors


def _payloads(framed: bytes) -> list[bytes]:
    """Read what a server wrote: unmasked, whole text frames."""
    client = Protocol(Side.CLIENT, max_size=None)
    client.receive_data(framed)
    return [bytes(frame.data) for frame in client.events_received() if isinstance(frame, WireFrame)]


class FakeSink:
    """See `Sink`. A network that takes everything at once, or while frozen nothing."""

    def __init__(self, clock: FakeClock, *, on_pause: Callable[[], None] = lambda: None) -> None:
        self._clock = clock
        self._on_pause = on_pause
        self._frozen = False
        self._bound_bytes = 0
        self._waiting: list[bytes] = []
        self.peer: Peer | None = None
        self.frames: list[Frame] = []
        self.writes = 0
        self.closed: Close | None = None
        self.arrived = asyncio.Event()

    def write(self, batch: Batch) -> None:
        """See `Sink.write`."""
        self._take(batch.payloads)

    def write_framed(self, framed: bytes) -> None:
        """See `Sink.write_framed`."""
        self._take(_payloads(framed))

    def _take(self, payloads: Sequence[bytes]) -> None:
        assert self.closed is None, "nothing is written after the close"
        self.writes += 1
        self._waiting.extend(payloads)
        if not self._frozen:
            self._deliver()
        elif self.backlog_bytes() > self._bound_bytes:
            assert self.peer is not None
            self.peer.pause(self._clock.monotonic())
            self._on_pause()

    def close(self, close: Close) -> None:
        """See `Sink.close`."""
        self.closed = self.closed or close
        self.arrived.set()

    def backlog_bytes(self) -> int:
        """See `Sink.backlog_bytes`."""
        return sum(map(len, self._waiting))

    def freeze(self, bound_bytes: int = 0) -> None:
        """Stop taking; the peer is paused when more than `bound_bytes` wait."""
        self._frozen = True
        self._bound_bytes = bound_bytes

    def thaw(self) -> None:
        """Take again."""
        self._frozen = False
        self._deliver()
        assert self.peer is not None
        self.peer.resume()

    def _deliver(self) -> None:
        self.frames.extend(json.loads(payload) for payload in self._waiting)
        self._waiting.clear()
        self.arrived.set()


class Guest:
    """A connection's client: what it says, and every frame that it has heard."""

    def __init__(self, house: "StagedHouse", connection: Connection, sink: FakeSink) -> None:
        self._house = house
        self._seen = 0
        self.connection = connection
        self.peer = connection.peer
        self.sink = sink

    @property
    def user_id(self) -> UserId:
        return self.peer.identity.user_id

    @property
    def heard(self) -> list[Frame]:
        """Every frame, the first one is the greeting."""
        return self.sink.frames

    def types(self) -> list[str]:
        """Name the types of all that was heard."""
        return [frame["type"] for frame in self.heard]

    def of_type(self, *types: str) -> list[Frame]:
        """Pick what was heard by its type."""
        return [frame for frame in self.heard if frame["type"] in types]

    def news(self) -> list[Frame]:
        """Take what was heard since the last look."""
        news = self.heard[self._seen :]
        self._seen = len(self.heard)
        return news

    async def tell(self, **frame: Any) -> None:
        """Say something and wait until the next frame would be read, not for what it causes."""
        await self.tell_text(json.dumps(frame))

    async def tell_text(self, text: str) -> None:
        """Do as `tell` with a frame that may be no JSON."""
        waiting: Awaitable[None] | None = self.connection.receive_text(text)
        if waiting is not None:
            await waiting

    async def say(self, **frame: Any) -> list[Frame]:
        """Say something and wait until all that it causes is over.

        Returns:
            What this client heard since it last looked.
        """
        await self.tell(**frame)
        await self._house.settle()
        return self.news()

    async def join(self, conversation_id: str, **more: Any) -> Frame:
        """Join a conversation, and give its answer."""
        await self.tell(type="join_conversation", conversation_id=conversation_id, **more)
        await self._house.settle()
        answers = [frame for frame in self.news() if frame["type"] in ("conversation_joined", "error")]
        return answers[-1]

    async def post(self, conversation_id: str, content: str, **more: Any) -> Frame:
        """Send a message, and give its answer."""
        await self.tell(type="send_message", conversation_id=conversation_id, content=content, **more)
        await self._house.settle()
        answers = [frame for frame in self.news() if frame["type"] in ("ack", "error")]
        return answers[-1]

    async def hears(self, type_: str, **fields: Any) -> Frame:
        """Wait for a frame of a type and with these fields, among all heard so far as well."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                self.sink.arrived.clear()
                for frame in self.heard:
                    if frame["type"] == type_ and fields.items() <= frame.items():
                        return frame
                await self.sink.arrived.wait()

    def freeze(self, bound_bytes: int = 0) -> None:
        """Stop reading; see `FakeSink.freeze`."""
        self.sink.freeze(bound_bytes)

    async def thaw(self) -> list[Frame]:
        """Read again, and wait until nothing more comes."""
        self.sink.thaw()
        await self._house.settle()
        return self.news()

    async def hang_up(self, code: int = 1001) -> None:
        """End the connection."""
        self._house.forget(self)
        self._house.house.floor.ended(self.connection, code)
        await self._house.settle()


class StagedProvider(ReplyProvider, TypingProtocol):
    """A provider that says what a test tells it."""

    @property
    def waiting(self) -> int:
        """How many of its replies wait to be told."""


class StagedHouse:
    """A house, its clock, its log and its guests."""

    def __init__(
        self, house: House, clock: FakeClock, log: FakeLog, providers: "Sequence[StagedProvider]"
    ) -> None:
        self._providers = providers
        self.house = house
        self.clock = clock
        self.log = log
        self._guests: dict[Guest, None] = {}
        self._paused = asyncio.Event()

    def connect(self, user_id: str, **claims: Any) -> Guest:
        """Open a connection as the gateways do once a handshake was admitted."""
        sink = FakeSink(self.clock, on_pause=self._paused.set)
        connection = self.house.floor.open(Identity(UserId(user_id), **claims), sink)
        sink.peer = connection.peer
        guest = Guest(self, connection, sink)
        self._guests[guest] = None
        return guest

    async def arrive(self, user_id: str, conversation_id: str, **claims: Any) -> Guest:
        """Connect, join, and look at what came of it."""
        guest = self.connect(user_id, **claims)
        await guest.join(conversation_id)
        return guest

    @property
    def guests(self) -> list[Guest]:
        """Those whose connections are open."""
        return list(self._guests)

    def forget(self, guest: Guest) -> None:
        """A guest is gone."""
        self._guests.pop(guest, None)

    async def change(self, *changes: Change) -> None:
        """Have changes carried out that come from elsewhere, such as HTTP."""
        for change in changes:
            await self.house.journal.commit(change)
        await self.settle()

    @contextmanager
    def unreadable(self) -> Iterator[None]:
        """Let reads of conversations fail meanwhile; what is written is written."""
        connection = connect(self.house.settings.data / FILE_NAME)
        connection.execute("ALTER TABLE conversations RENAME COLUMN kind TO hidden")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE conversations RENAME COLUMN hidden TO kind")
            connection.close()

    async def advance(self, seconds: float) -> None:
        """Let time pass and everything happen that it brings."""
        self.clock.advance(seconds)
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything said so far has had its effect.

        While a guest does not read, replays are not waited for: they wait for it. Nor are
        replies whose provider waits to be told what to say.
        """
        async with asyncio.timeout(PATIENCE_S):
            while True:
                # The journal works in order: what was submitted before this is reported.
                await self.house.journal.write_down(_NOBODY)
                replies_went_on = False
                for _ in range(5):
                    await asyncio.sleep(0)
                    replies_went_on |= self._replies_go_on()
                self._end_closed()
                if replies_went_on:
                    continue
                busy = _tasks_of("hub")
                if not busy or any(peer.paused_at is not None for peer in self.house.hub.peers):
                    return
                pause = asyncio.ensure_future(self._next_pause())
                await asyncio.wait((*busy, pause), return_when=asyncio.FIRST_COMPLETED)
                pause.cancel()

    def metric(self, name: str, **labels: str) -> float:
        """Read one sample as `/metrics` shows it; 0 if it was never set."""
        return self.house.metrics.registry.get_sample_value(name, labels) or 0.0

    def look(self) -> None:
        """Have everybody look at what they heard, so that `news` begins here."""
        for guest in self._guests:
            guest.news()

    async def _next_pause(self) -> None:
        self._paused.clear()
        await self._paused.wait()

    def _replies_go_on(self) -> bool:
        """Tell whether some reply is busy with something else than waiting for a staged provider."""
        if not self._providers:
            return False
        making = Counter(task.get_coro().__qualname__ for task in _tasks_of("personas"))
        makers = making.pop("Replies._make", 0)
        speaking = making["Replies._speak"]
        return makers != speaking or making.total() != sum(each.waiting for each in self._providers)

    def _end_closed(self) -> None:
        for guest in list(self._guests):
            if guest.sink.closed is not None:
                self.forget(guest)
                self.house.floor.ended(guest.connection, guest.sink.closed.code)


def _tasks_of(package: str) -> list["asyncio.Task[Any]"]:
    return [task for task in asyncio.all_tasks() if f"/src/gator/{package}/" in _file_of(task)]


def _file_of(task: "asyncio.Task[Any]") -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return "" if code is None else str(code.co_filename)


def settings_for(data: Path, **given: Any) -> Settings:
    """Make settings that read no environment: open mode, no limits and no persona unless given."""
    quiet = {"limits": "off", "first_persona": False, "reply_provider": "scripted"}
    return Settings(data=data, **quiet | given)


@asynccontextmanager
async def staged(
    data: Path, *, broker: Broker | None = None, providers: Sequence[StagedProvider] = (), **given: Any
) -> AsyncIterator[StagedHouse]:
    """Open a house over a directory, and close it in the end. Whatever it logs as an error fails the test.

    Args:
        providers: What personas answer with, instead of what the settings name.
    """
    log = FakeLog()
    clock = FakeClock()
    settings = settings_for(data, **given)
    house = await open_house(settings, log=log, clock=clock, broker=broker, providers=list(providers) or None)
    place = StagedHouse(house, clock, log, providers)
    try:
        yield place
    finally:
        await house.close()
    errors = [line for line in log.lines if line[0] == "error"]
    assert errors == []
