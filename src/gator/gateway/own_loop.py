"""An application that can be called from any event loop, and lives on one.

Journal, hub and timers belong to one event loop. A server runs the application on a
single loop and tells it when to start (ASGI lifespan); there this file does nothing.
Test clients call it from a new loop for every connection, and often without lifespan:
then the application starts by itself, on a loop in a thread of its own, and every call
from elsewhere is carried there, its `receive` and `send` back.
"""

import asyncio
import atexit
from collections.abc import Awaitable, Callable
from threading import Lock, Thread
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Start = Callable[[], Awaitable[object]]


class OwnLoop:
    """ASGI middleware that keeps the application on its loop.

    Args:
        app: The application.
        start: Starts it, on the loop on which it is called.
        stop: Stops it, on the same loop.
    """

    def __init__(self, app: ASGIApp, start: Start, stop: Start) -> None:
        self._app = app
        self._start = start
        self._stop = stop
        self._home: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._starting = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a call, here or at home."""
        here = asyncio.get_running_loop()
        if scope["type"] == "lifespan":
            # It may have been called without before, and lives elsewhere then.
            await asyncio.to_thread(self.leave_home)
            self._home = here
            try:
                await self._app(scope, receive, send)
            finally:
                self._home = None
            return
        if self._home is None or self._home.is_closed():
            await asyncio.to_thread(self._make_home)
        home = self._home
        if home is here:
            await self._app(scope, receive, send)
            return
        assert home is not None

        async def receive_there() -> Message:
            message: Message = await _across(receive(), here)
            return message

        async def send_there(message: Message) -> None:
            await _across(send(message), here)

        await _across(self._app(scope, receive_there, send_there), home)

    def _make_home(self) -> None:
        with self._starting:
            if self._home is not None and not self._home.is_closed():
                return
            loop = asyncio.new_event_loop()
            self._thread = Thread(target=loop.run_forever, name="gator-loop", daemon=True)
            self._thread.start()
            asyncio.run_coroutine_threadsafe(_awaited(self._start()), loop).result()
            self._home = loop
            atexit.register(self.leave_home)

    def leave_home(self) -> None:
        """Stop an application that started by itself. Idempotent."""
        loop, thread = self._home, self._thread
        if loop is None or thread is None:
            return
        self._home = self._thread = None
        asyncio.run_coroutine_threadsafe(_awaited(self._stop()), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        atexit.unregister(self.leave_home)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _across(awaitable: Awaitable[Any], loop: asyncio.AbstractEventLoop) -> Any:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(awaitable), loop))
