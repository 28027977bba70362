"""What a client says, in all the ways that must make no difference, and the trouble it makes."""

import asyncio
from collections.abc import Iterable
from random import Random
from time import monotonic
from typing import Final

from gator.cli.verify.api import ApiError
from gator.cli.verify.client import Client, World
from gator.cli.verify.frames import Frame
from gator.cli.verify.ledger import Message
from gator.cli.verify.line import Gone, Line, rest_s
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.plan import Drop, Freeze, Manner, Rejoin, Say, Step, Type
from gator.protocol.commands import SendMessage, TypingStart
from gator.protocol.errors import ERRORS
from gator.protocol.events import Ack, Error
from gator.protocol.types import ConversationId, MessageId, Seq

WINDOW: Final = 5
"""Messages that one client has under way at once."""

FRAME_BYTES: Final = 600
"""Of a frame with a message, besides its text."""

BYTES_PER_CHAR: Final = 6
"""At most, in JSON."""


class Talker:
    """Carries out the plan of one client.

    Queue: `WINDOW` messages under way; the plan waits while there are more.
    """

    def __init__(self, client: Client, world: World, dice: Random, prefix: str) -> None:
        self._client = client
        self._person = client.person
        self._world = world
        self._figures = world.figures
        self._dice = dice
        self._prefix = prefix
        self._window = asyncio.Semaphore(WINDOW)
        self._said: list[Message] = []
        self.under_way: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Name of the client."""
        return self._client.name

    @property
    def longest(self) -> int:
        """Characters of the longest message that fits into a frame, however it is written."""
        limits = self._person.limits
        return max(1, min(limits.max_message_chars, (limits.max_frame_bytes - FRAME_BYTES) // BYTES_PER_CHAR))

    async def act(self, steps: Iterable[Step]) -> None:
        """Carry out a plan. Cancelling that leaves what is under way under way."""
        for step in steps:
            await self._carry_out(step)

    async def _carry_out(self, step: Step) -> None:
        line = self._client.line
        match step:
            case Say():
                await asyncio.sleep(step.wait_s)
                await self._window.acquire()
                self._say(step)
            case Rejoin(number):
                self._figures.rejoins += 1
                self._world.start(self._client.rejoin(self._world.conversations[number]))
            case _ if line is None:
                pass
            case Drop(by_the_book, away_s):
                self._figures.dropped += 1
                self._client.away_s = away_s
                await line.close() if by_the_book else line.abort()
            case Freeze(seconds):
                self._figures.frozen += 1
                self._world.start(line.freeze(seconds))
            case Type(number):
                await line.say(TypingStart(conversation_id=ConversationId(self._world.conversations[number])))

    # Saying something once

    def _say(self, step: Say) -> None:
        message = Message(
            client_message_id=f"{self._prefix}-{self._client.name}-{len(self._said)}",
            conversation_id=self._world.conversations[step.conversation],
            sender_id=self._person.user_id,
            content=step.words,
        )
        self._said.append(message)
        self._world.ledger.compose(message)
        delivery = self._world.start(self._deliver(message, step.manner))
        self.under_way.add(delivery)
        delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: "asyncio.Task[None]") -> None:
        self.under_way.discard(delivery)
        self._window.release()

    async def _deliver(self, message: Message, manner: Manner) -> None:
        match manner:
            case "again":
                line = await self._client.connected()
                await asyncio.gather(self._send(line, message), self._send(line, message))
            case "on_two_connections":
                await self._send_on_two(message)
            case "over_http":
                await self._send_over_http(message)
            case "into_the_dark":
                await self._send_into_the_dark(message)
            case "once" | "an_earlier_one" | "other_content":
                pass
        if not await self._send_until_answered(message):
            return
        if manner == "an_earlier_one":
            earlier = [one for one in self._said if one.acks]
            await self._send(await self._client.connected(), self._dice.choice(earlier))
        elif manner == "other_content":
            await self._contradict(message)

    async def _send_until_answered(self, message: Message) -> bool:
        """Send until there is an ack. False if the message was refused for good."""
        while not message.acks:
            answer = await self._send(await self._client.connected(), message)
            if isinstance(answer, Error) and not ERRORS[answer.code].temporary:
                what = f"message {message.client_message_id!r} is refused with {answer.code}"
                self._world.verdicts.broken("retry", what)
                return False
        self._world.verdicts.kept("retry")
        return True

    async def _send(self, line: Line, message: Message) -> Frame | None:
        """Send once. Returns the answer, if there was one."""
        await self._turn()
        command_id = self._world.ledger.send(message, line.name, monotonic())
        return await self._ask(line, _command(message, command_id))

    async def _turn(self) -> None:
        await asyncio.sleep(self._person.pace.wait_s(monotonic()))

    async def _ask(self, line: Line, command: SendMessage) -> Frame | None:
        try:
            answer = await line.ask(command)
        except Gone:
            return None
        except TimeoutError:
            line.abort()
            return None
        if isinstance(answer, Error):
            await asyncio.sleep(rest_s(answer))
        return answer

    # ... in ways that must make no difference

    async def _send_on_two(self, message: Message) -> None:
        if self._person.connections.locked():
            return
        line = await self._client.connected()
        try:
            async with self._person.line(f"{self._client.name}'s second", on_frame=self._hear_ack) as second:
                self._figures.on_two_connections += 1
                await asyncio.gather(self._send(line, message), self._send(second, message))
        except NotOpened:
            return

    def _hear_ack(self, frame: Frame) -> None:
        if isinstance(frame, Ack):
            self._world.ledger.acked(frame, live_since=0.0, now=monotonic())

    async def _send_over_http(self, message: Message) -> None:
        await self._turn()
        command_id = self._world.ledger.send(message, None, monotonic())
        try:
            sent = await self._world.api.send(
                self._person, message.conversation_id, message.content, message.client_message_id
            )
        except ApiError:
            return
        self._figures.over_http += 1
        ack = Ack(
            conversation_id=ConversationId(message.conversation_id),
            message_id=MessageId(sent.id),
            seq=Seq(sent.seq),
            duplicate=sent.duplicate,
            timestamp=sent.timestamp,
            client_message_id=message.client_message_id,
            reply_to=command_id,
        )
        self._world.ledger.acked(ack, live_since=0.0, now=monotonic())

    async def _send_into_the_dark(self, message: Message) -> None:
        line = await self._client.connected()
        await self._turn()
        command_id = self._world.ledger.send(message, line.name, monotonic())
        await line.say(_command(message, command_id))
        self._figures.dropped += 1
        self._client.away_s = 0.0
        line.abort()

    async def _contradict(self, message: Message) -> None:
        await self._turn()
        self._figures.conflicts += 1
        other = SendMessage(
            id=f"other-{self._figures.conflicts}",
            conversation_id=ConversationId(message.conversation_id),
            content=f"!{message.content[1:]}",
            client_message_id=message.client_message_id,
        )
        answer = await self._ask(await self._client.connected(), other)
        if answer is None or (isinstance(answer, Error) and ERRORS[answer.code].temporary):
            return
        holds = isinstance(answer, Error) and answer.code == "conflict"
        what = f"message {message.client_message_id!r} was sent again with other content: {_kind(answer)}"
        self._world.verdicts.check("conflict", holds, what)


def _command(message: Message, command_id: str) -> SendMessage:
    return SendMessage(
        id=command_id,
        conversation_id=ConversationId(message.conversation_id),
        content=message.content,
        client_message_id=message.client_message_id,
    )


def _kind(answer: Frame) -> str:
    return answer.code if isinstance(answer, Error) else type(answer).__name__
