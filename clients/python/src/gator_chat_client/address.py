"""Where the server is, and how this client says who it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from gator_chat_client.errors import AddressError

SUBPROTOCOL: Final = "gator.v1"

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and the user who asks.

    Attributes:
        socket: Where the sockets are, without the user.
        http: Where the HTTP routes are.
        user: Who asks; None if only the token says it.
        is_near: True on this machine, where no proxy is asked.
    """

    socket: str
    http: str
    user: str | None
    is_near: bool

    def socket_of(self, token: str | None) -> str:
        """Address of the WebSocket. It never holds a token: addresses end up in logs."""
        return f"{self.socket}/{'auth' if token is not None else quote(self.user or '', safe='')}"

    def socket_headers(self, token: str | None) -> Mapping[str, str]:
        """Headers with which the WebSocket is opened."""
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def http_headers(self, token: str | None) -> Mapping[bytes, bytes]:
        """Headers of every request over HTTP."""
        if token is not None:
            return {b"Authorization": f"Bearer {token}".encode()}
        return {b"X-Gator-User": (self.user or "").encode()}


def address_of(url: str, user: str | None) -> Address:
    """Understand the address of a server.

    Args:
        url: `http://HOST:PORT`, also with `https`, `ws` or `wss`, and a path in front of the server's own.

    Raises:
        AddressError: The URL or the user cannot be used.
    """
    try:
        parts = urlsplit(url)
        scheme, host = _SCHEMES.get(parts.scheme), parts.hostname
        _ = parts.port  # raises if it is no number
    except ValueError:
        scheme = host = None
    if scheme is None or not host:
        raise AddressError(f"{url!r} is no address of a server; write one like http://127.0.0.1:8000.")
    if user is not None and not _is_text(user):
        raise AddressError("The name of the user has to be Unicode text.")
    base = f"{parts.netloc}{parts.path.rstrip('/')}"
    return Address(
        socket=f"{scheme}://{base}/ws",
        http=f"{scheme.replace('ws', 'http', 1)}://{base}/api/v1",
        user=user,
        is_near=_is_loopback(host),
    )


def check_token(token: str) -> str:
    """Tidy a token up.

    Raises:
        AddressError: It is none. The text does not repeat it.
    """
    token = token.strip()
    if not token or not (token.isascii() and token.isprintable()):
        raise AddressError("The token is empty or holds characters that no token has.")
    return token


def _is_text(name: str) -> bool:
    # What a command line could not decode arrives as lone surrogates.
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
