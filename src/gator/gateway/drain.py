"""Emptying a server that is about to stop, without a storm on the one that comes next."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from gator.gateway.floor import Floor

STEP_S: Final = 0.1
"""Between two batches of clients that are told to go."""

BATCH: Final = 100
"""Clients in a batch, unless there are so many that the time would not suffice."""

LINGER_S: Final = 0.25
"""For the last frames to reach the clients before they are closed."""


async def drain(
    floor: Floor, *, spread_s: float, deadline_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Refuse new connections, ask the open ones to come back later, then close them.

    Each client is given its own delay, so that they come back one after the other:
    what is left until the deadline and a random part of the spread.

    Args:
        spread_s: Time over which clients are told, and over which they come back.
        deadline_s: Time until the process is gone.
        sleep: Waits so many seconds; handed in by tests that do not wait.
    """
    floor.admission.draining = True
    spread_s = min(spread_s, max(0.0, deadline_s - LINGER_S))
    steps = max(1, min(int(spread_s / STEP_S), -(-len(floor) // BATCH)))
    floor.log.info("draining", connections=len(floor), batches=steps)
    left_s = deadline_s
    for number, batch in enumerate(floor.batches(steps)):
        if number:
            await sleep(STEP_S)
            left_s -= STEP_S
        for connection in batch:
            connection.drain(round((left_s + random.uniform(0, spread_s)) * 1000))  # noqa: S311 - a delay
    if len(floor):
        await sleep(min(LINGER_S, deadline_s))
    floor.close_all()
