"""A WebSocket client for tests: it hears everything, and waits for what it is told to."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]

TIMEOUT_S = 20.0

_frames = msgspec.json.Decoder(Frame)
_write = msgspec.json.encode


class Gone(AssertionError):
    """The connection ended, and what was awaited had not come."""


class Client:
    """One connection.

    Attributes:
        frames: Everything that it heard, in order, unless `on_frame` takes it.
        on_frame: Called with each frame as it comes, instead of keeping it. Its failure
            ends the connection and is raised by `gone`.
        on_end: Called when the connection has ended.
        on_text: Called with each frame as it is on the wire, before all else.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_end: Callable[[], None] = lambda: None
        self.on_text: Callable[[bytes], None] = lambda _text: None
        self.is_over = False
        self._unheard: list[Frame] = []
        self._heard = asyncio.Condition()
        self._ids = count(1)
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        on_frame: Callable[[Frame], None] | None = None,
        on_end: Callable[[], None] = lambda: None,
        on_text: Callable[[bytes], None] = lambda _text: None,
        reading: bool = True,
        **options: Any,
    ) -> Self:
        """Connect. Options are those of `websockets.connect`.

        Args:
            reading: Read at once what comes; else not before `read` is called.
        """
        plain = {"compression": None, "ping_interval": None, "proxy": None, "open_timeout": TIMEOUT_S}
        client = cls(await connect(url, **(plain | options)))
        client.on_frame, client.on_end, client.on_text = on_frame, on_end, on_text
        if reading:
            client.read()
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is not None:
            self.abort()
        await self.close()

    def read(self) -> None:
        """Begin to read what comes."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                text = await self.socket.recv(decode=False)
                self.on_text(text)
                frame = _frames.decode(text)
                if self.on_frame is not None:
                    self.on_frame(frame)
                    continue
                self.frames.append(frame)
                self._unheard.append(frame)
                async with self._heard:
                    self._heard.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.socket.transport.abort()
            self.is_over = True
            self.on_end()
            async with self._heard:
                self._heard.notify_all()

    # Speaking

    async def say(self, type: str, **fields: Any) -> None:
        """Send a command."""
        await self.socket.send(_write({"type": type, **fields}).decode())

    async def say_text(self, text: str) -> None:
        """Send a text frame, whatever is in it."""
        await self.socket.send(text)

    async def ask(self, type: str, **fields: Any) -> Frame:
        """Send a command and await what it is answered with, whatever that is."""
        number = f"ask-{next(self._ids)}"
        await self.say(type, id=number, **fields)
        return await self.until(reply_to=number)

    async def settle(self) -> list[Frame]:
        """Await everything that the server has said so far, and return what was not awaited yet.

        Frames of a connection keep their order, so all that was said before the answer
        to a heartbeat has come when that answer comes.
        """
        await self.ask("heartbeat")
        unheard, self._unheard = self._unheard, []
        return unheard

    # Hearing

    async def until(self, type: str | None = None, *, timeout_s: float = TIMEOUT_S, **fields: Any) -> Frame:
        """Await a frame with these fields; others are kept for whoever awaits them.

        Raises:
            Gone: The connection ended first.
            TimeoutError: It did not come.
        """
        wanted = fields if type is None else {"type": type, **fields}
        found: Frame | None = None

        def has_come() -> bool:
            nonlocal found
            found = next((frame for frame in self._unheard if _matches(frame, wanted)), None)
            return found is not None or self.is_over

        async with asyncio.timeout(timeout_s), self._heard:
            await self._heard.wait_for(has_come)
        if found is None:
            raise Gone(f"closed with {self.socket.close_code} {self.socket.close_reason!r}, waiting for {wanted}")
        self._unheard.remove(found)
        return found

    def heard(self, type: str, **fields: Any) -> list[Frame]:
        """List all frames so far with these fields."""
        return [frame for frame in self.frames if _matches(frame, {"type": type, **fields})]

    # Ending

    async def gone(self, timeout_s: float = TIMEOUT_S) -> tuple[int | None, str | None]:
        """Await the end of the connection; tell code and reason."""
        assert self._reading is not None
        async with asyncio.timeout(timeout_s):
            await self._reading
        return self.socket.close_code, self.socket.close_reason

    async def close(self) -> None:
        """End the connection by the book."""
        await self.socket.close()
        if self._reading is not None:
            await self._reading

    def abort(self) -> None:
        """Cut the connection, as a lost network does."""
        self.socket.transport.abort()


def _matches(frame: Frame, wanted: Mapping[str, Any]) -> bool:
    return all(name in frame and frame[name] == value for name, value in wanted.items())
