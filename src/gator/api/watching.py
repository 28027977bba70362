"""Every HTTP request as a metric, failures as a log line."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
            metrics = scope["app"].state.api.metrics
            route = _route(scope)
            metrics.http_requests.labels(scope["method"], route, str(status)).inc()
            metrics.http_seconds.labels(route).observe(perf_counter() - began)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "unknown")
