"""Where the server is, and how this client says who it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from gator.protocol.handshake import SUBPROTOCOL
from gator.settings import is_loopback

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class AddressError(Exception):
    """The address cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """The two doors of a server, and what to say at each.

    Attributes:
        socket: Address of the WebSocket. It never holds a token: addresses end up in logs.
        members: Address of the member list.
        members_headers: Who asks for members, and for personas.
        personas: Address of the list of personas.
        is_near: True on this machine, where no proxy is asked.
    """

    socket: str
    socket_headers: Mapping[str, str]
    members: str
    personas: str
    members_headers: Mapping[str, bytes]
    is_near: bool
    subprotocols: Sequence[str] = (SUBPROTOCOL,)


def address_of(url: str, user: str, conversation: str, token: str | None) -> Address:
    """Put together the addresses of a conversation.

    Args:
        url: `ws://HOST:PORT`, also with `wss`, `http` or `https`, and a path in front of the server's own.

    Raises:
        AddressError: The URL or the token cannot be used.
    """
    try:
        parts = urlsplit(url)
        scheme, host = _SCHEMES.get(parts.scheme), parts.hostname
        _ = parts.port  # raises if it is no number
    except ValueError:
        scheme = host = None
    if scheme is None or not host:
        raise AddressError(f"{url!r} is no address of a server; write one like ws://127.0.0.1:8000.")
    if not (_is_text(user) and _is_text(conversation)):
        raise AddressError("The names of the user and of the conversation have to be Unicode text.")
    token = None if token is None else token.strip()
    if token == "" or (token is not None and not (token.isascii() and token.isprintable())):
        raise AddressError("The token is empty or holds characters that no token has.")
    base = f"{parts.netloc}{parts.path.rstrip('/')}"
    api = f"{scheme.replace('ws', 'http')}://{base}/api/v1"
    credentials = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Address(
        socket=f"{scheme}://{base}/ws/{'auth' if token is not None else quote(user, safe='')}",
        socket_headers=credentials,
        members=f"{api}/conversations/{quote(conversation, safe='')}/members",
        personas=f"{api}/personas",
        members_headers=_named(user) if token is None else {"Authorization": f"Bearer {token}".encode()},
        is_near=is_loopback(host),
    )


def _is_text(name: str) -> bool:
    # What the command line could not decode arrives as lone surrogates.
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _named(user: str) -> dict[str, bytes]:
    try:
        return {"X-Gator-User": user.encode("latin-1")}
    except UnicodeEncodeError:  # a header cannot say it (RFC 9110 §5.5); the answer will be 401
        return {}
