"""What is the memory broker's own; `tests/contract/broker.py` has what every broker promises."""

from tests.contract.broker import renamed

from gator.broker.memory import MemoryBroker
from gator.ports import Published


def test_receivers_have_it_when_publishing_returns() -> None:
    broker = MemoryBroker()
    got: list[Published] = []
    broker.subscribe(got.append)
    broker.publish(renamed("garden", 1))
    assert got == [renamed("garden", 1)]


def test_what_is_carried_is_not_copied() -> None:
    broker = MemoryBroker()
    got: list[Published] = []
    broker.subscribe(got.append)
    published = renamed("garden", 1)
    broker.publish(published)
    assert got[0] is published
