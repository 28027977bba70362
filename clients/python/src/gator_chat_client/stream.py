"""What a program reads with `async for`: every item in order, or a sign that some are missing."""

import asyncio
from collections import deque
from typing import Final, Self

from gator_chat_client.frames import UnknownEvent
from gator_chat_client.gaps import Discontinuity
from gator_chat_client.protocol.events import Durable, Event

Item = Event | UnknownEvent | Discontinuity

CAPACITY: Final = 10_000
"""Items that wait for one reader."""


class Stream:
    """The items of one reader.

    Queue: `CAPACITY` items. When it is full, all that wait are dropped, and one `Discontinuity` with the
    reason `reader_too_slow` takes their place; the messages themselves are in the snapshot and in the
    history.
    """

    def __init__(self, conversation_id: str, *, with_history: bool) -> None:
        self.with_history = with_history
        self._conversation_id = conversation_id
        self._items: deque[Item] = deque()
        self._has_items = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None
        self._read_seq = 0
        self._seq = 0

    def put(self, item: Item) -> None:
        """Add an item."""
        if self._is_over:
            return
        self._seq = _place(item, self._seq)
        if len(self._items) >= CAPACITY:
            self._items.clear()
            item = Discontinuity(self._conversation_id, "reader_too_slow", self._read_seq, self._seq)
        self._items.append(item)
        self._has_items.set()

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come. The reader gets what waits, then the error if there is one."""
        if not self._is_over:
            self._is_over, self._error = True, error
            self._has_items.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self._is_over:
                error, self._error = self._error, None
                raise StopAsyncIteration if error is None else error
            self._has_items.clear()
            await self._has_items.wait()
        item = self._items.popleft()
        self._read_seq = _place(item, self._read_seq)
        return item


def _place(item: Item, before: int) -> int:
    """Tell the place in the log up to which an item brings its reader."""
    match item:
        case Durable(seq=seq) | Discontinuity(at_seq=seq):
            return seq
    return before
