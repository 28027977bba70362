"""Bringing a connection that is behind to the head of a conversation's log."""

import asyncio
from collections.abc import Callable
from typing import Final

from gator.hub.room import Subscription
from gator.ports import Store
from gator.protocol.codec import encode
from gator.protocol.errors import INTERNAL
from gator.protocol.types import Seq
from gator.telemetry.logs import Log
from gator.telemetry.metrics import Metrics

CONCURRENT_READS: Final = 4
"""Pages of the log being read at once: a storm of clients that come back waits in turn."""

CHUNK_BYTES: Final = 65_536
"""Written at once, before looking whether the client still reads."""


class CatchUp:
    """Sends pages of the log, at the pace at which the client reads, then goes live.

    Events after the head that the room has told are left to the room, which is about to
    tell them: so nothing is sent twice and nothing overtakes the replay.

    Queue: one task a subscription that is behind, bounded by the conversations that
    connections may have joined. Metric: `gator_catching_up`.
    """

    def __init__(
        self,
        *,
        store: Store,
        go_live: Callable[[Subscription], None],
        page: int,
        metrics: Metrics,
        log: Log,
    ) -> None:
        self._store = store
        self._go_live = go_live
        self._page = page
        self._metrics = metrics
        self._log = log
        self._reading = asyncio.Semaphore(CONCURRENT_READS)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, subscription: Subscription) -> None:
        """Begin; the subscription is live when it has everything."""
        self._metrics.catch_ups.inc()
        task = asyncio.get_running_loop().create_task(self._run(subscription))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop all that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, subscription: Subscription) -> None:
        self._metrics.catching_up.inc()
        try:
            while subscription.is_current():
                await _until_it_reads(subscription)
                if subscription.cursor >= subscription.room.head:
                    break
                await self._send_page(subscription)
            if subscription.is_current():
                self._go_live(subscription)
        except Exception as error:
            # The client would wait for ever for what it was promised: let it come back.
            self._metrics.errors.labels("catch_up").inc()
            self._log.error("catch_up_failed", conversation=subscription.room.id, error=repr(error))
            subscription.peer.close(INTERNAL)
        finally:
            self._metrics.catching_up.dec()

    async def _send_page(self, subscription: Subscription) -> None:
        room = subscription.room
        payloads = room.tail.after(subscription.cursor, room.head)
        if payloads is None:
            async with self._reading:
                payloads = await self._page_of(subscription)
        if not subscription.is_current():
            return
        size = sent = 0
        for payload in payloads[: room.head - subscription.cursor]:
            subscription.peer.send_payload(payload)
            sent += 1
            size += len(payload)
            if size >= CHUNK_BYTES:
                break
        subscription.cursor = Seq(subscription.cursor + sent)
        subscription.peer.flush()
        self._metrics.replayed.inc(sent)

    async def _page_of(self, subscription: Subscription) -> list[bytes]:
        room, after = subscription.room, subscription.cursor
        # Whoever waited for a turn may find that another one's page has all they miss.
        payloads = room.tail.after(after, room.head)
        if payloads is not None or not subscription.is_current():
            return payloads or []
        events = await self._store.log(room.id, after=after, limit=self._page)
        if not events:
            raise RuntimeError(f"the log of {room.id!r} ends at {after}, before {room.head}")
        if [event.seq for event in events] != list(range(after + 1, after + 1 + len(events))):
            raise RuntimeError(f"the log of {room.id!r} has a hole after {after}")
        payloads = [encode(event) for event in events]
        room.tail.fill(Seq(after + 1), payloads)
        return payloads


async def _until_it_reads(subscription: Subscription) -> None:
    peer = subscription.peer
    while peer.paused_at is not None and peer.is_open:
        reads: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        peer.waiters.append(lambda reads=reads: None if reads.done() else reads.set_result(None))  # type: ignore[misc]
        await reads
