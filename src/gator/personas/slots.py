"""How many replies each provider makes just now."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


class Slots:
    """Counts the slots of providers.

    Args:
        slots_of: Tells how many a provider has.

    Attributes:
        on_free: Told when work in the background gives a slot back.
    """

    def __init__(self, slots_of: Callable[[str], int]) -> None:
        self._slots_of = slots_of
        self._in_use: Counter[str] = Counter()
        self.on_free: Callable[[], None] = lambda: None

    def is_free(self, provider: str) -> bool:
        """Tell whether a provider can make one more reply."""
        return self._in_use[provider] < self._slots_of(provider)

    def take(self, provider: str) -> None:
        """Take a slot, to be given back."""
        self._in_use[provider] += 1

    def give_back(self, provider: str) -> None:
        """Give a slot back."""
        self._in_use[provider] -= 1

    def spare(self, provider: str) -> AbstractContextManager[None] | None:
        """Take a slot for work in the background; None where none is free."""
        return self._spare(provider) if self.is_free(provider) else None

    @contextmanager
    def _spare(self, provider: str) -> Iterator[None]:
        self.take(provider)
        try:
            yield
        finally:
            self.give_back(provider)
            self.on_free()
