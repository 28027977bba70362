"""Whether the server closes connections with the codes of its table."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from gator.cli.verify.address import Address, address_of
from gator.cli.verify.line import Line
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.scene import Scene
from gator.protocol.commands import Heartbeat
from gator.protocol.errors import (
    INVALID_TOKEN,
    INVALID_USER,
    NOT_UTF8,
    ORIGIN_NOT_ALLOWED,
    PROTOCOL_ERROR,
    TOO_MANY_CONNECTIONS,
    Close,
)
from gator.protocol.types import MAX_ID_LENGTH

MOST_CONNECTIONS: Final = 20
"""Of one user, opened to see the limit; a higher limit is not tried."""

RESERVED_OPCODE: Final = b"\x83\x80\x00\x00\x00\x00"
"""An empty frame, masked as it should be, of a kind that RFC 6455 §5.2 reserves."""


async def probe(scene: Scene) -> None:
    """Do what each row of the table tells of, where that harms nobody."""
    await _bad_frames(scene)
    await _bad_handshakes(scene)
    await _too_many(scene)


async def _bad_frames(scene: Scene) -> None:
    async with scene.first.line("the probe of bad text") as line:
        await line.say_text(b'{"type":"\xff"}')
        await _expect_end(scene, line, NOT_UTF8)
    async with scene.first.line("the probe of bad opcodes") as line:
        line.write(RESERVED_OPCODE)
        await _expect_end(scene, line, PROTOCOL_ERROR)


async def _expect_end(scene: Scene, line: Line, expected: Close) -> None:
    ending = await asyncio.wait_for(asyncio.shield(line.ended), 10)
    what = f"{expected.meaning} Then {ending}, not with {expected.code}"
    scene.verdicts.check("closing_codes", ending.code == expected.code, what)


async def _bad_handshakes(scene: Scene) -> None:
    if scene.options.tokens:
        nobody = address_of(scene.options.url, "nobody", "x", "no.such.token")
        await _expect_refusal(scene, nobody, INVALID_TOKEN)
    else:
        nobody = address_of(scene.options.url, "x" * (MAX_ID_LENGTH + 1), "x", None)
        await _expect_refusal(scene, nobody, INVALID_USER)
    origin = "https://gator-verify.invalid"
    await _expect_refusal(scene, scene.first.address, ORIGIN_NOT_ALLOWED, origin=origin, may_open=True)


async def _expect_refusal(
    scene: Scene, address: Address, expected: Close, *, origin: str | None = None, may_open: bool = False
) -> None:
    """Connect where that should not be possible.

    Args:
        may_open: It is up to the operator.
    """
    try:
        line = await Line.open("the probe of handshakes", address, scene.verdicts, origin=origin)
    except NotOpened as error:
        what = f"{expected.meaning} Then {error}, not {expected.code} {expected.reason!r}"
        holds = (error.code, error.reason) == (expected.code, expected.reason)
        scene.verdicts.check("closing_codes", holds, what)
        return
    await line.close()
    if not may_open:
        scene.verdicts.broken("closing_codes", f"{expected.meaning} All the same the connection was opened.")


async def _too_many(scene: Scene) -> None:
    limits = scene.first.limits
    are_on = limits.messages_per_second > 0
    if not are_on or limits.max_connections_per_user > MOST_CONNECTIONS:
        return
    async with AsyncExitStack() as stack:
        try:
            for _ in range(limits.max_connections_per_user + 1):
                line = await Line.open("the probe of limits", scene.first.address, scene.verdicts)
                stack.push_async_callback(line.close)
                await line.ask(Heartbeat())
        except NotOpened as error:
            holds = (error.code, error.reason) == (TOO_MANY_CONNECTIONS.code, TOO_MANY_CONNECTIONS.reason)
            what = f"{TOO_MANY_CONNECTIONS.meaning} Then {error}, not 1008 {TOO_MANY_CONNECTIONS.reason!r}"
            scene.verdicts.check("closing_codes", holds, what)
            return
        what = f"one user has {limits.max_connections_per_user + 1} connections, one more than is announced"
        scene.verdicts.broken("closing_codes", what)
