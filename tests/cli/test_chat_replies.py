"""Replies of personas, frame by frame."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.test_chat_state import (
    ANN,
    AT,
    BOB,
    ROOM,
    ack,
    answer,
    chat_in,
    greeting,
    heartbeat,
    notes,
    refusal,
    texts,
)

from gator.cli.chat.effects import AskPersonas, Effect, Persona, Send, Show
from gator.cli.chat.frames import Unreadable
from gator.cli.chat.lines import Note, Said
from gator.cli.chat.replies import Replies
from gator.cli.chat.roster import Roster
from gator.cli.chat.state import Chat
from gator.protocol.commands import Command, RegenerateReply, ResumeReply, SendMessage, StopReply
from gator.protocol.events import (
    Message,
    NewMessage,
    PersonaState,
    Reply,
    ReplyDelta,
    ReplyFailed,
    ReplyQueued,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStatus,
    ReplyStopped,
    RunAccepted,
    Sender,
)
from gator.protocol.types import ConversationId, MessageId, PersonaId, RunId, Seq, UserId

NIA, OTTO = PersonaId("p-nia"), PersonaId("p-otto")
QUESTION = MessageId("question")
PERSONAS = [Persona(NIA, "Nia"), Persona(OTTO, "Otto")]


def of(run: str, persona: PersonaId = NIA, room: ConversationId = ROOM) -> dict[str, Any]:
    return {"conversation_id": room, "run_id": RunId(run), "persona_id": persona, "timestamp": AT}


def queued(run: str = "r1", position: int = 0, answers: MessageId = QUESTION, **given: Any) -> ReplyQueued:
    return ReplyQueued(**of(run, **given), answers=answers, position=position)


def started(run: str = "r1", epoch: int = 0, attempt: int = 1, **given: Any) -> ReplyStarted:
    reply = MessageId(f"reply of {run}")
    return ReplyStarted(
        **of(run, **given), answers=QUESTION, message_id=reply, epoch=epoch, attempt=attempt, provider="scripted"
    )


def delta(offset: int, text: str, run: str = "r1", epoch: int = 0, **given: Any) -> ReplyDelta:
    reply = MessageId(f"reply of {run}")
    return ReplyDelta(**of(run, **given), message_id=reply, epoch=epoch, offset=offset, text=text)


def reset(epoch: int, run: str = "r1") -> ReplyReset:
    return ReplyReset(**of(run), message_id=MessageId(f"reply of {run}"), epoch=epoch, reason="moderated")


def stopped(by: UserId | None, run: str = "r1", message_id: MessageId | None = None) -> ReplyStopped:
    return ReplyStopped(**of(run), answers=QUESTION, by=by, message_id=message_id)


def failed(run: str = "r1", *, retryable: bool = True, message_id: MessageId | None = None) -> ReplyFailed:
    return ReplyFailed(
        **of(run), answers=QUESTION, code="provider_timeout", retryable=retryable, message_id=message_id
    )


def rejected(run: str = "r1") -> ReplyRejected:
    return ReplyRejected(**of(run), answers=QUESTION, code="queue_full", retry_after_ms=5000)


def thinks(state: Any = "thinking") -> PersonaState:
    return PersonaState(conversation_id=ROOM, persona_id=NIA, state=state, timestamp=AT)


def becomes(
    seq: int, text: str, run: str = "r1", status: ReplyStatus = "complete", attempt: int = 1
) -> NewMessage:
    message = Message(
        id=MessageId(f"reply of {run}"),
        seq=Seq(seq),
        sender_id=UserId(NIA),
        sender=Sender(name="Nia"),
        content=text,
        timestamp=AT,
        is_ai=True,
        persona_id=NIA,
        reply=Reply(run_id=RunId(run), answers=QUESTION, status=status, attempt=attempt),
    )
    return NewMessage(conversation_id=ROOM, seq=Seq(seq), message=message, timestamp=AT)


def chat_with_names(head: int = 0) -> Chat:
    chat = chat_in(head)
    chat.tell_personas(PERSONAS)
    return chat


def live(chat: Chat) -> list[str]:
    return [line.text if isinstance(line, Note) else f"{line.name}: {line.text}" for line in chat.live]


def commands(effects: list[Effect]) -> list[Command]:
    return [one.command for one in effects if isinstance(one, Send)]


def hear(chat: Chat, *events: Any) -> list[Effect]:
    return [effect for event in events for effect in chat.receive(event)]


# From the question to the message


def test_a_reply_waits_thinks_speaks_and_becomes_a_message() -> None:
    chat = chat_with_names()
    seen = []
    for event in (
        queued(position=2),
        queued(position=1),
        queued(position=0),
        thinks(),
        started(),
        thinks("typing"),
        delta(0, "Good"),
        delta(4, " morning."),
    ):
        assert chat.receive(event) == []
        seen += live(chat)
    assert seen == [
        "Nia (AI) replies after 2 others",
        "Nia (AI) replies after 1 other",
        "Nia (AI) replies next",
        "Nia (AI) is thinking ...",
        "Nia (AI) is thinking ...",
        "Nia (AI) is thinking ...",
        "Nia (AI): Good",
        "Nia (AI): Good morning.",
    ]
    assert chat.receive(becomes(1, "Good morning.")) == [Show(Said(AT, "Nia (AI)", "Good morning."))]
    assert hear(chat, thinks("idle")) == []
    assert live(chat) == []


def test_a_reply_of_elsewhere_is_not_shown() -> None:
    chat = chat_with_names()
    elsewhere = ConversationId("other")
    assert hear(chat, queued(room=elsewhere), started(room=elsewhere), delta(0, "x", room=elsewhere)) == []
    assert live(chat) == []


def test_what_comes_late_takes_nothing_back() -> None:
    chat = chat_with_names()
    hear(chat, started(), queued(position=1))
    assert live(chat) == ["Nia (AI) is thinking ..."]


def test_what_is_no_event_of_a_reply_means_nothing() -> None:
    assert Replies(Roster()).receive(heartbeat()) == []


def test_two_replies_are_told_apart() -> None:
    chat = chat_with_names()
    hear(chat, started("r1"), queued("r2", 1, persona=OTTO), delta(0, "one"), thinks())
    assert live(chat) == ["Nia (AI): one", "Otto (AI) replies after 1 other"]
    hear(chat, becomes(1, "one"), started("r2", persona=OTTO, attempt=2), delta(0, "two", "r2", persona=OTTO))
    assert live(chat) == ["Otto (AI, attempt 2): two"]


# Offsets


def test_what_is_told_twice_is_appended_once() -> None:
    chat = chat_with_names()
    hear(chat, started(), delta(0, "Good"), delta(2, "od mor"), delta(0, "Go"), delta(4, " mor"), delta(8, "ning"))
    assert live(chat) == ["Nia (AI): Good morning"]


def test_offsets_count_code_points() -> None:
    chat = chat_with_names()
    assert hear(chat, started(), delta(0, "👩‍👩‍👧"), delta(5, "é漢"), delta(6, "漢字")) == []
    assert live(chat) == ["Nia (AI): 👩‍👩‍👧é漢字"]


def test_a_hole_is_asked_for_once_and_filled() -> None:
    chat = chat_with_names()
    effects = hear(chat, started(), delta(0, "Good"), delta(9, "ning"), delta(13, "."))
    assert commands(effects) == [ResumeReply(id="r1", run_id=RunId("r1"), epoch=0, offset=4)]
    assert live(chat) == ["Nia (AI): Good"]
    hear(chat, delta(4, " morning."))
    assert live(chat) == ["Nia (AI): Good morning."]
    assert commands(hear(chat, delta(99, "x"))) == [ResumeReply(id="r1", run_id=RunId("r1"), epoch=0, offset=13)]


def test_who_missed_the_beginning_asks_for_it() -> None:
    chat = chat_with_names()
    assert commands(hear(chat, delta(5, "x", epoch=2))) == [
        ResumeReply(id="r1", run_id=RunId("r1"), epoch=2, offset=0)
    ]
    hear(chat, delta(0, "Hello", epoch=2))
    assert live(chat) == ["Nia (AI): Hello"]


@pytest.mark.parametrize("anew", [[reset(1)], [started(epoch=1)], []])
def test_another_epoch_begins_anew(anew: list[Any]) -> None:
    chat = chat_with_names()
    hear(chat, started(), delta(0, "Forget this"), *anew)
    if anew:
        assert live(chat) == ["Nia (AI) is thinking ..."]
    hear(chat, delta(0, "Hello", epoch=1), delta(11, " too", epoch=0), reset(1))
    assert live(chat) == ["Nia (AI): Hello"]


@given(
    st.text(min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=20),
    st.booleans(),
)
def test_whatever_pieces_arrive_the_text_is_a_beginning_of_the_reply(
    text: str, pieces: list[tuple[int, int]], was_started: bool
) -> None:
    chat = chat_with_names()
    if was_started:
        chat.receive(started())
    for begin, length in pieces:
        effects = chat.receive(delta(begin, text[begin : begin + length]))
        for command in commands(effects):
            assert isinstance(command, ResumeReply)
            hear(chat, delta(command.offset, text[command.offset :]))
        assert not chat.live or isinstance(chat.live[0], Note) or text.startswith(chat.live[0].text)
    hear(chat, delta(0, text))
    assert live(chat) == [f"Nia (AI): {text}"]


# Ends


def test_a_stopped_reply_keeps_its_text_and_tells_who_stopped_it() -> None:
    chat = chat_with_names()
    effects = hear(
        chat,
        started(),
        delta(0, "Good"),
        becomes(1, "Good", status="stopped"),
        stopped(BOB, message_id=MessageId("reply of r1")),
    )
    assert effects == [
        Show(Said(AT, "Nia (AI, stopped)", "Good")),
        Show(Note("bob stopped Nia (AI)", at=AT)),
    ]
    assert live(chat) == []


@pytest.mark.parametrize(
    ("end", "line"),
    [
        (stopped(BOB), "bob stopped Nia (AI)"),
        (stopped(None), "The server ended the reply of Nia (AI)"),
        (failed(), "The reply of Nia (AI) failed: its provider took too long. /again has it made anew."),
        (failed(retryable=False), "The reply of Nia (AI) failed: its provider took too long"),
        (rejected(), "Nia (AI) does not reply: too many replies wait here. /again in 5 s."),
    ],
)
def test_a_reply_without_a_message_ends_in_one_line(end: Any, line: str) -> None:
    chat = chat_with_names()
    assert notes(hear(chat, queued(), end)) == [line]
    assert live(chat) == []
    # What the server was about to say of it meanwhile changes nothing any more.
    assert hear(chat, queued(), started(), delta(0, "late"), reset(1)) == []
    assert live(chat) == []


@pytest.mark.parametrize("kind", ["reply_stopped", "reply_failed", "reply_rejected"])
def test_a_reply_ends_for_a_newer_reason_as_well(kind: str) -> None:
    chat = chat_with_names()
    assert hear(chat, started(), Unreadable(type=kind, conversation_id=ROOM, run_id="r1")) == []
    assert live(chat) == []


def test_a_reply_that_the_server_broke_off_is_offered_again() -> None:
    chat = chat_with_names()
    effects = hear(chat, started(), delta(0, "Good"), becomes(1, "Good", status="interrupted"))
    assert effects[0] == Show(Said(AT, "Nia (AI, interrupted)", "Good"))
    assert notes(effects) == ["The server was interrupted in this reply. /again has it made anew."]
    # Of one in the history only the sign tells.
    assert notes(hear(chat, becomes(2, "Older", "r0", status="interrupted"))) == []


def test_a_reply_stays_until_its_message_is_shown() -> None:
    chat = chat_with_names(5)
    hear(chat, started(), delta(0, "Good"))
    again = hear(chat, becomes(7, "Good"))  # a hole before it
    assert live(chat) == ["Nia (AI): Good"]
    hear(chat, answer(again, 7), becomes(6, "Other", "r0"), becomes(7, "Good"))
    assert live(chat) == []


def test_the_log_may_tell_a_reply_that_was_shown_before() -> None:
    chat = chat_with_names(5)
    hear(chat, started(), delta(0, "Good"))
    assert hear(chat, becomes(5, "Good")) == []
    assert live(chat) == []


# Away and back


def back(chat: Chat, head: int, **given: Any) -> list[Effect]:
    """Lose the connection and come back."""
    chat.lost("why")
    return chat.receive(answer(chat.receive(greeting()), head, **given))


def test_after_a_reconnect_the_text_so_far_is_told_again_and_shown_once() -> None:
    chat = chat_with_names(5)
    hear(chat, started(), delta(0, "Good"))
    effects = back(chat, 5)
    assert commands(effects) == [ResumeReply(id="r1", run_id=RunId("r1"), epoch=0, offset=4)]
    assert live(chat) == ["Nia (AI): Good"]
    assert hear(chat, started(), delta(0, "Good mor"), delta(4, " mor"), delta(8, "ning")) == []
    assert live(chat) == ["Nia (AI): Good morning"]
    assert texts(hear(chat, becomes(6, "Good morning"))) == ["Good morning"]
    assert live(chat) == []


def test_a_reply_that_ended_meanwhile_is_in_the_log() -> None:
    chat = chat_with_names(5)
    hear(chat, started(), delta(0, "Good"))
    back(chat, 6)
    assert texts(hear(chat, becomes(6, "Good morning"), becomes(6, "Good morning"))) == ["Good morning"]
    assert live(chat) == []


def test_a_reply_that_ended_meanwhile_without_a_message_is_told() -> None:
    chat = chat_with_names(5)
    hear(chat, started())
    back(chat, 5)
    assert notes(hear(chat, stopped(None))) == ["The server ended the reply of Nia (AI)"]
    assert live(chat) == []


def test_a_reply_that_the_server_no_longer_knows_is_forgotten() -> None:
    chat = chat_with_names(5)
    hear(chat, started(), delta(0, "Good"))
    back(chat, 5)
    assert hear(chat, refusal("rate_limited", "r1")) == []
    assert live(chat) == ["Nia (AI): Good"]
    assert hear(chat, refusal("run_not_found", "r1")) == []
    assert live(chat) == []


def test_a_persona_that_is_idle_has_ended_its_reply() -> None:
    chat = chat_with_names(5)
    assert commands(hear(chat, started(), delta(0, "Good"), thinks("idle"))) == [
        ResumeReply(id="r1", run_id=RunId("r1"), epoch=0, offset=4)
    ]


# Names


def test_a_persona_is_named_by_what_the_server_lists() -> None:
    chat = chat_in()
    assert hear(chat, queued(), started(), queued("r2", 1)) == [AskPersonas()]
    assert live(chat)[0] == "p-nia (AI) is thinking ..."
    assert chat.tell_personas(PERSONAS) == []
    assert live(chat)[0] == "Nia (AI) is thinking ..."


def test_a_persona_is_named_by_its_messages() -> None:
    chat = chat_in()
    assert hear(chat, becomes(1, "hi", "r0"), queued()) == [Show(Said(AT, "Nia (AI)", "hi"))]
    assert live(chat) == ["Nia (AI) replies next"]


def test_personas_are_listed() -> None:
    chat = chat_in()
    assert chat.personas() == [AskPersonas()]
    assert notes(chat.tell_personas(PERSONAS)) == ["Nia   p-nia", "Otto  p-otto"]
    chat.personas()
    assert notes(chat.tell_personas([])) == ["There is no persona that you may ask."]
    chat.personas()
    assert notes(chat.tell_personas(None)) == ["The server does not say which personas there are."]
    chat.lost("why")
    assert notes(chat.personas()) == ["Nobody knows while there is no connection."]


# Asking


def asked(effects: list[Effect]) -> list[tuple[PersonaId | None, str]]:
    return [(one.persona_id, one.content) for one in commands(effects) if isinstance(one, SendMessage)]


def test_who_is_asked_by_name_is_looked_up_before_anything_later_is_said() -> None:
    chat = chat_in()
    assert chat.say("nia, how are you?", "a", asks=True) == [AskPersonas()]
    assert chat.say("thanks", "b") == []
    assert asked(chat.tell_personas(PERSONAS)) == [(NIA, "how are you?")]
    assert asked(hear(chat, ack("a", 1))) == [(None, "thanks")]
    hear(chat, ack("b", 2))
    assert asked(chat.say("p-otto and you?", "c", asks=True)) == [(OTTO, "and you?")]  # known by now


def test_a_name_that_is_not_known_is_looked_up_again() -> None:
    chat = chat_with_names()
    assert chat.say("Uma hello", "a", asks=True) == [AskPersonas()]
    assert asked(chat.tell_personas([*PERSONAS, Persona(PersonaId("p-uma"), "Uma")])) == [
        (PersonaId("p-uma"), "hello")
    ]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("Uma hello", "Not sent: 'Uma hello'. You may ask nobody of that name: /personas lists whom."),
        ("Nia", "Not sent: 'Nia'. Write /ask, a name, and what you want to say."),
        ("", "Not sent: ''. Write /ask, a name, and what you want to say."),
    ],
)
def test_a_question_to_nobody_is_not_sent(typed: str, why: str) -> None:
    chat = chat_in()
    chat.say(typed, "a", asks=True)
    chat.say("next", "b")
    effects = chat.tell_personas(PERSONAS)
    assert notes(effects) == [why]
    assert asked(effects) == [(None, "next")]
    assert chat.unsaid == 1


def test_a_name_that_several_have_asks_for_an_id() -> None:
    chat = chat_in()
    chat.say("Nia hello", "a", asks=True)
    twin = Persona(PersonaId("p-nia-2"), "nia")
    assert notes(chat.tell_personas([*PERSONAS, twin])) == [
        "Not sent: 'Nia hello'. Several are called that. Name one by its id: p-nia, p-nia-2."
    ]


def test_where_personas_are_not_listed_an_id_will_do() -> None:
    chat = chat_in()
    chat.say("p-nia hello", "a", asks=True)
    assert asked(chat.tell_personas(None)) == [(NIA, "hello")]


def test_a_question_is_kept_while_away_and_looked_up_again() -> None:
    chat = chat_in(5)
    chat.say("Nia hello", "a", asks=True)
    effects = back(chat, 5)
    assert AskPersonas() in effects
    assert asked(chat.tell_personas(PERSONAS)) == [(NIA, "hello")]
    assert asked(chat.tell_personas(PERSONAS)) == []


def test_a_list_of_personas_ends_no_rest_after_a_refusal() -> None:
    chat = chat_in(5)
    chat.say("hello", "a")
    chat.receive(refusal("rate_limited", "a", 40))
    assert chat.tell_personas(PERSONAS) == []
    assert asked(chat.rested()) == [(None, "hello")]


# /stop and /again


def test_stop_ends_the_reply_that_is_made_and_else_the_first_that_waits() -> None:
    chat = chat_with_names()
    assert notes(chat.stop()) == ["There is no reply to stop."]
    hear(chat, queued("r1"), queued("r2", 1))
    assert commands(chat.stop()) == [StopReply(id="stop-1", run_id=RunId("r1"))]
    hear(chat, stopped(ANN, "r1"), started("r3"))
    assert commands(chat.stop()) == [StopReply(id="stop-2", run_id=RunId("r3"))]
    assert notes(hear(chat, refusal("run_not_found", "stop-2"))) == [
        "The server says: There is no such reply, or you are not in its conversation."
    ]


def test_again_is_about_the_newest_reply() -> None:
    chat = chat_with_names()
    assert notes(chat.again()) == ["There is no reply here to be made anew."]
    hear(chat, becomes(1, "one", "r1"), becomes(2, "two", "r2"))
    assert commands(chat.again()) == [RegenerateReply(id="again-1", message_id=MessageId("reply of r2"))]
    hear(chat, queued("r3"), started("r3", attempt=2))
    assert commands(chat.again()) == [RegenerateReply(id="again-2", message_id=MessageId("reply of r3"))]


@pytest.mark.parametrize(
    ("end", "about"),
    [
        (failed(), QUESTION),
        (failed(message_id=MessageId("reply of r1")), "reply of r1"),
        (stopped(ANN), QUESTION),
        (rejected(), QUESTION),
    ],
)
def test_again_is_about_the_question_whose_reply_failed(end: Any, about: str) -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "old", "r0"), queued(), end)
    assert commands(chat.again()) == [RegenerateReply(id="again-1", message_id=MessageId(about))]


def test_nothing_is_stopped_or_begun_while_away() -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "old", "r0"), started())
    chat.lost("why")
    assert notes([*chat.stop(), *chat.again()]) == ["Not without a connection."] * 2


def test_again_waits_until_the_newest_reply_is_shown() -> None:
    chat = Chat(ANN, ROOM)
    assert [*chat.stop(), *chat.again()] == []
    chat.end(waits_for_replies=True)
    second = chat.receive(answer(chat.receive(greeting()), 1))
    assert commands(hear(chat, started("r9"), answer(second, 1))) == []
    assert not chat.is_over
    assert commands(hear(chat, becomes(1, "old", "r0"))) == [
        StopReply(id="stop-1", run_id=RunId("r9")),
        RegenerateReply(id="again-2", message_id=MessageId("reply of r9")),
    ]


# Leaving


def asking(chat: Chat) -> None:
    """Ask, and have the question acknowledged and shown."""
    chat.say("Nia hello", "a", asks=True)
    acked = ack("a", 1)
    chat.receive(
        type(acked)(**{name: getattr(acked, name) for name in acked.__struct_fields__} | {"message_id": QUESTION})
    )
    question = Message(
        id=QUESTION, seq=Seq(1), sender_id=ANN, sender=Sender(), content="hello", timestamp=AT, is_ai=False
    )
    chat.receive(NewMessage(conversation_id=ROOM, seq=Seq(1), message=question, timestamp=AT))


@pytest.mark.parametrize("end", [becomes(2, "hi"), stopped(BOB), failed(), rejected()])
def test_the_end_of_input_waits_for_the_reply_that_was_asked_for(end: Any) -> None:
    chat = chat_with_names()
    asking(chat)
    assert notes(chat.end(waits_for_replies=True)) == ["Waiting for the reply; Ctrl-C leaves without."]
    assert not chat.is_over
    hear(chat, queued(), heartbeat(), end)
    assert chat.is_over


def test_quit_does_not_wait_for_replies() -> None:
    chat = chat_with_names()
    asking(chat)
    assert chat.end() == []
    assert chat.is_over


def test_a_reply_that_is_told_before_its_question_is_acknowledged_is_not_waited_for() -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "hi"))
    asking(chat)
    chat.end(waits_for_replies=True)
    assert chat.is_over


def test_a_reply_of_which_nothing_is_known_is_waited_for_until_a_heartbeat() -> None:
    chat = chat_with_names()
    asking(chat)
    chat.end(waits_for_replies=True)
    hear(chat, heartbeat())
    assert chat.is_over


def test_a_persona_that_is_gone_is_not_waited_for() -> None:
    chat = chat_with_names()
    asking(chat)
    chat.end(waits_for_replies=True)
    assert notes(hear(chat, refusal("persona_not_found", "a"))) != []
    assert chat.is_over


def test_the_end_of_input_waits_for_a_reply_made_anew() -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "old", "r0"))
    chat.again()
    chat.end(waits_for_replies=True)
    assert not chat.is_over
    hear(chat, queued("r1"), RunAccepted(run_id=RunId("r1"), reply_to="again-1", timestamp=AT))
    assert not chat.is_over
    hear(chat, becomes(2, "new", "r1", attempt=2))
    assert chat.is_over


@pytest.mark.parametrize(
    "end",
    [
        [refusal("conflict", "again-1")],
        [rejected("r1"), RunAccepted(run_id=RunId("r1"), reply_to="again-1", timestamp=AT)],
    ],
)
def test_a_reply_that_is_not_made_anew_is_not_waited_for(end: list[Any]) -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "old", "r0"))
    chat.again()
    chat.end(waits_for_replies=True)
    hear(chat, RunAccepted(run_id=RunId("r9"), reply_to="of somebody", timestamp=AT))
    assert not chat.is_over
    hear(chat, *end)
    assert chat.is_over


def test_what_was_asked_on_a_connection_that_ended_is_not_waited_for() -> None:
    chat = chat_with_names()
    hear(chat, becomes(1, "old", "r0"))
    chat.again()
    chat.end(waits_for_replies=True)
    back(chat, 1)
    assert chat.is_over
