"""The shell around `state.py`: a connection, a keyboard, a screen, and time."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus
from websockets.typing import Subprotocol

from gator.cli.chat.address import Address, AddressError, address_of
from gator.cli.chat.effects import AskMembers, AskPersonas, ComeBack, Effect, Rest, Send, Show, Stop
from gator.cli.chat.frames import read
from gator.cli.chat.lines import Note, harmless
from gator.cli.chat.retry import Again, Backoff, GiveUp, after_close, after_status
from gator.cli.chat.state import Chat
from gator.cli.chat.terminal import Screen, Terminal
from gator.cli.chat.typed import HELP, Ask, Text, Unknown, understand
from gator.protocol.types import ConversationId, UserId

OPEN_S: Final = 10.0
"""How long opening a connection may take."""

CLOSE_S: Final = 1.0
"""How long the server may take to answer a close."""


class Left(Exception):
    """The end of the conversation, for this client.

    Attributes:
        why: A sentence for the user if it is not what they wished.
    """

    def __init__(self, status: int, why: str | None = None) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class Client:
    """Keeps one conversation going until the user leaves or nothing can be done.

    Whatever happens (a frame, a typed line, the end of a rest) is one turn: the state
    says what follows, and that is done before the next turn begins.

    Args:
        dice: Draws a number from 0 to 1.
    """

    def __init__(self, chat: Chat, address: Address, screen: Screen, dice: Callable[[], float]) -> None:
        self._chat = chat
        self._orders = {"personas": chat.personas, "stop": chat.stop, "again": chat.again, "who": chat.who}
        self._address = address
        self._screen = screen
        self._backoff = Backoff(dice)
        self._connection: ClientConnection | None = None
        self._come_back_s: float | None = None
        self._turn = asyncio.Condition()
        self._tasks = asyncio.TaskGroup()

    async def run(self, told_to_leave: asyncio.Event) -> Left:
        """Chat, and return how it ended.

        Args:
            told_to_leave: When set, leave at once, whether everything is said or not.
        """
        left: list[BaseException] = []
        try:
            async with self._tasks as tasks:
                tasks.create_task(self._leave_when(told_to_leave))
                tasks.create_task(self._take_lines())
                tasks.create_task(self._stay_connected())
        except* Left as group:
            left += group.exceptions
        assert isinstance(left[0], Left)
        return left[0]

    async def _leave_when(self, told: asyncio.Event) -> None:
        await told.wait()
        unsent = self._chat.unsent
        raise Left(1, f"Left with {unsent} unsent {'line' if unsent == 1 else 'lines'}.") if unsent else Left(0)

    # Turns

    async def _do(self, happen: Callable[[], Sequence[Effect]]) -> None:
        async with self._turn:
            effects = happen()
            # First: a reply that became a message gives way to it.
            self._screen.show_live(self._chat.live)
            for effect in effects:
                await self._carry_out(effect)
            if self._chat.is_in:
                self._backoff.reset()
            if self._chat.is_over:
                raise Left(1 if self._chat.unsaid else 0)
            self._turn.notify_all()

    async def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(command):
                # A connection that just ended is noticed, and told of, where it is listened to.
                if self._connection is not None:
                    with suppress(ConnectionClosed):
                        await self._connection.send(msgspec.json.encode(command), text=True)
            case Show(line):
                self._screen.show(line)
            case Rest(seconds):
                self._tasks.create_task(self._rest(seconds))
            case ComeBack(after_s):
                self._come_back_s = after_s
                if self._connection is not None:
                    await self._connection.close()
            case AskMembers():
                self._tasks.create_task(self._ask_members())
            case AskPersonas():
                self._tasks.create_task(self._ask_personas())
            case Stop(why):
                raise Left(1, why)

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._do(self._chat.rested)

    async def _ask_members(self) -> None:
        from gator.cli.chat.members import members_at  # loads an HTTP client, which most never need

        members = await members_at(self._address)
        await self._do(partial(self._chat.tell_members, members))

    async def _ask_personas(self) -> None:
        from gator.cli.chat.members import personas_at

        personas = await personas_at(self._address)
        await self._do(partial(self._chat.tell_personas, personas))

    # The keyboard

    async def _take_lines(self) -> None:
        async for line in self._screen.lines():
            async with self._turn:
                await self._turn.wait_for(lambda: not self._chat.is_full)
            match understand(line):
                case Text(text):
                    await self._do(partial(self._chat.say, text, str(uuid4())))
                case Ask(text):
                    await self._do(partial(self._chat.say, text, str(uuid4()), asks=True))
                case "quit":
                    await self._do(self._chat.end)
                    return
                case "help":
                    await self._show(*HELP)
                case "personas" | "stop" | "again" | "who" as order:
                    await self._do(self._orders[order])
                case Unknown(name):
                    await self._show(f"There is no /{name}. /help lists what there is.")
        await self._do(partial(self._chat.end, waits_for_replies=True))

    async def _show(self, *notes: str) -> None:
        await self._do(lambda: [Show(Note(text)) for text in notes])

    # The connection

    async def _stay_connected(self) -> None:
        while True:
            end = await self._connect_once()
            wait_s, self._come_back_s = self._come_back_s, None
            if isinstance(end, GiveUp):
                raise Left(1, f"The server refuses: {end.why}")
            await self._do(partial(self._chat.lost, end.why))
            if wait_s is None:
                wait_s = end.least_s + self._backoff.next_s()
            await asyncio.sleep(wait_s)

    async def _connect_once(self) -> Again | GiveUp:
        """Connect and listen until the connection ends."""
        try:
            connection = await self._open()
        except InvalidStatus as answer:
            return after_status(answer.response.status_code)
        except (OSError, UnicodeError, InvalidHandshake, InvalidProxy) as error:
            return self._not_reached(error)
        self._connection = connection
        try:
            return await self._listen(connection)
        finally:
            self._connection = None
            await connection.close()

    def _open(self) -> connect:
        return connect(
            self._address.socket,
            additional_headers=self._address.socket_headers,
            subprotocols=[Subprotocol(name) for name in self._address.subprotocols],
            proxy=None if self._address.is_near else True,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            # The server's heartbeats tell when it is gone, and its pings tell it when we are.
            ping_interval=None,
        )

    async def _listen(self, connection: ClientConnection) -> Again | GiveUp:
        while True:
            try:
                async with asyncio.timeout(self._chat.silence_s):
                    frame = await connection.recv()
            except TimeoutError:
                return self._not_reached(TimeoutError("nothing was heard"))
            except ConnectionClosed as closed:
                return after_close(
                    *((None, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason))
                )
            if isinstance(frame, str):
                await self._do(partial(self._chat.receive, read(frame)))

    def _not_reached(self, error: Exception) -> Again:
        why = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error)
        if not self._chat.was_greeted:
            where = self._address.socket
            raise Left(1, f"No chat server answers at {where} ({why}). `make run` starts one.")
        return Again(why)


def run(user: str, conversation: str, *, url: str, token: str | None) -> int:
    """Chat in the terminal until the user leaves. Returns the exit status."""
    try:
        address = address_of(url, user, conversation, token)
    except AddressError as error:
        return _say_why(Left(1, str(error)))
    try:
        with Terminal() as terminal:
            left = asyncio.run(_run(Chat(UserId(user), ConversationId(conversation)), address, terminal))
        return _say_why(left)
    except* BrokenPipeError:
        # Whoever read the output has left; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


async def _run(chat: Chat, address: Address, screen: Screen) -> Left:
    told_to_leave = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, told_to_leave.set)
    return await Client(chat, address, screen, random.random).run(told_to_leave)


def _say_why(left: Left) -> int:
    if left.why is not None:
        print(f"gator: {harmless(left.why)}", file=sys.stderr)
    return left.status
