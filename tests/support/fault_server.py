"""A web server that says byte for byte what it is told to, and misbehaves when it is told that.

It knows nothing of HTTP but how long a request is. See `events` for what a model's server says.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Any, Final, Literal, Self

Step = bytes | Literal["stall", "cut", "flood"]
"""Say these bytes; say nothing until the peer has gone; reset the connection; go on for ever
without ending the line. After the last step the connection is closed in good order."""

Answer = Sequence[Step]

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
CHUNKED_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE: Final = b"data: [DONE]\n\n"
FLOOD: Final = b"x" * 65536


def event(value: object) -> bytes:
    """Word a value as a server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def piece(text: str | None = None, *, finish: str | None = None, **more: object) -> bytes:
    """Word a chunk of a completion."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({"object": "chat.completion.chunk", "model": "the-model", "choices": [choice], **more})


def chunked(content: bytes) -> bytes:
    """Word a part of a body of unknown length (RFC 9112 §7.1)."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def usage(prompt_tokens: int, completion_tokens: int) -> bytes:
    """Word the chunk that counts the tokens."""
    count = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return event({"model": "the-model", "choices": [], "usage": {**count, "total_tokens": sum(count.values())}})


def whole(*texts: str) -> Answer:
    """Word a reply that nothing is wrong with."""
    return [HEAD, piece(""), *map(piece, texts), piece(finish="stop"), usage(7, len(texts)), DONE]


def refusal(status: int, error: object = None, **headers: str) -> Answer:
    """Word an answer that is an error. Underscores in the headers' names become hyphens."""
    body = json.dumps({"error": error}).encode()
    lines = [f"HTTP/1.1 {status} Not so", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines.append("Connection: close")  # as it does: whoever asks again at once is not to ask on this one
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join([*lines, "", ""]).encode() + body]


class Request:
    """What was asked."""

    def __init__(self, head: str, body: bytes) -> None:
        first, *lines = head.split("\r\n")
        self.line = first
        self.headers = {
            name.lower(): value for name, separator, value in (line.partition(": ") for line in lines) if separator
        }
        self.body: Any = json.loads(body)


class FaultServer:
    """Answers each request with the next of `answers`; the last one serves for all that follow.

    Attributes:
        requests: All that came, in order.
        stalled: Set when a "stall" has begun: all before it was sent.
        left: Set when a peer has hung up on a "stall" or a "flood".
        has_been_reached: Somebody has connected.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers)
        self.requests: list[Request] = []
        self.stalled = asyncio.Event()
        self.left = asyncio.Event()
        self.has_been_reached = False

    @property
    def url(self) -> str:
        """The base URL of its API."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.has_been_reached = True
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(Request(head, b"0").headers["content-length"])
            self.requests.append(Request(head, await reader.readexactly(length)))
            for step in self._next():
                await self._take(step, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    def _next(self) -> Answer:
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    async def _take(self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case "stall":
                self.stalled.set()
                await reader.read()
                self.left.set()
            case "cut":
                # Without lingering a close is a reset (socket(7), SO_LINGER).
                writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
                writer.transport.abort()
            case "flood":
                while True:
                    writer.write(FLOOD)
                    await writer.drain()
