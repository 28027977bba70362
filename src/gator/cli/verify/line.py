"""One connection to the server, which this program can also drop and freeze."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Final, Self, TypeVar, cast, get_args

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from gator.cli.verify.address import Address
from gator.cli.verify.frames import Frame, Unreadable, read
from gator.cli.verify.opening import Ending, check_code, connect_to, greeting_of
from gator.cli.verify.promises import Verdicts
from gator.protocol.commands import Command, Heartbeat
from gator.protocol.errors import ERRORS
from gator.protocol.events import Error, Event, OnlineUsers

ANSWER_S: Final = 10.0
"""How long an answer may take before the connection is taken for dead."""

PATIENCE: Final = 10
"""Temporary refusals that are taken for an answer in the end."""

OnFrame = Callable[[Frame], None]
F = TypeVar("F")

_KNOWN_TYPES: Final = frozenset(str(event.__struct_config__.tag) for event in get_args(Event))


class Gone(Exception):
    """The connection ended before what was awaited had come."""


class Line:
    """A connection that was greeted.

    What comes is handed to `on_frame`, or kept until `next` or `settle` asks for it.

    Attributes:
        name: For whoever reads the report; never used twice.
        greeting: The first frame.
        ended: Done when the connection is over and everything that came is handed on.
        thawed_at: Monotonic seconds of the end of the last freeze.
    """

    _numbers = count(1)

    def __init__(
        self,
        name: str,
        socket: ClientConnection,
        greeting: OnlineUsers,
        verdicts: Verdicts,
        on_frame: OnFrame | None,
    ) -> None:
        self.name = name
        self.greeting = greeting
        self.subprotocol = socket.subprotocol
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.thawed_at = 0.0
        self._socket = socket
        self._verdicts = verdicts
        self._on_frame = on_frame
        self._heard: list[Frame] = []
        self._came = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[Frame]] = {}
        self._ids = count(1)
        self._frozen = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        who: str,
        address: Address,
        verdicts: Verdicts,
        *,
        on_frame: OnFrame | None = None,
        origin: str | None = None,
    ) -> Self:
        """Connect, and await the greeting.

        Raises:
            NotOpened: There is no connection, or it was closed at once.
        """
        socket = await connect_to(address, origin)
        try:
            greeting = await greeting_of(socket, verdicts)
        except BaseException:
            socket.transport.abort()
            raise
        return cls(f"{who} (connection {next(cls._numbers)})", socket, greeting, verdicts, on_frame)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_over(self) -> bool:
        """True when nothing more can be said or heard."""
        return self.ended.done()

    # Speaking

    async def say(self, command: Command) -> None:
        """Send a command. Harmless on a connection that is over."""
        await self.say_text(msgspec.json.encode(command).decode())

    async def say_text(self, text: str | bytes, *, binary: bool = False) -> None:
        """Send a frame, whatever is in it."""
        with suppress(ConnectionClosed):
            await self._socket.send(text, text=not binary)

    def write(self, data: bytes) -> None:
        """Write bytes past the protocol."""
        self._socket.transport.write(data)

    async def ask(self, command: Command, timeout_s: float = ANSWER_S) -> Frame:
        """Send a command and await the frame that answers it, whatever that is.

        Raises:
            Gone: The connection ended.
            TimeoutError: No answer came.
        """
        if command.id is None:
            command = msgspec.structs.replace(command, id=f"{next(self._ids)}")
        assert command.id is not None
        answer = self._waiting[command.id] = asyncio.get_running_loop().create_future()
        try:
            await self.say(command)
            return await self._unless_gone(answer, timeout_s)
        finally:
            del self._waiting[command.id]

    async def ask_patiently(self, command: Command) -> Frame:
        """Ask, and ask again as long as the refusal is temporary. Raises as `ask` does."""
        for _ in range(PATIENCE):
            answer = await self.ask(command)
            if not isinstance(answer, Error) or not ERRORS[answer.code].temporary:
                return answer
            await asyncio.sleep(rest_s(answer))
        raise TimeoutError(f"{PATIENCE} times the answer was to come back later")

    async def _unless_gone(self, answer: "asyncio.Future[Frame]", timeout_s: float) -> Frame:
        both: set[asyncio.Future[Frame] | asyncio.Future[Ending]] = {answer, self.ended}
        await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        if self.is_over:
            raise Gone(str(self.ended.result()))
        raise TimeoutError(f"no answer within {timeout_s:.0f} s")

    # Hearing

    async def next(self, kind: type[F], timeout_s: float = ANSWER_S) -> F:
        """Await a frame of a kind among those kept; others stay kept.

        Raises:
            Gone: The connection ended.
            TimeoutError: It did not come.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                found = next((frame for frame in self._heard if isinstance(frame, kind)), None)
                if found is not None:
                    self._heard.remove(cast(Frame, found))  # it is one: it was found among them
                    return found
                if self.is_over:
                    raise Gone(str(self.ended.result()))
                self._came.clear()
                await self._came.wait()

    async def settle(self) -> list[Frame]:
        """Await what the server has said so far, and return what was kept of it."""
        await self.ask_patiently(Heartbeat())
        heard, self._heard = self._heard, []
        return heard

    async def _read(self) -> None:
        try:
            while True:
                await self._thawed.wait()
                self._take(await self._socket.recv())
        except ConnectionClosed:
            self._end()
        except Exception as bug:
            self.ended.set_exception(bug)
        finally:
            self._socket.transport.abort()
            self._came.set()

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._verdicts.broken("frames", "the server sent a binary frame")
            return
        frame = read(data)
        is_known = isinstance(frame, Unreadable) and (frame.type in _KNOWN_TYPES or frame.type == "")
        # The text itself may be somebody's: it stays out of the report.
        kind = frame.type if isinstance(frame, Unreadable) else ""
        self._verdicts.check("frames", not is_known, f"a frame of the type {kind!r} has another form")
        answer = self._waiting.get(getattr(frame, "reply_to", None) or "")
        if self._on_frame is not None:
            self._on_frame(frame)
        elif answer is None:
            self._heard.append(frame)
            self._came.set()
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _end(self) -> None:
        received = self._socket.protocol.close_rcvd
        ending = Ending(None, "") if received is None else Ending(int(received.code), received.reason)
        if self.was_closed_by_server:
            check_code(ending, self._verdicts)
        self.ended.set_result(ending)

    @property
    def was_closed_by_server(self) -> bool:
        """True if the server was the first to close."""
        return self._socket.protocol.close_rcvd is not None and bool(self._socket.protocol.close_rcvd_then_sent)

    # Trouble, and the end

    async def freeze(self, seconds: float) -> None:
        """Read nothing for a while, so that the server feels it."""
        self._frozen += 1
        self._thawed.clear()
        self._socket.transport.pause_reading()
        try:
            await asyncio.wait({self.ended}, timeout=seconds)
        finally:
            self._frozen -= 1
            if not self._frozen:
                self.thawed_at = monotonic()
                self._socket.transport.resume_reading()
                self._thawed.set()

    def abort(self) -> None:
        """Cut the connection, as a lost network does."""
        self._thawed.set()
        self._socket.transport.abort()

    async def close(self) -> None:
        """End the connection by the book, and take in what came before the end."""
        self._thawed.set()
        await self._socket.close()
        await asyncio.wait({self.ended})


def rest_s(refusal: Error) -> float:
    """Tell how long to wait after a refusal."""
    return max(0.2, (refusal.retry_after_ms or 0) / 1000)
