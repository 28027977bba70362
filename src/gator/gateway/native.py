"""The native gateway: a WebSocket as a plain `asyncio.Protocol` on uvicorn's port.

uvicorn keeps HTTP. On an upgrade its HTTP protocol builds the class given as `ws=`,
hands it the transport and the raw request, and makes it the transport's protocol. A read
that is one whole text or pong frame, as nearly all are, is taken as it is; with any other
begins a parser, the sans-I/O `ServerProtocol` of the library websockets, which an idle
connection so never keeps. A frame costs no task, no queue and no ASGI message;
ready-made frames go straight to the transport.
"""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, ClassVar, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

import uvicorn
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import State as WireState
from websockets.server import ServerProtocol
from websockets.typing import BytesLike

from gator.domain.identity import Identity
from gator.gateway.admission import Admitted, Handshake, Refused
from gator.gateway.connection import Connection
from gator.gateway.floor import Floor
from gator.hub.batch import Batch
from gator.protocol.errors import INTERNAL, NOT_UTF8, RESTARTING, Close
from gator.protocol.frames import client_frame_size, control_frame, read_plain
from gator.protocol.upgrade import NoUpgrade, Upgrade, read_upgrade

CLOSE_TIMEOUT_S: Final = 5.0
"""How long a peer may take to answer a close before the transport is dropped."""

ADMIT_TIMEOUT_S: Final = 10.0
"""How long a handshake may wait for the keys of its token."""

_DEFLATE: Final = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""RFC 7692 without context: no window is kept for a connection between messages."""

_PING: Final = control_frame(Opcode.PING, b"gator")

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
        "_asked",
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
        "_server_state",
        "_shaken",
        "_transport",
        "_unparsed",
        "_wire",
        "heard_at",
        "write_framed",
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
        # The complete parser, while there is something that needs it.
        self._wire: ServerProtocol | None = None
        # Bytes that the parser has and that are no frame yet; more than there are, if a
        # client writes lengths longer than they need to be, and never less.
        self._unparsed = 0
        self._deflates = False
        self.write_framed: Callable[[bytes], None] | None = None
        self._connection: Connection | None = None
        self._fragments: list[bytes] = []
        self._kind = Opcode.TEXT
        self._frames: list[Frame] = []  # an empty deque takes 600 bytes, and there are many
        self._busy: asyncio.Task[None] | None = None
        self._admitting: asyncio.Task[None] | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._peer_is_done = False
        self._asked = self._shaken = self._ended = self._mute = False
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
        if not self._shaken:
            self._read_request(data)
            return
        at = 0 if self._wire is not None else self._read_plain(data)
        if at < len(data):
            self._parse(data[at:] if at else data)
        # While a command is waited for, so is the answer to a close that came behind it:
        # what was said before the close is carried out.
        if self._busy is None and self._work_off():
            self._write_control()

    def eof_received(self) -> bool:
        """The peer will send nothing more; true keeps the transport until all is done."""
        self._peer_is_done = True
        if not self._shaken:
            return False
        self._parser().receive_eof()
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

    def _read_request(self, data: bytes) -> None:
        if self._asked:  # and refused: what else the client sent is read and discarded
            return
        self._asked = True
        try:
            self._handshake(read_upgrade(data))
        except NoUpgrade as refusal:
            self._transport.write(refusal.response)
            self._end_stream()

    def _handshake(self, upgrade: Upgrade) -> None:
        try:
            address = urlsplit(upgrade.target)
        except ValueError:  # such as `//[`
            address = urlsplit("")
        if not address.path.startswith(self.path):
            raise NoUpgrade(HTTPStatus.NOT_FOUND, "There is no WebSocket at this address.")
        user = unquote(address.path[len(self.path) :])
        query = parse_qs(address.query)
        headers = upgrade.headers
        handshake = Handshake(
            user_id=None if user == "auth" else user,
            query_token=query["token"][0] if "token" in query else None,
            authorization=headers.get("authorization"),
            subprotocols=upgrade.listed("sec-websocket-protocol"),
            origin=headers.get("origin"),
            host=headers.get("host"),
            address=self._floor.client_address(
                self._transport.get_extra_info("peername"), headers.get("x-forwarded-for")
            ),
        )
        extensions = self._agree_on_extensions(upgrade)
        verdict = self._floor.admission.admit_now(handshake)
        if verdict is None:
            self._admitting = self._loop.create_task(self._admit_later(handshake, upgrade, extensions))
            return
        self._answer(verdict, handshake, upgrade, extensions)

    def _agree_on_extensions(self, upgrade: Upgrade) -> str | None:
        offered = upgrade.headers.get("sec-websocket-extensions")
        if offered is None or not self._floor.deflate:
            return None
        wire = self._parser()
        wire.available_extensions = [_DEFLATE]
        try:
            agreed, wire.extensions = wire.process_extensions(Headers({"Sec-WebSocket-Extensions": offered}))
        except InvalidHeader:
            raise NoUpgrade(HTTPStatus.BAD_REQUEST, "`Sec-WebSocket-Extensions` is malformed.") from None
        # A frame compressed once for everybody needs the window that everybody agreed to.
        self._deflates = any(
            isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits == zlib.MAX_WBITS
            for extension in wire.extensions
        )
        if not wire.extensions:
            self._wire = None  # nothing is left that only the parser knows
        return agreed

    async def _admit_later(self, handshake: Handshake, upgrade: Upgrade, extensions: str | None) -> None:
        self._transport.pause_reading()
        try:
            async with asyncio.timeout(ADMIT_TIMEOUT_S):
                verdict = await self._floor.admission.admit(handshake)
        except TimeoutError:
            verdict = Refused(INTERNAL, None)
        self._admitting = None
        self._transport.resume_reading()
        self._answer(verdict, handshake, upgrade, extensions)

    def _answer(
        self, verdict: Admitted | Refused, handshake: Handshake, upgrade: Upgrade, extensions: str | None
    ) -> None:
        self._shaken = True
        response = upgrade.response(subprotocol=verdict.subprotocol, extensions=extensions)
        if isinstance(verdict, Refused):
            self._turn_away(verdict.close, response)
            return
        close = self._floor.admission.check_count(verdict.identity, handshake.address)
        if close is not None:
            self._turn_away(close, response)
            return
        self._begin(verdict.identity, response)

    def _turn_away(self, close: Close, response: bytes) -> None:
        self._transport.write(response)
        self.close(close)

    def _begin(self, identity: Identity, response: bytes) -> None:
        self.write_framed = None if self._deflates else self._transport.write
        self._connection = self._floor.open(identity, self)
        # The answer and the first frame in one packet: a write is a third of what this costs.
        greeting = self._connection.peer.take_queue()
        self._transport.write(response + (greeting.deflated if self._deflates else greeting.framed))
        self._floor.pings.add(self)

    # Frames

    def _read_plain(self, data: bytes) -> int:
        """Read frames up to one that needs a parser; returns where that begins."""
        at = 0
        while at < len(data):
            found = read_plain(data, at, self._floor.max_frame_bytes)
            if found is None:
                break
            frame, at = found
            if frame.opcode is Opcode.PING:
                self._write(control_frame(Opcode.PONG, frame.data))
            elif frame.opcode is Opcode.TEXT:
                self._frames.append(frame)
        return at

    def _parse(self, data: bytes) -> None:
        wire = self._parser()
        self._unparsed += len(data)
        wire.receive_data(data)
        for frame in wire.events_received():
            assert isinstance(frame, Frame)
            self._unparsed -= client_frame_size(len(frame.data))
            self._frames.append(frame)

    def _parser(self) -> ServerProtocol:
        if self._wire is None:
            self._wire = ServerProtocol(state=WireState.OPEN, max_size=self._floor.max_frame_bytes, logger=_silent)
        return self._wire

    def _work_off(self) -> bool:
        """Take frames until one has to be waited for; true if none has."""
        frames, self._frames = self._frames, []
        for number, frame in enumerate(frames, 1):
            waiting = self._take(frame)
            if waiting is not None:
                self._frames = frames[number:]
                self._transport.pause_reading()
                self._busy = self._loop.create_task(self._wait_for(waiting))
                return False
        return True

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

    def _write(self, data: bytes) -> None:
        if not self._mute and not self._transport.is_closing():  # as above
            self._transport.write(data)

    def backlog_bytes(self) -> int:
        """See `Sink.backlog_bytes`."""
        return self._transport.get_write_buffer_size()

    def close(self, close: Close) -> None:
        """See `Sink.close`. A peer that does not read is dropped, since it would not read that."""
        if self._shaken:
            wire = self._parser()
            if wire.state is WireState.OPEN:
                wire.send_close(close.code, close.reason)
        paused = self._connection is not None and self._connection.peer.paused_at is not None
        if paused:
            self._transport.abort()
            return
        self._write_control()
        self._wait_for_close()

    def ping(self) -> None:
        """See `Pinged.ping`."""
        self._write(_PING)

    def give_up(self) -> None:
        """See `Pinged.give_up`."""
        self._transport.abort()

    def _write_control(self) -> None:
        """Write what the parser has to say: pongs, a close, the end of the stream."""
        wire = self._wire
        if wire is None:
            return
        if wire.close_expected():
            # First of all what was said before: a close is the last thing that is written.
            self._wait_for_close()
        for data in wire.data_to_send():
            if self._transport.is_closing():
                break
            if data:
                self._transport.write(data)
            else:  # an empty string stands for the end of the stream
                self._end_stream()
        if not (self._unparsed or self._fragments or wire.extensions) and wire.state is WireState.OPEN:
            self._wire = None  # nothing is left that only the parser knows

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
        close = None if self._wire is None else self._wire.close_rcvd or self._wire.close_sent
        return 1006 if close is None else int(close.code)
