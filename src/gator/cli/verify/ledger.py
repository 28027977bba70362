"""The ledger: what was sent, acknowledged, told and stored, and whether that fits together.

Values in, verdicts out: no I/O, no clock. A checker that cannot fail is worthless, so
`tests/cli/test_verify_ledger.py` feeds it each kind of lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gator.cli.verify.figures import Figures, Latencies
from gator.cli.verify.frames import Frame, Unreadable
from gator.cli.verify.promises import Verdicts
from gator.protocol.events import Ack, Durable, NewMessage

Logged = Durable | Unreadable
"""An event of a log; unreadable if it is of a kind newer than this program."""


@dataclass(slots=True)
class Message:
    """What a client means to say once, however often it sends it.

    Attributes:
        lines: Connections on which it was sent, in order; None stands for HTTP.
        sent_at: Seconds of the first attempt.
        acks: All acks so far.
    """

    client_message_id: str
    conversation_id: str
    sender_id: str
    content: str
    lines: list[str | None] = field(default_factory=list)
    sent_at: float = 0.0
    acks: list[Ack] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Attempt:
    message: Message
    is_known_repeat: bool
    """True if the message had been acknowledged before this attempt."""


@dataclass(frozen=True, slots=True)
class Log:
    """A conversation's log as the server tells it at the end.

    Attributes:
        head: Position of the last event, as the server says.
    """

    head: int
    events: Sequence[Logged]


class Ledger:
    """Collects what happens in a run. `judge` compares it with the logs at the end."""

    def __init__(self, verdicts: Verdicts, figures: Figures) -> None:
        self._verdicts = verdicts
        self._figures = figures
        self._messages: dict[str, Message] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._order: dict[tuple[str, str], list[Message]] = {}
        self._told: dict[tuple[str, int], Logged] = {}
        self._tellers: dict[tuple[str, int], str] = {}
        self._logs: dict[str, Log] = {}
        self.to_ack = Latencies()
        self.to_receipt = Latencies()

    # While it runs

    def compose(self, message: Message) -> None:
        """Take in a message before it is sent for the first time."""
        self._messages[message.client_message_id] = message
        self._figures.composed += 1

    def send(self, message: Message, line: str | None, now: float) -> str:
        """Note that a message is sent now, and make the id of the command.

        Args:
            line: Name of the connection; None for HTTP.
            now: Monotonic seconds.
        """
        self._figures.sends += 1
        if not message.lines:
            message.sent_at = now
        message.lines.append(line)
        if line is not None:
            self._order.setdefault((line, message.conversation_id), []).append(message)
        command_id = f"send-{self._figures.sends}"
        self._attempts[command_id] = _Attempt(message, bool(message.acks))
        return command_id

    def acked(self, ack: Ack, *, live_since: float, now: float) -> None:
        """Take in an ack, however it came.

        Args:
            live_since: Monotonic seconds since which the client reads; how long older
                sends took says nothing about the server.
        """
        attempt = self._attempts.pop(ack.reply_to or "", None)
        if attempt is None or attempt.message.client_message_id != ack.client_message_id:
            what = f"an ack for {ack.client_message_id!r} answers no send of it ({ack.reply_to!r})"
            self._verdicts.broken("ack_matches", what)
            return
        message = attempt.message
        if not message.acks:
            self._figures.acknowledged += 1
            if len(message.lines) == 1 and message.sent_at > live_since:
                self.to_ack.add(now - message.sent_at)
        else:
            self._check_repeat(message, ack)
        if attempt.is_known_repeat:
            what = f"{_named(message)} was sent again after its ack and acknowledged as new"
            self._verdicts.check("repeat", ack.duplicate, what)
        message.acks.append(ack)

    def _check_repeat(self, message: Message, ack: Ack) -> None:
        first = message.acks[0]
        was, is_now = (first.message_id, first.seq), (ack.message_id, ack.seq)
        what = f"{_named(message)} was acknowledged as {was} and then as {is_now}"
        self._verdicts.check("repeat", was == is_now, what)
        news = [one for one in (*message.acks, ack) if not one.duplicate]
        self._verdicts.check("repeat", len(news) <= 1, f"{_named(message)} was acknowledged as new twice")

    def told(self, event: Logged, who: str, *, live_since: float, now: float) -> None:
        """Take in an event that a client was told.

        Args:
            live_since: As above, and is up to date.
        """
        self._figures.told += 1
        place = place_of(event)
        known = self._told.setdefault(place, event)
        teller = self._tellers.setdefault(place, who)
        if known != event:
            what = f"{_placed(place)} {who} was told {_worded(event)}, {teller} {_worded(known)}"
            self._verdicts.broken("one_order", what)
            return
        self._verdicts.kept("one_order")
        message = self._message_of(event)
        if message is not None and len(message.lines) == 1 and message.sent_at > live_since:
            self.to_receipt.add(now - message.sent_at)

    # At the end

    def ended(self, conversation_id: str, log: Log) -> None:
        """Take in a conversation's log as it is at the end."""
        self._logs[conversation_id] = log

    def judge(self) -> None:
        """Compare everything with the logs at the end. To be called once."""
        for conversation_id, log in self._logs.items():
            self._judge_numbers(conversation_id, log)
            for event in log.events:
                self._judge_event(event)
        stored = self._stored()
        self._judge_told()
        self._judge_acks(stored)
        self._judge_doubles(stored)
        self._judge_sender_order(stored)

    def _judge_numbers(self, conversation_id: str, log: Log) -> None:
        numbers = [place_of(event)[1] for event in log.events]
        missing = sorted(set(range(1, log.head + 1)) - set(numbers))
        self._figures.holes += len(missing)
        for number in missing:
            self._verdicts.broken("no_hole", f"{_placed((conversation_id, number))} there is nothing in the log")
        self._verdicts.kept("no_hole", log.head - len(missing))
        inversions = sum(after <= before for before, after in pairwise(numbers))
        self._figures.out_of_order += inversions
        if inversions:
            self._verdicts.broken("one_order", f"the log of {conversation_id!r} is read in the order {numbers}")

    def _judge_event(self, event: Logged) -> None:
        if not isinstance(event, NewMessage):
            return
        message = self._messages.get(event.message.client_message_id or "")
        told = (event.conversation_id, event.message.sender_id, event.message.content)
        sent = None if message is None else (message.conversation_id, message.sender_id, message.content)
        what = f"{_placed(place_of(event))} the log has {_worded(event)}, which was not sent like that"
        self._verdicts.check("stored_as_sent", told == sent and event.message.seq == event.seq, what)

    def _judge_told(self) -> None:
        for place, event in self._told.items():
            log = self._logs.get(place[0])
            if log is None:
                continue
            found = next((one for one in self._at(place) if one == event), None)
            what = f"{_placed(place)} {self._tellers[place]} was told {_worded(event)}; the log has it not"
            self._verdicts.check("heard_is_stored", found is not None, what)

    def _judge_acks(self, stored: "_Stored") -> None:
        for message in self._messages.values():
            if not message.acks or message.conversation_id not in self._logs:
                continue
            ack = message.acks[0]
            places = stored.get(message.client_message_id, [])
            if not places:
                self._figures.lost += 1
                self._verdicts.broken("acknowledged", f"{_named(message)}, acknowledged at {ack.seq}, is lost")
                continue
            self._verdicts.kept("acknowledged")
            for ack in message.acks:
                what = f"{_named(message)} was acknowledged as {(ack.seq, ack.message_id)}; the log has {places}"
                self._verdicts.check("ack_matches", (ack.seq, ack.message_id) in places, what)

    def _judge_doubles(self, stored: "_Stored") -> None:
        for client_message_id, places in stored.items():
            message = self._messages.get(client_message_id)
            if message is None:
                continue
            self._figures.doubled += len(places) - 1
            what = f"{_named(message)} is stored {len(places)} times: {places}"
            self._verdicts.check("not_doubled", len(places) == 1, what)

    def _judge_sender_order(self, stored: "_Stored") -> None:
        for (line, _), messages in self._order.items():
            # One that was sent again may have been stored by either attempt.
            once = [message for message in messages if len(message.lines) == 1]
            placed = [
                (stored[one.client_message_id][0][0], one) for one in once if one.client_message_id in stored
            ]
            for (seq, first), (next_seq, second) in pairwise(placed):
                what = f"{_named(second)} was sent after {_named(first)} on {line} and is stored before it"
                self._verdicts.check("sender_order", seq < next_seq, what)

    def _stored(self) -> "_Stored":
        found: _Stored = {}
        for log in self._logs.values():
            for event in log.events:
                if isinstance(event, NewMessage) and event.message.client_message_id is not None:
                    places = found.setdefault(event.message.client_message_id, [])
                    places.append((event.seq, event.message.id))
        return found

    def _at(self, place: tuple[str, int]) -> Sequence[Logged]:
        events = self._logs[place[0]].events
        # In a log without holes it stands where it should; in others it is looked for.
        near = events[place[1] - 1 : place[1]]
        return near if near and place_of(near[0]) == place else [one for one in events if place_of(one) == place]

    def _message_of(self, event: Logged) -> Message | None:
        if not isinstance(event, NewMessage):
            return None
        return self._messages.get(event.message.client_message_id or "")


_Stored = dict[str, list[tuple[int, str]]]
"""Position and id of each stored message, by `client_message_id`."""


def logged(frame: Frame) -> Logged | None:
    """Tell whether a frame is an event of a log; None if it is something else."""
    if isinstance(frame, Durable):
        return frame
    return frame if isinstance(frame, Unreadable) and frame.seq is not None else None


def place_of(event: Logged) -> tuple[str, int]:
    """Name the place of an event: its conversation and its number."""
    return event.conversation_id or "", event.seq or 0


def _placed(place: tuple[str, int]) -> str:
    return f"at {place[1]} of {place[0]!r}"


def _named(message: Message) -> str:
    return f"message {message.client_message_id!r} of {message.conversation_id!r}"


def _worded(event: Logged) -> str:
    if isinstance(event, NewMessage):
        return f"message {event.message.id} ({event.message.client_message_id!r})"
    return f"a {type(event).__struct_config__.tag or event}"
