"""The page over HTTP: its files at their addresses, its index at those of its views."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gator.page.files import INDEX, SUFFIXES, Files, PageFile
from gator.page.policy import security_headers

VIEWS: Final = frozenset({"/", "/admin", "/personas"})
VIEWS_BELOW: Final = ("/c/", "/personas/")
"""Addresses that the page's own script understands: all of them are the same document."""


class ServePage:
    """ASGI application: the page, and `otherwise` where it has nothing.

    Attributes:
        path: By this name its requests are counted.
    """

    path: Final = "page"

    def __init__(self, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._files: Files = {}
        self._connects_to: Sequence[str] = ()

    def open(self, page: Files | None, connects_to: Sequence[str] = ()) -> None:
        """Serve a built page from now on.

        Args:
            page: None if there is none; its views then say how to make it.
            connects_to: Other origins that its script talks to.
        """
        self._files = page or {}
        self._connects_to = connects_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope["path"]
        is_view = path in VIEWS or path.startswith(VIEWS_BELOW)
        file = self._files.get(INDEX if is_view else path)
        if scope["type"] != "http" or (file is None and not is_view):
            await self._otherwise(scope, receive, send)
            return
        scope["route"] = self
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        headers = Headers(scope=scope)
        security = security_headers(headers.get("host"), self._connects_to)
        response = _missing(security) if file is None else _response(file, headers, security)
        if scope["method"] == "HEAD":
            response.body = b""  # its length stays in the header (RFC 9110 §9.3.2)
        await response(scope, receive, send)


def _response(file: PageFile, asked: Headers, security: dict[str, str]) -> Response:
    coding = _coding(file, asked.get("accept-encoding", ""))
    tag = f'"{file.digest}{"" if coding is None else f"-{coding}"}"'
    headers = security | {"Cache-Control": file.cache_control, "ETag": tag}
    if file.compressed:
        headers["Vary"] = "Accept-Encoding"
    if _has(asked.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if coding is None:
        return Response(file.body, headers=headers, media_type=file.media_type)
    headers["Content-Encoding"] = coding
    return Response(file.compressed[coding], headers=headers, media_type=file.media_type)


def _coding(file: PageFile, accepted: str) -> str | None:
    """Choose among the codings that there are and that are accepted (RFC 9110 §12.5.3)."""
    names = set()
    for part in accepted.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if weight.strip("0.") or not weight:
            names.add(name)
    return next((coding for coding in SUFFIXES if coding in file.compressed and coding in names), None)


def _has(condition: str, tag: str) -> bool:
    """Tell whether the client has what a tag names (RFC 9110 §13.1.2)."""
    return condition.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in condition.split(","))


def _missing(security: dict[str, str]) -> Response:
    body = files("gator.page").joinpath("missing.html").read_bytes()
    return Response(body, 404, security | {"Cache-Control": "no-store"}, "text/html; charset=utf-8")
