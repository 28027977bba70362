"""Whether a connection that says nothing lives on, through every proxy on the way."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from time import monotonic

from gator.cli.verify.frames import Frame
from gator.cli.verify.line import Gone
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.people import Person
from gator.cli.verify.promises import Verdicts
from gator.protocol.commands import Heartbeat
from gator.protocol.events import HeartbeatEvent


async def idle(person: Person, seconds: float, verdicts: Verdicts) -> None:
    """Say nothing for a while, listen for heartbeats, then ask for one."""
    heartbeat_s = (person.greeting.heartbeat_ms or 0) / 1000
    if seconds < 2 * heartbeat_s:
        why = f"{seconds:.0f} s of --idle-seconds are less than two heartbeats, {2 * heartbeat_s:.0f} s"
        verdicts.not_checked("idle", why)
        return
    beats: list[float] = []

    def hear(frame: Frame) -> None:
        if isinstance(frame, HeartbeatEvent):
            beats.append(monotonic())

    try:
        async with person.line("the idle one", on_frame=hear) as line:
            began = monotonic()
            await asyncio.wait({line.ended}, timeout=seconds)
            silence_s = longest_silence_s(began, beats, monotonic())
            # After two beats without a sign of life a client takes the connection for dead.
            what = f"for {silence_s:.1f} s no heartbeat came, which is announced for every {heartbeat_s:.1f} s"
            verdicts.check("idle", silence_s < 2 * heartbeat_s or line.is_over, what)
            await line.ask(Heartbeat())
            verdicts.kept("idle")
    except (Gone, TimeoutError, NotOpened) as error:
        verdicts.broken("idle", f"after up to {seconds:.0f} s of silence: {error}")


def longest_silence_s(began: float, beats: Sequence[float], ended: float) -> float:
    """Measure the longest time without a beat, from beginning to end."""
    return max(after - before for before, after in pairwise((began, *beats, ended)))
