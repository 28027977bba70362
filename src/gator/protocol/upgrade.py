"""The HTTP request that becomes a WebSocket, and its answer (RFC 6455 §4.2)."""

from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Sequence
from hashlib import sha1
from http import HTTPStatus
from typing import Final

from msgspec import Struct

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16


class NoUpgrade(Exception):
    """The request is answered with HTTP, and the connection closed.

    Attributes:
        response: That answer, whole.
    """

    def __init__(self, status: HTTPStatus, reason: str, *headers: str) -> None:
        super().__init__(status, reason)
        body = f"{reason}\n".encode()
        lines = (
            f"HTTP/1.1 {status.value} {status.phrase}",
            *headers,
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            "Connection: close",
            "\r\n",
        )
        self.response: Final = "\r\n".join(lines).encode() + body


class Upgrade(Struct, frozen=True):
    """A request that may become a WebSocket.

    Attributes:
        target: As in the request line, percent-encoded.
        headers: Names in lower case; of a header that came several times, the values
            joined by commas, which means the same (RFC 9110 §5.3).
    """

    target: str
    headers: dict[str, str]

    def listed(self, name: str) -> Sequence[str]:
        """Split a header that is a list."""
        value = self.headers.get(name)
        return [] if value is None else [part.strip() for part in value.split(",")]

    def response(self, *, subprotocol: str | None = None, extensions: str | None = None) -> bytes:
        """Word the answer that makes it one (RFC 6455 §4.2.2)."""
        accept = b64encode(
            sha1(self.headers["sec-websocket-key"].encode() + _GUID, usedforsecurity=False).digest()
        )
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept.decode()}",
        ]
        if extensions is not None:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        if subprotocol is not None:
            lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
        return "\r\n".join((*lines, "\r\n")).encode()


def read_upgrade(request: bytes) -> Upgrade:
    """Read a request that an HTTP parser has found to be whole and well-formed.

    Raises:
        NoUpgrade: It does not ask for a WebSocket of version 13 as RFC 6455 §4.2.1 says.
    """
    # ISO 8859-1 loses nothing; what is not ASCII means nothing in any header read here.
    first, *lines = request.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target, _, version = rest.rpartition(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    upgrade = Upgrade(target, headers)
    if method != "GET" or version != "HTTP/1.1":
        raise NoUpgrade(HTTPStatus.BAD_REQUEST, "A WebSocket begins with GET and HTTP/1.1.")
    if not _lists(upgrade, "connection", "upgrade") or not _lists(upgrade, "upgrade", "websocket"):
        raise NoUpgrade(HTTPStatus.UPGRADE_REQUIRED, "This address is a WebSocket.", "Upgrade: websocket")
    if headers.get("sec-websocket-version") != "13":
        raise NoUpgrade(
            HTTPStatus.UPGRADE_REQUIRED,
            "The version of the WebSocket protocol has to be 13.",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        )
    if not _is_key(headers.get("sec-websocket-key", "")):
        raise NoUpgrade(HTTPStatus.BAD_REQUEST, "`Sec-WebSocket-Key` has to be 16 bytes in Base64.")
    return upgrade


def _lists(upgrade: Upgrade, header: str, word: str) -> bool:
    value = upgrade.headers.get(header, "").lower()
    return value == word or word in (part.strip() for part in value.split(","))


def _is_key(value: str) -> bool:
    try:
        return len(a2b_base64(value, strict_mode=True)) == _KEY_BYTES
    except (NotBase64, ValueError):
        return False
