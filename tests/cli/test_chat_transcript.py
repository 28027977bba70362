"""What stands on the screen, as values; and that nothing of it obeys a terminal or Rich."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.cli.chat.lines import columns
from gator.cli.chat.message_view import rows_of
from gator.cli.chat.roster import Roster
from gator.cli.chat.sidebar import shortened
from gator.cli.chat.strips import connection_line, header_line, typing_line
from gator.cli.chat.transcript import Entry, LocalNote, entries_of
from gator_chat_client import ConnectionState, Message, Outgoing, Reply, Snapshot
from gator_chat_client.protocol.events import ConversationRenamed, Sender
from gator_chat_client.protocol.events import Reply as ReplyOfMessage

NOON = "2025-01-15T12:00:00.000Z"
NOW = datetime(2025, 1, 15, 13, tzinfo=UTC)


def message(seq: int, content: str = "hi", sender: str = "bob", at: str = NOON, **fields: Any) -> Message:
    named = Sender(name=fields.pop("name", None))
    values: dict[str, Any] = {"id": f"m{seq}", "seq": seq, "sender_id": sender, "content": content}
    return Message(**values, sender=named, timestamp=at, is_ai=fields.pop("is_ai", False), **fields)


def shown(snapshot: Snapshot, notes: list[LocalNote] | None = None, **options: Any) -> list[tuple[str, str]]:
    entries = entries_of(snapshot, Roster(), notes or [], zone=UTC, today=NOW, **options)
    return [(each.kind, f"{each.name}: {each.text}" if each.name else each.text) for each in entries]


def test_days_stand_between_messages() -> None:
    days = ("2024-12-31T23:59:00Z", "2025-01-10T09:00:00Z", "2025-01-14T09:00:00Z", NOON, NOON)
    messages = tuple(message(seq, at=at) for seq, at in enumerate(days, start=1))
    lines = shown(Snapshot(id="tea", messages=messages))
    assert [text for kind, text in lines if kind == "day"] == [
        "Tuesday, 31 December 2024",
        "Friday, 10 January",
        "Yesterday",
        "Today",
    ]


def test_own_messages_others_and_those_of_personas_look_different() -> None:
    reply = ReplyOfMessage(run_id="r", answers="m1", attempt=1, status="stopped")  # type: ignore[arg-type]
    messages = (
        message(1, "one", "ada"),
        message(2, "two", name="Bob"),
        message(3, "three", "nia", name="Nia", is_ai=True, reply=reply),
    )
    assert shown(Snapshot(id="tea", me="ada", messages=messages))[1:] == [
        ("own", "ada: one"),
        ("other", "Bob: two"),
        ("ai", "Nia (AI, stopped): three"),
    ]


def test_of_several_attempts_the_newest_is_shown() -> None:
    attempts = [ReplyOfMessage(run_id=f"r{n}", answers="m1", attempt=n) for n in (1, 2)]  # type: ignore[arg-type]
    messages = (
        message(1),
        *(message(n + 2, f"try {n}", "nia", is_ai=True, reply=each) for n, each in enumerate(attempts)),
    )
    assert shown(Snapshot(id="tea", messages=messages))[1:] == [
        ("other", "bob: hi"),
        ("ai", "nia (AI, attempt 2): try 1"),
    ]


def test_a_line_marks_what_was_not_read_and_notes_keep_their_places() -> None:
    renamed = ConversationRenamed(conversation_id="tea", seq=2, title="Jam", by="bob", timestamp=NOON)  # type: ignore[arg-type]
    snapshot = Snapshot(id="tea", me="ada", messages=(message(1), message(3), message(4)), events=(renamed,))
    notes = [LocalNote(3, "a note"), LocalNote(9, "a later one")]
    assert shown(snapshot, notes, new_after=2)[1:] == [
        ("other", "bob: hi"),
        ("note", "bob named it 'Jam'"),
        ("new", "new"),
        ("other", "bob: hi"),
        ("note", "a note"),
        ("other", "bob: hi"),
        ("note", "a later one"),
    ]


def test_what_waits_failed_and_grows_stands_last() -> None:
    outgoing = (
        Outgoing(client_message_id="a", conversation_id="tea", content="one"),
        Outgoing(
            client_message_id="b", conversation_id="tea", content="two", state="failed", error="x", why="No."
        ),
    )
    replies = (
        Reply(run_id="r1", persona_id="nia", at=NOON, text="Bread"),
        Reply(run_id="r2", persona_id="otto", at=NOON, state="queued", position=1),
        Reply(run_id="r3", persona_id="uma", at=NOON),
    )
    assert shown(Snapshot(id="tea", outgoing=outgoing, replies=replies)) == [
        ("waiting", "you: one"),
        ("failed", "not sent: two\nNo. (/retry or /discard)"),
        ("live", "nia (AI): Bread\u258c"),
        ("live", "otto (AI): (replies after 1 other)"),
        ("live", "uma (AI): (is thinking ...)"),
    ]


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "[red]not red[/red] [@click=app.quit]quit[/] [link=http://x]x[/link]",
    "\u202egnol\u202c \u2066x\u2069",
    "Z\u0351\u036b\u0343a\u0322l\u0321g\u0340o\u0334" * 50,
    "\N{GRINNING FACE}" * 5000,
    "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}" * 300,
    "a\nb\r\nc\rd\tf\x00g",
    "\ud800",
    "one\u2028two",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [12, 40, 120])
def test_hostile_text_is_shown_as_text_within_its_rows(text: str, width: int) -> None:
    rows = rows_of(Entry("other", text, name="eve\x1b[0m\n[bold]", at="12:00"), width)
    whole = "".join(part for row in rows for part, _ in row)
    assert not set(whole) & {chr(code) for code in (*range(32), 127, *range(128, 160), 0x202E, 0x2066, 0xD800)}
    assert all(columns("".join(part for part, _ in row)) <= width for row in rows)
    if "[red]" in text and width == 120:
        assert "[red]not red[/red]" in whole


@given(st.text(max_size=300), st.text(max_size=40), st.integers(12, 100))
def test_any_text_fits_and_begins_its_further_rows_with_space(text: str, name: str, width: int) -> None:
    rows = rows_of(Entry("other", text, name=name, at="12:00"), width)
    lines = ["".join(part for part, _ in row) for row in rows]
    assert all(columns(line) <= width for line in lines)
    assert lines[0].startswith("12:00")
    assert all(line == "" or line.startswith("    ") for line in lines[1:])


@given(st.text(max_size=60), st.integers(1, 30))
def test_what_is_shortened_fits(text: str, width: int) -> None:
    assert columns(shortened(text, width)) <= width


# The rows around


def state(**fields: Any) -> ConnectionState:
    return ConnectionState(**fields)


@pytest.mark.parametrize(
    ("connection", "line"),
    [
        (state(state="open", reason="caught_up"), "● ada"),
        (state(state="catching_up", reason="welcomed"), "◐ ada, catching up"),
        (state(state="connecting", reason="asked"), "○ connecting ..."),
        (
            state(state="waiting", reason="lost", why="no [b]way[/]"),
            "○ offline (no [b]way[/]), next attempt in 3 s",
        ),
        (
            state(state="waiting", reason="server_restarts", why="x"),
            "○ offline (the server restarts), next attempt in 3 s",
        ),
        (state(state="closed", reason="refused", why="Invalid token."), "✕ Invalid token."),
    ],
)
def test_the_connection_is_worded(connection: ConnectionState, line: str) -> None:
    wait_s = 3.2 if connection.state == "waiting" else None
    assert connection_line(connection, "ada", 0, wait_s, 30).startswith(line)
    assert "· 2 messages waiting" in connection_line(connection, "ada", 2, wait_s, 30)


def test_who_types_is_named_and_many_are_counted() -> None:
    roster = Roster()
    roster.learn("bob", "Bob")
    assert typing_line(Snapshot(id="tea", typing=("bob",)), roster) == "Bob is typing ..."
    assert typing_line(Snapshot(id="tea", typing=("bob", "cleo")), roster) == "Bob, cleo are typing ..."
    assert typing_line(Snapshot(id="tea", typing=("a", "b", "c", "d")), roster) == "4 are typing ..."
    assert typing_line(Snapshot(id="tea", typing_count=7), roster) == "7 are typing ..."
    replies = (Reply(run_id="r", persona_id="bob", at=NOON, text="x"),)
    assert typing_line(Snapshot(id="tea", replies=replies), roster) == "Bob replies · Esc stops it"


def test_the_header_says_where_one_is() -> None:
    assert header_line(Snapshot(id=""), "", 80).startswith("No conversation is open")
    assert header_line(Snapshot(id="t", member_count=2, online_count=1), "Tea", 80) == "Tea · 2 members, 1 online"
    assert (
        header_line(Snapshot(id="t", status="failed", reason="forbidden"), "Tea", 80)
        == "Tea · you cannot join: forbidden"
    )
    assert header_line(Snapshot(id="t", status="left", reason="deleted"), "Tea", 80) == "Tea · deleted"
