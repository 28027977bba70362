import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.protocol.codec import COMMANDS, decode
from gator.protocol.commands import Command
from gator.protocol.errors import Refusal
from gator.protocol.types import MAX_CODE_POINTS, MAX_ID_LENGTH, MAX_INITIAL_MEMBERS, MAX_STATUS_IDS

LONGEST_ID = "x" * MAX_ID_LENGTH
LEAST: dict[str, dict[str, object]] = {
    "join_conversation": {"conversation_id": "garden"},
    "leave_conversation": {"conversation_id": "garden"},
    "create_conversation": {"kind": "group", "member_ids": []},
    "send_message": {"conversation_id": "garden", "content": ""},
    "stop_reply": {"run_id": "run"},
    "regenerate_reply": {"message_id": "message"},
    "resume_reply": {"run_id": "run"},
    "typing_start": {"conversation_id": "garden"},
    "typing_stop": {"conversation_id": "garden"},
    "get_online_status": {"user_ids": []},
    "mark_read": {"conversation_id": "garden", "seq": 0},
    "heartbeat": {},
    "refresh_token": {"token": "t"},
}
"""Each command with the fields it cannot do without."""


def read(kind: str, /, **fields: object) -> Command:
    return decode(msgspec.json.encode({"type": kind, **LEAST[kind], **fields}).decode())


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_needs_its_required_fields_and_no_more(kind: str) -> None:
    assert type(read(kind)) is COMMANDS[kind]
    required = {field.encode_name for field in msgspec.structs.fields(COMMANDS[kind]) if field.required}
    assert required == set(LEAST[kind])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, fields in LEAST.items() for name in fields])
def test_a_required_field_may_not_be_null(kind: str, name: str) -> None:
    with pytest.raises(Refusal, match=rf"^invalid_command: .*`\$\.{name}`"):
        read(kind, **{name: None})


@pytest.mark.parametrize("kind", COMMANDS)
def test_any_command_may_carry_an_id(kind: str) -> None:
    assert read(kind, id=LONGEST_ID).id == LONGEST_ID


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("join_conversation", {"conversation_id": LONGEST_ID, "after_seq": 0, "epoch": "e" * 64}),
        ("join_conversation", {"after_seq": 2**53 - 1}),
        ("create_conversation", {"kind": "direct", "member_ids": ["ann"], "title": "t" * 200}),
        ("create_conversation", {"kind": "channel", "member_ids": ["ann"] * MAX_INITIAL_MEMBERS}),
        ("send_message", {"content": "\x00", "client_message_id": LONGEST_ID, "persona_id": LONGEST_ID}),
        ("stop_reply", {"run_id": LONGEST_ID}),
        ("regenerate_reply", {"message_id": LONGEST_ID}),
        ("resume_reply", {"run_id": LONGEST_ID, "epoch": 2**31 - 1, "offset": MAX_CODE_POINTS}),
        ("get_online_status", {"user_ids": ["ann"] * MAX_STATUS_IDS}),
        ("mark_read", {"seq": 2**53 - 1}),
        ("refresh_token", {"token": "t" * 16_384}),
    ],
)
def test_a_field_may_go_up_to_its_bound(kind: str, fields: dict[str, object]) -> None:
    command = read(kind, **fields)
    assert {name: getattr(command, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("heartbeat", "id", LONGEST_ID + "x"),
        ("heartbeat", "id", 1),
        ("join_conversation", "conversation_id", LONGEST_ID + "x"),
        ("join_conversation", "conversation_id", "gar\nden"),
        ("join_conversation", "conversation_id", "garden\n"),
        ("join_conversation", "after_seq", -1),
        ("join_conversation", "after_seq", 2**53),
        ("join_conversation", "after_seq", "1"),
        ("join_conversation", "after_seq", 1.5),
        ("join_conversation", "epoch", "e" * 65),
        ("create_conversation", "kind", "secret"),
        ("create_conversation", "member_ids", ["ann"] * (MAX_INITIAL_MEMBERS + 1)),
        ("create_conversation", "member_ids", "ann"),
        ("create_conversation", "title", "t" * 201),
        ("send_message", "content", ["hello"]),
        ("send_message", "client_message_id", ""),
        ("send_message", "client_message_id", "a\x00b"),
        ("send_message", "persona_id", ""),
        ("stop_reply", "run_id", ""),
        ("stop_reply", "run_id", "r\nn"),
        ("regenerate_reply", "message_id", LONGEST_ID + "x"),
        ("resume_reply", "run_id", 7),
        ("resume_reply", "epoch", -1),
        ("resume_reply", "epoch", 2**31),
        ("resume_reply", "offset", -1),
        ("resume_reply", "offset", MAX_CODE_POINTS + 1),
        ("resume_reply", "offset", 1.5),
        ("get_online_status", "user_ids", ["ann"] * (MAX_STATUS_IDS + 1)),
        ("get_online_status", "user_ids", [7]),
        ("mark_read", "seq", -1),
        ("mark_read", "seq", True),
        ("refresh_token", "token", "t" * 16_385),
    ],
)
def test_a_field_beyond_its_bound_is_refused_by_name(kind: str, name: str, value: object) -> None:
    with pytest.raises(Refusal, match=rf"^invalid_command: .*`\$\.{name}"):
        read(kind, **{name: value})


@law
@given(st.text(min_size=1, max_size=5) | st.text(min_size=MAX_ID_LENGTH - 1, max_size=MAX_ID_LENGTH + 1))
def test_an_id_is_any_short_text_without_control_characters(made: str) -> None:
    good = len(made) <= MAX_ID_LENGTH and not any(char < " " or char == "\x7f" for char in made)
    assert _is_refused(made) == (not good)


def _is_refused(conversation_id: str) -> bool:
    try:
        read("typing_start", conversation_id=conversation_id)
    except Refusal:
        return True
    return False
