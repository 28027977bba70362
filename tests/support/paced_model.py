"""A language model's server whose replies the test says, piece by piece.

It speaks OpenAI's chat completions as a stream, over a real socket, says nothing that it
is not told to, and notices when who asked has left.
"""

import asyncio
import json
from typing import Any, Final, Self

from tests.support.client import TIMEOUT_S
from tests.support.fault_server import DONE, HEAD, Request, piece, usage

PROMPT_TOKENS: Final = 7


class Speech:
    """One reply that was asked for.

    Attributes:
        asked: What the person said.
        body: The whole request.
        left: Set when who asked has hung up, or the reply is at its end.
    """

    def __init__(self, body: Any, writer: asyncio.StreamWriter) -> None:
        self.body = body
        self.asked: str = next(turn["content"] for turn in reversed(body["messages"]) if turn["role"] == "user")
        self.left = asyncio.Event()
        self._writer = writer
        self._pieces = 0

    async def say(self, text: str) -> None:
        """Say a piece."""
        self._pieces += 1
        await self._write(piece(text))

    async def end(self, why: str = "stop") -> None:
        """Say that this was all."""
        await self._write(piece(finish=why) + usage(PROMPT_TOKENS, self._pieces) + DONE)
        self._writer.close()

    def break_off(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def is_left(self) -> None:
        """Wait until who asked has hung up."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.left.wait()

    async def _write(self, data: bytes) -> None:
        assert not self.left.is_set(), "nobody listens"
        self._writer.write(data)
        await self._writer.drain()


class PacedModel:
    """Replies as the test says them.

    Attributes:
        speeches: Everything that was asked, in order.
    """

    def __init__(self) -> None:
        self.speeches: list[Speech] = []
        self._taken: set[Speech] = set()
        self._serving: set[asyncio.Task[None] | None] = set()
        self._heard = asyncio.Condition()

    @property
    def url(self) -> str:
        """The base URL of its API."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def settings(self) -> dict[str, object]:
        """Settings of a server that asks it."""
        return {"reply_provider": "openai-compatible", "openai_base_url": self.url, "openai_slots": 200}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for speech in self.speeches:
            speech.break_off()
        await asyncio.gather(*(task for task in self._serving if task is not None))
        await self._server.wait_closed()

    async def asked(self, about: str) -> Speech:
        """Wait until it is asked, and nobody has taken that yet."""

        def found() -> Speech | None:
            return next((each for each in self.about(about) if each not in self._taken), None)

        async with asyncio.timeout(TIMEOUT_S), self._heard:
            await self._heard.wait_for(found)
            speech = found()
            assert speech is not None
            self._taken.add(speech)
            return speech

    def about(self, words: str) -> list[Speech]:
        """List what was asked with these words in it."""
        return [speech for speech in self.speeches if words in speech.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(Request(head, b"0").headers["content-length"])
            speech = Speech(json.loads(await reader.readexactly(length)), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        writer.write(HEAD)
        async with self._heard:
            self.speeches.append(speech)
            self._heard.notify_all()
        try:
            await reader.read()
        except ConnectionError:
            pass
        finally:
            speech.left.set()
            writer.close()
