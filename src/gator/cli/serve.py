"""`gator serve`: the application on uvicorn."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI
from websockets.exceptions import InvalidState

from gator.app import create_app
from gator.app_storage import StorageError, check_storage
from gator.gateway.native import NativeGateway
from gator.settings import Settings, is_loopback
from gator.storage.database import DatabaseInUse, SchemaTooNew
from gator.telemetry.logs import configure, logger

COLLECT_AFTER: Final = (20_000, 20, 20)
"""When the cyclic garbage collector runs (`gc.set_threshold`).

Next to nothing here is a cycle. By Python's own thresholds the collector looks through
what is alive so often that it takes an eighth of a busy server's time.
"""

TAKES_TURNS_S: Final = 0.001
"""How long a thread works before another one gets its turn (`sys.setswitchinterval`).

The journal's thread asks for the interpreter a few times in each commit. While the event loop has plenty
to do, it waited for up to five times as long by Python's own setting.
"""


class ServeError(Exception):
    """The server could not start; the text says why and what to do."""


class DrainingServer(uvicorn.Server):
    """uvicorn, with a drain between the signal and the closing of connections.

    While it drains, health checks are still answered: `/readyz` with 503.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say where."""
        await super().startup(sockets)
        # What start-up made stays, so no collection has to look through it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        sys.setswitchinterval(TAKES_TURNS_S)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            logger().info("listening", url=f"http://{host}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop as uvicorn does. A second signal ends the drain."""
        house = self._app.state.house
        if house is not None and not self.force_exit:
            draining = asyncio.ensure_future(house.drain())
            while not draining.done() and not self.force_exit:
                await asyncio.wait([draining], timeout=0.1)
            draining.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """Drain at the first signal; at a second one, whichever it is, do not wait."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT for as long as the server runs.

        uvicorn raises the signal again at the end, which would make an orderly stop
        look like a crash; here it ends with exit status 0.
        """
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def run(settings: Settings) -> None:
    """Serve until told to stop.

    Raises:
        ServeError: The port is taken, or the data cannot be used.
    """
    log = configure(settings.log_level, settings.log_format)
    _keep_bad_text_out_of_the_log()
    listener = _listen(settings)
    try:
        _check_data(settings)
        app = create_app(settings, offers_native=True)
        server = DrainingServer(_config(settings, app), app)
        if settings.auth == "open" and not is_loopback(settings.host):
            log.warning("open_on_network", meaning="anybody who reaches this server can be anybody")
        _run(server, listener, settings)
    finally:
        listener.close()


def _run(server: DrainingServer, listener: socket.socket, settings: Settings) -> None:
    with suppress(SystemExit):  # uvicorn's, when the application does not start
        server.run(sockets=[listener])
    if not server.started:
        where = f"GATOR_DATA={str(settings.data)!r}" if settings.database_url is None else "GATOR_DATABASE_URL"
        raise ServeError(f"The server could not start with {where}; see the log above.")


def _keep_bad_text_out_of_the_log() -> None:
    # Of the portable gateway only. Text that is not UTF-8 is a client's fault: uvicorn closes
    # with 1007, as it should, but logs it as a failure with a traceback. And if the client's
    # own close came with it, uvicorn fails to close once more, which the event loop logs.
    # There is no setting for either (uvicorn 0.54, websockets_sansio_impl.py).
    logging.getLogger("uvicorn.error").addFilter(_is_not_bad_text)
    logging.getLogger("asyncio").addFilter(_is_not_bad_text_before_a_close)


def _is_not_bad_text(record: logging.LogRecord) -> bool:
    return record.msg != "Invalid UTF-8 sequence received from client."


def _is_not_bad_text_before_a_close(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, InvalidState) and isinstance(error.__context__, UnicodeDecodeError))


def _check_data(settings: Settings) -> None:
    # The application checks again when it starts, but could only answer with a traceback.
    try:
        check_storage(settings)
    except (DatabaseInUse, SchemaTooNew, StorageError) as error:
        raise ServeError(str(error)) from None


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ServeError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another GATOR_PORT."
        ) from None
    listener.set_inheritable(True)
    return listener


def _config(settings: Settings, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        backlog=4096,
        log_config=None,
        # Ours are enough, and never hold an address with a token in it.
        access_log=False,
        log_level="warning",
        lifespan="on",
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        ws="websockets-sansio" if settings.gateway == "asgi" else NativeGateway,
        ws_max_size=settings.max_frame_bytes,
        ws_ping_interval=settings.ping_s,
        ws_ping_timeout=settings.ping_timeout_s,
        # Of the portable gateway only; the native one compresses once for everybody.
        ws_per_message_deflate=settings.deflate,
        timeout_graceful_shutdown=3,
    )
