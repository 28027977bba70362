"""Where public keys come from: a file, or an address on the web."""

import asyncio
import json
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx2

from gator.auth.keys import KeysUnavailable

MAX_DOCUMENT_BYTES: Final = 1024 * 1024
"""Longest JWK Set that is read."""

FETCH_TIMEOUT_S: Final = 5.0
"""Longest that a whole fetch may take."""


class KeySource(Protocol):
    """A place that holds a JWK Set."""

    @property
    def name(self) -> str:
        """Name the place, for logs: without query or credentials."""

    async def read(self) -> bytes:
        """Read the document as it is now, up to 1 MiB.

        Raises:
            KeysUnavailable: It could not be read.
        """


def key_source(location: str) -> KeySource:
    """Make the source that a setting names.

    Raises:
        ValueError: The location is neither a path nor an `http` or `https` URL.
    """
    if "://" not in location:
        return FileSource(Path(location))
    parts = urlsplit(location)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"A JWK Set is at a file's path or an http(s) URL, not at {location!r}.")
    return UrlSource(location)


class FileSource:
    """A JWK Set in a file, replaced by whoever rotates the keys."""

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """See `KeySource`."""
        return str(self._path)

    async def read(self) -> bytes:
        """See `KeySource`. Reads on a thread, because a disk may be slow."""
        try:
            document = await asyncio.to_thread(self._read)
        except OSError as error:
            raise KeysUnavailable(f"cannot be read: {error.strerror}") from error
        _check_size(document)
        return document

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)


class UrlSource:
    """A JWK Set on the web. Redirects are not followed: keys come from where it was said.

    Args:
        url: `http` or `https`.
        timeout_s: For the whole fetch, however slowly the bytes drip.
    """

    __slots__ = ("_fetcher", "_url")

    def __init__(self, url: str, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        self._url = url
        self._fetcher = Fetcher(timeout_s)

    @property
    def name(self) -> str:
        """See `KeySource`."""
        return _shown(self._url)

    async def read(self) -> bytes:
        """See `KeySource`."""
        return await self._fetcher.fetch(self._url)


class IssuerSource:
    """The JWK Set that an OpenID provider's metadata names (OpenID Connect Discovery §4).

    The metadata is read anew each time: a provider may move its keys.

    Args:
        issuer: `https`, or `http` on this machine.
        timeout_s: For each of the two fetches.
    """

    __slots__ = ("_fetcher", "_issuer")

    def __init__(self, issuer: str, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        self._issuer = issuer
        self._fetcher = Fetcher(timeout_s)

    @property
    def name(self) -> str:
        """See `KeySource`."""
        return _shown(self._issuer)

    async def read(self) -> bytes:
        """See `KeySource`."""
        metadata = await self._fetcher.fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        return await self._fetcher.fetch(self._keys_named_by(metadata))

    def _keys_named_by(self, metadata: bytes) -> str:
        try:
            document = json.loads(metadata)
            issuer, address = document["issuer"], str(document["jwks_uri"])
            scheme = urlsplit(address).scheme
        except (ValueError, RecursionError, TypeError, KeyError):
            raise KeysUnavailable("has no metadata that names its keys") from None
        # Else one provider could pass off its keys as another's (§4.3).
        if issuer != self._issuer:
            raise KeysUnavailable(f"calls itself {issuer!r} in its metadata")
        if scheme not in ("https", urlsplit(self._issuer).scheme):
            raise KeysUnavailable("names keys that are not at an https address")
        return address


class Fetcher:
    """Reads documents from the web, within bounds."""

    __slots__ = ("_timeout_s", "_tls")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        # Made once: reading the certificate store takes 50 ms, too long for a running event loop.
        self._tls = httpx2.create_ssl_context()

    async def fetch(self, url: str) -> bytes:
        """Read one, on a connection of its own, because minutes pass between two.

        Raises:
            KeysUnavailable: It could not be read.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._fetch(url)
        except TimeoutError:
            raise KeysUnavailable(f"did not answer within {self._timeout_s:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise KeysUnavailable(f"cannot be fetched: {type(error).__name__}: {error}") from error

    async def _fetch(self, url: str) -> bytes:
        # Compression would let a small answer grow past the bound after it was counted.
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with (
            httpx2.AsyncClient(verify=self._tls, timeout=None) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise KeysUnavailable(f"answered with HTTP status {response.status_code}")
            document = bytearray()
            async for chunk in response.aiter_raw():
                document += chunk
                _check_size(document)
            return bytes(document)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check_size(document: bytes | bytearray) -> None:
    if len(document) > MAX_DOCUMENT_BYTES:
        raise KeysUnavailable(f"is longer than {MAX_DOCUMENT_BYTES} bytes")
