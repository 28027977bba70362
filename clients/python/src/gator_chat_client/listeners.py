"""Functions that are called after a change."""

import logging
from collections.abc import Callable

_log = logging.getLogger("gator_chat_client")


class Listeners:
    """Calls whoever wants to know. What a listener raises is logged, and stops nothing else."""

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[], None]] = {}

    def add(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function from now on; call what this returns to end that."""
        key = object()
        self._listeners[key] = listener

        def end() -> None:
            self._listeners.pop(key, None)

        return end

    def notify(self) -> None:
        """Call all of them."""
        for listener in list(self._listeners.values()):
            try:
                listener()
            except Exception:
                _log.exception("a listener failed")
