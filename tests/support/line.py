"""A client that goes by the book, the native gateway, and a network in memory between them."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import uvicorn
from tests.support.house import Frame, StagedHouse
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from gator.gateway.native import NativeGateway


class FakeTransport(asyncio.Transport):
    """A socket in memory; while blocked, the network takes nothing."""

    def __init__(self, peername: object = ("127.0.0.1", 5000)) -> None:
        super().__init__({"peername": peername})
        self.protocol: NativeGateway | None = None
        self.outgoing = bytearray()
        self.blocked = False
        self.reads = True
        self.ended = self.closed = self.aborted = False
        self._high = 65_536
        self._paused = False

    def write(self, data: Any) -> None:
        assert not self.closed, "nothing is written after the end"
        assert not self.ended, "nothing is written after the end of the stream"
        self.outgoing += data
        if self.blocked and len(self.outgoing) > self._high and not self._paused:
            self._paused = True
            assert self.protocol is not None
            self.protocol.pause_writing()

    def unblock(self) -> bytes:
        """Let the network take what waits."""
        self.blocked = False
        taken, self.outgoing = bytes(self.outgoing), bytearray()
        if self._paused:
            self._paused = False
            assert self.protocol is not None
            self.protocol.resume_writing()
        return taken

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or 0

    def get_write_buffer_size(self) -> int:
        return len(self.outgoing)

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        assert not self.closed
        self.reads = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = True
        self.close()


class Line:
    """A client, a network, and the gateway at its other end."""

    def __init__(
        self,
        house: StagedHouse,
        path: str = "/ws/alice",
        headers: Sequence[tuple[str, str]] = (),
        *,
        transport: FakeTransport | None = None,
        **client: Any,
    ) -> None:
        self._house = house
        self.transport = transport or FakeTransport()
        unused = uvicorn.Config("unused", log_config=None)
        self.gateway = NativeGateway(unused, ServerState(), {"floor": house.house.floor})
        self.transport.protocol = self.gateway
        self.gateway.connection_made(self.transport)
        self.client = ClientProtocol(parse_uri("ws://localhost/"), **client)
        self.answer: Response | None = None
        self.frames: list[Frame] = []
        self.wire: list[WireFrame] = []
        request = self.client.connect()
        request.path = path
        for name, value in headers:
            request.headers[name] = value
        self.client.send_request(request)

    async def settle(self) -> None:
        """Carry bytes in both directions until nobody has any more to say."""
        for _ in range(100):
            moved = self._carry()
            await self.worked_off()
            await self._house.settle()
            if not moved and not self.transport.outgoing:
                return

    async def worked_off(self) -> None:
        """Wait until no command is waited for, and so the socket is read again."""
        while busy := _tasks_of_the_gateway():
            await asyncio.wait(busy)

    def _carry(self) -> bool:
        sent = b"".join(self.client.data_to_send())
        if sent and not self.transport.closed:
            self.gateway.data_received(sent)
        got = b"" if self.transport.blocked else bytes(self.transport.outgoing)
        if got:
            self.transport.outgoing.clear()
            self.client.receive_data(got)
        if self.transport.ended and not self.transport.blocked:
            self.client.receive_eof()
        for event in self.client.events_received():
            if isinstance(event, Response):
                self.answer = event
                continue
            assert isinstance(event, WireFrame)
            self.wire.append(event)
            if event.opcode is Opcode.TEXT:
                self.frames.append(json.loads(bytes(event.data)))
        return bool(sent or got)

    async def say(self, **frame: Any) -> list[Frame]:
        """Send a command, and give what comes of it."""
        before = len(self.frames)
        self.client.send_text(json.dumps(frame).encode())
        await self.settle()
        return self.frames[before:]

    async def raw(self, data: bytes) -> None:
        """Send bytes past the book."""
        self.gateway.data_received(data)
        await self.settle()

    @property
    def closed(self) -> tuple[int, str] | None:
        """Give the code and reason with which the server closed."""
        received = self.client.close_rcvd
        return None if received is None else (received.code, received.reason)

    async def gone(self) -> None:
        """Break the connection off."""
        self.transport.closed = True
        self.gateway.connection_lost(None)
        await self._house.settle()


def _tasks_of_the_gateway() -> list["asyncio.Task[Any]"]:
    return [task for task in asyncio.all_tasks() if "NativeGateway." in str(task.get_coro())]
