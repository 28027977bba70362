"""What stands on the screen of a conversation: entries in order, as values. No Textual, no I/O.

Days, the line of what is new, messages, other events, notes of this client, own messages that wait,
and replies that are being made. How they are drawn is the business of `message_view.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, Literal

from gator.cli.chat.lines import clock_time, happened, signed
from gator.cli.chat.roster import Roster
from gator_chat_client import Message, Outgoing, Reply, Snapshot
from gator_chat_client.snapshot import SystemEvent

Kind = Literal["day", "new", "own", "other", "ai", "note", "gap", "waiting", "failed", "live"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on the screen.

    Attributes:
        kind: How it looks.
        text: What it says; as it came from outside, and not safe to be written to a terminal.
        name: Who says it, if anybody does.
        at: The time of day that stands before it.
        color: Number of the colour of the name.
    """

    kind: Kind
    text: str
    name: str = ""
    at: str = ""
    color: int = 0


@dataclass(frozen=True, slots=True)
class LocalNote:
    """A sentence of this client's own, behind what had happened when it was said."""

    after_seq: int
    text: str


def entries_of(
    snapshot: Snapshot,
    roster: Roster,
    notes: Sequence[LocalNote] = (),
    *,
    new_after: int | None = None,
    zone: tzinfo | None = None,
    today: datetime | None = None,
) -> list[Entry]:
    """Put everything in order.

    Args:
        new_after: Position after which messages were not read when the conversation was opened.
        zone: Zone in which times are shown; this machine's by default.
        today: The present moment, by which days are named.
    """
    entries: list[Entry] = []
    if snapshot.discontinuity is not None:
        entries.append(Entry("gap", "Something is missing before this; older messages load as you scroll up."))
    day: str | None = None
    is_new_told = new_after is None
    waiting_notes = list(notes)
    for item in _in_order(snapshot):
        while waiting_notes and waiting_notes[0].after_seq < item.seq:
            entries.append(Entry("note", waiting_notes.pop(0).text))
        named = day_of(item.timestamp, zone, today)
        if named != day:
            day = named
            entries.append(Entry("day", named))
        if not is_new_told and new_after is not None and item.seq > new_after and _is_others(item, snapshot):
            is_new_told = True
            entries.append(Entry("new", "new"))
        entries.append(_entry(item, snapshot, zone))
    entries += [Entry("note", note.text) for note in waiting_notes]
    entries += [_waiting(outgoing) for outgoing in snapshot.outgoing if outgoing.state != "sent"]
    entries += [_live(reply, roster, zone) for reply in snapshot.replies]
    return entries


def day_of(timestamp: str, zone: tzinfo | None, today: datetime | None) -> str:
    """Name a day as people do."""
    try:
        moment = datetime.fromisoformat(timestamp).astimezone(zone)
    except (ValueError, OverflowError):
        return "some day"
    now = (today or datetime.now(UTC)).astimezone(zone)
    days = (now.date() - moment.date()).days
    if days == 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{moment:%A}, {moment.day} {moment:%B}{year}"


@dataclass(frozen=True, slots=True)
class _Placed:
    seq: int
    timestamp: str
    message: Message | None
    event: SystemEvent | None


def _in_order(snapshot: Snapshot) -> list[_Placed]:
    """Merge messages and other events; of several attempts at a reply only the newest is shown."""
    newest: dict[tuple[str, str], int] = {}
    for message in snapshot.messages:
        if message.reply is not None:
            newest[message.reply.answers, message.sender_id] = message.seq
    oldest = snapshot.messages[0].seq if snapshot.messages else 0
    placed = [
        _Placed(message.seq, message.timestamp, message, None)
        for message in snapshot.messages
        if message.reply is None or newest[message.reply.answers, message.sender_id] == message.seq
    ]
    # Pages of history hold messages only: of the stretch before the first page nothing else is known.
    placed += [
        _Placed(event.seq, event.timestamp, None, event)
        for event in snapshot.events
        if event.seq > oldest or not snapshot.has_older
    ]
    return sorted(placed, key=lambda item: item.seq)


def _is_others(item: _Placed, snapshot: Snapshot) -> bool:
    return item.message is not None and item.message.sender_id != snapshot.me


def _entry(item: _Placed, snapshot: Snapshot, zone: tzinfo | None) -> Entry:
    at = clock_time(item.timestamp, zone)
    message = item.message
    if message is None:
        assert item.event is not None
        return Entry("note", happened(item.event).text, at=at)
    name = message.sender.name or message.sender_id
    color = color_of(message.sender_id)
    if message.reply is not None:
        name = signed(name, status=message.reply.status, attempt=message.reply.attempt)
    elif message.is_ai:
        name = signed(name)
    if message.is_ai:
        return Entry("ai", message.content, name, at, color)
    return Entry("own" if message.sender_id == snapshot.me else "other", message.content, name, at, color)


def _waiting(outgoing: Outgoing) -> Entry:
    if outgoing.state == "failed":
        return Entry("failed", f"{outgoing.content}\n{outgoing.why} (/retry or /discard)", "not sent", "!")
    return Entry("waiting", outgoing.content, "you", "...")


def _live(reply: Reply, roster: Roster, zone: tzinfo | None) -> Entry:
    name = signed(roster.name_of(reply.persona_id), attempt=reply.attempt)
    at = clock_time(reply.at, zone)
    if reply.text:
        return Entry("live", f"{reply.text}\u258c", name, at, color_of(reply.persona_id))
    return Entry("live", f"({activity(reply)})", name, at, color_of(reply.persona_id))


def activity(reply: Reply) -> str:
    """Word what a reply that has said nothing is about."""
    if reply.position is None:
        return "is thinking ..."
    if reply.position == 0:
        return "replies next"
    return f"replies after {reply.position} other{'s' if reply.position > 1 else ''}"


COLORS: Final = 6


def color_of(user_id: str) -> int:
    """Give everybody a colour of their own, more or less, and the same one everywhere."""
    return sum(user_id.encode("utf-8", "replace")) % COLORS
