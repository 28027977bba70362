"""Lines of the screen: what is shown, in words, and nothing that a terminal would obey."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from gator.cli.harmless import harmless
from gator_chat_client.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    DurableEvent,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    NewMessage,
    ReplyFailed,
    ReplyRejected,
    ReplyStatus,
    ReplyStopped,
)

_SIGNS: Final = re.compile("\x1b\\[[0-9]m")
"""What `rows` writes for bold, dim and neither."""

WHY_FAILED: Final[Mapping[str, str]] = {
    "provider_unreachable": "its provider cannot be reached",
    "provider_timeout": "its provider took too long",
    "provider_busy": "its provider has too much to do",
    "provider_refused": "its provider refused",
    "provider_broke_off": "its provider broke off",
    "moderated": "it was not fit to be shown",
    "empty": "it was empty",
    "internal": "the server made a mistake",
}

WHY_REJECTED: Final[Mapping[str, str]] = {
    "queue_full": "too many replies wait here",
    "overloaded": "the server has too much to do",
    "budget": "the budget is spent",
    "moderated": "it may not answer that",
    "persona_not_found": "there is no such persona any more",
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


def worded(line: Line, *, colours: bool, width: int | None = None, zone: tzinfo | None = None) -> str:
    """Lay out a line of the screen, see `rows`."""
    return "\n".join(rows(line, colours=colours, width=width, zone=zone))


def rows(line: Line, *, colours: bool, width: int | None = None, zone: tzinfo | None = None) -> list[str]:
    """Lay out a line of the screen in rows. All that came from outside is made harmless here.

    What follows a row is indented, so that nobody can forge another one's line.

    Args:
        width: Columns of a terminal, in which rows are broken between words; None breaks none.
        zone: Zone in which times are shown; this machine's by default.
    """
    if isinstance(line, Note):
        head = "* " if line.at is None else f"{clock_time(line.at, zone)} * "
        dim = "\x1b[2m{}\x1b[0m" if colours else "{}"
        return [dim.format(row) for row in _hung(head, [harmless(line.text)], width, indent=len(head))]
    time, name = clock_time(line.at, zone), harmless(line.name)
    first, *rest = (harmless(part) for part in line.text.replace("\r\n", "\n").split("\n"))
    # In a file under the text, on a screen a little to the right of the name.
    indent = columns(f"{time} {name}: ") if width is None else len(time) + 3
    first, *rest = _hung(f"{time} ", [f"{name}: {first}", *rest], width, indent)
    return [first.replace(name, f"\x1b[1m{name}\x1b[0m", 1) if colours and name else first, *rest]


def _hung(head: str, parts: Iterable[str], width: int | None, indent: int) -> list[str]:
    """Write parts behind a head, and what follows its row further to the right."""
    first, *rest = parts
    whole = [head + first, *(" " * indent + part for part in rest)]
    return whole if width is None else [row for part in whole for row in broken(part, width, indent)]


def broken(text: str, width: int, indent: int = 0) -> list[str]:
    """Break text in rows, between words where it can be. At least one row.

    Args:
        width: Columns of a row, 2 more than `indent` at least, so that any character fits.
        indent: Columns that are left blank in all rows but the first.
    """
    done: list[str] = []
    row, used = "", 0
    for word in re.findall(r"\s+|\S+", text):
        wide = columns(word)
        if used + wide <= width:
            row, used = row + word, used + wide
        elif word.isspace():  # the break stands in its place
            used = width
        elif indent + wide <= width:
            done.append(row.rstrip())
            row, used = " " * indent + word, indent + wide
        else:
            for char in word:
                if used + columns(char) > width:
                    done.append(row.rstrip())
                    row, used = " " * indent, indent
                row, used = row + char, used + columns(char)
    return [*done, row.rstrip()]


def clock_time(timestamp: str, zone: tzinfo | None = None) -> str:
    """Word a moment as hours and minutes."""
    try:
        return datetime.fromisoformat(timestamp).astimezone(zone).strftime("%H:%M")
    except (ValueError, OverflowError):
        return "--:--"


def columns(text: str) -> int:
    """Count the columns that a text takes in a terminal, nearly always rightly.

    Bold and dim take none.
    """
    text = _SIGNS.sub("", text)
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(char) in ("W", "F")
        else 1
        for char in text
    )


def signed(name: str, *, status: ReplyStatus = "complete", attempt: int = 1) -> str:
    """Name a persona as one, and say what is the matter with its reply."""
    signs = ["AI"]
    if attempt > 1:
        signs.append(f"attempt {attempt}")
    if status != "complete":
        signs.append(status)
    return f"{name} ({listed(signs)})"


def happened(event: DurableEvent) -> Line:
    """Word an event of the log."""
    if not isinstance(event, NewMessage):
        return Note(_deed(event), at=event.timestamp)
    message = event.message
    name = message.sender.name or message.sender_id
    if message.reply is not None:
        name = signed(name, status=message.reply.status, attempt=message.reply.attempt)
    elif message.is_ai:
        name = signed(name)
    return Said(at=event.timestamp, name=name, text=message.content)


def stopped(event: ReplyStopped, name: str) -> Line:
    """Word the end of a reply that somebody ended, or that a newer message took the place of."""
    if event.by is None:
        return Note(f"The server ended the reply of {name}", at=event.timestamp)
    return Note(f"{event.by} stopped {name}", at=event.timestamp)


def failed(event: ReplyFailed, name: str) -> Line:
    """Word the end of a reply that went wrong."""
    offer = ". /again has it made anew." if event.retryable else ""
    return Note(f"The reply of {name} failed: {WHY_FAILED[event.code]}{offer}", at=event.timestamp)


def rejected(event: ReplyRejected, name: str, zone: tzinfo | None = None) -> Line:
    """Word why there will be no reply, and when there may be one."""
    why = WHY_REJECTED[event.code]
    if event.resets_at is not None:
        why += f" until {_moment(event.resets_at, event.timestamp, zone)}. /again after that."
    elif event.retry_after_ms is not None:
        why += f". /again in {max(1, round(event.retry_after_ms / 1000))} s."
    return Note(f"{name} does not reply: {why}", at=event.timestamp)


def _moment(timestamp: str, now: str, zone: tzinfo | None) -> str:
    """Word a moment, with its day unless that is today."""
    try:
        day, today = (datetime.fromisoformat(each).astimezone(zone).date() for each in (timestamp, now))
    except (ValueError, OverflowError):
        return clock_time(timestamp, zone)
    time = clock_time(timestamp, zone)
    return time if day == today else f"{day} {time}"


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
