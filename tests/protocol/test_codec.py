import json

import msgspec
import pytest

from gator.protocol.codec import (
    COMMANDS,
    command_id,
    decode,
    decode_from_log,
    encode,
    encode_for_log,
)
from gator.protocol.commands import Heartbeat, JoinConversation, SendMessage
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, ConversationRenamed, Member, MembersAdded, TypingIndicator
from gator.protocol.types import LARGE_CONVERSATION, MAX_NESTING, ConversationId, Seq, UserId

AT = "2025-01-15T10:30:00.000Z"
GARDEN = ConversationId("garden")


def created(members: int) -> ConversationCreated:
    return ConversationCreated(
        conversation_id=GARDEN,
        seq=Seq(1),
        timestamp=AT,
        kind="group",
        title=None,
        by=UserId("user-0"),
        members=tuple(Member(user_id=UserId(f"user-{n}"), role="member") for n in range(members)),
        member_count=members,
    )


def added(members: int, *, before: int) -> MembersAdded:
    return MembersAdded(
        conversation_id=GARDEN,
        seq=Seq(2),
        timestamp=AT,
        by=UserId("user-0"),
        members=tuple(Member(user_id=UserId(f"new-{n}"), role="member") for n in range(members)),
        member_count=before + members,
    )


# decode


def test_a_command_is_read() -> None:
    frame = '{"type": "send_message", "conversation_id": "garden", "content": "hello", "id": "1"}'
    assert decode(frame) == SendMessage(id="1", conversation_id=GARDEN, content="hello")


def test_the_type_may_stand_anywhere_and_unknown_fields_are_ignored() -> None:
    frame = '{"more": [{}], "conversation_id": "garden", "type": "join_conversation", "Type": 1}'
    assert decode(frame) == JoinConversation(conversation_id=GARDEN)


def test_null_is_the_same_as_absent_for_a_field_that_may_be_absent() -> None:
    frame = '{"type": "send_message", "conversation_id": "garden", "content": "hello", "persona_id": null}'
    assert decode(frame) == SendMessage(conversation_id=GARDEN, content="hello")


@pytest.mark.parametrize(
    ("frame", "code", "detail"),
    [
        ("", "bad_json", "not JSON text"),
        ("hello", "bad_json", "not JSON text"),
        ('{"type": "heartbeat"', "bad_json", "not JSON text"),
        ('{"type": "heartbeat"} {}', "bad_json", "not JSON text"),
        ('{"type": "heartbeat", "id": "\\ud800"}', "bad_json", "not JSON text"),
        ('{"type": "heartbeat", "id": "\ud800"}', "bad_json", "not JSON text"),
        ('{"type": "no_such_command", and no JSON', "bad_json", "not JSON text"),
        ('{"type": "join_conversation", "conversation_id": 1, and no JSON', "bad_json", "not JSON text"),
        ("null", "not_an_object", "not an object"),
        ("[]", "not_an_object", "not an object"),
        ('"heartbeat"', "not_an_object", "not an object"),
        ("{}", "unknown_type", "The frame has no `type`."),
        ('{"type": null}', "unknown_type", "The frame has no `type`."),
        ('{"type": 5}', "unknown_type", "`type` must be a string."),
        ('{"type": "shout"}', "unknown_type", "There is no command 'shout'."),
        ('{"type": "new_message"}', "unknown_type", "There is no command 'new_message'."),
        ('{"type": "heartbeat", "id": 5}', "invalid_command", r"`\$.id`"),
        ('{"type": "heartbeat", "id": ""}', "invalid_command", r"`\$.id`"),
        ('{"type": "join_conversation"}', "invalid_command", "missing required field `conversation_id`"),
        ('{"type": "join_conversation", "conversation_id": 5}', "invalid_command", r"`\$.conversation_id`"),
        ('{"type": "join_conversation", "conversation_id": ""}', "invalid_command", r"`\$.conversation_id`"),
        ('{"type": "get_online_status", "user_ids": ["a", ""]}', "invalid_command", r"`\$.user_ids\["),
        (
            '{"type": "mark_read", "conversation_id": "a", "seq": ' + "9" * 5000 + "}",
            "invalid_command",
            r"`\$.seq`",
        ),
    ],
)
def test_what_is_no_command_is_refused_with_the_reason(frame: str, code: str, detail: str) -> None:
    with pytest.raises(Refusal, match=detail) as caught:
        decode(frame)
    assert caught.value.code == code


def test_an_unknown_type_is_repeated_only_in_part() -> None:
    with pytest.raises(Refusal) as caught:
        decode(json.dumps({"type": "x" * 10_000}))
    assert len(caught.value.detail) < 100


def nested(opening: str, closing: str, depth: int) -> str:
    """Nest `depth` deep in all, the frame itself being the first level."""
    return '{"type": "heartbeat", "more": ' + opening * (depth - 1) + closing * (depth - 1) + "}"


def test_a_frame_may_nest_as_deep_as_allowed_and_no_deeper() -> None:
    assert decode(nested("[", "]", MAX_NESTING)) == Heartbeat()
    with pytest.raises(Refusal, match=r"^too_deep:"):
        decode(nested("[", "]", MAX_NESTING + 1))


@pytest.mark.parametrize("frame", ["[" * 100_000, '{"a":' * 100_000, "[{}," * 50_000])
def test_a_frame_that_nests_without_end_is_refused_at_once(frame: str) -> None:
    with pytest.raises(Refusal, match=r"^(too_deep|not_an_object):"):
        decode(frame)


@pytest.mark.parametrize(
    "more",
    ["[" * 50, '\\"' + "[" * 50, "\\\\", "{" * 50 + "\\\\"],
    ids=["brackets", "after a quotation mark", "backslash", "before a backslash"],
)
def test_brackets_inside_strings_do_not_nest(more: str) -> None:
    assert decode('{"type": "heartbeat", "more": "' + more + '", "again": "' + "[" * 50 + '"}') == Heartbeat()


def test_brackets_side_by_side_do_not_nest() -> None:
    assert decode('{"type": "heartbeat", "more": [' + "[]," * 50 + "{}]}") == Heartbeat()


def test_brackets_in_a_string_that_never_ends_do_not_nest() -> None:
    with pytest.raises(Refusal, match=r"^bad_json:"):
        decode('{"type": "heartbeat", "more": "' + "[" * 50)


def test_every_command_is_known_by_its_type() -> None:
    assert COMMANDS["send_message"] is SendMessage
    assert list(COMMANDS) == [
        "join_conversation",
        "leave_conversation",
        "create_conversation",
        "send_message",
        "stop_reply",
        "regenerate_reply",
        "resume_reply",
        "typing_start",
        "typing_stop",
        "get_online_status",
        "mark_read",
        "heartbeat",
        "refresh_token",
    ]


# command_id


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ('{"type": "shout", "id": "1"}', "1"),
        ('{"type": 5, "id": "1"}', "1"),
        ('{"id": "' + "x" * 128 + '"}', "x" * 128),
        ('{"id": "' + "x" * 129 + '"}', None),
        ('{"id": 5}', None),
        ('{"id": null}', None),
        ("{}", None),
        ("[]", None),
        ("no JSON", None),
        ("\ud800", None),
        ('{"more":' * 100_000, None),
    ],
)
def test_the_id_of_a_bad_frame_is_found_if_it_has_a_good_one(frame: str, found: str | None) -> None:
    assert command_id(frame) == found


# encode


def test_an_event_is_written_as_compact_json_without_what_is_not_set() -> None:
    event = TypingIndicator(timestamp=AT, conversation_id=GARDEN, user_id=UserId("ann"), is_typing=True)
    assert encode(event) == (
        b'{"type":"typing_indicator","timestamp":"2025-01-15T10:30:00.000Z",'
        b'"conversation_id":"garden","user_id":"ann","is_typing":true}'
    )


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (created(LARGE_CONVERSATION), LARGE_CONVERSATION),
        (created(LARGE_CONVERSATION + 1), 0),
        (added(3, before=LARGE_CONVERSATION - 3), 3),
        (added(3, before=LARGE_CONVERSATION - 2), 0),
    ],
)
def test_members_of_a_large_conversation_stay_off_the_wire(
    event: ConversationCreated | MembersAdded, told: int
) -> None:
    wire = json.loads(encode(event))
    assert len(wire["members"]) == told
    assert wire["member_count"] == event.member_count


# The log


@pytest.mark.parametrize("event", [created(LARGE_CONVERSATION + 1), added(3, before=LARGE_CONVERSATION)])
def test_the_log_keeps_every_member(event: ConversationCreated | MembersAdded) -> None:
    assert decode_from_log(encode_for_log(event)) == event


def test_the_log_is_read_from_text_as_well_as_bytes() -> None:
    event = ConversationRenamed(
        conversation_id=GARDEN, seq=Seq(2), timestamp=AT, title="Kräuter", by=UserId("ann")
    )
    assert decode_from_log(encode_for_log(event).decode()) == event


def test_what_is_never_stored_is_not_read_from_the_log() -> None:
    event = TypingIndicator(timestamp=AT, conversation_id=GARDEN, user_id=UserId("ann"), is_typing=True)
    with pytest.raises(msgspec.ValidationError):
        decode_from_log(encode(event))
