"""Which web pages may connect: a WebSocket is not bound by the same-origin policy."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

ANY: Final = "*"

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def origin_allowed(origin: str | None, host: str | None, allowed: Collection[str], *, loopback_only: bool) -> bool:
    """Judge the `Origin` of a handshake (RFC 6455 §10.2).

    Args:
        origin: The header; None from programs that are no browsers, which may connect.
        host: The header `Host`.
        allowed: Origins that may connect; empty for the host's own.
        loopback_only: With no list, accept the pages of this machine, on any of its ports,
            and no others. In open mode a foreign page could otherwise rename itself to us
            (DNS rebinding): its origin is then still a name of its own.
    """
    if origin is None or ANY in allowed:
        return True
    if allowed:
        return origin.lower().rstrip("/") in {entry.lower().rstrip("/") for entry in allowed}
    page = _place(origin)
    if page is None or host is None:
        return False
    server = _place(f"{urlsplit(origin).scheme}://{host}")
    if not loopback_only:
        return page == server
    # Reached under another name, such as a tunnel's, we are not on the machine that the page is on.
    return server is not None and _is_loopback(page[0]) and _is_loopback(server[0])


def _is_loopback(name: str) -> bool:
    # RFC 6761 §6.3: names below `localhost` are this machine, whatever a name server says.
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _place(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.hostname, port
