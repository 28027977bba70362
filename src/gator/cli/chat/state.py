"""What the client knows, and what follows from what it hears. No I/O, no clock, no dice."""

from collections.abc import Callable, Sequence
from functools import singledispatchmethod
from typing import Final

import msgspec

from gator.cli.chat.effects import (
    AskMembers,
    AskPersonas,
    ComeBack,
    Effect,
    Persona,
    Present,
    Rest,
    Send,
    Show,
    Stop,
)
from gator.cli.chat.frames import Frame, Unreadable
from gator.cli.chat.lines import Line, Note, columns, happened, listed
from gator.cli.chat.outbox import Outbox, Outgoing
from gator.cli.chat.replies import Replies
from gator.cli.chat.roster import Roster
from gator.protocol.commands import JoinConversation, SendMessage
from gator.protocol.errors import ERRORS
from gator.protocol.events import (
    Ack,
    ConversationJoined,
    ConversationLeft,
    Durable,
    DurableEvent,
    Error,
    HeartbeatEvent,
    Limits,
    MemberRemoved,
    MembersAdded,
    NewMessage,
    Occupancy,
    OnlineUsers,
    PresenceUpdate,
    Reconnect,
    ReplyEvent,
    RunAccepted,
    TypingIndicator,
    Unrecovered,
)
from gator.protocol.types import ConversationId, PersonaId, RunId, Seq, UserId

HISTORY: Final = 20
"""Events of the past that are shown at first."""

GREETING_S: Final = 10.0
"""How long to wait for the first frame, which says how long to wait for others."""

CALM_S: Final = 1.0
"""Least rest after a refusal for haste: each is a strike, and the server forgives one a second."""

PATIENCE_S: Final = 3.0
"""A rest longer than this is worth a word."""

_ENDS_OF_REPLIES: Final = frozenset({"reply_stopped", "reply_failed", "reply_rejected"})

_WHY_NOT_RECOVERED: Final[dict[Unrecovered | None, str]] = {
    "epoch_changed": "the server's data was restored from a backup",
    "ahead_of_log": "the server knows less than it did before",
    "too_far_behind": "too much was said meanwhile",
}


class Chat:
    """One user's view of one conversation, over as many connections as it takes.

    A connection is greeted, then joins; it is *in* when its last join was answered.
    The first join of all only asks for the head of the log; the second one then asks
    for the events before it. From then on `_seq` is the last event shown, and every
    join asks for what follows it.
    """

    def __init__(self, user_id: UserId, conversation_id: ConversationId) -> None:
        self._user_id = user_id
        self._conversation_id = conversation_id
        self._limits: Limits | None = None
        """None while there is no connection that was greeted."""
        self.silence_s = GREETING_S
        """How long nothing may be heard on a connection before it counts as lost."""
        self.was_greeted = False
        """True once a server has answered at all."""
        self._join: JoinConversation | None = None
        """The join that is not answered yet."""
        self._joins = 0
        self._seq: Seq | None = None
        self._epoch: str | None = None
        self._head = Seq(0)
        """Position up to which the last join promised events."""
        self._acked = Seq(0)
        """Position of the last line of this client's own."""
        self._hole_at: Seq | None = None
        """Position from which on events were missing and were asked for again."""
        self._said_away = False
        self._outbox = Outbox()
        self._unsaid = 0
        self._online: set[UserId] = set()
        self._online_count = 0
        self._member_count = 0
        self._asked_who = 0
        self._roster = Roster()
        self._replies = Replies(self._roster)
        self._later: list[Callable[[], list[Effect]]] = []
        """What the user asked for before it was known what is being said."""
        self._asked_personas = 0
        self._seeks_persona = False
        """True while the outbox rests until the list of personas is there."""
        self._is_ending = False
        self._waits_for_replies = False

    # What the shell asks

    @property
    def is_in(self) -> bool:
        """True while events follow and messages may be sent."""
        return self._limits is not None and self._join is None and self._seq is not None

    @property
    def live(self) -> tuple[Line, ...]:
        """What is true at this moment and to be shown below all that was: replies being made."""
        return self._replies.lines

    @property
    def is_full(self) -> bool:
        """True while no line may be said, because too many wait."""
        return self._outbox.is_full

    @property
    def is_over(self) -> bool:
        """True when the user wants to leave and everything is said and shown."""
        if (
            not (self._is_ending and self.is_in)
            or self._outbox
            or self._asked_who
            or self._asked_personas
            or self._later
        ):
            return False
        if self._waits_for_replies and self._replies.are_owed:
            return False
        # One leaves only after having seen one's own words.
        return self._seq is not None and self._seq >= max(self._head, self._acked)

    @property
    def unsent(self) -> int:
        """Lines of which nobody knows that they are stored."""
        return len(self._outbox)

    @property
    def unsaid(self) -> int:
        """Lines that the server or its limits did not allow."""
        return self._unsaid

    # What the user does

    def say(self, text: str, message_id: str, *, asks: bool = False) -> list[Effect]:
        """Take a line in; to be called only while not full.

        Args:
            message_id: Never used before.
            asks: The text begins with the name or id of a persona, which is to reply.
        """
        self._outbox.add(Outgoing(message_id, text, asks))
        if self._said_away:
            return [Show(Note(f"Kept until the server is back: {text}"))]
        return self._send_next()

    def who(self) -> list[Effect]:
        """Ask who is here; answered after the join, if that is still to come."""
        if self._said_away:
            return [Show(Note("Nobody knows while there is no connection."))]
        self._asked_who += 1
        return [AskMembers()] if self.is_in else []

    def tell_members(self, members: Sequence[Present] | None) -> list[Effect]:
        """Show who is here; None if the server did not say."""
        self._asked_who -= 1
        if members is None:
            names = listed(sorted(self._online)) or "names are not told"
            return [
                Show(Note(f"Online ({self._online_count}): {names}")),
                Show(Note(f"{_counted(self._member_count, 'member')} in all")),
            ]
        online = [member.user_id for member in members if member.online]
        away = [member.user_id for member in members if not member.online]
        unnamed = self._member_count - len(members)
        return [
            Show(Note(f"Online ({len(online)}): {listed(online)}")),
            *([Show(Note(f"Away ({len(away)}): {listed(away)}"))] if away else []),
            *([Show(Note(f"... and {_counted(unnamed, 'more member')}"))] if unnamed > 0 else []),
        ]

    def personas(self) -> list[Effect]:
        """Ask who may be asked."""
        if self._said_away:
            return [Show(Note("Nobody knows while there is no connection."))]
        self._asked_personas += 1
        return [AskPersonas()]

    def tell_personas(self, personas: Sequence[Persona] | None) -> list[Effect]:
        """Take the list of personas in, and show it if that was asked for; None if there is none."""
        self._roster.learn_all(personas)
        shown = _listing(personas) * self._asked_personas
        self._asked_personas = 0
        if self._seeks_persona:
            self._seeks_persona = False
            self._outbox.resume()
        return [*shown, *self._send_next(is_listed=True)]

    def stop(self) -> list[Effect]:
        """Stop the reply that is being made here, or else the first that waits."""
        return self._once_seen(self._replies.stop)

    def again(self) -> list[Effect]:
        """Have the newest reply made anew."""
        return self._once_seen(self._replies.again)

    def _once_seen(self, act: Callable[[], list[Effect]]) -> list[Effect]:
        """Act when everything that was said is shown."""
        if self._said_away:
            return [Show(Note("Not without a connection."))]
        self._later.append(act)
        return self._act()

    def _act(self) -> list[Effect]:
        if not self.is_in or self._seq is None or self._seq < self._head:
            return []
        acts, self._later = self._later, []
        return [effect for act in acts for effect in act()]

    def end(self, *, waits_for_replies: bool = False) -> list[Effect]:
        """Leave as soon as everything is said; lines still to come are not expected.

        Args:
            waits_for_replies: And as soon as whoever was asked has replied.
        """
        self._is_ending = True
        self._waits_for_replies = waits_for_replies
        if self._outbox and self._said_away:
            waiting = _counted(len(self._outbox), "line")
            return [Show(Note(f"Waiting for the server to take {waiting}; Ctrl-C leaves without."))]
        if waits_for_replies and self._replies.are_owed:
            return [Show(Note("Waiting for the reply; Ctrl-C leaves without.", passing=True))]
        return []

    # What happens to the connection

    def lost(self, why: str) -> list[Effect]:
        """A connection ended, or could not be opened, and another one will be tried."""
        self._limits = None
        self._join = None
        self.silence_s = GREETING_S
        self._outbox.lost()
        self._replies.lost()
        if self._said_away:
            return []
        self._said_away = True
        return [Show(Note(f"No connection: {why}. Trying again ..."))]

    def rested(self) -> list[Effect]:
        """A rest is over."""
        self._outbox.resume()
        if self._join is not None:
            return [Send(self._join)]
        return self._send_next()

    # What the server says

    @singledispatchmethod
    def receive(self, _frame: Frame) -> list[Effect]:
        """Take a frame in. Those without a method below have no meaning here."""
        return []

    @receive.register
    def _(self, event: OnlineUsers) -> list[Effect]:
        if event.connection_id is None or event.limits is None:
            return []
        self.was_greeted = True
        if event.user_id != self._user_id:
            return [Stop(f"The token is that of {event.user_id!r}, not of {self._user_id!r}.")]
        self._limits = event.limits
        if event.heartbeat_ms is not None:
            self.silence_s = 2 * event.heartbeat_ms / 1000
        return self._join_after(self._seq)

    @receive.register
    def _(self, event: ConversationJoined) -> list[Effect]:
        if self._join is None or event.reply_to != self._join.id:
            return []
        asked, self._join = self._join, None
        self._epoch = event.epoch
        if asked.after_seq is None:
            return self._join_after(Seq(max(0, event.seq - HISTORY)))
        is_first = self._seq is None
        shown = self._on_entry(event, is_first=is_first)
        self._seq = asked.after_seq if event.recovered else event.seq
        self._head = event.seq
        self._acked = self._acked if event.recovered else min(self._acked, event.seq)
        asked_early = [AskMembers() for _ in range(self._asked_who)] if is_first else []
        missed = [] if is_first else self._replies.resume()
        return [*shown, *asked_early, *missed, *self._act(), *self._send_next()]

    def _on_entry(self, event: ConversationJoined, *, is_first: bool) -> list[Effect]:
        """Say where one is, and what is missing."""
        self._online = set(event.online)
        self._online_count = event.online_count
        self._member_count = event.member_count
        was_away, self._said_away = self._said_away, False
        notes = []
        if is_first:
            here = f"{_counted(event.member_count, 'member')}, {event.online_count} online"
            notes.append(
                f"You are {self._user_id} in {self._conversation_id}: {here}. /help lists what you can do."
            )
        elif was_away:
            notes.append("Connected again.")
        if not event.recovered:
            why = _WHY_NOT_RECOVERED.get(event.reason, "the server cannot say what was missed")
            notes.append(f"Messages may be missing here: {why}. This goes on with what is new.")
        return [Show(Note(note)) for note in notes]

    @receive.register
    def _(self, event: Durable) -> list[Effect]:
        assert isinstance(event, DurableEvent)
        if not self._is_ours(event.conversation_id):
            return []
        effects = self._advance(event.seq, [Show(happened(event))])
        if isinstance(event, MembersAdded | MemberRemoved) and event.seq == self._seq:
            self._member_count = event.member_count
        if isinstance(event, NewMessage) and self.is_in and self._seq is not None and event.seq <= self._seq:
            effects += self._replies.said(event.message)
        return [*effects, *self._act()]

    @receive.register
    def _(self, event: ReplyEvent) -> list[Effect]:
        return self._replies.receive(event) if self._is_ours(event.conversation_id) else []

    @receive.register
    def _(self, event: RunAccepted) -> list[Effect]:
        self._replies.accepted(event)
        return []

    @receive.register
    def _(self, event: Ack) -> list[Effect]:
        outgoing = self._outbox.under_way(event.client_message_id)
        if outgoing is None:
            return []
        self._outbox.settle()
        if outgoing.asks:
            self._replies.owe(outgoing.message_id, event.message_id)
        self._acked = max(self._acked, event.seq)
        return self._send_next()

    @receive.register
    def _(self, event: Error) -> list[Effect]:
        row = ERRORS[event.code]
        rest_s = None if not row.temporary else max(CALM_S, (event.retry_after_ms or 0) / 1000)
        return self._refused(event.reply_to, event.message, rest_s)

    @receive.register
    def _(self, frame: Unreadable) -> list[Effect]:
        if frame.type == "error":
            return self._refused(frame.reply_to, frame.message or "the server does not say why", None)
        if frame.run_id is not None and frame.type in _ENDS_OF_REPLIES:
            self._replies.end(RunId(frame.run_id))
        # What carries the next position is most likely an event of a kind that is newer than this client.
        is_next = self._seq is not None and frame.seq == self._seq + 1
        if is_next and frame.conversation_id is not None and self._is_ours(frame.conversation_id):
            return self._advance(Seq(frame.seq or 0), [])
        return []

    @receive.register
    def _(self, event: HeartbeatEvent) -> list[Effect]:
        self._replies.beat()
        if not self.is_in or self._seq is None or self._seq < self._head:
            return []  # what is missing is on its way
        head = max(event.heads.get(self._conversation_id, 0), self._acked)
        return self._join_after(self._seq) if head > self._seq else []

    @receive.register
    def _(self, event: PresenceUpdate) -> list[Effect]:
        if event.user_id == self._user_id or event.online is (event.user_id in self._online):
            return []
        if event.online:
            self._online.add(event.user_id)
        else:
            self._online.remove(event.user_id)
        self._online_count = len(self._online)
        word = "online" if event.online else "offline"
        return [Show(Note(f"{event.user_id} is {word}", at=event.timestamp))]

    @receive.register
    def _(self, event: TypingIndicator) -> list[Effect]:
        if not event.is_typing or not self._is_ours(event.conversation_id):
            return []
        return [Show(Note(f"{event.user_id} is typing ...", at=event.timestamp, passing=True))]

    @receive.register
    def _(self, event: Occupancy) -> list[Effect]:
        if self._is_ours(event.conversation_id):
            self._online_count = event.online
            self._member_count = event.member_count
        return []

    @receive.register
    def _(self, event: ConversationLeft) -> list[Effect]:
        if not self._is_ours(event.conversation_id):
            return []
        if event.reason == "deleted":
            return [Stop(f"The conversation {self._conversation_id!r} was deleted.")]
        return [Stop(f"You are no longer a member of {self._conversation_id!r}.")]

    @receive.register
    def _(self, event: Reconnect) -> list[Effect]:
        after_s = event.after_ms / 1000
        self.lost("")  # and said here in other words
        return [
            Show(Note(f"The server will restart and asks to come back in {after_s:.0f} s.")),
            ComeBack(after_s),
        ]

    # How it follows

    def _is_ours(self, conversation_id: str) -> bool:
        return conversation_id == self._conversation_id

    def _join_after(self, seq: Seq | None) -> list[Effect]:
        self._joins += 1
        self._join = JoinConversation(
            id=f"join-{self._joins}",
            conversation_id=self._conversation_id,
            after_seq=seq,
            epoch=self._epoch if seq is not None else None,
        )
        return [Send(self._join)]

    def _advance(self, seq: Seq, shown: list[Effect]) -> list[Effect]:
        """Go on to the next event, unless it was shown before or others are missing."""
        if not self.is_in or self._seq is None:
            return []  # it comes again after the answer to the join
        if seq <= self._seq:
            return []
        if seq > self._seq + 1:
            if self._hole_at != self._seq:
                self._hole_at = self._seq
                return self._join_after(self._seq)
            # Asked for again, and still missing: better to say so than to ask for ever.
            missing = _counted(seq - self._seq - 1, "event")
            shown = [Show(Note(f"{missing} could not be read here.")), *shown]
        self._seq = seq
        return shown

    def _send_next(self, *, is_listed: bool = False) -> list[Effect]:
        """Send the next line that can be sent.

        Args:
            is_listed: The server was asked for its personas just now.
        """
        effects: list[Effect] = []
        while self._limits is not None and self.is_in and (outgoing := self._outbox.next()) is not None:
            whom, text = self._roster.addressed(outgoing.text) if outgoing.asks else ([], outgoing.text)
            if outgoing.asks and not is_listed and not (self._roster.is_listed and len(whom) == 1):
                self._outbox.rest()
                self._seeks_persona = True
                return [*effects, AskPersonas()]
            command = SendMessage(
                id=outgoing.message_id,
                conversation_id=self._conversation_id,
                content=text,
                client_message_id=outgoing.message_id,
                persona_id=whom[0] if whom else None,
            )
            why = (_unclear(whom, text) if outgoing.asks else None) or _beyond(self._limits, command)
            if why is None:
                return [*effects, Send(command)]
            effects += self._not_said(outgoing, why)
        return effects

    def _refused(self, reply_to: str | None, why: str, rest_s: float | None) -> list[Effect]:
        """A command was refused: for good, or for as long as it takes to rest."""
        if self._join is not None and reply_to == self._join.id:
            if rest_s is None:
                return [Stop(f"You cannot join {self._conversation_id!r}: {why}")]
            return [*_patience(rest_s), Rest(rest_s)]
        if self._replies.refused(reply_to, for_good=rest_s is None):
            return []
        outgoing = self._outbox.under_way(reply_to)
        if outgoing is None:
            return [Show(Note(f"The server says: {why}"))]
        if rest_s is not None:
            self._outbox.rest()
            return [*_patience(rest_s), Rest(rest_s)]
        return [*self._not_said(outgoing, why), *self._send_next()]

    def _not_said(self, outgoing: Outgoing, why: str) -> list[Effect]:
        self._outbox.settle()
        self._unsaid += 1
        text = outgoing.text if len(outgoing.text) <= 60 else f"{outgoing.text[:60]} ..."
        return [Show(Note(f"Not sent: {text!r}. {why}"))]


def _patience(rest_s: float) -> list[Effect]:
    if rest_s < PATIENCE_S:
        return []
    return [Show(Note(f"The server asks for patience: it goes on in {rest_s:.0f} s."))]


def _listing(personas: Sequence[Persona] | None) -> list[Effect]:
    if personas is None:
        return [Show(Note("The server does not say which personas there are."))]
    if not personas:
        return [Show(Note("There is no persona that you may ask."))]
    wide = max(columns(persona.name) for persona in personas)
    named = ((persona.name + " " * (wide - columns(persona.name)), persona.id) for persona in personas)
    return [Show(Note(f"{name}  {persona_id}")) for name, persona_id in named]


def _unclear(whom: Sequence[PersonaId], text: str) -> str | None:
    """Say why a line asks nobody, or nothing."""
    if not text:
        return "Write /ask, a name, and what you want to say."
    if not whom:
        return "You may ask nobody of that name: /personas lists whom."
    if len(whom) > 1:
        return f"Several are called that. Name one by its id: {listed(whom)}."
    return None


def _beyond(limits: Limits, command: SendMessage) -> str | None:
    """Say which limit a message exceeds; a frame that is too large would cost the connection."""
    if len(command.content) > limits.max_message_chars:
        return f"A message has at most {limits.max_message_chars} characters."
    if len(msgspec.json.encode(command)) > limits.max_frame_bytes:
        return "The message is larger than this server allows."
    return None


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
