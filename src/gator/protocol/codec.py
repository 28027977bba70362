"""Text frames to commands, events to text frames."""

import re
from typing import Final, get_args

import msgspec
from msgspec import Struct

from gator.protocol.commands import Command
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, DurableEvent, Event, MembersAdded
from gator.protocol.types import LARGE_CONVERSATION, MAX_NESTING

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)
_durable_decoder: Final[msgspec.json.Decoder[DurableEvent]] = msgspec.json.Decoder(DurableEvent)

COMMANDS: Final[dict[str, type[Struct]]] = {
    str(command.__struct_config__.tag): command for command in get_args(Command)
}

NAMES: Final[dict[type[Struct], str]] = {command: name for name, command in COMMANDS.items()}
"""What a command is called on the wire."""

_BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class _Id(Struct):
    """What an answer to a bad command needs: read alone, for all else may be wrong."""

    id: str | None = None


class _Envelope(_Id):
    """What tells why a command is bad."""

    type: str | None = None


_id_decoder: Final = msgspec.json.Decoder(_Id)
_envelope_decoder: Final = msgspec.json.Decoder(_Envelope)


def decode(text: str) -> Command:
    """Read one command from a text frame.

    Fields that the server does not know are ignored.

    Raises:
        Refusal: `bad_json`, `not_an_object`, `too_deep`, `unknown_type` or
            `invalid_command`; its `detail` names the field.
    """
    # Only a frame with that many brackets can nest that deep: two counts spare the scan.
    if text.count("{") + text.count("[") > MAX_NESTING and _nesting(text) > MAX_NESTING:
        raise Refusal("too_deep")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _why_invalid(text, error) from None
    except (msgspec.DecodeError, UnicodeError):
        raise Refusal("bad_json") from None


def command_id(text: str) -> str | None:
    """Read the `id` of a frame that is no valid command, so that its error can name it."""
    try:
        found = _id_decoder.decode(text).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found if found is None or len(found) <= 128 else None


def encode(event: Event) -> bytes:
    """Write an event as the UTF-8 payload of a text frame.

    Member lists of large conversations are left out: a frame per member with all
    members in it would grow with the square of the conversation.
    """
    if isinstance(event, ConversationCreated | MembersAdded) and event.member_count > LARGE_CONVERSATION:
        event = msgspec.structs.replace(event, members=())
    return _encoder.encode(event)


def encode_for_log(event: DurableEvent) -> bytes:
    """Write an event whole, as the log keeps it."""
    return _encoder.encode(event)


def decode_from_log(body: bytes | str) -> DurableEvent:
    """Read an event as the log keeps it."""
    return _durable_decoder.decode(body)


def _why_invalid(text: str, error: msgspec.ValidationError) -> Refusal:
    try:
        kind = _envelope_decoder.decode(text).type
    except msgspec.ValidationError as wrong:
        if "`$.id`" in str(wrong):
            return Refusal("invalid_command", str(wrong))
        if "`$.type`" in str(wrong):
            return Refusal("unknown_type", "`type` must be a string.")
        return Refusal("not_an_object")
    except msgspec.DecodeError:  # behind the field that is wrong, the text is not even JSON
        return Refusal("bad_json")
    if kind is None:
        return Refusal("unknown_type", "The frame has no `type`.")
    if kind not in COMMANDS:
        return Refusal("unknown_type", f"There is no command {kind[:64]!r}.")
    return Refusal("invalid_command", str(error))


def _nesting(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        sign = text[match.start()]
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest
