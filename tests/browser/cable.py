"""The network between a browser and a server: it can be cut, and it can go silent as Wi-Fi does."""

import asyncio
from contextlib import suppress
from typing import Self

from tests.support.server import Server, lasting_port

PIECE_BYTES = 65_536


class Cable:
    """Carries connections from a port of its own to a server, whichever process that is just now.

    Attributes:
        url: Where browsers find the server.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._port = lasting_port()
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.url = f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection, and let none through."""
        self._is_cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    def go_silent(self) -> None:
        """Carry nothing more over the connections that there are, and tell nobody: they stay open at both ends."""
        self._silent |= self._open

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        if self._is_cut:
            writer.transport.abort()
            return
        host, port = self._server.url.removeprefix("http://").split(":")
        try:
            behind_reader, behind = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, behind}
        self._open |= ends
        try:
            await asyncio.gather(self._carry(reader, behind), self._carry(behind_reader, writer))
        finally:
            self._open -= ends
            self._silent -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE_BYTES):
                if writer not in self._silent:
                    writer.write(piece)
                    await writer.drain()
        if writer not in self._silent and not writer.is_closing():
            with suppress(OSError):
                writer.write_eof()
