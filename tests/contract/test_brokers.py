"""Every broker that there is."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.contract.broker import BrokerContract

from gator.broker.memory import MemoryBroker
from gator.ports import Broker


class TestMemoryBroker(BrokerContract):
    def open_broker(self) -> AbstractAsyncContextManager[Broker]:
        return _memory_broker()


@asynccontextmanager
async def _memory_broker() -> AsyncIterator[Broker]:
    yield MemoryBroker()
