"""The portable gateway: connections over any ASGI server's WebSocket."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs

from starlette.websockets import WebSocket, WebSocketDisconnect

from gator.domain.identity import Identity
from gator.gateway.admission import Admitted, Handshake
from gator.gateway.connection import Connection
from gator.gateway.floor import Floor
from gator.hub.batch import Batch
from gator.hub.peer import Peer
from gator.protocol.errors import TOO_BIG, Close

LAST_WORDS_S: Final = 5.0
"""How long what a client said before it left may take to be read."""


class AsgiSink:
    """See `Sink`. A task writes what waits, because an ASGI send has to be awaited.

    Queue: payloads in order, bounded by `limit_bytes` and one batch more: above it the
    peer is paused, at half of it resumed.
    """

    def __init__(self, websocket: WebSocket, limit_bytes: int) -> None:
        self._websocket = websocket
        self._limit_bytes = limit_bytes
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._closing: Close | None = None
        self._wake = asyncio.Event()
        self.peer: Peer | None = None
        self.write_framed: Callable[[bytes], None] | None = None
        self.code = 1006
        self.aborted = asyncio.Event()

    def write(self, batch: Batch) -> None:
        """See `Sink.write`."""
        self._waiting.extend(batch.payloads)
        self._bytes += sum(map(len, batch.payloads))
        if self._bytes > self._limit_bytes and self.peer is not None:
            self.peer.pause(asyncio.get_running_loop().time())
        self._wake.set()

    def close(self, close: Close) -> None:
        """See `Sink.close`."""
        self._closing = self._closing or close
        if self.peer is not None and self.peer.paused_at is not None:
            # A close would wait behind what is not read: the transport is let go instead.
            self.code = self._closing.code
            self.aborted.set()
        self._wake.set()

    @property
    def closed(self) -> bool:
        """True once this side wants the connection closed."""
        return self._closing is not None

    def backlog_bytes(self) -> int:
        """See `Sink.backlog_bytes`."""
        return self._bytes

    async def run(self) -> None:
        """Write until the connection ends, by either side."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                while self._waiting:
                    await self._send(self._waiting.popleft())
                if self._closing is not None:
                    self.code = self._closing.code
                    await self._websocket.close(self._closing.code, self._closing.reason)
                    return
                self._wake.clear()
                await self._wake.wait()

    async def _send(self, payload: bytes) -> None:
        await self._websocket.send({"type": "websocket.send", "text": payload.decode()})
        self._bytes -= len(payload)
        peer = self.peer
        if peer is not None and peer.paused_at is not None and self._bytes <= self._limit_bytes // 2:
            peer.resume()


async def serve(websocket: WebSocket, floor: Floor, user_id: str | None) -> None:
    """Serve one connection from handshake to end."""
    handshake = _handshake(websocket, floor, user_id)
    verdict = await floor.admission.admit(handshake)
    with suppress(WebSocketDisconnect):
        await websocket.accept(subprotocol=verdict.subprotocol)
        close = (
            floor.admission.check_count(verdict.identity, handshake.address)
            if isinstance(verdict, Admitted)
            else verdict.close
        )
        if isinstance(verdict, Admitted) and close is None:
            await _converse(websocket, floor, verdict.identity)
        elif close is not None:
            await websocket.close(close.code, close.reason)


async def _converse(websocket: WebSocket, floor: Floor, identity: Identity) -> None:
    sink = AsgiSink(websocket, floor.outbox_bytes)
    connection = floor.open(identity, sink)
    sink.peer = connection.peer
    writer = asyncio.create_task(sink.run())
    reader = asyncio.create_task(_read(websocket, connection, floor.max_frame_bytes))
    aborted = asyncio.create_task(sink.aborted.wait())
    tasks = (writer, reader, aborted)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if done == {writer} and not sink.closed:
            # The client is gone, but what it said before is still to be read.
            await asyncio.wait((reader, aborted), timeout=LAST_WORDS_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # First of all, because a test client cancels this very task while it waits below.
        floor.ended(connection, _closed_by_client(reader) or sink.code)
        for task in tasks:
            task.cancel()
        # Not `gather`, whose own cancellation a cancel scope around it does not recognise.
        await asyncio.wait(tasks)
        for task in (writer, reader):
            if not task.cancelled() and (failure := task.exception()) is not None:
                floor.metrics.errors.labels("connection").inc()
                floor.log.error("connection_failed", connection=connection.peer.id, exc_info=failure)


def _closed_by_client(reader: asyncio.Task[int]) -> int | None:
    over = reader.done() and not reader.cancelled() and reader.exception() is None
    return reader.result() if over else None


async def _read(websocket: WebSocket, connection: Connection, max_frame_bytes: int) -> int:
    """Read frames until the client is gone, and tell with which code."""
    peer = connection.peer
    while True:
        await _until_it_reads(peer)
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return int(message.get("code") or 1005)
        if not peer.is_open:
            continue
        text = message.get("text")
        # `gator serve` has uvicorn look at the size; another server may have a limit of its own.
        if _exceeds(max_frame_bytes, message["bytes"] if text is None else text):
            peer.close(TOO_BIG)
        elif text is None:
            connection.receive_binary()
        else:
            waiting = connection.receive_text(text)
            if waiting is not None:
                await waiting


def _exceeds(max_bytes: int, data: str | bytes) -> bool:
    if len(data) > max_bytes:
        return True
    # A character takes up to four bytes: a short text need not be counted.
    return isinstance(data, str) and len(data) * 4 > max_bytes and len(data.encode()) > max_bytes


async def _until_it_reads(peer: Peer) -> None:
    """Take no command whose answer could not be delivered."""
    while peer.paused_at is not None and peer.is_open:
        reads = asyncio.Event()
        peer.waiters.append(reads.set)
        await reads.wait()


def _handshake(websocket: WebSocket, floor: Floor, user_id: str | None) -> Handshake:
    query = parse_qs(websocket.scope["query_string"].decode("ascii", "replace"))
    offered = _header(websocket, "sec-websocket-protocol") or ""
    return Handshake(
        user_id=user_id,
        query_token=query["token"][0] if "token" in query else None,
        authorization=_header(websocket, "authorization"),
        subprotocols=[name.strip() for name in offered.split(",")],
        origin=_header(websocket, "origin"),
        host=_header(websocket, "host"),
        address=floor.client_address(websocket.client, _header(websocket, "x-forwarded-for")),
    )


def _header(websocket: WebSocket, name: str) -> str | None:
    # A header that comes twice is one with both values (RFC 9110 §5.3).
    return ", ".join(websocket.headers.getlist(name)) or None
