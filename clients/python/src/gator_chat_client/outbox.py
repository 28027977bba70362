"""Where messages wait that are not on the server's disk yet: a port, and the one in memory."""

from collections.abc import Sequence
from typing import Final, Protocol

from gator_chat_client.snapshot import Outgoing

CAPACITY: Final = 1_000
"""Messages that wait in one outbox; more are refused with `OutboxFull`."""


class Outbox(Protocol):
    """Keeps messages until they are stored by the server, in the order in which they were put.

    Nothing is sent before `put` returned, and nothing is removed before the server has acknowledged
    it: a program that is killed in between sends it again under the same id, which doubles nothing.
    """

    async def load(self) -> Sequence[Outgoing]:
        """List what waits, the oldest first. Called once, at the start."""

    async def put(self, outgoing: Outgoing) -> None:
        """Keep a message, or the new state of one that is kept."""

    async def remove(self, conversation_id: str, client_message_id: str) -> None:
        """Forget a message. Harmless if it is not kept."""

    async def close(self) -> None:
        """Let go of what this holds open."""


class MemoryOutbox:
    """Keeps messages for as long as the program runs."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Outgoing] = {}

    async def load(self) -> Sequence[Outgoing]:
        """See `Outbox.load`."""
        return list(self._kept.values())

    async def put(self, outgoing: Outgoing) -> None:
        """See `Outbox.put`."""
        self._kept[outgoing.conversation_id, outgoing.client_message_id] = outgoing

    async def remove(self, conversation_id: str, client_message_id: str) -> None:
        """See `Outbox.remove`."""
        self._kept.pop((conversation_id, client_message_id), None)

    async def close(self) -> None:
        """See `Outbox.close`."""
