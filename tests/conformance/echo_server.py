"""Both gateways as echo servers: what the Autobahn cases need to be driven against.

    python echo_server.py native|asgi

Everything of RFC 6455 is the gateway's own; only what is done with a message differs.
It prints its port and ends when its standard input does.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from gator.clock import SystemClock
from gator.domain.identity import Identity
from gator.gateway.admission import Admitted
from gator.gateway.native import NativeGateway
from gator.gateway.pings import Pings
from gator.protocol.errors import NOT_UTF8
from gator.protocol.types import UserId

MAX_FRAME_BYTES = 20 * 1024 * 1024


class EchoGateway(NativeGateway):
    """The native gateway, sending back what it receives."""

    path = "/"

    def _begin(self, identity: Identity, response: bytes) -> None:
        self._transport.write(response)
        self._floor.pings.add(self)

    def _take_message(self, kind: Opcode, data: Any) -> None:
        try:
            if kind is Opcode.TEXT:
                str(data, "utf-8")
        except UnicodeDecodeError:
            self.close(NOT_UTF8)
            return
        parser = self._parser()
        if parser.state is not State.OPEN:  # it has seen what breaks the rules behind this message
            self._write(Frame(kind, data).serialize(mask=False))
        elif kind is Opcode.TEXT:
            parser.send_text(bytes(data))
        else:
            parser.send_binary(bytes(data))


def echo_app() -> FastAPI:
    """Make an application with the floor that `EchoGateway` needs, and an ASGI echo."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, object]]:
        everybody = SimpleNamespace(
            admit_now=lambda _handshake: Admitted(Identity(UserId("autobahn")), None),
            check_count=lambda _identity, _address: None,
        )
        floor = SimpleNamespace(
            admission=everybody,
            pings=Pings(clock=SystemClock(), every_s=60, timeout_s=60),
            client_address=lambda _peername, _forwarded: "127.0.0.1",
            deflate=False,
            max_frame_bytes=MAX_FRAME_BYTES,
            outbox_bytes=1024 * 1024,
            ended=lambda _connection, _code: None,
        )
        yield {"floor": floor}

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/{path:path}")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                message["type"] = "websocket.send"
                await websocket.send(message)
        except WebSocketDisconnect:
            return

    return app


class EchoServer(uvicorn.Server):
    """uvicorn, saying on which port it is."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the port."""
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


async def serve(gateway: str) -> None:
    """Serve until standard input ends."""
    config = uvicorn.Config(
        echo_app(),
        port=0,
        log_level="error",
        ws="websockets-sansio" if gateway == "asgi" else cast(Any, EchoGateway),
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = EchoServer(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
