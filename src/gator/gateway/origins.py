"""Which web pages may connect: a WebSocket is not bound by the same-origin policy."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

ANY: Final = "*"

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def origin_allowed(origin: str | None, host: str | None, allowed: Collection[str], *, loopback_only: bool) -> bool:
    """Judge the `Origin` of a handshake (RFC 6455 §10.2).

    Args:
        origin: The header; None from programs that are no browsers, which may connect.
        host: The header `Host`.
        allowed: Origins that may connect; empty for the host's own.
        loopback_only: With no list, accept only pages of this machine. In open mode a
            foreign page could otherwise rename itself to us (DNS rebinding).
    """
    if origin is None or ANY in allowed:
        return True
    if allowed:
        return origin.lower().rstrip("/") in {entry.lower().rstrip("/") for entry in allowed}
    page = _place(origin)
    if page is None or host is None:
        return False
    if loopback_only and page[0] not in _LOOPBACK_NAMES:
        return False
    return page == _place(f"{urlsplit(origin).scheme}://{host}")


def _place(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.hostname, port
