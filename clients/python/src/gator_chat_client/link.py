"""One socket to the server: a port, and the one that is a WebSocket."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus
from websockets.typing import Subprotocol

from gator_chat_client.address import SUBPROTOCOL
from gator_chat_client.closings import Ending, after_close, after_status

OPEN_S: Final = 10.0
"""How long opening a socket may take."""

MAX_FRAME_BYTES: Final = 16 * 2**20
"""Largest frame that is taken: a reply of a persona may be long."""

CLOSE_S: Final = 1.0
"""How long the server may take to answer a close."""


class LinkEnded(Exception):
    """The socket ended, or could not be opened."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Link(Protocol):
    """An open socket."""

    async def send(self, text: str) -> None:
        """Send a text frame; waits while the network takes nothing.

        Raises:
            LinkEnded: The socket has ended.
        """

    async def receive(self) -> str:
        """Wait for the next text frame.

        Raises:
            LinkEnded: The socket has ended.
        """

    async def close(self) -> None:
        """Close it by the book. Harmless if it has ended."""

    def abort(self) -> None:
        """Cut it at once. Harmless if it has ended."""


@dataclass(frozen=True, slots=True)
class Door:
    """How to open a socket."""

    url: str
    headers: Mapping[str, str]
    is_near: bool


OpenLink = Callable[[Door], Awaitable[Link]]
"""Opens a socket, or raises `LinkEnded`."""


class WebSocketLink:
    """A WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        """See `Link.send`."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise LinkEnded(_ending(closed)) from None

    async def receive(self) -> str:
        """See `Link.receive`."""
        while True:
            try:
                frame = await self._socket.recv()
            except ConnectionClosed as closed:
                raise LinkEnded(_ending(closed)) from None
            if isinstance(frame, str):
                return frame

    async def close(self) -> None:
        """See `Link.close`."""
        await self._socket.close()

    def abort(self) -> None:
        """See `Link.abort`."""
        self._socket.transport.abort()


async def open_websocket(door: Door) -> Link:
    """Open a WebSocket.

    Raises:
        LinkEnded: It was refused, or nobody answers.
    """
    try:
        return WebSocketLink(await _connect(door))
    except InvalidStatus as answer:
        raise LinkEnded(after_status(answer.response.status_code)) from None
    except (OSError, UnicodeError, InvalidHandshake, InvalidProxy) as error:
        why = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        raise LinkEnded(Ending("lost", why or type(error).__name__)) from None


def _connect(door: Door) -> connect:
    return connect(
        door.url,
        additional_headers=door.headers,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        proxy=None if door.is_near else True,
        open_timeout=OPEN_S,
        close_timeout=CLOSE_S,
        # The server's heartbeats tell when it is gone, and its pings tell it when we are.
        ping_interval=None,
        max_size=MAX_FRAME_BYTES,
    )


def _ending(closed: ConnectionClosed) -> Ending:
    return after_close(*((None, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)))
