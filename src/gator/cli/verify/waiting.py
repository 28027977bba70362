"""Waiting for one of several things, or for so long."""

import asyncio
from collections.abc import Coroutine, Sequence


async def first_of(*works: Coroutine[object, object, object], timeout_s: float | None = None) -> None:
    """Wait until one of these is done, or the time is over; the others are cancelled."""
    tasks = {asyncio.create_task(work) for work in works}
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


async def all_within(tasks: Sequence["asyncio.Task[object]"], timeout_s: float) -> list[bool]:
    """Wait until all are done, or the time is over; the others are cancelled. Tells which were done."""
    if not tasks:
        return []
    done, late = await asyncio.wait(tasks, timeout=max(0.0, timeout_s))
    for task in late:
        task.cancel()
    return [task in done for task in tasks]
