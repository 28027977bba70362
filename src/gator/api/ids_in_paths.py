"""Ids in paths: an id may hold a slash, and then look like another address.

`/conversations/a%2Fmessages` is the conversation `a/messages`, and `/conversations/a/messages` are the messages
of `a`. By the path as ASGI hands it over, in which both are decoded (ASGI 3, `scope["path"]`), they are the same.
"""

from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH: Final = "\x1f"
"""Stands for an encoded slash while routes are compared: no id has a control character."""


def as_asked(path: str) -> str:
    """Give a path, or an id in it, with all its slashes."""
    return path.replace(_SLASH, "/")


class _Id(PathConvertor):
    """Any id; slashes that are not encoded are taken too, where no longer route fits."""

    def convert(self, value: str) -> str:
        return as_asked(value)


register_url_convertor("id", _Id())

CONVERSATION: Final = "{conversation_id:id}"
"""Part of a route's path."""

USER: Final = "{user_id:id}"
"""Part of a route's path."""


class KeepEncodedSlashes:
    """ASGI middleware: an encoded slash divides no path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and b"%2f" in (raw := scope.get("raw_path") or b"").lower():
            scope = dict[str, Any](scope) | {"path": _divided(raw)}
        await self._app(scope, receive, send)


def _divided(raw: bytes) -> str:
    parts = raw.replace(b"%2f", b"%2F").split(b"%2F")
    return unquote_to_bytes(_SLASH.encode().join(parts)).decode(errors="replace")
