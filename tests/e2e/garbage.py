"""Frames that nobody should send, made from a seed."""

import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any, Final

VALID: Final[list[dict[str, Any]]] = [
    {"type": "join_conversation", "id": "1", "conversation_id": "ROOM", "after_seq": 0, "epoch": "e"},
    {"type": "leave_conversation", "id": "1", "conversation_id": "ROOM"},
    {"type": "create_conversation", "id": "1", "kind": "group", "member_ids": ["ann"], "title": "T"},
    {
        "type": "send_message",
        "id": "1",
        "conversation_id": "ROOM",
        "content": "Hello",
        "client_message_id": "c",
        "persona_id": "p",
    },
    {"type": "typing_start", "id": "1", "conversation_id": "ROOM"},
    {"type": "typing_stop", "id": "1", "conversation_id": "ROOM"},
    {"type": "get_online_status", "id": "1", "user_ids": ["ann", "bob"]},
    {"type": "mark_read", "id": "1", "conversation_id": "ROOM", "seq": 1},
    {"type": "heartbeat", "id": "1"},
    {"type": "refresh_token", "id": "1", "token": "e30.e30.c2ln"},
]

NASTY: Final[list[Any]] = [
    None, True, False, 0, -1, 1.5, 2**53, 2**63, -(2**64), 10**400, 1e308, float("inf"), float("nan"),
    "", " ", "\x00", "\x1f", "\x7f", "\n", "\u2028", "\ufeff", "\ud800", "\udfff\ud800",
    "a" * 129, "x" * 5001, "🐊" * 128, "ROOM\x00", "ROOM\n", "../ROOM", "%00",
    "'; DROP TABLE messages; --", "${jndi:x}", "<script>",
    [], {}, [None], [[]], {"": ""}, {"id": {"id": {}}}, ["ann"] * 201, [1], {"type": "heartbeat"},
]  # fmt: skip

Make = Callable[[Random], str]


def nested(dice: Random) -> str:
    """Brackets in brackets, closed or not, alone or inside a command."""
    depth = dice.choice((15, 16, 17, 18, 100, 5_000, 30_000))
    opening, closing = dice.choice((("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")))
    text = opening * depth + dice.choice(("1", "", '"]"')) + closing * dice.choice((depth, depth, depth - 1, 0))
    return dice.choice((text, f'{{"type":"heartbeat","x":{text}}}'))[:60_000]


def mutated_fields(dice: Random) -> str:
    """A valid command with some of its fields dropped, or replaced by something nasty."""
    command = dict(dice.choice(VALID))
    for _ in range(dice.randint(1, 3)):
        name = dice.choice([*command, "extra", "type", ""])
        match dice.randrange(3):
            case 0:
                command.pop(name, None)
            case 1:
                command[name] = dice.choice(NASTY)
            case _:
                command[name] = [dice.choice(NASTY) for _ in range(dice.randrange(4))]
    return json.dumps(command, ensure_ascii=True)


def mutated_text(dice: Random) -> str:
    """The text of a valid command with characters dropped, doubled, swapped or put in."""
    text = [*json.dumps(dice.choice(VALID))]
    for _ in range(dice.randint(1, 5)):
        at = dice.randrange(len(text))
        match dice.randrange(4):
            case 0:
                del text[at]
            case 1:
                text.insert(at, dice.choice('{}[]",:\\\x00\n u0e-+.🐊\u200b'))
            case 2:
                text[at] = chr(dice.choice((dice.randrange(128), dice.randrange(0xE000, 0x10FFFF))))
            case _:
                text[at:at] = text[at : at + dice.randrange(20)]
    return "".join(text)


def truncated(dice: Random) -> str:
    """A valid command cut off, or two in one frame."""
    text, other = (json.dumps(dice.choice(VALID)) for _ in range(2))
    return dice.choice((text[: dice.randrange(len(text))], text + other, text + ",", f"[{text}]", f"\ufeff{text}"))


def random_text(dice: Random) -> str:
    """Random bytes, as far as they are UTF-8."""
    return dice.randbytes(dice.randrange(400)).decode(errors="ignore")


def huge_number(dice: Random) -> str:
    """Numbers that no machine word holds."""
    number = dice.choice(
        ("9" * 40_000, "1e999999", "-" + "9" * 400, "0." + "0" * 30_000 + "1", "1E+400", "00", "- 1")
    )
    return f'{{"type":"mark_read","conversation_id":"ROOM","seq":{number}}}'


def bad_escape(dice: Random) -> str:
    """Escapes that stand for no character, or for a forbidden one."""
    escape = dice.choice(
        (r"\ud800", r"\udc00\ud800", r"\u0000", r"\u00", r"\x41", r"\uD83D\uDC0A", r"\u007f", "\\")
    )
    field = dice.choice(("content", "conversation_id", "client_message_id", "id", "type"))
    command = {"type": "send_message", "conversation_id": "ROOM", "content": "x"} | {field: "HERE"}
    return json.dumps(command).replace("HERE", escape * dice.randint(1, 3))


def repeated_names(dice: Random) -> str:
    """One name more than once: which one counts?"""
    names = [f'"type":"{dice.choice(VALID)["type"]}"' for _ in range(dice.randint(2, 5))]
    return "{" + ",".join([*names, '"conversation_id":"ROOM"', '"conversation_id":7']) + "}"


TEXTS: Final[list[Make]] = [
    mutated_fields,
    mutated_fields,
    mutated_fields,
    mutated_text,
    mutated_text,
    truncated,
    random_text,
    nested,
    huge_number,
    bad_escape,
    repeated_names,
]

# Bytes of the wire

TEXT, BINARY, CONTINUATION, CLOSE, PING = 0x1, 0x2, 0x0, 0x8, 0x9


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = b"\x01\x02\x03\x04",
    length: int | None = None,
) -> bytes:
    """Write a frame, as wrong as wished (RFC 6455 §5.2).

    Args:
        length: What the header says instead of the truth; 64 bits.
    """
    head = bytes([fin << 7 | rsv << 4 | opcode])
    masked = 0 if mask is None else 0x80
    if length is not None:
        head += bytes([masked | 127]) + struct.pack("!Q", length)
    elif len(payload) < 126:
        head += bytes([masked | len(payload)])
    else:
        head += bytes([masked | 126]) + struct.pack("!H", len(payload))
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


BEAT: Final = frame(TEXT, b'{"type":"heartbeat","id":"last"}')

WIRE: Final[dict[str, tuple[bytes, set[int]]]] = {
    # Bytes, and the codes with which they may be closed (RFC 6455 §7.4.1).
    "reserved data opcode": (frame(0x3, b"x"), {1002}),
    "reserved control opcode": (frame(0xB), {1002}),
    "reserved bit 1, no extension": (frame(TEXT, b"{}", rsv=4), {1002}),
    "reserved bit 3": (frame(TEXT, b"{}", rsv=1), {1002}),
    "not masked": (frame(TEXT, b"{}", mask=None), {1002}),
    "control frame in fragments": (frame(PING, b"x", fin=False), {1002}),
    "control frame too long": (frame(PING, b"x" * 126), {1002}),
    "continuation of nothing": (frame(CONTINUATION, b"x"), {1002}),
    "text within fragments": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), {1002}),
    "length of 2^63": (frame(TEXT, b"x", length=2**63), {1002, 1009}),
    "length of 2^62": (frame(TEXT, b"x", length=2**62), {1009}),
    "length of 65,537": (frame(TEXT, b"x", length=65_537), {1009}),
    "too long in fragments": (
        frame(TEXT, b"x" * 40_000, fin=False) + frame(CONTINUATION, b"x" * 25_537),
        {1009},
    ),
    "not UTF-8": (frame(TEXT, b'{"type":"\xff"}'), {1007}),
    "a surrogate as UTF-8": (frame(TEXT, b'"\xed\xa0\x80"'), {1007}),
    "half a character at the end": (frame(TEXT, b'"\xf0\x9f\x90'), {1007}),
    "a character in two fragments, the second wrong": (
        frame(TEXT, b'"\xf0\x9f', fin=False) + frame(CONTINUATION, b"\xff\xff"),
        {1007},
    ),
    "close with half a code": (frame(CLOSE, b"\x03"), {1002}),
    "close with a reserved code": (frame(CLOSE, struct.pack("!H", 1005)), {1002}),
    "close with a code out of range": (frame(CLOSE, struct.pack("!H", 999)), {1002}),
    "close with a reason that is no text": (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), {1002, 1007}),
    "close": (frame(CLOSE, struct.pack("!H", 1000)), {1000}),
    "close with a code of one's own": (frame(CLOSE, struct.pack("!H", 4321)), {4321}),
    "close without a code": (frame(CLOSE), {1005}),
}


def random_wire(dice: Random) -> bytes:
    """Random frames with random flaws, or no frames at all."""
    if dice.random() < 0.2:
        return dice.randbytes(dice.randrange(1, 200))
    data = b""
    for _ in range(dice.randint(1, 6)):
        payload = dice.choice((b"", dice.randbytes(dice.randrange(200)), b'{"type":"heartbeat"}', b"\xf0\x9f"))
        data += frame(
            dice.choice((TEXT, TEXT, BINARY, CONTINUATION, PING, 0xA, CLOSE, dice.randrange(16))),
            payload,
            fin=dice.random() < 0.8,
            rsv=dice.choice((0, 0, 0, 0, dice.randrange(8))),
            mask=dice.choice((dice.randbytes(4), dice.randbytes(4), dice.randbytes(4), None)),
            length=dice.choice((None, None, None, None, len(payload), dice.getrandbits(64))),
        )
    return data[: dice.randrange(1, len(data) + 1)] if dice.random() < 0.3 else data
