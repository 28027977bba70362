"""What every `Broker` promises."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from tests.support.clock import NOON_TEXT

from gator.ports import Broker, Published
from gator.protocol.events import ConversationRenamed
from gator.protocol.types import ConversationId, Seq, UserId


def renamed(where: str, seq: int) -> Published:
    """Make an event that carries its number in every part."""
    return Published(
        ConversationRenamed(
            conversation_id=ConversationId(where),
            seq=Seq(seq),
            timestamp=NOON_TEXT,
            title=f"title {seq}",
            by=UserId("ann"),
        ),
        audience=(UserId("ann"), UserId("bob")),
        accepted_at=float(seq),
    )


class Receiver:
    """Takes events, and can be waited for."""

    def __init__(self, broker: Broker) -> None:
        self.got: list[Published] = []
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        broker.subscribe(self._receive)

    def _receive(self, published: Published) -> None:
        assert asyncio.get_running_loop() is self._loop
        self.got.append(published)
        self._arrived.set()

    async def has(self, count: int) -> list[Published]:
        while len(self.got) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.got


class BrokerContract(ABC):
    """The suite, for a broker that loses nothing while nothing is wrong."""

    @abstractmethod
    def open_broker(self) -> AbstractAsyncContextManager[Broker]:
        """Open a broker without subscribers."""

    @pytest.fixture
    async def broker(self) -> AsyncIterator[Broker]:
        async with self.open_broker() as broker:
            yield broker

    async def test_every_subscriber_has_every_event(self, broker: Broker) -> None:
        receivers = [Receiver(broker) for _ in range(3)]
        for seq in range(1, 4):
            broker.publish(renamed("garden", seq))
        for receiver in receivers:
            assert await receiver.has(3) == [renamed("garden", seq) for seq in range(1, 4)]

    async def test_events_of_a_conversation_arrive_in_order(self, broker: Broker) -> None:
        receiver = Receiver(broker)
        for seq in range(1, 100):
            for where in ("garden", "kitchen"):
                broker.publish(renamed(where, seq))
        got = await receiver.has(198)
        for where in ("garden", "kitchen"):
            seqs = [published.event.seq for published in got if published.event.conversation_id == where]
            assert seqs == list(range(1, 100))

    async def test_who_comes_late_has_what_comes_later(self, broker: Broker) -> None:
        early = Receiver(broker)
        broker.publish(renamed("garden", 1))
        await early.has(1)
        late = Receiver(broker)
        broker.publish(renamed("garden", 2))
        assert await late.has(1) == [renamed("garden", 2)]
        assert len(await early.has(2)) == 2

    async def test_publishing_to_nobody_is_harmless(self, broker: Broker) -> None:
        broker.publish(renamed("garden", 1))
