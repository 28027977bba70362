import pytest
from msgspec.structs import replace
from tests.domain.builders import ANN, BOB, HERE, NOW, NOW_TEXT, ZOE, conversation, direct

from gator.domain.conversation import Conversation
from gator.domain.message import PostMessage, check_content
from gator.protocol.errors import Refusal
from gator.protocol.events import Message, NewMessage, Sender
from gator.protocol.types import MessageId, PersonaId, Role, Seq

HELLO = PostMessage(HERE, ANN, Sender(name="Ann"), "hello", MessageId("m-1"), "mine-1", PersonaId("gardener"))
STORED = Message(
    id=MessageId("m-1"),
    seq=Seq(8),
    sender_id=ANN,
    sender=Sender(name="Ann"),
    content="hello",
    timestamp=NOW_TEXT,
    is_ai=False,
    client_message_id="mine-1",
    persona_id=PersonaId("gardener"),
)


@pytest.mark.parametrize(
    "content", ["a", " a ", "ж" * 10, "\N{CROCODILE}" * 10, "\u200b", "\ue000", "\uffff", "a\nb\t"]
)
def test_a_text_within_the_limit_is_a_message(content: str) -> None:
    check_content(content, max_chars=10)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("a" * 11, "message_too_long"),
        (" " * 11, "message_too_long"),
        ("", "message_blank"),
        (" \t\r\n\u2003\u3000", "message_blank"),
        ("a\x00b", "message_not_text"),
        ("\x00", "message_not_text"),
        ("a\ud800", "message_not_text"),
        ("\udfffa", "message_not_text"),
    ],
)
def test_what_is_no_message_is_refused(content: str, code: str) -> None:
    with pytest.raises(Refusal, match=rf"^{code}:"):
        check_content(content, max_chars=10)


def test_a_text_that_is_too_long_is_told_the_limit() -> None:
    with pytest.raises(Refusal, match="at most 10 characters, not 12"):
        check_content("a" * 12, max_chars=10)


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_members_say_something_at_the_next_position(role: Role) -> None:
    event = HELLO.decide(conversation(ann=role), NOW)
    assert event == NewMessage(conversation_id=HERE, seq=Seq(8), timestamp=NOW_TEXT, message=STORED)


def test_the_two_of_a_direct_conversation_talk() -> None:
    assert HELLO.decide(direct(), NOW).message.sender_id == ANN


def test_readers_say_nothing() -> None:
    with pytest.raises(Refusal, match=r"^forbidden:"):
        HELLO.decide(conversation("channel", ann="reader", bob="owner"), NOW)


@pytest.mark.parametrize("state", [None, direct(), conversation(deleted=True, zoe="owner")])
def test_strangers_find_no_conversation_to_speak_in(state: Conversation | None) -> None:
    with pytest.raises(Refusal, match=r"^conversation_not_found:"):
        replace(HELLO, by=ZOE).decide(state, NOW)


@pytest.mark.parametrize("again", [HELLO, replace(HELLO, message_id=MessageId("m-2"), sender=Sender(name="Anna"))])
def test_a_repeat_may_differ_in_what_the_server_added(again: PostMessage) -> None:
    again.check_repeat(STORED)


@pytest.mark.parametrize(
    "other", [replace(HELLO, content="hello!"), replace(HELLO, persona_id=None), replace(HELLO, content="")]
)
def test_a_repeat_that_says_something_else_is_refused(other: PostMessage) -> None:
    with pytest.raises(Refusal, match=r"^conflict: 'mine-1' was used before"):
        other.check_repeat(STORED)


def test_the_author_is_who_sent_it() -> None:
    event = replace(HELLO, by=BOB).decide(conversation(ann="owner", bob="member"), NOW)
    assert event.message.sender_id == BOB
