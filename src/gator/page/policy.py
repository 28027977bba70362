"""What a browser may do with the page: nothing that it does not need."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")

HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Addresses hold names of conversations, and a login's answer passes through one.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def security_headers(host: str | None, connects_to: Sequence[str] = ()) -> dict[str, str]:
    """Word the headers of a document.

    Args:
        host: The header `Host`, under which the document was asked for.
        connects_to: Origins that its script talks to, besides the server's own.
    """
    return HEADERS | {"Content-Security-Policy": _content_security_policy([*_sockets(host), *connects_to])}


def origin_of(url: str) -> str:
    """Cut an address down to its origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _sockets(host: str | None) -> list[str]:
    # CSP 3 takes them for 'self', which not every browser in use knows.
    if host is None or _HOST.fullmatch(host) is None:
        return []
    return [f"ws://{host}", f"wss://{host}"]


def _content_security_policy(connects_to: Sequence[str]) -> str:
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "connect-src": " ".join(["'self'", *connects_to]),
        "font-src": "'self'",
        "manifest-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        # No text is ever made into HTML or script: the page builds elements (W3C Trusted Types).
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())
