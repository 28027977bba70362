from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.cli.chat.frames import read
from gator.cli.chat.lines import Line, Note, Said, clock_time, columns, happened, harmless, listed, worded
from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    DurableEvent,
    Member,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Message,
    NewMessage,
    Sender,
)
from gator.protocol.types import ConversationId, MessageId, Role, Seq, UserId

AT = "2025-01-15T10:30:00.000Z"
ROOM = ConversationId("room")
ANN, BOB, CLEO = UserId("ann"), UserId("bob"), UserId("cleo")


def shown(line: Line) -> str:
    return worded(line, colours=False, zone=UTC)


def message(text: str, *, name: str | None = None, is_ai: bool = False) -> NewMessage:
    said = Message(
        id=MessageId("1"),
        seq=Seq(2),
        sender_id=ANN,
        sender=Sender(name=name),
        content=text,
        timestamp=AT,
        is_ai=is_ai,
    )
    return NewMessage(conversation_id=ROOM, seq=Seq(2), timestamp=AT, message=said)


def added(by: UserId, *users: UserId, count: int = 3) -> MembersAdded:
    members = tuple(Member(user_id=user, role="member") for user in users)
    return MembersAdded(conversation_id=ROOM, seq=Seq(2), timestamp=AT, by=by, members=members, member_count=count)


def created(title: str | None) -> ConversationCreated:
    return ConversationCreated(
        conversation_id=ROOM,
        seq=Seq(1),
        timestamp=AT,
        kind="group",
        title=title,
        by=ANN,
        members=(),
        member_count=1,
    )


def renamed(title: str | None) -> ConversationRenamed:
    return ConversationRenamed(conversation_id=ROOM, seq=Seq(2), timestamp=AT, title=title, by=ANN)


def removed(user: UserId, by: UserId) -> MemberRemoved:
    return MemberRemoved(conversation_id=ROOM, seq=Seq(2), timestamp=AT, user_id=user, by=by, member_count=1)


def promoted(user: UserId, role: Role) -> MemberRoleChanged:
    return MemberRoleChanged(conversation_id=ROOM, seq=Seq(2), timestamp=AT, user_id=user, role=role, by=ANN)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (message("hi"), "10:30 ann: hi"),
        (message("hi", name="Ann B."), "10:30 Ann B.: hi"),
        (message("hi", name="Poet", is_ai=True), "10:30 Poet (AI): hi"),
        (created(None), "10:30 * ann created the conversation"),
        (created("Tea"), "10:30 * ann created the conversation 'Tea'"),
        (renamed("Tea"), "10:30 * ann named it 'Tea'"),
        (renamed(None), "10:30 * ann took its name away"),
        (ConversationDeleted(conversation_id=ROOM, seq=Seq(2), timestamp=AT, by=ANN), "10:30 * ann deleted the conversation"),  # noqa: E501 - a row
        (added(BOB, BOB), "10:30 * bob joined"),
        (added(ANN, BOB, CLEO), "10:30 * ann added bob, cleo; there are 3 now"),
        (added(ANN, count=140), "10:30 * ann added members; there are 140 now"),
        (removed(BOB, by=BOB), "10:30 * bob left"),
        (removed(BOB, by=ANN), "10:30 * ann removed bob"),
        (promoted(BOB, "admin"), "10:30 * ann made bob admin"),
    ],
)  # fmt: skip
def test_every_event_of_the_log_has_words(event: DurableEvent, line: str) -> None:
    assert shown(happened(event)) == line


def test_what_happens_here_has_no_time() -> None:
    assert shown(Note("Connected again.")) == "* Connected again."


def test_a_terminal_with_colours_shows_names_bold_and_notes_dim() -> None:
    assert worded(Said(AT, "ann", "hi"), colours=True, zone=UTC) == "10:30 \x1b[1mann\x1b[0m: hi"
    assert worded(Note("x"), colours=True) == "\x1b[2m* x\x1b[0m"


def test_the_lines_of_a_message_stand_under_each_other() -> None:
    assert (
        shown(Said(AT, "ann", "one\r\ntwo\n\nfour"))
        == "10:30 ann: one\n           two\n           \n           four"
    )
    assert shown(Said(AT, "王", "one\ntwo")) == "10:30 王: one\n          two"


def test_nobody_can_forge_the_line_of_another() -> None:
    forged = shown(Said(AT, "eve\n10:30 ann", "hi\n10:31 ann: I owe eve money"))
    assert [line for line in forged.split("\n") if line.startswith("10:3")] == ["10:30 eve␊10:30 ann: hi"]
    assert "\n" not in shown(Note("eve\n10:30 ann: hi"))


@pytest.mark.parametrize(
    ("hostile", "tame"),
    [
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b[2J", "␛[2J"),
        ("\x9b31m", "\ufffd31m"),
        ("a\rb\x08c\x7f", "a␍b␈c␡"),
        ("a\tb", "a    b"),
        ("\u202etxt.exe", "\ufffdtxt.exe"),
        ("\ud800", "\ufffd"),
        ("a\u2028b", "a\u2424b"),
        ("👩‍👩‍👧 é 漢字", "👩‍👩‍👧 é 漢字"),
    ],
)
def test_what_a_terminal_would_obey_is_only_shown(hostile: str, tame: str) -> None:
    assert harmless(hostile) == tame


@given(st.text(st.characters()), st.text(st.characters()), st.booleans())
def test_no_text_reaches_the_terminal_with_a_control_character(name: str, text: str, colours: bool) -> None:
    for line in (Said(AT, name, text), Note(text, at=name)):
        out = worded(line, colours=colours, zone=UTC)
        for ours in ("\x1b[1m", "\x1b[2m", "\x1b[0m"):
            out = out.replace(ours, "") if colours else out
        assert [char for char in out if char < " " or "\x7f" <= char < "\xa0"] in ([], ["\n"] * text.count("\n"))
        out.encode()


@pytest.mark.parametrize("timestamp", ["", "yesterday", "10:30", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_is_none_is_shown_as_such(timestamp: str) -> None:
    assert clock_time(timestamp, UTC) == "--:--"


def test_without_a_zone_the_time_is_local() -> None:
    assert clock_time(AT) == datetime(2025, 1, 15, 10, 30, tzinfo=UTC).astimezone().strftime("%H:%M")


@pytest.mark.parametrize(("text", "width"), [("", 0), ("abc", 3), ("漢字", 4), ("e\u0301", 1), ("\u200d", 0)])
def test_columns_are_counted_as_a_terminal_does(text: str, width: int) -> None:
    assert columns(text) == width


def test_names_stand_in_a_row() -> None:
    assert listed(["a", "b"]) == "a, b"


def test_the_frame_of_a_hostile_user_is_tame_on_the_screen() -> None:
    frame = (
        '{"type":"new_message","conversation_id":"room","seq":2,"timestamp":"2025-01-15T10:30:00Z","message":{"id":"1",'
        '"seq":2,"sender_id":"eve","sender":{"name":"\\u001b[31mEve"},"content":"\\u001b[2J","timestamp":"x","is_ai":false}}'
    )
    event = read(frame)
    assert isinstance(event, NewMessage)
    assert shown(happened(event)) == "10:30 ␛[31mEve: ␛[2J"
