import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gator.cli.chat.lines import (
    Line,
    Note,
    Said,
    broken,
    clock_time,
    columns,
    failed,
    happened,
    listed,
    rejected,
    stopped,
    worded,
)
from gator.cli.harmless import harmless
from gator.protocol.types import ConversationId, MessageId, PersonaId, Role, RunId, Seq, UserId
from gator_chat_client.frames import read
from gator_chat_client.protocol.events import (
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
    Reply,
    ReplyFailed,
    ReplyFailure,
    ReplyRefusal,
    ReplyRejected,
    ReplyStatus,
    ReplyStopped,
    Sender,
)

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


# On a screen


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("one two", ["one two"]),
        ("one two three", ["one two", "three"]),
        ("one  two", ["one  two"]),
        ("  one", ["  one"]),
        ("12345678 9", ["12345678", "9"]),
        ("a 1234567890", ["a 123456", "7890"]),
        ("漢字漢字漢字", ["漢字漢字", "漢字"]),
        ("a漢字漢字", ["a漢字漢", "字"]),
        ("1234567e\u0301 x", ["1234567e\u0301", "x"]),
    ],
)
def test_text_is_broken_between_words_where_it_can_be(text: str, rows: list[str]) -> None:
    assert broken(text, 8) == rows


def test_rows_after_the_first_may_be_indented() -> None:
    assert broken("one two three 123456789", 8, 2) == ["one two", "  three", "  123456", "  789"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(2, 40))
def test_no_row_is_too_wide_and_no_word_is_lost(text: str, width: int) -> None:
    rows = broken(text, width)
    assert max(map(columns, rows)) <= width
    assert "".join("".join(rows).split()) == "".join(text.split())


def test_on_a_screen_a_message_hangs_from_its_name() -> None:
    line = Said(AT, "Nia (AI)", "Good morning to you all.\n  Tea?\n\n1234567890123456789012345")
    assert worded(line, colours=False, width=28, zone=UTC).split("\n") == [
        "10:30 Nia (AI): Good morning",
        "        to you all.",
        "          Tea?",
        "",
        "        12345678901234567890",
        "        12345",
    ]
    assert worded(line, colours=True, width=28, zone=UTC).startswith("10:30 \x1b[1mNia (AI)\x1b[0m: Good")


def test_on_a_screen_a_long_name_is_broken_too() -> None:
    assert worded(Said(AT, "x" * 30, "Good morning"), colours=False, width=24, zone=UTC).split("\n") == [
        "10:30 xxxxxxxxxxxxxxxxxx",
        "        xxxxxxxxxxxx:",
        "        Good morning",
    ]


@given(st.text(st.characters()), st.text(st.characters()), st.integers(12, 60))
def test_on_a_screen_only_the_first_row_of_a_message_is_at_the_left(name: str, text: str, width: int) -> None:
    first, *rest = worded(Said(AT, name, text), colours=False, width=width, zone=UTC).split("\n")
    assert first.startswith("10:30")
    assert all(row == "" or row.startswith(" " * 8) for row in rest)
    assert all(columns(row) <= width for row in [first, *rest])


def test_every_row_of_a_note_is_dim() -> None:
    assert worded(Note("one two three"), colours=True, width=10).split("\n") == [
        "\x1b[2m* one two\x1b[0m",
        "\x1b[2m  three\x1b[0m",
    ]


# Personas


@pytest.mark.parametrize(
    ("status", "attempt", "name"),
    [
        ("complete", 1, "Nia (AI)"),
        ("stopped", 1, "Nia (AI, stopped)"),
        ("complete", 2, "Nia (AI, attempt 2)"),
        ("interrupted", 3, "Nia (AI, attempt 3, interrupted)"),
    ],
)
def test_a_persona_is_signed(status: ReplyStatus, attempt: int, name: str) -> None:
    event = message("hi", name="Nia", is_ai=True)
    reply = Reply(run_id=RunId("r"), answers=MessageId("0"), status=status, attempt=attempt)
    event = structs.replace(event, message=structs.replace(event.message, reply=reply))
    assert shown(happened(event)) == f"10:30 {name}: hi"


def ended(**given: Any) -> dict[str, Any]:
    persona = PersonaId("nia")
    return {
        "conversation_id": ROOM,
        "run_id": RunId("r"),
        "persona_id": persona,
        "answers": MessageId("0"),
        "timestamp": AT,
        **given,
    }


@pytest.mark.parametrize("code", get_args(ReplyFailure))
def test_every_failure_has_words(code: ReplyFailure) -> None:
    line = shown(failed(ReplyFailed(**ended(), code=code, retryable=True), "Nia (AI)"))
    assert re.fullmatch(r"10:30 \* The reply of Nia \(AI\) failed: [a-z ]+\. /again has it made anew\.", line)


@pytest.mark.parametrize("code", get_args(ReplyRefusal))
def test_every_rejection_has_words(code: ReplyRefusal) -> None:
    line = shown(rejected(ReplyRejected(**ended(), code=code), "Nia (AI)"))
    assert re.fullmatch(r"10:30 \* Nia \(AI\) does not reply: [a-z ]+", line)


@pytest.mark.parametrize(
    ("fields", "when"),
    [
        ({"retry_after_ms": 5_400}, "the budget is spent. /again in 5 s."),
        ({"retry_after_ms": 10}, "the budget is spent. /again in 1 s."),
        ({"resets_at": "2025-01-15T11:00:00Z"}, "the budget is spent until 11:00. /again after that."),
        ({"resets_at": "2025-02-01T00:00:00Z"}, "the budget is spent until 2025-02-01 00:00. /again after that."),
        ({"resets_at": "soon"}, "the budget is spent until --:--. /again after that."),
    ],
)
def test_a_rejection_tells_when_there_may_be_a_reply(fields: dict[str, Any], when: str) -> None:
    line = shown(rejected(ReplyRejected(**ended(), code="budget", **fields), "Nia (AI)", UTC))
    assert line == f"10:30 * Nia (AI) does not reply: {when}"


def test_who_stopped_a_reply_is_told() -> None:
    assert shown(stopped(ReplyStopped(**ended(), by=BOB), "Nia (AI)")) == "10:30 * bob stopped Nia (AI)"
    assert shown(stopped(ReplyStopped(**ended()), "Nia (AI)")) == "10:30 * The server ended the reply of Nia (AI)"
