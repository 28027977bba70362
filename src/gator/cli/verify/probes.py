"""Promises that are checked one by one, before the clients come."""

import asyncio
from dataclasses import replace
from typing import Final

import msgspec

from gator.cli.verify import closings, strangers
from gator.cli.verify.line import PATIENCE, Gone, Line, rest_s
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun
from gator.cli.verify.promises import PromiseName
from gator.cli.verify.scene import Probe, Scene, join
from gator.protocol.commands import Heartbeat, SendMessage, TypingStart
from gator.protocol.errors import ERRORS, ErrorCode
from gator.protocol.events import Ack, Error, HeartbeatEvent, TypingIndicator
from gator.protocol.handshake import BEARER_PREFIX, SUBPROTOCOL
from gator.protocol.types import MAX_NESTING

_NESTED: Final = "[" * MAX_NESTING + "]" * MAX_NESTING

MALFORMED: Final[tuple[tuple[str, ErrorCode], ...]] = (
    ("", "bad_json"),
    ("{", "bad_json"),
    ('{"type":"heartbeat"} x', "bad_json"),
    ("[]", "not_an_object"),
    ('"heartbeat"', "not_an_object"),
    ("{}", "unknown_type"),
    ('{"type":7}', "unknown_type"),
    ('{"type":"no_such_command"}', "unknown_type"),
    (f'{{"type":"heartbeat","x":{_NESTED}}}', "too_deep"),
    ('{"type":"heartbeat","id":""}', "invalid_command"),
    ('{"type":"join_conversation"}', "invalid_command"),
    ('{"type":"join_conversation","conversation_id":""}', "invalid_command"),
    ('{"type":"send_message","conversation_id":"x","content":7}', "invalid_command"),
    ('{"type":"mark_read","conversation_id":"x","seq":-1}', "invalid_command"),
)
"""Frames that no server should take, and how they are to be answered."""


async def heartbeat(scene: Scene) -> None:
    """The command heartbeat is answered."""
    async with scene.first.line("the probe of heartbeats") as line:
        answer = await line.ask_patiently(Heartbeat(id="any text 🐊"))
        what = f"a heartbeat was answered with {type(answer).__name__}"
        scene.verdicts.check("heartbeat", isinstance(answer, HeartbeatEvent), what)


async def subprotocol(scene: Scene) -> None:
    """`gator.v1` is agreed to, alone and next to a token."""
    first = scene.first
    async with first.line("the probe of subprotocols") as line:
        what = f"{SUBPROTOCOL} was offered, and {line.subprotocol!r} agreed to"
        scene.verdicts.check("subprotocol", line.subprotocol == SUBPROTOCOL, what)
    token = first.address.socket_headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        return
    address = replace(first.address, socket_headers={}, subprotocols=(SUBPROTOCOL, BEARER_PREFIX + token))
    try:
        async with await Line.open("the probe of subprotocols", address, scene.verdicts) as line:
            repeated = line.subprotocol not in (SUBPROTOCOL, None)
            what = "the token was repeated" if repeated else f"{line.subprotocol!r} was agreed to"
            scene.verdicts.check("subprotocol", line.subprotocol == SUBPROTOCOL, what)
    except NotOpened as error:
        scene.verdicts.broken("subprotocol", f"a token as a subprotocol was not taken: {error}")


async def malformed(scene: Scene) -> None:
    """Every bad frame is answered with its error, and the connection lives."""
    async with scene.first.line("the probe of bad frames") as line:
        for text, code in MALFORMED:
            await _expect(scene, line, code, text)
        await _expect(scene, line, "binary_not_supported", b"\x00\x01")
        for content, code in _unsayable(scene):
            answer = await line.ask_patiently(SendMessage(conversation_id=scene.conversation_id, content=content))
            found = answer.code if isinstance(answer, Error) else type(answer).__name__
            what = f"a message {content[:9]!r}... was answered with {found}, not {code}"
            scene.verdicts.check("malformed", found == code, what)
        alive = isinstance(await line.ask_patiently(Heartbeat()), HeartbeatEvent)
        scene.verdicts.check("malformed", alive, "after bad frames no heartbeat is answered")


def _unsayable(scene: Scene) -> list[tuple[str, ErrorCode]]:
    limits = scene.first.limits
    long = "x" * (limits.max_message_chars + 1)
    found: list[tuple[str, ErrorCode]] = [
        ("", "message_blank"),
        (" \n\t", "message_blank"),
        ("a\0b", "message_not_text"),
    ]
    return [*found, ("🐊" + long, "message_too_long")] if len(long) < limits.max_frame_bytes // 2 else found


async def _expect(scene: Scene, line: Line, code: ErrorCode, frame: str | bytes) -> None:
    for _ in range(PATIENCE):
        await line.say_text(frame, binary=isinstance(frame, bytes))
        refusal = await line.next(Error)
        if not ERRORS[refusal.code].temporary:
            break
        await asyncio.sleep(rest_s(refusal))
    what = f"{frame[:60]!r} was answered with {refusal.code}, not {code}"
    scene.verdicts.check("malformed", refusal.code == code, what)


async def too_big(scene: Scene) -> None:
    """The largest frame is taken, and one byte more ends the connection with 1009."""
    async with scene.first.line("the probe of large frames") as line:
        limit = line.greeting.limits.max_frame_bytes if line.greeting.limits is not None else 0
        largest = msgspec.json.encode(Heartbeat(id="largest")).decode().ljust(limit)
        await line.say_text(largest)
        answer = await line.next(HeartbeatEvent)
        what = f"a frame of {limit} bytes, the limit, is not taken"
        scene.verdicts.check("too_big", answer.reply_to == "largest", what)
        await line.say_text(largest + " ")
        ending = await asyncio.wait_for(asyncio.shield(line.ended), 10)
        what = f"after a frame of {limit + 1} bytes, one too many, {ending}"
        scene.verdicts.check("too_big", ending.code == 1009, what)


async def repeats(scene: Scene) -> None:
    """A repeat gets the first ack again; with other content it is refused."""
    say = SendMessage(
        conversation_id=scene.conversation_id,
        content="The kettle is on.",
        client_message_id=f"{scene.options.name}-k",
    )
    async with scene.first.line("the probe of repeats") as line:
        first, again = await line.ask_patiently(say), await line.ask_patiently(say)
        if not (isinstance(first, Ack) and isinstance(again, Ack)):
            scene.verdicts.broken("repeat", "a message, or its repeat, was refused")
            return
        scene.verdicts.check("repeat", not first.duplicate, "a new message was acknowledged as a repeat")
        same = (first.message_id, first.seq, True) == (again.message_id, again.seq, again.duplicate)
        scene.verdicts.check("repeat", same, f"a repeat of {first} was answered with {again}")
        for other in ("The kettle is off.", "The kettle is on. "):
            answer = await line.ask_patiently(msgspec.structs.replace(say, content=other))
            holds = isinstance(answer, Error) and answer.code == "conflict"
            what = f"other content under the same id was answered with {type(answer).__name__}"
            scene.verdicts.check("conflict", holds, what)


async def typing(scene: Scene) -> None:
    """Who types is not told of it, on no connection; the others may be."""
    first, second = scene.first, scene.second
    async with first.line("a typist") as one, first.line("a typist") as two:
        conversation_id = await scene.create(one, *([] if second is None else [second.user_id]))
        for line in (one, two):
            await join(line, conversation_id)
        if second is not None:
            async with second.line("a reader") as other:
                await join(other, conversation_id)
                await one.say(TypingStart(conversation_id=conversation_id))
                await one.settle()
                # At most once: that the other one hears nothing is no breach.
                told = [frame for frame in await other.settle() if isinstance(frame, TypingIndicator)]
                right = all((it.conversation_id, it.user_id) == (conversation_id, first.user_id) for it in told)
                scene.verdicts.check("typing", right, "another typist was told than the one who typed")
        await one.say(TypingStart(conversation_id=conversation_id))
        for line in (one, two):
            told = [frame for frame in await line.settle() if isinstance(frame, TypingIndicator)]
            scene.verdicts.check("typing", not told, f"who types was told so on {line.name}")


PROBES: Final[tuple[tuple[PromiseName, Probe], ...]] = (
    ("heartbeat", heartbeat),
    ("subprotocol", subprotocol),
    ("malformed", malformed),
    ("too_big", too_big),
    ("repeat", repeats),
    ("typing", typing),
    ("members_only", strangers.probe),
    ("closing_codes", closings.probe),
)


async def probe_all(scene: Scene) -> None:
    """Check one promise after the other. One that cannot be checked to the end is broken.

    Raises:
        CannotRun: The server is not there any more.
    """
    for name, probe in PROBES:
        try:
            await probe(scene)
        except (Gone, TimeoutError) as error:
            scene.verdicts.broken(name, f"while it was checked the connection failed: {error}")
        except NotOpened as error:
            raise CannotRun(f"The probe of {name!r} could not connect: {error}.") from None
