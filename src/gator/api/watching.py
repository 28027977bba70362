"""Every HTTP request as a metric and, at the level `debug`, as a log line."""

from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gator.api.ids_in_paths import as_asked
from gator.telemetry.masking import mask_query

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that are counted by name: a client can make up as many others as it likes."""


class WatchRequests:
    """ASGI middleware: counts requests by route and status, and times them.

    Routes are counted by their pattern, never by the address that was asked for, so
    that no id and no token ends in a metric.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            api = scope["app"].state.api
            api.log.error("request_failed", method=scope["method"], route=_route(scope), exc_info=error)
            api.metrics.errors.labels("http").inc()
            raise
        finally:
            api = scope["app"].state.api
            metrics = api.metrics
            route = _route(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.http_requests.labels(method, route, str(status)).inc()
            took_s = perf_counter() - began
            metrics.http_seconds.labels(route).observe(took_s)
            metrics.http_seconds_of_all.observe(took_s)
            api.log.debug(
                "request", method=scope["method"], address=_address(scope), status=status, seconds=round(took_s, 4)
            )


def _route(scope: Scope) -> str:
    path: str = getattr(scope.get("route"), "path", "unknown")
    return path.replace(":id}", "}")


def _address(scope: Scope) -> str:
    """Word what was asked for as a log may show it, without tokens."""
    query = scope["query_string"].decode("latin-1")
    path = as_asked(scope["path"])
    return mask_query(f"{path}?{query}" if query else path)
