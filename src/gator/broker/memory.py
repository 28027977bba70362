"""The broker of a single process."""

from collections.abc import Callable

from gator.ports import Published


class MemoryBroker:
    """The `Broker` when publisher and receivers are one process: nothing is lost."""

    def __init__(self) -> None:
        self._receivers: list[Callable[[Published], None]] = []

    def publish(self, published: Published) -> None:
        """See `Broker.publish`. Receivers have it when this returns."""
        for receive in self._receivers:
            receive(published)

    def subscribe(self, receive: Callable[[Published], None]) -> None:
        """See `Broker.subscribe`."""
        self._receivers.append(receive)
