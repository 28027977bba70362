"""A client whose network, time and dice are in the hands of the test."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from tests.support.clock import FakeClock

from gator_chat_client import Client, Conversation
from gator_chat_client.closings import Ending, after_close
from gator_chat_client.link import Door, Link, LinkEnded
from gator_chat_client.stream import Item

AT = "2025-01-15T10:30:00.000Z"
Frame = dict[str, Any]

LIMITS = {
    "max_frame_bytes": 65536,
    "max_message_chars": 5000,
    "max_joined_conversations": 1000,
    "max_connections_per_user": 5,
    "messages_per_second": 10.0,
}


async def settle() -> None:
    """Let everything happen that can happen without time or network."""
    for _ in range(60):
        await asyncio.sleep(0)


def message(seq: int, content: str = "hi", sender: str = "bob", **fields: Any) -> Frame:
    """Word a message of a log."""
    return {
        "id": f"m{seq}",
        "seq": seq,
        "sender_id": sender,
        "sender": {},
        "content": content,
        "timestamp": AT,
        "is_ai": False,
        **fields,
    }


class FakeLink:
    """A socket, seen from the server: it hears commands and says events."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.commands: list[Frame] = []
        self.was_aborted = False
        self.was_closed = False
        self._frames: asyncio.Queue[str | Ending] = asyncio.Queue()
        self._end: Ending | None = None

    # What the client does

    async def send(self, text: str) -> None:
        if self._end is not None:
            raise LinkEnded(self._end)
        self.commands.append(json.loads(text))

    async def receive(self) -> str:
        frame = await self._frames.get()
        if isinstance(frame, Ending):
            self._frames.put_nowait(frame)
            raise LinkEnded(frame)
        return frame

    async def close(self) -> None:
        self.was_closed = True
        self.breaks(after_close(1000, ""))

    def abort(self) -> None:
        self.was_aborted = True
        self.breaks()

    # What the server does

    @property
    def is_over(self) -> bool:
        return self._end is not None

    def breaks(self, ending: Ending | None = None) -> None:
        """End the socket."""
        if self._end is None:
            self._end = ending or after_close(None, "")
            self._frames.put_nowait(self._end)

    def closes(self, code: int, reason: str = "") -> None:
        """Close the socket by the book."""
        self.breaks(after_close(code, reason))

    async def says(self, type: str, **fields: Any) -> None:
        """Say an event, and wait until the client has done with it."""
        self._frames.put_nowait(json.dumps({"type": type, "timestamp": AT, **fields}))
        await settle()

    async def says_text(self, text: str) -> None:
        self._frames.put_nowait(text)
        await settle()

    async def greets(self, *, user: str = "ada", heartbeat_ms: int = 25_000) -> None:
        await self.says(
            "online_users",
            users=[user],
            connection_id="c",
            user_id=user,
            heartbeat_ms=heartbeat_ms,
            epoch="e",
            limits=LIMITS,
        )

    def heard(self, type: str) -> list[Frame]:
        """List the commands of a type so far."""
        return [command for command in self.commands if command["type"] == type]

    async def lets_in(self, seq: int, *, recovered: bool | None = None, epoch: str = "e", **fields: Any) -> Frame:
        """Answer the newest join, and tell what it asked."""
        join = self.heard("join_conversation")[-1]
        answer = {
            "conversation_id": join["conversation_id"],
            "seq": seq,
            "epoch": epoch,
            "recovered": join.get("after_seq") is not None if recovered is None else recovered,
            "role": "member",
            "member_count": 2,
            "online": ["ada"],
            "online_count": 1,
            "reply_to": join["id"],
        }
        await self.says("conversation_joined", **(answer | fields))
        return join

    async def tells(
        self, seq: int, content: str = "hi", sender: str = "bob", room: str = "tea", **fields: Any
    ) -> None:
        await self.says(
            "new_message", conversation_id=room, seq=seq, message=message(seq, content, sender, **fields)
        )

    async def acknowledges(self, command: Frame, seq: int, *, duplicate: bool = False) -> None:
        await self.says(
            "ack",
            conversation_id=command["conversation_id"],
            message_id=f"m{seq}",
            seq=seq,
            duplicate=duplicate,
            client_message_id=command["client_message_id"],
            reply_to=command["id"],
        )

    async def refuses(self, command: Frame, code: str, **fields: Any) -> None:
        await self.says("error", code=code, message="No.", reply_to=command["id"], **fields)


class Stage:
    """Where a client plays: its sockets, its requests, its time.

    Attributes:
        links: All sockets that were opened.
        refusals: How the next attempts to open one end.
        routes: Answers over HTTP, by method and path below /api/v1; what is not there is not found.
        requests: What was asked over HTTP.
        held: While it is not set, answers over HTTP are made, and on their way.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.links: list[FakeLink] = []
        self.refusals: deque[Ending] = deque()
        self.routes: dict[str, Any] = {}
        self.requests: list[httpx2.Request] = []
        self.held = asyncio.Event()
        self.held.set()

    def client(self, **options: Any) -> Client:
        """Make a client that is not running yet."""
        return Client(
            "http://chat.test",
            **({"user": "ada"} | options),
            open_link=self._open,
            clock=self.clock,
            dice=lambda: 1.0,
            transport=httpx2.MockTransport(self._answer),
        )

    async def _open(self, door: Door) -> Link:
        if self.refusals:
            raise LinkEnded(self.refusals.popleft())
        self.links.append(FakeLink(door))
        return self.links[-1]

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix("/api/v1")
        answer = self.routes.get(f"{request.method} {path}")
        await self.held.wait()
        if answer is None:
            return httpx2.Response(404, json={"code": "not_found", "detail": "Nothing here."})
        return httpx2.Response(200, json=answer)

    @property
    def link(self) -> FakeLink:
        """The socket of the moment."""
        return self.links[-1]

    async def passes(self, seconds: float) -> None:
        """Let time pass, in small steps, and everything happen that it brings."""
        await settle()
        left = seconds
        while left > 0:
            step = min(left, 0.5)
            self.clock.advance(step)
            left -= step
            await settle()

    @asynccontextmanager
    async def connected(self, **options: Any) -> AsyncIterator[Client]:
        """Run a client whose first socket is greeted."""
        async with self.client(**options) as client:
            await settle()
            await self.link.greets()
            yield client

    @asynccontextmanager
    async def joined(self, seq: int = 0, **options: Any) -> AsyncIterator[tuple[Client, Conversation]]:
        """Run a client in a conversation that has so many messages, of which it was shown all."""
        async with self.connected(**options) as client:
            tea = client.conversation("tea")
            async with tea:
                await settle()
                await self.link.lets_in(seq)
                await self.link.lets_in(seq)
                for number in range(1, seq + 1):
                    await self.link.tells(number)
                yield client, tea


class Reader:
    """Reads a conversation in the background, and keeps what it read."""

    def __init__(self, conversation: Conversation, **options: Any) -> None:
        self.items: list[Item] = []
        self.error: BaseException | None = None
        self._has_read = asyncio.Event()
        self._task = asyncio.create_task(self._read(conversation, options))

    async def _read(self, conversation: Conversation, options: Any) -> None:
        try:
            async for item in conversation.events(**options):
                self.items.append(item)
                self._has_read.set()
        except Exception as error:
            self.error = error

    @property
    def is_done(self) -> bool:
        return self._task.done()

    def seqs(self) -> list[int]:
        """List the positions of what was read of the log."""
        return [
            item.seq for item in self.items if getattr(item, "message", None) is not None and hasattr(item, "seq")
        ]

    async def until(self, condition: Callable[["Reader"], object]) -> None:
        """Wait until something holds of what was read."""
        while not condition(self):
            self._has_read.clear()
            await self._has_read.wait()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
