"""The client: one connection, and the conversations on it."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx2

from gator_chat_client.address import address_of
from gator_chat_client.asking import Questions
from gator_chat_client.clock import Clock, LoopClock
from gator_chat_client.connection import Connection, ConnectionState
from gator_chat_client.conversation import Conversation
from gator_chat_client.credentials import Credentials, TokenSource
from gator_chat_client.errors import AddressError, ChatError, OutboxFull
from gator_chat_client.frames import Frame, UnknownEvent
from gator_chat_client.gaps import Position
from gator_chat_client.http import HttpApi
from gator_chat_client.link import OpenLink, open_websocket
from gator_chat_client.listeners import Listeners
from gator_chat_client.listing import Conversations
from gator_chat_client.outbox import CAPACITY, MemoryOutbox, Outbox
from gator_chat_client.presence import Presence, fold_presence
from gator_chat_client.protocol.commands import Command, GetOnlineStatus
from gator_chat_client.protocol.events import Error, HeartbeatEvent, Limits, OnlineUsers, PresenceUpdate
from gator_chat_client.protocol.types import Kind, UserId
from gator_chat_client.room import Room
from gator_chat_client.snapshot import Outgoing

HISTORY = 50
"""Events of the past with which a conversation begins, if nothing else is said."""

_log = logging.getLogger("gator_chat_client")


class Client:
    """A user's connection to a server, for as long as `async with` lasts.

    It connects by itself, comes back after every loss, and says everything again that was not
    acknowledged. Nothing here is for use from another thread or event loop.

    Args:
        url: Address of the server: `http://127.0.0.1:8000`; also with `https`, `ws` or `wss`.
        user: Who to be in open mode. With a token, whom it has to name.
        token: A token (JWT), or a function, async or not, that gives one: it is called for every
            connection, and shortly before a token ends, which is then replaced on the living connection.
        outbox: Keeps what is not sent yet; in memory if not given. It is closed with the client.
        open_link: Opens sockets.
        transport: Carries requests over HTTP; the usual one of httpx2 if not given.
        clock: Tells the time.
        dice: Draws a number from 0 to 1.

    Raises:
        AddressError: The address, the user or the token cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        token: str | TokenSource | None = None,
        outbox: Outbox | None = None,
        open_link: OpenLink = open_websocket,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        if not user and token is None:
            raise AddressError("Say who you are: a user, or a token.")
        self.url = url
        self.clock = LoopClock() if clock is None else clock
        address = address_of(url, user)
        credentials = Credentials(token, self.clock)
        self.http = HttpApi(address, credentials, transport)
        self.conversations = Conversations(self.http, self.spawn)
        self._connection = Connection(address, credentials, self, open_link=open_link, clock=self.clock, dice=dice)
        self._questions = Questions(self.send, self.clock)
        self._rooms: dict[str, Room] = {}
        self._handles: dict[str, Conversation] = {}
        self._outbox = MemoryOutbox() if outbox is None else outbox
        self._limits: Limits | None = None
        self._presence: Mapping[str, Presence] = {}
        self._listeners = Listeners()
        self._waiting: dict[tuple[str, str], Outgoing] = {}
        """Everything in the outbox that has not failed."""
        self._running: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writes: set[asyncio.Task[None]] = set()
        """What is being written to the outbox: at most one for each message that waits or was just stored."""

    # Its life

    async def __aenter__(self) -> Self:
        for outgoing in await self._outbox.load():
            if outgoing.state == "sending":
                self._waiting[outgoing.conversation_id, outgoing.client_message_id] = outgoing
            self._room(outgoing.conversation_id).sender.add(outgoing)
        self._running = asyncio.create_task(self._connection.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End everything. What was not sent stays in the outbox. Harmless if closed."""
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        for room in self._rooms.values():
            room.end(None)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._writes, return_exceptions=True)
        await self.http.close()
        await self._outbox.close()

    def reconnect(self) -> None:
        """Try now instead of later. With a connection, test it: for a machine that was asleep."""
        self._connection.reconnect()

    # What there is to see

    @property
    def connection(self) -> ConnectionState:
        """How the connection is."""
        return self._connection.state

    @property
    def is_connected(self) -> bool:
        """True while there is a socket on which the server has greeted this user."""
        return self.connection.state in ("catching_up", "open")

    @property
    def presence(self) -> Mapping[str, Presence]:
        """Who is online of those of whom something was heard."""
        return self._presence

    @property
    def waiting(self) -> int:
        """Messages in the outbox, those that failed not counted."""
        return len(self._waiting)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each change of `connection`, `presence` or `waiting`."""
        return self._listeners.add(listener)

    async def until(self, condition: Callable[["Client"], Any]) -> None:
        """Wait until something holds of `connection`, `presence` or `waiting`."""
        changed = asyncio.Event()
        end = self.subscribe(changed.set)
        try:
            while not condition(self):
                changed.clear()
                await changed.wait()
        finally:
            end()

    async def flushed(self) -> None:
        """Wait until everything that was handed over is stored by the server, or has failed.

        Raises:
            ChatError: The connection is refused for good, and nothing will be sent any more.
        """
        await self.until(lambda client: client.waiting == 0 or client.connection.reason == "refused")
        await asyncio.gather(*self._writes)
        if self.waiting:
            raise self._refusal()

    # Conversations

    def conversation(
        self, conversation_id: str, *, after: Position | None = None, history: int = HISTORY
    ) -> Conversation:
        """Name a conversation; it is joined when somebody follows it or says something in it.

        Args:
            after: Where an earlier program stopped: everything after it is received, or a `Discontinuity`.
                Without it the conversation begins with the last events. Counts at the first call for an id only.
            history: How many of those.
        """
        if conversation_id not in self._handles:
            room = self._room(conversation_id, after=after, history=history)
            self._handles[conversation_id] = Conversation(room, self)
        return self._handles[conversation_id]

    async def create_conversation(
        self, kind: Kind, member_ids: list[str], title: str | None = None
    ) -> Conversation:
        """Create a conversation with these members and this user. Raises `ChatError`.

        The direct one of two people is made once and then found.
        """
        created = await self.http.create_conversation(kind, member_ids, title)
        return self.conversation(created.id)

    async def ask_presence(self, user_ids: list[str]) -> None:
        """Ask who of these users, at most 200, is online; `presence` has the answer. Raises `ChatError`."""
        answer = await self.ask(GetOnlineStatus(user_ids=[UserId(user) for user in user_ids]))
        self._hear_of_people(answer)

    def _room(self, conversation_id: str, *, after: Position | None = None, history: int = HISTORY) -> Room:
        room = self._rooms.get(conversation_id)
        if room is None:
            room = Room(conversation_id, self, position=after, history=history)
            self._rooms[conversation_id] = room
            if self._limits is not None:
                room.connected(self.connection.user_id, self._limits)
        return room

    # What conversations ask (see `Wire` and `Desk`)

    def send(self, command: Command) -> bool:
        """Say a command; False if there is no connection."""
        return self._connection.send(command)

    async def ask(self, command: Command) -> Frame:
        """Say a command and wait for its answer. Raises `ChatError`."""
        self.check_open()
        return await self._questions.ask(command)

    def check_open(self) -> None:
        """Raise `ChatError` if the client does not run, or the server refuses it."""
        if self._running is None:
            raise ChatError("closed", "The client is not running: use `async with`.")
        if self.connection.reason == "refused":
            raise self._refusal()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; a `ChatError` of it is passed over."""
        self._begin(work, self._tasks)

    def settled(self) -> None:
        """A conversation may have caught up; if all have, so has the connection."""
        if self._limits is not None and all(room.is_settled for room in self._rooms.values()):
            self._connection.caught_up()

    async def store(self, outgoing: Outgoing) -> None:
        """Put a message into the outbox.

        Raises:
            OutboxFull: As many messages wait as may.
        """
        if len(self._waiting) >= CAPACITY:
            raise OutboxFull(f"{CAPACITY} messages wait to be sent.")
        self._waiting[outgoing.conversation_id, outgoing.client_message_id] = outgoing
        try:
            await self._outbox.put(outgoing)
        except BaseException:
            del self._waiting[outgoing.conversation_id, outgoing.client_message_id]
            raise
        self._listeners.notify()

    def keep(self, outgoing: Outgoing) -> None:
        """A message is stored by the server, or failed."""
        self._waiting.pop((outgoing.conversation_id, outgoing.client_message_id), None)
        work = self.drop(outgoing) if outgoing.state == "sent" else self._outbox.put(outgoing)
        self._begin(work, self._writes)
        self._listeners.notify()

    async def drop(self, outgoing: Outgoing) -> None:
        """Take a message out of the outbox."""
        await self._outbox.remove(outgoing.conversation_id, outgoing.client_message_id)

    def _begin(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ChatError as error:
            _log.debug("not now: %s", error)
        except Exception:
            _log.exception("a task in the background failed")

    def _refusal(self) -> ChatError:
        return ChatError("refused", self.connection.why or "The server refuses the connection.")

    # What the connection tells (see `Listener`)

    def connected(self, greeting: OnlineUsers) -> None:
        """A socket is open and greeted."""
        self._limits = greeting.limits
        if greeting.limits is None:
            return
        for room in list(self._rooms.values()):
            room.connected(greeting.user_id, greeting.limits)
        self.conversations.reconnected()
        self.settled()

    def disconnected(self) -> None:
        """The socket is gone."""
        self._limits = None
        self._questions.lost()
        for room in self._rooms.values():
            room.lost()

    def moved(self, state: ConnectionState) -> None:
        """The state of the connection is another."""
        if state.state == "closed" and state.reason == "refused":
            for room in self._rooms.values():
                room.end(self._refusal())
        self._listeners.notify()

    def heard(self, frame: Frame) -> None:
        """A frame came."""
        if self._questions.answered(frame):
            return
        self.conversations.heard(frame, self.connection.user_id)
        conversation_id = getattr(frame, "conversation_id", None)
        if conversation_id is not None:
            room = self._rooms.get(conversation_id)
            if room is not None:
                room.heard(frame)
            return
        match frame:
            case HeartbeatEvent():
                for room in self._rooms.values():
                    room.heard(frame)
            case OnlineUsers() | PresenceUpdate():
                self._hear_of_people(frame)
            case Error() | UnknownEvent(type="error"):
                if not any(room.refused(frame) for room in list(self._rooms.values())):
                    _log.warning("the server refuses: %s", frame.message)

    def _hear_of_people(self, frame: Frame) -> None:
        self._presence = fold_presence(self._presence, frame)
        if isinstance(frame, PresenceUpdate):
            for room in self._rooms.values():
                room.heard(frame)
        self._listeners.notify()
