"""Lines of the screen: what is shown, in words, and nothing that a terminal would obey."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    DurableEvent,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    NewMessage,
)

_REPLACEMENT: Final = "\ufffd"
# C0 and DEL as their pictures; C1, which some terminals obey like escape sequences; signs that
# turn the direction of writing; lone surrogates, which cannot be written.
_HARMLESS: Final[dict[int, str]] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT),
    0x2028: "\u2424",
    0x2029: "\u2424",
    **dict.fromkeys((0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), _REPLACEMENT),
    **dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT),
    ord("\t"): "    ",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A message."""

    at: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else, in one dim line.

    Attributes:
        at: When it happened, as the server says it; None for what happens here.
        passing: True for what is soon no longer so, and of no use in a file.
    """

    text: str
    at: str | None = None
    passing: bool = False


Line = Said | Note


def harmless(text: str) -> str:
    """Make text safe to write to a terminal: one line, no control characters."""
    return text.translate(_HARMLESS)


def worded(line: Line, *, colours: bool, zone: tzinfo | None = None) -> str:
    """Lay out a line of the screen. All that came from outside is made harmless here.

    Args:
        zone: Zone in which times are shown; this machine's by default.
    """
    if isinstance(line, Note):
        time = "" if line.at is None else clock_time(line.at, zone) + " "
        text = f"{time}* {harmless(line.text)}"
        return f"\x1b[2m{text}\x1b[0m" if colours else text
    time, name = clock_time(line.at, zone), harmless(line.name)
    first, *rest = (harmless(part) for part in line.text.replace("\r\n", "\n").split("\n"))
    # What follows a line break is indented, so that nobody can forge another one's line.
    indent = " " * columns(f"{time} {name}: ")
    shown = f"\x1b[1m{name}\x1b[0m" if colours else name
    return "\n".join((f"{time} {shown}: {first}", *(indent + part for part in rest)))


def clock_time(timestamp: str, zone: tzinfo | None = None) -> str:
    """Word a moment as hours and minutes."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(zone).strftime("%H:%M")
    except (ValueError, OverflowError):
        return "--:--"


def columns(text: str) -> int:
    """Count the columns that a text takes in a terminal, nearly always rightly."""
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in ("W", "F")
        else 1
        for char in text
    )


def happened(event: DurableEvent) -> Line:
    """Word an event of the log."""
    if isinstance(event, NewMessage):
        message = event.message
        name = message.sender.name or message.sender_id
        return Said(at=event.timestamp, name=f"{name} (AI)" if message.is_ai else name, text=message.content)
    return Note(_deed(event), at=event.timestamp)


def _deed(
    event: ConversationCreated
    | ConversationRenamed
    | ConversationDeleted
    | MembersAdded
    | MemberRemoved
    | MemberRoleChanged,
) -> str:
    match event:
        case ConversationCreated():
            return f"{event.by} created the conversation" + (f" {event.title!r}" if event.title else "")
        case ConversationRenamed():
            return f"{event.by} " + (f"named it {event.title!r}" if event.title else "took its name away")
        case ConversationDeleted():
            return f"{event.by} deleted the conversation"
        case MembersAdded():
            users = [member.user_id for member in event.members]
            if users == [event.by]:
                return f"{event.by} joined"
            return f"{event.by} added {listed(users) or 'members'}; there are {event.member_count} now"
        case MemberRemoved():
            return f"{event.user_id} left" if event.by == event.user_id else f"{event.by} removed {event.user_id}"
    return f"{event.by} made {event.user_id} {event.role}"


def listed(names: Iterable[str]) -> str:
    """Put names in a row."""
    return ", ".join(names)
