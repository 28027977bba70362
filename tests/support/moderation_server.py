"""A web server with `/v1/moderations`, as OpenAI shapes it, that can also fail in every way."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self


def flagged(*categories: str) -> bytes:
    """Word the answer on a text that is bad in these ways."""
    named = {name: name in categories for name in ("harassment", "hate", "violence", *categories)}
    scores = {name: 0.9 if is_so else 0.01 for name, is_so in named.items()}
    result = {"flagged": bool(categories), "categories": named, "category_scores": scores}
    return json.dumps({"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}).encode()


class ModerationServer:
    """A moderation server that keeps its connections, as real ones do.

    Attributes:
        answers: What it says of texts that hold a word; of the rest it says that they are clean.
        body: Set, it answers this, whatever the text.
        status: The status line's rest.
        requests: Heads and bodies that it got.
        asked: Set when a request has come.
        connections: How many were opened.
        open: Cleared, it lets everybody wait.
        drips: Whether its answer goes on byte by byte, without end.
        hangs_up: How many requests to leave without an answer, closing the connection.
    """

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.body: bytes | None = None
        self.status = "200 OK"
        self.requests: list[tuple[str, Any]] = []
        self.asked = asyncio.Event()
        self.connections = 0
        self.open = asyncio.Event()
        self.open.set()
        self.drips = False
        self.hangs_up = 0
        self._peers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """What `base_url` is to be."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def texts(self) -> list[str]:
        """The texts it was asked about."""
        return [body["input"] for _, body in self.requests]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        self._server.close()
        for peer in self._peers:
            peer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._peers.add(writer)
        # A client that has had enough hangs up, as the tests of bounds want it.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        self._peers.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.lower().splitlines() if line.startswith("content-length")
        )
        asked: Mapping[str, Any] = json.loads(await reader.readexactly(length))
        self.requests.append((head, asked))
        self.asked.set()
        await self.open.wait()
        if self.hangs_up:
            self.hangs_up -= 1
            return False
        found = (answer for word, answer in self.answers.items() if word in asked["input"])
        body = next(found, flagged()) if self.body is None else self.body
        size = 10**9 if self.drips else len(body)
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {size}\r\n\r\n".encode() + body)
        await writer.drain()
        while self.drips:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0)
        return True
