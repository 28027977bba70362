"""A conversation as a program holds it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Final, Protocol, Self
from uuid import uuid4

from gator_chat_client.errors import ChatError
from gator_chat_client.frames import Frame
from gator_chat_client.gaps import Position
from gator_chat_client.happenings import OutgoingDropped, Read
from gator_chat_client.http import HttpApi
from gator_chat_client.protocol.commands import Command, RegenerateReply, StopReply
from gator_chat_client.protocol.events import RunAccepted
from gator_chat_client.protocol.types import MessageId, RunId
from gator_chat_client.records import MemberRecord
from gator_chat_client.room import Room
from gator_chat_client.sending import Sent
from gator_chat_client.snapshot import Outgoing, Snapshot
from gator_chat_client.stream import Item

KEPT_HANDLES: Final = 1_000
"""Messages whose fate is still followed; older ones that have ended are let go."""


class Desk(Protocol):
    """What a conversation asks of its client."""

    http: HttpApi

    async def ask(self, command: Command) -> Frame:
        """Say a command and wait for its answer; raises `ChatError`."""

    async def store(self, outgoing: Outgoing) -> None:
        """Put a message into the outbox; raises `OutboxFull`."""

    async def drop(self, outgoing: Outgoing) -> None:
        """Take a message out of the outbox."""

    def check_open(self) -> None:
        """Raise `ChatError` (`closed`) if the client is not running."""


class Conversation:
    """One conversation: read it with `async for`, say something with `send`, look at it with `snapshot`.

    It is joined while somebody iterates over it or is inside of `async with conversation`, and on
    every new connection again. Made by `Client.conversation`; the same object for the same id.
    """

    def __init__(self, room: Room, desk: Desk) -> None:
        self._room = room
        self._desk = desk
        self._loading: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self._room.id

    @property
    def snapshot(self) -> Snapshot:
        """The conversation at this moment; the same object as long as nothing has changed."""
        return self._room.snapshot

    @property
    def position(self) -> Position | None:
        """Up to where everything was received. A later program that begins there misses nothing."""
        snapshot = self._room.snapshot
        return None if snapshot.epoch is None else Position(snapshot.seq, snapshot.epoch)

    # Following it

    async def __aenter__(self) -> Self:
        self._desk.check_open()
        self._room.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.close()

    def __aiter__(self) -> AsyncIterator[Item]:
        return self.events()

    async def events(self, *, with_history: bool = False) -> AsyncIterator[Item]:
        """Yield what happens from now on: durable events in order, each once, and what is true for a moment.

        Where something durable is missing, a `Discontinuity` stands in its place. Ends when the client is
        closed, or after `ConversationLeft`.

        Args:
            with_history: Begin with the last events before now, as many as `Client.conversation` was told.

        Raises:
            ChatError: The server does not let the user in, or refuses the connection for good.
        """
        self._desk.check_open()
        stream = self._room.stream(with_history=with_history)
        self._room.open()
        try:
            async for item in stream:
                yield item
        finally:
            self._room.let_go(stream)
            self._room.close()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each change of `snapshot`; call what this returns to end that."""
        return self._room.listeners.add(listener)

    async def until(self, condition: Callable[[Snapshot], Any]) -> Snapshot:
        """Wait until something holds of the snapshot, and return that."""
        changed = asyncio.Event()
        end = self.subscribe(changed.set)
        try:
            while not condition(self.snapshot):
                changed.clear()
                await changed.wait()
            return self.snapshot
        finally:
            end()

    # Saying something

    async def send(self, content: str, *, persona_id: str | None = None) -> Sent:
        """Say something. Returns as soon as it is in the outbox, connected or not.

        It is sent in the order of these calls, and again after every lost connection until the server has
        answered; it is stored once, however often it is sent.

        Args:
            persona_id: The persona that is to answer.

        Raises:
            OutboxFull: As many messages wait as may.
            ChatError: The client is closed.
        """
        self._desk.check_open()
        outgoing = Outgoing(
            client_message_id=str(uuid4()),
            conversation_id=self.id,
            content=content,
            persona_id=persona_id,
        )
        await self._desk.store(outgoing)
        sent = Sent(outgoing.client_message_id)
        self._remember(sent)
        self._room.own_typing.forget()
        self._room.sender.add(outgoing)
        self._room.join_if_wanted()
        return sent

    async def retry(self, client_message_id: str) -> bool:
        """Send a message that failed once more, under the same id. False if there is none such."""
        again = self._room.sender.retry(client_message_id)
        if again is None:
            return False
        await self._desk.store(again)
        self._room.join_if_wanted()
        return True

    async def discard(self, client_message_id: str) -> bool:
        """Forget a message that failed. False if there is none such."""
        if not self._room.sender.discard(client_message_id):
            return False
        found = [each for each in self.snapshot.outgoing if each.client_message_id == client_message_id]
        self._room.happened(OutgoingDropped(client_message_id))
        for outgoing in found:
            await self._desk.drop(outgoing)
        return True

    def typing(self) -> None:
        """The user pressed a key: tell the others, every 3 s at most; a pause of 4 s ends it."""
        self._room.own_typing.key()

    def stop_typing(self) -> None:
        """The user emptied the line."""
        self._room.own_typing.stop()

    def mark_read(self, seq: int | None = None) -> None:
        """The user has read up to `seq`, or everything that is there. Never moves back."""
        place = self.snapshot.seq if seq is None else seq
        if self._room.read_mark.move(place):
            self._room.happened(Read(place))

    # History

    async def load_older(self) -> None:
        """Load 50 messages more before the first one in the snapshot. Calls at the same time share one request.

        Raises:
            ChatError: They could not be loaded.
        """
        if self._loading is None:
            self._loading = asyncio.create_task(self._room.load_older())
            self._loading.add_done_callback(self._loaded)
        await asyncio.shield(self._loading)

    def _loaded(self, loading: "asyncio.Task[None]") -> None:
        self._loading = None
        if not loading.cancelled():
            loading.exception()  # told to whoever waits, if anybody does

    # Replies of personas

    async def stop_reply(self, run_id: str) -> None:
        """End a reply; what it has said so far is kept. Harmless if it has ended."""
        await self._desk.ask(StopReply(run_id=RunId(run_id)))

    async def regenerate_reply(self, message_id: str) -> str:
        """Have a persona answer again.

        Args:
            message_id: The reply, or the message whose reply failed.

        Returns:
            The id of the new run.
        """
        answer = await self._desk.ask(RegenerateReply(message_id=MessageId(message_id)))
        if not isinstance(answer, RunAccepted):
            raise ChatError("unreadable", "The server's answer is of another kind.")
        return answer.run_id

    # Members

    async def members(self) -> list[MemberRecord]:
        """List the members and who of them is online, by HTTP."""
        return await self._desk.http.all_members(self.id)

    async def add_member(self, user_id: str) -> None:
        """Bring somebody in."""
        await self._desk.http.add_member(self.id, user_id)

    async def remove_member(self, user_id: str) -> None:
        """Remove somebody."""
        await self._desk.http.remove_member(self.id, user_id)

    async def leave(self) -> None:
        """End the user's own membership."""
        me = self.snapshot.me or (await self._desk.http.me()).id
        await self._desk.http.remove_member(self.id, me)

    async def rename(self, title: str | None) -> None:
        """Give it another title, or none."""
        await self._desk.http.rename(self.id, title)

    async def delete(self) -> None:
        """End it for everybody."""
        await self._desk.http.delete_conversation(self.id)

    def _remember(self, sent: Sent) -> None:
        handles = self._room.sent
        handles[sent.client_message_id] = sent
        if len(handles) > KEPT_HANDLES:
            oldest = next((key for key, each in handles.items() if each.state != "sending"), None)
            if oldest is not None:
                del handles[oldest]
