from typing import Any

import pytest

from gator.cli.chat.effects import AskMembers, ComeBack, Effect, Present, Rest, Send, Show, Stop
from gator.cli.chat.frames import Unreadable
from gator.cli.chat.lines import Note, Said
from gator.cli.chat.outbox import CAPACITY
from gator.cli.chat.state import GREETING_S, HISTORY, Chat
from gator.protocol.commands import JoinConversation, SendMessage
from gator.protocol.errors import ERRORS, ErrorCode
from gator.protocol.events import (
    Ack,
    ConversationJoined,
    ConversationLeft,
    Error,
    HeartbeatEvent,
    Limits,
    Member,
    MemberRemoved,
    MembersAdded,
    Message,
    NewMessage,
    Notification,
    Occupancy,
    OnlineUsers,
    PresenceUpdate,
    Reconnect,
    Sender,
    TypingIndicator,
)
from gator.protocol.types import ConversationId, MessageId, Seq, UserId

AT = "2025-01-15T10:30:00.000Z"
ANN, BOB = UserId("ann"), UserId("bob")
ROOM, OTHER = ConversationId("room"), ConversationId("other")
LIMITS = Limits(
    max_frame_bytes=1000,
    max_message_chars=500,
    max_joined_conversations=9,
    max_connections_per_user=5,
    messages_per_second=10.0,
)


def greeting(user: UserId = ANN, heartbeat_ms: int | None = 25_000) -> OnlineUsers:
    return OnlineUsers(
        users=(ANN,), connection_id="c", user_id=user, heartbeat_ms=heartbeat_ms, limits=LIMITS, timestamp=AT
    )


def answer(effects: list[Effect], seq: int, **given: Any) -> ConversationJoined:
    """Answer the join that is among the effects."""
    join = joins(effects)[-1]
    said: dict[str, Any] = {"epoch": "e1", "recovered": join.after_seq is not None, "reply_to": join.id, **given}
    online = said.pop("online", (ANN,))
    return ConversationJoined(
        conversation_id=ROOM,
        seq=Seq(seq),
        role="member",
        member_count=2,
        online=online,
        online_count=len(online),
        timestamp=AT,
        **said,
    )


def joins(effects: list[Effect]) -> list[JoinConversation]:
    return [one.command for one in effects if isinstance(one, Send) and isinstance(one.command, JoinConversation)]


def sends(effects: list[Effect]) -> list[tuple[str | None, str]]:
    commands = [one.command for one in effects if isinstance(one, Send)]
    return [(one.client_message_id, one.content) for one in commands if isinstance(one, SendMessage)]


def notes(effects: list[Effect]) -> list[str]:
    return [one.line.text for one in effects if isinstance(one, Show) and isinstance(one.line, Note)]


def texts(effects: list[Effect]) -> list[str]:
    return [one.line.text for one in effects if isinstance(one, Show) and isinstance(one.line, Said)]


def message(seq: int, text: str = "hi", conversation: ConversationId = ROOM) -> NewMessage:
    said = Message(
        id=MessageId("m"), seq=Seq(seq), sender_id=BOB, sender=Sender(), content=text, timestamp=AT, is_ai=False
    )
    return NewMessage(conversation_id=conversation, seq=Seq(seq), message=said, timestamp=AT)


def ack(message_id: str, seq: int, *, duplicate: bool = False) -> Ack:
    return Ack(
        conversation_id=ROOM,
        message_id=MessageId("m"),
        seq=Seq(seq),
        duplicate=duplicate,
        client_message_id=message_id,
        reply_to=message_id,
        timestamp=AT,
    )


def refusal(code: ErrorCode, reply_to: str | None, retry_after_ms: int | None = None) -> Error:
    return Error(
        code=code, message=ERRORS[code].meaning, reply_to=reply_to, retry_after_ms=retry_after_ms, timestamp=AT
    )


def heartbeat(**heads: int) -> HeartbeatEvent:
    return HeartbeatEvent(heads={ConversationId(name): Seq(seq) for name, seq in heads.items()}, timestamp=AT)


def presence(user: UserId, *, online: bool) -> PresenceUpdate:
    return PresenceUpdate(user_id=user, online=online, timestamp=AT)


def chat_in(head: int = 0, shown: int | None = None, **given: Any) -> Chat:
    """Make a chat that is in and has shown the log up to a position; by default the head."""
    chat = Chat(ANN, ROOM)
    second = chat.receive(answer(chat.receive(greeting()), head))
    chat.receive(answer(second, head, **given))
    for seq in range(max(0, head - HISTORY) + 1, (head if shown is None else shown) + 1):
        chat.receive(message(seq))
    return chat


# Coming in


def test_the_first_join_asks_where_the_head_is_and_the_second_for_what_came_before() -> None:
    chat = Chat(ANN, ROOM)
    first = chat.receive(greeting())
    assert [(join.after_seq, join.epoch) for join in joins(first)] == [(None, None)]
    assert not chat.is_in
    second = chat.receive(answer(first, 57))
    assert [(join.after_seq, join.epoch) for join in joins(second)] == [(37, "e1")]
    assert notes(second) == []
    entry = chat.receive(answer(second, 57))
    assert notes(entry) == ["You are ann in room: 2 members, 1 online. /help lists what you can do."]
    assert chat.is_in


def test_of_a_short_log_everything_is_asked_for() -> None:
    chat = Chat(ANN, ROOM)
    second = chat.receive(answer(chat.receive(greeting()), 3))
    assert [join.after_seq for join in joins(second)] == [0]


def test_events_between_the_first_two_joins_wait_for_the_second() -> None:
    chat = Chat(ANN, ROOM)
    first = chat.receive(greeting())
    assert chat.receive(message(1)) == []
    second = chat.receive(answer(first, 1))
    assert chat.receive(message(2)) == []
    chat.receive(answer(second, 2))
    assert [texts(chat.receive(message(seq, f"m{seq}"))) for seq in (1, 2, 3)] == [["m1"], ["m2"], ["m3"]]


def test_without_history_it_begins_with_what_is_new() -> None:
    chat = Chat(ANN, ROOM)
    second = chat.receive(answer(chat.receive(greeting()), 57))
    entry = chat.receive(answer(second, 58, recovered=False, reason="too_far_behind"))
    assert len(notes(entry)) == 2
    assert texts(chat.receive(message(58))) == []
    assert texts(chat.receive(message(59))) == ["hi"]


def test_a_greeting_says_how_long_silence_may_last() -> None:
    chat = Chat(ANN, ROOM)
    assert (chat.silence_s, chat.was_greeted) == (GREETING_S, False)
    chat.receive(greeting(heartbeat_ms=25_000))
    assert (chat.silence_s, chat.was_greeted) == (50.0, True)
    chat.lost("why")
    assert (chat.silence_s, chat.was_greeted) == (GREETING_S, True)
    chat.receive(greeting(heartbeat_ms=None))
    assert chat.silence_s == GREETING_S


def test_the_token_of_somebody_else_is_noticed() -> None:
    assert Chat(ANN, ROOM).receive(greeting(BOB)) == [Stop("The token is that of 'bob', not of 'ann'.")]


def test_a_refused_join_is_the_end() -> None:
    chat = Chat(ANN, ROOM)
    first = chat.receive(greeting())
    (stop,) = chat.receive(refusal("conversation_not_found", joins(first)[0].id))
    assert stop == Stop(f"You cannot join 'room': {ERRORS['conversation_not_found'].meaning}")


def test_a_join_refused_for_haste_is_said_again_after_a_rest() -> None:
    chat = Chat(ANN, ROOM)
    first = chat.receive(greeting())
    assert chat.receive(refusal("rate_limited", joins(first)[0].id, 40)) == [Rest(1.0)]
    assert chat.rested() == first


# Following


def test_an_event_is_shown_once_however_often_it_comes() -> None:
    chat = chat_in(5)
    assert [texts(chat.receive(message(seq))) for seq in (5, 6, 6, 1, 7)] == [[], ["hi"], [], [], ["hi"]]


def test_events_of_other_conversations_are_not_shown() -> None:
    chat = chat_in(5)
    assert chat.receive(message(6, conversation=OTHER)) == []
    assert chat.receive(Unreadable(conversation_id=OTHER, seq=6)) == []
    assert texts(chat.receive(message(6))) == ["hi"]


def test_after_a_hole_what_is_missing_is_asked_for_and_comes_in_order() -> None:
    chat = chat_in(5)
    again = chat.receive(message(8, "eight"))
    assert [(join.after_seq, join.epoch) for join in joins(again)] == [(5, "e1")]
    assert texts(again) == []
    assert chat.receive(message(9, "nine")) == []
    assert notes(chat.receive(answer(again, 9))) == []
    assert [texts(chat.receive(message(seq, str(seq)))) for seq in (6, 7, 8, 9)] == [["6"], ["7"], ["8"], ["9"]]


def test_a_hole_that_the_server_cannot_fill_is_told_and_passed() -> None:
    chat = chat_in(5)
    chat.receive(answer(chat.receive(message(8)), 8))
    after = chat.receive(message(8, "eight"))
    assert notes(after) == ["2 events could not be read here."]
    assert texts(after) == ["eight"]
    assert joins(chat.receive(message(11)))[0].after_seq == 8  # the next hole is asked for again


def test_an_event_of_a_newer_kind_is_no_hole() -> None:
    chat = chat_in(5)
    assert chat.receive(Unreadable(type="reaction_added", conversation_id=ROOM, seq=6)) == []
    assert texts(chat.receive(message(7))) == ["hi"]


@pytest.mark.parametrize(
    "frame",
    [
        Unreadable(),
        Unreadable(type="x", conversation_id=ROOM, seq=9),
        Unreadable(type="x", seq=6),
        Notification(conversation_id=OTHER, seq=Seq(6), reason="added", timestamp=AT),
        OnlineUsers(users=(BOB,), timestamp=AT),
        ConversationLeft(conversation_id=OTHER, reason="asked", timestamp=AT),
        heartbeat(),
        heartbeat(room=5, other=9),
    ],
)
def test_what_does_not_concern_this_conversation_changes_nothing(frame: Any) -> None:
    chat = chat_in(5)
    assert chat.receive(frame) == []
    assert texts(chat.receive(message(6))) == ["hi"]


def test_before_a_greeting_nothing_is_positioned() -> None:
    chat = Chat(ANN, ROOM)
    assert chat.receive(Unreadable(type="x", conversation_id=ROOM, seq=1)) == []
    assert chat.receive(heartbeat(room=9)) == []


def test_a_heartbeat_shows_a_silent_loss() -> None:
    chat = chat_in(5)
    assert [join.after_seq for join in joins(chat.receive(heartbeat(room=7)))] == [5]


def test_a_heartbeat_during_the_replay_shows_nothing_new() -> None:
    chat = chat_in(5, shown=3)
    assert chat.receive(heartbeat(room=7)) == []


def test_a_heartbeat_without_the_own_line_shows_a_silent_loss() -> None:
    chat = chat_in(5)
    chat.say("hello", "a")
    chat.receive(ack("a", 6))
    assert [join.after_seq for join in joins(chat.receive(heartbeat()))] == [5]


def test_an_answer_to_an_older_join_is_not_taken_for_the_newer() -> None:
    chat = chat_in(5)
    older = chat.receive(message(8))
    chat.lost("why")
    newer = chat.receive(greeting())
    assert chat.receive(answer(older, 8)) == []
    assert not chat.is_in
    chat.receive(answer(newer, 8))
    assert chat.is_in
    assert chat.receive(answer(newer, 8)) == []


@pytest.mark.parametrize(("reason", "word"), [("removed", "no longer a member"), ("deleted", "was deleted")])
def test_who_is_sent_away_is_told(reason: Any, word: str) -> None:
    (stop,) = chat_in(5).receive(ConversationLeft(conversation_id=ROOM, reason=reason, timestamp=AT))
    assert isinstance(stop, Stop)
    assert word in stop.why


# Away and back


def test_a_lost_connection_is_told_once() -> None:
    chat = chat_in(5)
    assert notes(chat.lost("connection refused")) == ["No connection: connection refused. Trying again ..."]
    assert chat.lost("connection refused") == []
    assert not chat.is_in


def test_who_comes_back_asks_for_what_was_missed() -> None:
    chat = chat_in(5)
    chat.lost("why")
    back = chat.receive(greeting())
    assert [(join.after_seq, join.epoch) for join in joins(back)] == [(5, "e1")]
    assert notes(chat.receive(answer(back, 7))) == ["Connected again."]
    assert [texts(chat.receive(message(seq))) for seq in (6, 7)] == [["hi"], ["hi"]]


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("epoch_changed", "restored from a backup"),
        ("ahead_of_log", "knows less than it did"),
        ("too_far_behind", "too much was said"),
        (None, "cannot say"),
    ],
)
def test_what_cannot_be_recovered_is_told_and_it_goes_on_from_the_head(reason: Any, why: str) -> None:
    chat = chat_in(50)
    chat.say("hello", "a")
    chat.receive(ack("a", 51))
    chat.end()
    chat.lost("why")
    back = chat.receive(answer(chat.receive(greeting()), 40, recovered=False, reason=reason, epoch="e2"))
    assert notes(back)[0] == "Connected again."
    assert why in notes(back)[1]
    assert chat.is_over  # nothing that was acknowledged before is waited for
    assert texts(chat.receive(message(40))) == []
    assert texts(chat.receive(message(41))) == ["hi"]
    chat.lost("why")
    assert [(join.after_seq, join.epoch) for join in joins(chat.receive(greeting()))] == [(41, "e2")]


def test_a_restart_is_waited_for() -> None:
    chat = chat_in(5)
    effects = chat.receive(Reconnect(after_ms=11_840, timestamp=AT))
    assert effects[1:] == [ComeBack(11.84)]
    assert notes(effects) == ["The server will restart and asks to come back in 12 s."]
    assert not chat.is_in
    assert chat.lost("the connection broke") == []


# Saying


def test_a_line_goes_out_under_its_id_and_the_next_one_after_its_ack() -> None:
    chat = chat_in(5)
    assert sends(chat.say("one", "a")) == [("a", "one")]
    assert sends(chat.say("two", "b")) == []
    assert chat.unsent == 2
    assert sends(chat.receive(ack("a", 6))) == [("b", "two")]
    assert chat.receive(ack("b", 7)) == []
    assert chat.unsent == 0


def test_a_line_typed_too_early_waits_for_the_join() -> None:
    chat = Chat(ANN, ROOM)
    assert chat.say("one", "a") == []
    second = chat.receive(answer(chat.receive(greeting()), 5))
    assert sends(second) == []
    assert sends(chat.receive(answer(second, 5))) == [("a", "one")]


def test_lines_typed_while_away_are_kept_and_said_in_order() -> None:
    chat = chat_in(5)
    chat.lost("why")
    assert notes(chat.say("one", "a")) == ["Kept until the server is back: one"]
    chat.say("two", "b")
    assert sends(chat.receive(answer(chat.receive(greeting()), 5))) == [("a", "one")]
    assert sends(chat.receive(ack("a", 6))) == [("b", "two")]


def test_a_line_whose_ack_was_lost_is_sent_again_under_the_same_id() -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    chat.lost("why")
    assert sends(chat.receive(answer(chat.receive(greeting()), 6))) == [("a", "one")]
    chat.receive(ack("a", 6, duplicate=True))
    assert chat.unsent == 0


def test_an_ack_of_something_else_settles_nothing() -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    assert chat.receive(ack("z", 6)) == []
    assert chat.unsent == 1


def test_a_line_refused_for_haste_is_sent_again_before_any_other() -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    chat.say("two", "b")
    assert chat.receive(refusal("rate_limited", "a", 40)) == [Rest(1.0)]
    assert chat.say("three", "c") == []
    assert sends(chat.rested()) == [("a", "one")]


def test_a_long_rest_is_told() -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    effects = chat.receive(refusal("overloaded", "a", 4_200))
    assert notes(effects) == ["The server asks for patience: it goes on in 4 s."]
    assert effects[1:] == [Rest(4.2)]


def test_a_rest_that_ends_after_the_connection_does_nothing() -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    chat.receive(refusal("rate_limited", "a"))
    chat.lost("why")
    assert chat.rested() == []


def test_a_line_refused_for_good_is_told_and_the_next_one_goes_out() -> None:
    chat = chat_in(5)
    chat.say("x" * 70, "a")
    chat.say("two", "b")
    effects = chat.receive(refusal("forbidden", "a"))
    assert notes(effects) == [f"Not sent: '{'x' * 60} ...'. {ERRORS['forbidden'].meaning}"]
    assert sends(effects) == [("b", "two")]
    assert (chat.unsent, chat.unsaid) == (1, 1)


@pytest.mark.parametrize(("message", "why"), [("No.", "No."), (None, "the server does not say why")])
def test_a_refusal_of_a_newer_kind_is_for_good(message: str | None, why: str) -> None:
    chat = chat_in(5)
    chat.say("one", "a")
    effects = chat.receive(Unreadable(type="error", message=message, reply_to="a"))
    assert notes(effects) == [f"Not sent: 'one'. {why}"]
    assert chat.unsent == 0


def test_a_refusal_of_nothing_in_particular_is_shown() -> None:
    chat = chat_in(5)
    assert notes(chat.receive(refusal("bad_json", None))) == [f"The server says: {ERRORS['bad_json'].meaning}"]


def test_what_is_beyond_the_limits_is_not_even_sent() -> None:
    chat = chat_in(5)
    chat.lost("why")
    chat.say("x" * 501, "a")
    chat.say("é" * 450, "b")
    chat.say("short", "c")
    effects = chat.receive(answer(chat.receive(greeting()), 5))
    assert "at most 500 characters" in notes(effects)[1]
    assert "larger than this server allows" in notes(effects)[2]
    assert sends(effects) == [("c", "short")]
    assert chat.unsaid == 2


def test_only_so_many_lines_are_kept() -> None:
    chat = chat_in(5)
    for number in range(CAPACITY):
        assert not chat.is_full
        chat.say("x", str(number))
    assert chat.is_full
    chat.receive(ack("0", 6))
    assert not chat.is_full


# Others


def test_who_comes_and_goes_is_shown_once() -> None:
    chat = chat_in(5)
    assert notes(chat.receive(presence(BOB, online=True))) == ["bob is online"]
    assert chat.receive(presence(BOB, online=True)) == []
    assert notes(chat.receive(presence(BOB, online=False))) == ["bob is offline"]
    assert chat.receive(presence(BOB, online=False)) == []
    assert chat.receive(presence(ANN, online=False)) == []


def test_typing_is_shown_while_it_lasts() -> None:
    chat = chat_in(5)
    (shown,) = chat.receive(TypingIndicator(conversation_id=ROOM, user_id=BOB, is_typing=True, timestamp=AT))
    assert shown == Show(Note("bob is typing ...", at=AT, passing=True))
    assert chat.receive(TypingIndicator(conversation_id=ROOM, user_id=BOB, is_typing=False, timestamp=AT)) == []
    assert chat.receive(TypingIndicator(conversation_id=OTHER, user_id=BOB, is_typing=True, timestamp=AT)) == []


def test_who_is_asked_of_the_server() -> None:
    chat = chat_in(5)
    assert chat.who() == [AskMembers()]
    members = [Present("ann", online=True), Present("cleo", online=False), Present("bob", online=True)]
    assert notes(chat.tell_members(members)) == ["Online (2): ann, bob", "Away (1): cleo"]
    chat.who()
    assert notes(chat.tell_members(members[:1])) == ["Online (1): ann", "... and 1 more member"]


def test_if_the_server_does_not_say_who_what_is_known_is_told() -> None:
    chat = chat_in(5, online=(ANN, BOB))
    chat.who()
    assert notes(chat.tell_members(None)) == ["Online (2): ann, bob", "2 members in all"]


def test_the_counts_follow_what_happens() -> None:
    chat = chat_in(5)
    chat.receive(presence(BOB, online=True))
    chat.receive(
        MembersAdded(
            conversation_id=ROOM,
            seq=Seq(6),
            by=BOB,
            members=(Member(user_id=BOB, role="member"),),
            member_count=3,
            timestamp=AT,
        )
    )
    chat.who()
    assert notes(chat.tell_members(None)) == ["Online (2): ann, bob", "3 members in all"]
    removed = MemberRemoved(conversation_id=ROOM, seq=Seq(7), user_id=BOB, by=BOB, member_count=2, timestamp=AT)
    assert notes(chat.receive(removed)) == ["bob left"]
    chat.who()
    assert notes(chat.tell_members(None))[1] == "2 members in all"


def test_a_large_conversation_is_known_by_its_counts() -> None:
    chat = chat_in(5, online=())
    for where, online in ((ROOM, 412), (OTHER, 1)):
        chat.receive(Occupancy(conversation_id=where, online=online, typing=3, member_count=1874, timestamp=AT))
    chat.who()
    assert notes(chat.tell_members(None)) == ["Online (412): names are not told", "1874 members in all"]


def test_who_is_asked_when_somebody_can_answer() -> None:
    chat = Chat(ANN, ROOM)
    assert chat.who() == []
    second = chat.receive(answer(chat.receive(greeting()), 5))
    assert AskMembers() in chat.receive(answer(second, 5))
    chat.lost("why")
    assert notes(chat.who()) == ["Nobody knows while there is no connection."]
    assert AskMembers() not in chat.receive(answer(chat.receive(greeting()), 5))


# Leaving


def test_one_leaves_when_all_is_said_and_shown() -> None:
    chat = chat_in(5, shown=4)
    chat.say("one", "a")
    assert chat.end() == []
    assert not chat.is_over
    chat.receive(ack("a", 6))
    assert not chat.is_over
    chat.receive(message(5))
    assert not chat.is_over
    chat.receive(message(6))
    assert chat.is_over


def test_nobody_leaves_unasked_or_before_having_come_in() -> None:
    chat = Chat(ANN, ROOM)
    chat.end()
    assert not chat.is_over
    assert not chat_in(5).is_over


def test_one_leaves_with_an_answer() -> None:
    chat = chat_in(5)
    chat.who()
    chat.end()
    assert not chat.is_over
    chat.tell_members(None)
    assert chat.is_over


def test_leaving_with_lines_unsent_waits_and_says_so() -> None:
    chat = chat_in(5)
    chat.lost("why")
    assert chat.end() == []
    chat.say("one", "a")
    assert notes(chat.end()) == ["Waiting for the server to take 1 line; Ctrl-C leaves without."]
    assert not chat.is_over
