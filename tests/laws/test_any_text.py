"""Whatever text arrives, it is a command or it is refused: nothing else can happen."""

import json
from typing import get_args

from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.protocol.codec import COMMANDS, command_id, decode
from gator.protocol.commands import Command
from gator.protocol.errors import Refusal
from gator.protocol.types import MAX_NESTING

CODES = {"bad_json", "not_an_object", "too_deep", "unknown_type", "invalid_command"}
FIELDS = sorted({name for command in COMMANDS.values() for name in command.__struct_fields__} | {"type", "more"})

any_text = st.text(st.characters(exclude_categories=()), max_size=50)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from([*COMMANDS, "a" * 129])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
near_commands = st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from([*COMMANDS]), objects)
frames = (objects | near_commands | values).map(json.dumps)
brackets = st.text(st.sampled_from('[]{}",:\\a'), max_size=200)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Cut something out of a frame and put something else in."""
    frame = draw(frames)
    start = draw(st.integers(0, len(frame)))
    end = draw(st.integers(start, len(frame)))
    return frame[:start] + draw(any_text) + frame[end:]


@law
@given(any_text | frames | brackets | damaged())
@example('{"type":"no_such_command", and no JSON')
@example('{"type":"mark_read","seq":' + "9" * 5000 + "}")
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example("\ud800")
@example('{"type":"heartbeat","id":"\\ud800"}')
def test_any_text_is_a_command_or_is_refused(text: str) -> None:
    outcome = _outcome(text)
    if isinstance(outcome, Refusal):
        assert outcome.code in CODES
        assert outcome.detail
    else:
        assert isinstance(outcome, get_args(Command))


@law
@given(any_text | frames | brackets | damaged())
@example("[" * 100_000)
@example('{"id":' * 100_000)
def test_looking_for_the_id_of_any_text_never_fails(text: str) -> None:
    found = command_id(text)
    assert found is None or len(found) <= 128


@law
@given(st.text(min_size=1, max_size=128), objects)
def test_whatever_else_is_wrong_a_good_id_is_found(own_id: str, rest: dict[str, object]) -> None:
    assert command_id(json.dumps({**rest, "id": own_id})) == own_id


@law
@given(values, st.integers(0, 2 * MAX_NESTING))
def test_a_frame_is_too_deep_exactly_when_it_nests_deeper_than_allowed(value: object, extra: int) -> None:
    for _ in range(extra):
        value = [value]
    outcome = _outcome(json.dumps({"type": "heartbeat", "more": value}))
    too_deep = isinstance(outcome, Refusal) and outcome.code == "too_deep"
    assert too_deep == (_depth({"more": value}) > MAX_NESTING)


def _outcome(text: str) -> Command | Refusal:
    try:
        return decode(text)
    except Refusal as refusal:
        return refusal


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
