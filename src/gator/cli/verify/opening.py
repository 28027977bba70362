"""Opening a connection: the WebSocket, and the first frame."""

import asyncio
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus
from websockets.typing import Origin, Subprotocol

from gator.cli.verify.address import Address
from gator.cli.verify.frames import Unreadable, read
from gator.cli.verify.promises import Verdicts
from gator.protocol.errors import CLOSES
from gator.protocol.events import OnlineUsers

OPEN_S: Final = 10.0
CLOSE_S: Final = 1.0
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024

_CODES: Final = frozenset(close.code for close in CLOSES)


class NotOpened(Exception):
    """There is no connection.

    Attributes:
        code: The close code, if the server closed the connection before it said anything.
        status: The HTTP status, if the answer was not the one that opens a WebSocket.
    """

    def __init__(self, why: str, *, code: int | None = None, reason: str = "", status: int | None = None) -> None:
        super().__init__(why)
        self.code = code
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended; without a code if it just broke."""

    code: int | None
    reason: str

    def __str__(self) -> str:
        return "it broke" if self.code is None else f"it was closed with {self.code} {self.reason!r}"


async def connect_to(address: Address, origin: str | None) -> ClientConnection:
    """Open a WebSocket.

    Raises:
        NotOpened: Nobody answers, or somebody else.
    """
    try:
        return await connect(
            address.socket,
            origin=None if origin is None else Origin(origin),
            additional_headers=address.socket_headers,
            subprotocols=[Subprotocol(name) for name in address.subprotocols],
            proxy=None if address.is_near else True,
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            # The server's pings are to be seen to work, not ours.
            ping_interval=None,
            max_size=MAX_FRAME_BYTES,
        )
    except InvalidStatus as answer:
        status = answer.response.status_code
        raise NotOpened(f"the answer was HTTP status {status}", status=status) from None
    except ConnectionRefusedError:
        raise NotOpened("connection refused") from None
    except (OSError, UnicodeError, InvalidHandshake, InvalidProxy) as error:
        raise NotOpened(str(error) or type(error).__name__) from None


async def greeting_of(socket: ClientConnection, verdicts: Verdicts) -> OnlineUsers:
    """Await the first frame.

    Raises:
        NotOpened: The connection is closed instead, or it is another frame.
    """
    try:
        async with asyncio.timeout(OPEN_S):
            first = await socket.recv()
    except ConnectionClosed as closed:
        if closed.rcvd is None:
            raise NotOpened("the connection broke before the first frame") from None
        ending = Ending(int(closed.rcvd.code), closed.rcvd.reason)
        check_code(ending, verdicts)
        raise NotOpened(str(ending), code=ending.code, reason=ending.reason) from None
    except TimeoutError:
        verdicts.broken("greeting", f"no first frame came within {OPEN_S:.0f} s")
        raise NotOpened("no first frame came") from None
    frame = read(first) if isinstance(first, str) else Unreadable()
    if not isinstance(frame, OnlineUsers) or None in (frame.limits, frame.connection_id, frame.heartbeat_ms):
        verdicts.broken("greeting", "the first frame is another, or lacks the limits")
        raise NotOpened("the first frame is not the greeting of a Gator Chat server")
    verdicts.kept("greeting")
    return frame


def check_code(ending: Ending, verdicts: Verdicts) -> None:
    """Look a close code of the server's up in the table."""
    what = f"a connection was closed with {ending.code} {ending.reason!r}, which is not in the table"
    verdicts.check("closing_codes", ending.code in _CODES, what)
