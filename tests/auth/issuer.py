"""An issuer of tokens: real keys, hand-made tokens, and the web server with its JWK Set."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final, Self

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, settings

from gator.auth.keys import PublicAlgorithm
from gator.protocol.errors import Refusal

SECRET: Final = "a shared secret of 32 bytes or so"
NOW_S: Final = 1_750_000_000
"""What a new `FakeClock` shows."""

CLAIMS: Final = {"sub": "alice", "exp": NOW_S + 3600}

PUBLIC_ALGORITHMS: Final[tuple[PublicAlgorithm, ...]] = ("RS256", "ES256", "EdDSA")

law: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Bounds a law's effort by examples alone: a slow machine breaks no law."""


class SigningKey:
    """An issuer's key pair."""

    def __init__(self, algorithm: PublicAlgorithm, private: Any, kid: str | None = None) -> None:
        self.algorithm = algorithm
        self.private = private
        self.kid = kid

    def named(self, kid: str | None) -> "SigningKey":
        """Give the same key another id."""
        return SigningKey(self.algorithm, self.private, kid)

    def jwk(self, **members: object) -> dict[str, object]:
        """Publish the public half."""
        handler = jwt.PyJWS().get_algorithm_by_name(self.algorithm)
        public = handler.to_jwk(self.private.public_key(), as_dict=True)
        named = {} if self.kid is None else {"kid": self.kid}
        return {**public, **named, **members}

    def sign(self, claims: Mapping[str, object] = CLAIMS, **header: object) -> str:
        named = {} if self.kid is None else {"kid": self.kid}
        return jwt.encode(dict(claims), self.private, self.algorithm, headers={**named, **header})

    def pem(self) -> str:
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()


@cache
def key(algorithm: PublicAlgorithm, number: int = 1) -> SigningKey:
    """Make a key pair with the id `ALGORITHM-NUMBER`, once a run: RSA takes its time."""
    match algorithm:
        case "RS256":
            private: Any = rsa.generate_private_key(65537, 2048)
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case _:
            private = ed25519.Ed25519PrivateKey.generate()
    return SigningKey(algorithm, private, f"{algorithm}-{number}")


def jwks(*keys: SigningKey | Mapping[str, object]) -> bytes:
    """Word a JWK Set."""
    members = [member.jwk() if isinstance(member, SigningKey) else member for member in keys]
    return json.dumps({"keys": members}).encode()


def hs256(claims: Mapping[str, object] = CLAIMS, **header: object) -> str:
    """Sign with the shared secret."""
    return jwt.encode(dict(claims), SECRET, "HS256", headers=header)


def segment(value: object) -> str:
    """Encode one part of a token; bytes as they are, the rest as JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def raw(header: object, payload: object, signature: bytes = b"") -> str:
    """Put a token together that no library would make."""
    return f"{segment(header)}.{segment(payload)}.{segment(signature)}"


@contextmanager
def refused(because: str, *secrets: str, code: str = "invalid_token") -> Iterator[pytest.ExceptionInfo[Refusal]]:
    """Expect a refusal whose detail says `because` and no part of the `secrets`."""
    with pytest.raises(Refusal) as caught:
        yield caught
    assert caught.value.code == code
    assert because in caught.value.detail
    parts = [part for secret in secrets for part in secret.split(".") if len(part) > 7]
    assert [part for part in parts if part in caught.value.detail] == []


class JwksServer:
    """A web server of one document. Answers each connection once.

    Attributes:
        body: What it answers.
        status: The status line's rest.
        headers: More header lines.
        requests: The request heads it got.
        asked: Set when a request has come.
        open: Cleared, it lets everybody wait.
        drips: Whether its answer goes on byte by byte, without end.
    """

    def __init__(self) -> None:
        self.body = jwks()
        self.status = "200 OK"
        self.headers: tuple[str, ...] = ()
        self.requests: list[str] = []
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.drips = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/keys.json"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        self.asked.set()
        await self.open.wait()
        head = (f"HTTP/1.1 {self.status}", *self.headers, "Connection: close", "", "")
        # A client that has had enough hangs up, as the tests of bounds want it.
        with suppress(ConnectionError):
            writer.write("\r\n".join(head).encode() + self.body)
            await writer.drain()
            while self.drips:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
