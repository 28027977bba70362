"""One conversation on the inside: what is heard of it goes to the snapshot, the readers and the outbox."""

from collections.abc import Coroutine, Iterable
from functools import singledispatchmethod
from typing import Any, Final, Protocol

from gator_chat_client.asking import error_of
from gator_chat_client.clock import Clock, Timer
from gator_chat_client.errors import ChatError
from gator_chat_client.fold import fold
from gator_chat_client.fold_replies import to_ask_for
from gator_chat_client.frames import Frame, UnknownEvent
from gator_chat_client.gaps import Discontinuity, Position
from gator_chat_client.happenings import (
    AskedInVain,
    ConnectionLost,
    Described,
    Happening,
    MembersLoaded,
    OutgoingChanged,
    PageLoaded,
    RunForgotten,
    StatusChanged,
    TypingExpired,
    Welcomed,
)
from gator_chat_client.http import HttpApi
from gator_chat_client.joining import Joining
from gator_chat_client.listeners import Listeners
from gator_chat_client.protocol.commands import (
    Command,
    LeaveConversation,
    MarkRead,
    ResumeReply,
    TypingStart,
    TypingStop,
)
from gator_chat_client.protocol.events import (
    Ack,
    ConversationJoined,
    ConversationLeft,
    Durable,
    DurableEvent,
    Error,
    HeartbeatEvent,
    Limits,
    NewMessage,
    PresenceUpdate,
    ReadMarked,
    TypingIndicator,
)
from gator_chat_client.protocol.types import ConversationId, RunId, Seq
from gator_chat_client.reading import ReadMark
from gator_chat_client.sending import CALM_S, Sender, Sent
from gator_chat_client.snapshot import Outgoing, Reply, Snapshot
from gator_chat_client.stream import Item, Stream
from gator_chat_client.typing_signs import OthersTyping, OwnTyping

LARGE_CONVERSATION: Final = 100
"""Above this many members the server tells counts instead of names."""


class Wire(Protocol):
    """What a conversation needs of its client."""

    http: HttpApi
    clock: Clock

    def send(self, command: Command) -> bool:
        """Say a command; False if there is no connection."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; a `ChatError` of it is passed over."""

    def settled(self) -> None:
        """A conversation may have caught up."""

    def keep(self, outgoing: Outgoing) -> None:
        """A message is stored, or failed: remember that beyond the program's end."""


class Room:
    """The parts of a conversation, and what each has to hear.

    A conversation is *wanted* while somebody has it open or something waits to be sent; it is
    joined on every connection as long as it is wanted.
    """

    def __init__(self, conversation_id: str, wire: Wire, *, position: Position | None, history: int) -> None:
        self.id = conversation_id
        if position is None:
            self.snapshot = Snapshot(id=conversation_id)
        else:
            seq, epoch = position.seq, position.epoch
            self.snapshot = Snapshot(id=conversation_id, seq=seq, head=seq, epoch=epoch)
        self.listeners = Listeners()
        self.sent: dict[str, Sent] = {}
        self._wire = wire
        self._limits: Limits | None = None
        self._opened = 0
        self._streams: set[Stream] = set()
        self._is_described = False
        self._rest: Timer | None = None
        self.joining = Joining(history=history, first_live=None if position is None else position.seq)
        self.sender = Sender(wire.send, self._outgoing_changed, wire.clock)
        self.own_typing = OwnTyping(self._tell_typing, wire.clock)
        self.others_typing = OthersTyping(lambda user: self.happened(TypingExpired(user)), wire.clock)
        self.read_mark = ReadMark(self._tell_read, wire.clock)

    # Wanted or not

    @property
    def is_wanted(self) -> bool:
        """True while it is to be joined on every connection."""
        return self._opened > 0 or self.sender.waiting > 0

    @property
    def is_settled(self) -> bool:
        """True if nothing more is to be waited for before the connection counts as open."""
        is_over = self.snapshot.status in ("failed", "left")
        return is_over or not self.is_wanted or self.joining.is_caught_up(self.snapshot)

    def open(self) -> None:
        """Somebody wants to follow it."""
        self._opened += 1
        self.join_if_wanted()

    def close(self) -> None:
        """Somebody does so no longer."""
        self._opened -= 1
        if not self.is_wanted and self.snapshot.status in ("joining", "live"):
            self._wire.send(LeaveConversation(conversation_id=ConversationId(self.id)))
            self.joining.left()
            self.happened(StatusChanged("idle"))

    def join_if_wanted(self) -> None:
        """Ask to be let in, unless that is done."""
        if not self.is_wanted or self.snapshot.status not in ("idle", "failed", "left"):
            return
        self.happened(StatusChanged("joining"))
        if self._limits is not None:
            self._wire.send(self.joining.ask(self.snapshot))

    def stream(self, *, with_history: bool) -> Stream:
        """Begin to gather items for a reader."""
        stream = Stream(self.id, with_history=with_history)
        self._streams.add(stream)
        return stream

    def let_go(self, stream: Stream) -> None:
        """A reader has left."""
        self._streams.discard(stream)

    def end(self, error: Exception | None) -> None:
        """The client is closed: no reader gets any more."""
        for stream in self._streams:
            stream.end(error)

    # The connection

    def connected(self, me: str | None, limits: Limits) -> None:
        """Commands may be said."""
        self._limits = limits
        self.happened(Welcomed(me))
        if self.is_wanted and self.snapshot.status != "left":
            self.happened(StatusChanged("joining"))
            self._wire.send(self.joining.ask(self.snapshot))

    def lost(self) -> None:
        """The connection is gone; all that was not acknowledged is said again on the next one."""
        self._limits = None
        self.joining.left()
        self.sender.lost()
        self.own_typing.forget()
        self.others_typing.forget()
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self.happened(ConnectionLost())
        if self.snapshot.status == "live":
            self.happened(StatusChanged("joining"))

    # What is heard

    @singledispatchmethod
    def heard(self, frame: Frame) -> None:
        """Take in what concerns this conversation."""
        self._tell(frame)

    @heard.register
    def _(self, event: DurableEvent) -> None:
        self._skip_unknown(event.seq)
        if event.seq > self.snapshot.seq + 1:
            self._mend(event.seq)
        if event.seq != self.snapshot.seq + 1:
            self.happened(event)
            return
        self._tell(event)
        if isinstance(event, NewMessage):
            self.others_typing.heard(event.message.sender_id, is_typing=False)
        self._caught_up()

    @heard.register
    def _(self, event: UnknownEvent) -> None:
        self._tell(event)
        if event.seq is not None and event.seq > self.snapshot.seq:
            self.joining.unknown_at(event.seq)
            if event.seq == self.snapshot.head:  # nothing else will come there
                self._skip_unknown(event.seq + 1)
                self._caught_up()

    @heard.register
    def _(self, event: HeartbeatEvent) -> None:
        head = next((seq for name, seq in event.heads.items() if name == self.id), 0)
        command = self.joining.beat(self.snapshot, head)
        self.happened(event)
        if command is not None:
            self._wire.send(command)

    @heard.register
    def _(self, event: ConversationJoined) -> None:
        if not self.joining.is_answer(event.reply_to):
            return
        before = self.snapshot
        begin = self.joining.answered(event, before)
        self.happened(event)
        if begin is not None:
            self.happened(begin)
            self.happened(PageLoaded((), has_older=begin.seq > 0))
            self._wire.send(self.joining.ask(self.snapshot))
            return
        if self.snapshot.discontinuity is not before.discontinuity:
            self._gap()
        if not self._is_described:
            self._is_described = True
            self._wire.spawn(self._describe(with_members=event.member_count <= LARGE_CONVERSATION))
        self.read_mark.report()
        self._flush()
        self._caught_up()

    @heard.register
    def _(self, event: ConversationLeft) -> None:
        if event.reason == "asked":
            return
        self.joining.left()
        self._tell(event)
        self.end(None)
        self._flush()
        self._wire.settled()

    @heard.register
    def _(self, event: Ack) -> None:
        if self.sender.acknowledged(event):
            self.joining.acknowledged(event.seq)

    @heard.register
    def _(self, event: TypingIndicator) -> None:
        self.others_typing.heard(event.user_id, is_typing=event.is_typing)
        self._tell(event)

    @heard.register
    def _(self, event: PresenceUpdate) -> None:
        before = self.snapshot
        self.happened(event)
        if self.snapshot is not before:
            self._put(event)

    @heard.register
    def _(self, event: ReadMarked) -> None:
        self.read_mark.known(event.seq)
        self._tell(event)

    def refused(self, frame: Error | UnknownEvent) -> bool:
        """Take a refusal in; False if it answers nothing of this conversation."""
        error = error_of(frame)
        if error is None or frame.reply_to is None:
            return False
        if self.joining.is_answer(frame.reply_to):
            self._not_let_in(error)
            return True
        if self.snapshot.reply(frame.reply_to) is not None:
            run_id = frame.reply_to
            self.happened(AskedInVain(run_id) if error.is_temporary else RunForgotten(run_id))
            return True
        if self.sender.refused(frame.reply_to, error):
            return True
        if frame.reply_to in self.sent:
            # The one refusal of something that is stored: nobody answers it.
            self._put(frame)
            return True
        return False

    # How it follows

    def happened(self, what: Frame | Discontinuity | Happening) -> None:
        """Fold something into the snapshot, and tell those who look at it."""
        before, self.snapshot = self.snapshot, fold(self.snapshot, what)
        if self.snapshot is not before:
            self._resume(to_ask_for(before, self.snapshot))
            self.listeners.notify()

    def _tell(self, item: Item) -> None:
        self.happened(item)
        self._put(item)

    def _put(self, item: Item) -> None:
        first_live = self.joining.first_live or 0
        is_history = isinstance(item, Durable) and item.seq <= first_live
        for stream in self._streams:
            if stream.with_history or not is_history:
                stream.put(item)

    def _skip_unknown(self, seq: int) -> None:
        skipped = self.joining.beyond_unknown(self.snapshot, seq)
        if skipped is not None:
            self.happened(skipped)

    def _mend(self, seq: int) -> None:
        """Events before that one are missing: ask for them, or give them up and say so."""
        outcome = self.joining.mend(self.snapshot, seq)
        if isinstance(outcome, Discontinuity):
            self.happened(outcome)
            self._gap()
        elif outcome is not None:
            self._wire.send(outcome)

    def _gap(self) -> None:
        """What is held does not join on to what was before: say so, and begin anew from the history."""
        gap = self.snapshot.discontinuity
        assert gap is not None
        if gap.is_other_history:
            self.joining.first_live = gap.at_seq
            self.read_mark.forget()
        self._put(gap)
        self._is_described = False
        self._wire.spawn(self.load_older())

    def _caught_up(self) -> None:
        if self.joining.is_caught_up(self.snapshot) and self.snapshot.status == "joining":
            self.happened(StatusChanged("live"))
            self._wire.settled()

    def _not_let_in(self, error: ChatError) -> None:
        if error.is_temporary:
            seconds = max(CALM_S, (error.retry_after_ms or 0) / 1000)
            self._rest = self._wire.clock.call_later(seconds, self._ask_again)
            return
        self.joining.left()
        self.happened(StatusChanged("failed", error.code))
        self.end(error)
        self._flush()  # what waits is refused one by one, each with its reason
        self._wire.settled()

    def _ask_again(self) -> None:
        self._rest = None
        if self._limits is not None:
            self._wire.send(self.joining.ask(self.snapshot))

    def _flush(self) -> None:
        if self._limits is not None:
            self.sender.connected(self._limits)

    def _resume(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            # The command has the name of the run: a refusal tells that it is gone.
            run_id, offset = RunId(reply.run_id), len(reply.text)
            self._wire.send(ResumeReply(id=run_id, run_id=run_id, epoch=reply.epoch, offset=offset))

    def _outgoing_changed(self, outgoing: Outgoing) -> None:
        self.happened(OutgoingChanged(outgoing))
        sent = self.sent.get(outgoing.client_message_id)
        if sent is not None:
            sent.settle(outgoing)
        if outgoing.state != "sending":
            self._wire.keep(outgoing)

    def _tell_typing(self, is_typing: bool) -> bool:
        kind = TypingStart if is_typing else TypingStop
        return self.joining.is_in and self._wire.send(kind(conversation_id=ConversationId(self.id)))

    def _tell_read(self, seq: int) -> bool:
        return self._wire.send(MarkRead(conversation_id=ConversationId(self.id), seq=Seq(seq)))

    # Over HTTP

    async def load_older(self) -> None:
        """Load a page of messages before those that are there."""
        messages = self.snapshot.messages
        before = messages[0].seq if messages else self.snapshot.seq + 1
        page = await self._wire.http.messages(self.id, before=before)
        self.happened(PageLoaded(page.messages, has_older=page.has_more))

    async def _describe(self, *, with_members: bool) -> None:
        as_of_seq = self.snapshot.seq
        try:
            summary = await self._wire.http.conversation(self.id)
            members = await self._wire.http.all_members(self.id) if with_members else None
        except ChatError:
            self._is_described = False  # the next join tries again
            raise
        self.read_mark.known(summary.read_seq)
        self.happened(
            Described(
                kind=summary.kind,
                title=summary.title,
                role=summary.role,
                peer_id=summary.peer_id,
                member_count=summary.member_count,
                seq=summary.seq,
                read_seq=summary.read_seq,
                unread=summary.unread,
            )
        )
        if members is not None:
            roles = {member.user_id: member.role for member in members}
            self.happened(MembersLoaded(roles, as_of_seq))
