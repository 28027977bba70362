"""The native gateway: a WebSocket as a plain `asyncio.Protocol` on uvicorn's port.

uvicorn keeps HTTP. On an upgrade its HTTP protocol builds the class given as `ws=`,
hands it the transport and the raw request, and makes it the transport's protocol. RFC
6455 is read by the sans-I/O `ServerProtocol` of the library websockets, except for the
plainest and commonest case, a read that is one whole text frame. A frame costs no task,
no queue and no ASGI message; ready-made frames go straight to the transport.
"""

import asyncio
import logging
import zlib
from collections.abc import Awaitable
from typing import Any, ClassVar, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import uvicorn
from uvicorn.server import ServerState
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State as WireState
from websockets.server import ServerProtocol
from websockets.typing import BytesLike

from gator.domain.identity import Identity
from gator.gateway.admission import Admitted, Handshake, Refused
from gator.gateway.connection import Connection
from gator.gateway.floor import Floor
from gator.hub.batch import Batch
from gator.protocol.errors import INTERNAL, NOT_UTF8, RESTARTING, Close
from gator.protocol.frames import client_frame_size, lone_text

CLOSE_TIMEOUT_S: Final = 5.0
"""How long a peer may take to answer a close before the transport is dropped."""

ADMIT_TIMEOUT_S: Final = 10.0
"""How long a handshake may wait for the keys of its token."""

_DEFLATE: Final = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""RFC 7692 without context: no window is kept for a connection between messages."""

_silent: Final = logging.getLogger("gator.websockets")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
_silent.setLevel(logging.CRITICAL)


class NativeGateway(asyncio.Protocol):
    """One WebSocket. See `Sink` for the way out and `Pinged` for the signs of life.

    Queues: the transport's buffer, bounded by `outbox_bytes` and one batch more, above
    which the peer is paused; and the frames that arrived while a command was being
    waited for, bounded by one read of the socket, since reading is paused meanwhile.
    """

    path: ClassVar = "/ws/"
    """What addresses of WebSockets begin with."""

    __slots__ = (
        "_admitting",
        "_busy",
        "_close_timer",
        "_connection",
        "_deflates",
        "_ended",
        "_floor",
        "_fragments",
        "_frames",
        "_kind",
        "_loop",
        "_mute",
        "_peer_is_done",
        "_plain",
        "_server_state",
        "_state",
        "_transport",
        "_unparsed",
        "_wire",
        "heard_at",
    )

    def __init__(
        self,
        config: uvicorn.Config,  # noqa: ARG002 - the signature is uvicorn's
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._server_state = server_state
        self._floor: Floor = app_state["floor"]
        self._wire = ServerProtocol(
            extensions=[_DEFLATE] if self._floor.deflate else None,
            max_size=self._floor.max_frame_bytes,
            logger=_silent,
        )
        # Bytes that the parser has and that are no frame yet; more than there are, if a
        # client writes lengths longer than they need to be, and never less, where
        # nothing is compressed.
        self._unparsed = 0
        self._plain = False
        self._deflates = False
        self._connection: Connection | None = None
        self._fragments: list[bytes] = []
        self._kind = Opcode.TEXT
        self._frames: list[Frame] = []  # an empty deque takes 600 bytes, and there are many
        self._busy: asyncio.Task[None] | None = None
        self._admitting: asyncio.Task[None] | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._peer_is_done = False
        self._ended = self._mute = False
        self.heard_at = self._loop.time()

    # The transport speaks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the transport from uvicorn's HTTP protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        limit = self._floor.outbox_bytes
        self._transport.set_write_buffer_limits(high=limit, low=limit // 2)

    def data_received(self, data: bytes) -> None:
        """Read frames and carry out what they say."""
        self.heard_at = self._loop.time()
        if self._plain and not self._unparsed and not self._fragments and self._busy is None:
            payload = lone_text(data, self._floor.max_frame_bytes)
            if payload is not None:
                self._take_lone(payload)
                return
        self._unparsed += len(data)
        self._wire.receive_data(data)
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._unparsed -= data.find(b"\r\n\r\n") + 4
                self._handshake(event)
            else:
                assert isinstance(event, Frame)
                self._unparsed -= client_frame_size(len(event.data))
                self._frames.append(event)
        # While a command is waited for, so is the answer to a close that came behind it:
        # what was said before the close is carried out.
        if self._busy is None and self._work_off():
            self._write_control()

    def eof_received(self) -> bool:
        """The peer will send nothing more; true keeps the transport until all is done."""
        self._peer_is_done = True
        self._wire.receive_eof()
        if self._busy is not None:
            return True
        self._write_control()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Let go of everything."""
        self._server_state.connections.discard(self)
        if self._close_timer is not None:
            self._close_timer.cancel()
        # A command under way is carried out to its end; a closed peer joins nothing.
        if self._admitting is not None:
            self._admitting.cancel()
        self._end()

    def pause_writing(self) -> None:
        """The peer does not read fast enough."""
        if self._connection is not None:
            self._connection.peer.pause(self._loop.time())
            # A command is not taken while its answer could not be delivered.
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer has read what was waiting."""
        if self._connection is not None:
            self._connection.peer.resume()
            if self._busy is None:
                self._resume_reading()

    # uvicorn speaks

    def shutdown(self) -> None:
        """The server stops."""
        self.close(RESTARTING)
        self._transport.close()

    # The handshake

    def _handshake(self, request: Request) -> None:
        response = self._wire.accept(request)
        try:
            path = urlsplit(request.path)
        except ValueError:  # such as `//[`
            path = urlsplit("")
        if response.status_code == 101 and not path.path.startswith(self.path):
            response = self._wire.reject(404, "There is no WebSocket at this address.\n")
        if response.status_code != 101:
            self._wire.send_response(response)
            return
        user = unquote(path.path[len(self.path) :])
        query = parse_qs(path.query)
        handshake = Handshake(
            user_id=None if user == "auth" else user,
            query_token=query["token"][0] if "token" in query else None,
            authorization=_header(request, "Authorization"),
            subprotocols=[
                name.strip()
                for header in request.headers.get_all("Sec-WebSocket-Protocol")
                for name in header.split(",")
            ],
            origin=_header(request, "Origin"),
            host=_header(request, "Host"),
            address=self._floor.client_address(
                self._transport.get_extra_info("peername"), _header(request, "X-Forwarded-For")
            ),
        )
        verdict = self._floor.admission.admit_now(handshake)
        if verdict is None:
            self._admitting = self._loop.create_task(self._admit_later(handshake, response))
            return
        self._answer(verdict, handshake, response)

    async def _admit_later(self, handshake: Handshake, response: Any) -> None:
        self._transport.pause_reading()
        try:
            async with asyncio.timeout(ADMIT_TIMEOUT_S):
                verdict = await self._floor.admission.admit(handshake)
        except TimeoutError:
            verdict = Refused(INTERNAL, None)
        self._admitting = None
        self._transport.resume_reading()
        self._answer(verdict, handshake, response)
        self._write_control()

    def _answer(self, verdict: Admitted | Refused, handshake: Handshake, response: Any) -> None:
        if verdict.subprotocol is not None:
            response.headers["Sec-WebSocket-Protocol"] = verdict.subprotocol
        self._wire.send_response(response)
        self._write_control()
        if isinstance(verdict, Refused):
            self.close(verdict.close)
            return
        close = self._floor.admission.check_count(verdict.identity, handshake.address)
        if close is not None:
            self.close(close)
            return
        self._begin(verdict.identity)

    def _begin(self, identity: Identity) -> None:
        # A frame compressed once for everybody needs the window that everybody agreed to.
        self._deflates = any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits == zlib.MAX_WBITS
            for extension in self._wire.extensions
        )
        self._plain = not self._wire.extensions
        self._connection = self._floor.open(identity, self)
        self._floor.pings.add(self)

    # Frames

    def _work_off(self) -> bool:
        """Take frames until one has to be waited for; true if none has."""
        frames, self._frames = self._frames, []
        for number, frame in enumerate(frames, 1):
            waiting = self._take(frame)
            if waiting is not None:
                self._frames = frames[number:]
                self._wait_first(waiting)
                return False
        return True

    def _take_lone(self, payload: bytes) -> None:
        waiting = self._take_message(Opcode.TEXT, payload)
        if waiting is not None:
            self._wait_first(waiting)

    def _wait_first(self, waiting: Awaitable[None]) -> None:
        self._transport.pause_reading()
        self._busy = self._loop.create_task(self._wait_for(waiting))

    async def _wait_for(self, waiting: Awaitable[None]) -> None:
        await waiting
        self._busy = None
        if self._work_off():
            if self._connection is None or self._connection.peer.paused_at is None:
                self._resume_reading()
            self._write_control()

    def _resume_reading(self) -> None:
        # After the peer's end of stream there is nothing to read but that end again.
        if not self._peer_is_done and not self._transport.is_closing():
            self._transport.resume_reading()

    def _take(self, frame: Frame) -> Awaitable[None] | None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY or opcode is Opcode.CONT:
            return self._take_data(frame)
        if opcode is Opcode.CLOSE:
            self._end()
        return None

    def _take_data(self, frame: Frame) -> Awaitable[None] | None:
        # The parser sees to it that a continuation continues something (RFC 6455 §5.4).
        if frame.opcode is not Opcode.CONT:
            self._kind = frame.opcode
            if frame.fin:
                return self._take_message(frame.opcode, frame.data)
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return None
        whole = b"".join(self._fragments)
        self._fragments.clear()
        return self._take_message(self._kind, whole)

    def _take_message(self, kind: Opcode, data: BytesLike) -> Awaitable[None] | None:
        connection = self._connection
        if connection is None or not connection.peer.is_open:
            return None
        if kind is Opcode.BINARY:
            connection.receive_binary()
            return None
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self.close(NOT_UTF8)
            return None
        return connection.receive_text(text)

    # The way out

    def write(self, batch: Batch) -> None:
        """See `Sink.write`."""
        # Nothing follows a close (RFC 6455 §5.5.1); and between a failed write and
        # `connection_lost`, which follows it, uvloop raises.
        if not self._mute and not self._transport.is_closing():
            self._transport.write(batch.deflated if self._deflates else batch.framed)

    def backlog_bytes(self) -> int:
        """See `Sink.backlog_bytes`."""
        return self._transport.get_write_buffer_size()

    def close(self, close: Close) -> None:
        """See `Sink.close`. A peer that does not read is dropped, since it would not read that."""
        if self._wire.state is WireState.OPEN:
            self._wire.send_close(close.code, close.reason)
        paused = self._connection is not None and self._connection.peer.paused_at is not None
        if paused:
            self._transport.abort()
            return
        self._write_control()
        self._wait_for_close()

    def ping(self) -> None:
        """See `Pinged.ping`."""
        if self._wire.state is WireState.OPEN:
            self._wire.send_ping(b"gator")
            self._write_control()

    def give_up(self) -> None:
        """See `Pinged.give_up`."""
        self._transport.abort()

    def _write_control(self) -> None:
        if self._wire.close_expected():
            # First of all what was said before: a close is the last thing that is written.
            self._wait_for_close()
        for data in self._wire.data_to_send():
            if self._transport.is_closing():
                break
            if data:
                self._transport.write(data)
            else:  # an empty string stands for the end of the stream
                self._end_stream()

    def _end_stream(self) -> None:
        # To close with bytes of the peer unread resets the connection, and the peer may
        # never see the code (seen for 2 of 3 frames of 2 MB): read on, and discard.
        self._wait_for_close()
        if self._transport.can_write_eof() and not self._peer_is_done:
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def _wait_for_close(self) -> None:
        if self._close_timer is None:
            self._close_timer = self._loop.call_later(CLOSE_TIMEOUT_S, self._transport.abort)
            self._end()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._floor.pings.remove(self)
        if self._connection is not None:
            self._connection.peer.flush()
            self._floor.ended(self._connection, self._code())
        self._mute = True

    def _code(self) -> int:
        close = self._wire.close_rcvd or self._wire.close_sent
        return 1006 if close is None else int(close.code)


def _header(request: Request, name: str) -> str | None:
    # A header that comes twice is one with both values (RFC 9110 §5.3).
    return ", ".join(request.headers.get_all(name)) or None
