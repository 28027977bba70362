"""A conversation a line a message: for pipes, for scripts, and for whoever likes it."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from gator.cli.chat.lines import (
    Line,
    Note,
    Said,
    failed,
    happened,
    rejected,
    signed,
    stopped,
)
from gator.cli.chat.orders import Orders, counted, not_said
from gator.cli.chat.roster import Roster
from gator.cli.chat.terminal import Screen
from gator.cli.chat.typed import HELP, Ask, Order, Text, Unknown, understand
from gator_chat_client import (
    ChatError,
    Client,
    Conversation,
    ConversationLeft,
    Discontinuity,
    Message,
    NewMessage,
    PresenceUpdate,
    Reply,
    ReplyFailed,
    ReplyRejected,
    ReplyStopped,
    Sent,
    TypingIndicator,
)
from gator_chat_client.protocol.events import Durable, DurableEvent
from gator_chat_client.stream import Item

HISTORY: Final = 20
"""Events of the past that are shown at first."""

MOST_WAITING: Final = 100
"""Lines that wait to be stored; when there are more, no line is read from the keyboard or the pipe."""

PATIENCE_S: Final = 30.0
"""How long a reply that was asked for may give no sign before nobody waits for it any longer."""

_WHY_MISSING: Final = {
    "epoch_changed": "the server's data was restored from a backup",
    "ahead_of_log": "the server knows less than it did before",
    "too_far_behind": "too much was said meanwhile",
}


class Left(Exception):
    """The end of the conversation, for this user.

    Attributes:
        why: A sentence for the user if it is not what they wished.
    """

    def __init__(self, status: int, why: str | None = None) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class Plain:
    """Keeps one conversation going until the user leaves or nothing can be done."""

    def __init__(self, client: Client, conversation: Conversation, user: str, screen: Screen) -> None:
        self._client = client
        self._conversation = conversation
        self._user = user
        self._screen = screen
        self._roster = Roster()
        self._orders = Orders(client, self._roster, self._note)
        self._tasks = asyncio.TaskGroup()
        self._changed = asyncio.Event()
        self._is_in = False
        self._is_away = False
        self._unsaid = 0
        self._unsettled = 0
        """Messages of which nobody knows whether they are stored."""
        self._shown_seq = 0
        self._acked_seq = 0
        self._owed: set[str] = set()
        """Messages that ask a persona, and runs of replies made anew, whose ends have not come."""
        self._followed: set[str] = set()
        self._ended: set[str] = set()
        self._unnamed: set[str] = set()
        """Personas whose names were asked for."""

    async def run(self, told_to_leave: asyncio.Event) -> Left:
        """Chat, and return how it ended.

        Args:
            told_to_leave: When set, leave at once, whether everything is said or not.
        """
        left: list[BaseException] = []
        endings = [
            self._client.subscribe(partial(self._safely, self._look)),
            self._conversation.subscribe(partial(self._safely, self._grow)),
        ]
        try:
            async with self._tasks as tasks:
                for work in (self._leave_when(told_to_leave), self._read(), self._take_lines()):
                    tasks.create_task(work)
        except* Left as group:
            left += group.exceptions
        finally:
            for end in endings:
                end()
        assert isinstance(left[0], Left)
        return left[0]

    def _safely(self, look: Callable[[], None]) -> None:
        """Look at a change; what goes wrong ends this, and not the client, who tells of the change."""
        try:
            look()
        except Exception as error:
            self._tasks.create_task(_raise(error))

    async def _leave_when(self, told: asyncio.Event) -> None:
        await told.wait()
        unsent = self._client.waiting
        raise Left(1, f"Left with {unsent} unsent {'line' if unsent == 1 else 'lines'}.") if unsent else Left(0)

    # The keyboard

    async def _take_lines(self) -> None:
        async for line in self._screen.lines():
            await self._client.until(lambda client: client.waiting < MOST_WAITING)
            match understand(line):
                case Text(text):
                    self._tell_kept(text)
                    self._follow(await self._conversation.send(text), text)
                case Ask(text):
                    self._tell_kept(text)
                    await self._ask(text)
                case "quit":
                    await self._leave(waits_for_replies=False)
                case "help":
                    for each in HELP:
                        self._note(each)
                case Unknown(name):
                    self._note(f"There is no /{name}. /help lists what there is.")
                case str() as order:
                    await self._obey(order)
        await self._leave(waits_for_replies=True)

    def _tell_kept(self, text: str) -> None:
        if self._is_away:
            self._note(f"Kept until the server is back: {text}")

    async def _ask(self, text: str) -> None:
        sent = await self._orders.ask(self._conversation, text)
        if sent is None:
            self._unsaid += 1
        else:
            self._follow(sent, text, asks=True)

    async def _obey(self, order: Order) -> None:
        if self._is_away:
            self._note("Not without a connection.")
            return
        await self._until(lambda: self._is_in and self._is_shown)
        if order == "again":
            run_id = await self._orders.again(self._conversation)
            if run_id is not None and run_id not in self._ended:
                self._owed.add(run_id)
        elif order == "personas":
            await self._orders.personas()
        elif order == "who":
            await self._orders.who(self._conversation)
        elif order == "stop":
            await self._orders.stop(self._conversation)

    def _follow(self, sent: Sent, text: str, *, asks: bool = False) -> None:
        self._unsettled += 1
        self._tasks.create_task(self._wait_for(sent, text, asks))

    async def _wait_for(self, sent: Sent, text: str, asks: bool) -> None:
        try:
            stored = await sent.stored()
        except ChatError as error:
            self._unsaid += 1
            self._note(not_said(text, error.message))
        else:
            self._acked_seq = max(self._acked_seq, stored.seq)
            if asks and stored.message_id not in self._ended:
                self._owed.add(stored.message_id)
        self._unsettled -= 1
        self._changed.set()

    # Leaving

    async def _leave(self, *, waits_for_replies: bool) -> None:
        """Leave as soon as everything is said and shown, and, if so wished, replied to."""
        if self._client.waiting and self._is_away:
            waiting = counted(self._client.waiting, "line")
            self._note(f"Waiting for the server to take {waiting}; Ctrl-C leaves without.")
        await self._until(lambda: not self._unsettled)
        # One leaves only after having seen one's own words.
        await self._until(lambda: self._is_in and self._is_shown)
        if waits_for_replies and self._owed:
            self._screen.show(Note("Waiting for the reply; Ctrl-C leaves without.", passing=True))
            await self._replied()
        raise Left(1 if self._unsaid else 0)

    async def _replied(self) -> None:
        while self._owed:
            self._changed.clear()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._changed.wait()
            except TimeoutError:
                # What was asked for and is not known by now will not come.
                live = self._conversation.snapshot.replies
                self._owed &= {key for reply in live for key in (reply.run_id, reply.answers)}

    @property
    def _is_shown(self) -> bool:
        snapshot = self._conversation.snapshot
        return self._shown_seq >= max(self._acked_seq, snapshot.seq) and snapshot.seq >= snapshot.head

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    # The connection

    def _look(self) -> None:
        """Tell what becomes of the connection, once each time."""
        connection = self._client.connection
        if connection.state == "waiting" and not self._is_away:
            if connection.user_id is None and connection.reason == "lost" and connection.code is None:
                where = self._client.url
                self._end(Left(1, f"No chat server answers at {where} ({connection.why}). `make run` starts one."))
                return
            self._is_away = True
            if connection.reason == "server_restarts" and connection.retry_at_ms is not None:
                after_s = max(0.0, (connection.retry_at_ms - self._client.clock.now()) / 1000)
                self._note(f"The server will restart and asks to come back in {after_s:.0f} s.")
            else:
                self._note(f"No connection: {connection.why}. Trying again ...")
        elif connection.reason == "refused":
            self._end(Left(1, f"The server refuses: {connection.why}"))
        self._changed.set()

    def _end(self, left: Left) -> None:
        self._tasks.create_task(_raise(left))

    # What happens

    async def _read(self) -> None:
        try:
            async for item in self._conversation.events(with_history=True):
                self._take(item)
                self._changed.set()
        except ChatError as error:
            if error.code != "refused":
                raise Left(1, f"You cannot join {self._conversation.id!r}: {error.message}") from None

    def _take(self, item: Item) -> None:
        match item:
            case Discontinuity(reason=reason):
                why = _WHY_MISSING.get(reason, "the server cannot say what was missed")
                self._note(f"Messages may be missing here: {why}. This goes on with what is new.")
                self._shown_seq = item.at_seq
                self._acked_seq = min(self._acked_seq, item.at_seq)
            case Durable():
                self._log(item)
            case PresenceUpdate() if item.user_id != self._user:
                word = "online" if item.online else "offline"
                self._screen.show(Note(f"{item.user_id} is {word}", at=item.timestamp))
            case TypingIndicator(is_typing=True):
                self._screen.show(Note(f"{item.user_id} is typing ...", at=item.timestamp, passing=True))
            case ReplyStopped():
                self._ends(item.run_id, item.answers, stopped(item, self._signed(item.persona_id)))
            case ReplyFailed():
                self._ends(item.run_id, item.answers, failed(item, self._signed(item.persona_id)))
            case ReplyRejected():
                self._ends(item.run_id, item.answers, rejected(item, self._signed(item.persona_id)))
            case ConversationLeft():
                raise Left(1, _sent_away(self._conversation.id, item))

    def _log(self, event: DurableEvent) -> None:
        self._shown_seq = event.seq
        self._screen.show(happened(event))
        if isinstance(event, NewMessage):
            self._said(event.message)

    def _said(self, message: Message) -> None:
        if message.is_ai and message.sender.name is not None:
            self._roster.learn(message.sender_id, message.sender.name)
        reply = message.reply
        if reply is None:
            return
        self._over(reply.run_id, reply.answers)
        if reply.status == "interrupted" and reply.run_id in self._followed:
            self._note("The server was interrupted in this reply. /again has it made anew.")

    def _ends(self, run_id: str, answers: str, line: Line) -> None:
        self._over(run_id, answers)
        self._screen.show(line)

    def _over(self, *keys: str) -> None:
        self._ended.update(keys)
        self._owed.difference_update(keys)

    # What is true for a moment

    def _grow(self) -> None:
        """Show replies that are being made, and that one is in."""
        snapshot = self._conversation.snapshot
        for reply in snapshot.replies:
            self._followed.add(reply.run_id)
            self._name(reply.persona_id)
        self._screen.show_live([self._line(reply) for reply in snapshot.replies])
        if snapshot.epoch is not None and snapshot.status != "idle" and snapshot.role is not None:
            self._enter()
        self._changed.set()

    def _enter(self) -> None:
        """Say where one is."""
        snapshot = self._conversation.snapshot
        if not self._client.is_connected:
            return
        if not self._is_in:
            self._is_in = True
            here = f"{counted(snapshot.member_count, 'member')}, {snapshot.online_count} online"
            self._note(f"You are {self._user} in {snapshot.id}: {here}. /help lists what you can do.")
        elif self._is_away and snapshot.status == "live":
            self._is_away = False
            self._note("Connected again.")

    def _signed(self, persona_id: str, attempt: int = 1) -> str:
        return signed(self._roster.name_of(persona_id), attempt=attempt)

    def _line(self, reply: Reply) -> Line:
        name = self._signed(reply.persona_id, reply.attempt)
        if reply.text:
            return Said(at=reply.at, name=name, text=reply.text)
        if not reply.position:
            word = "is thinking ..." if reply.position is None else "replies next"
        else:
            word = f"replies after {reply.position} other{'s' if reply.position > 1 else ''}"
        return Note(f"{name} {word}", at=reply.at)

    def _name(self, persona_id: str) -> None:
        if not self._roster.knows(persona_id) and persona_id not in self._unnamed:
            self._unnamed.add(persona_id)
            self._begin(self._orders.learn())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    def _note(self, text: str) -> None:
        self._screen.show(Note(text))


async def _raise(error: Exception) -> None:
    raise error


def _sent_away(conversation_id: str, event: ConversationLeft) -> str:
    if event.reason == "deleted":
        return f"The conversation {conversation_id!r} was deleted."
    return f"You are no longer a member of {conversation_id!r}."
