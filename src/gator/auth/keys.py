"""The keys that tokens are checked with, each bound to the one algorithm it verifies.

That binding, and not the token's header, decides how a signature is computed, so no
token can have a public key taken for a shared secret (RFC 8725 §2.1, §3.1).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import HMACAlgorithm

PublicAlgorithm = Literal["RS256", "ES256", "EdDSA"]

MIN_SECRET_BYTES: Final = 32
"""Shortest shared secret: as long as its hash (RFC 7518 §3.2)."""


class KeysUnavailable(Exception):
    """Keys could not be loaded.

    Attributes:
        reason: Why, as the end of a sentence about where they were to come from.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeySet:
    """Public keys at one moment."""

    __slots__ = ("_by_id", "_keys")

    def __init__(self, keys: Iterable[jwt.PyJWK] = ()) -> None:
        self._keys = tuple(keys)
        # Keys of different types may share an id (RFC 7517 §4.5).
        self._by_id = {(key.algorithm_name, key.key_id): key for key in self._keys}

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, algorithm: PublicAlgorithm, kid: str | None) -> jwt.PyJWK | None:
        """Find the key that a token names.

        A token that names none (RFC 7515 §4.1.4 lets it) means the only key there is
        for its algorithm. Keys are never tried in turn.
        """
        if kid is not None:
            return self._by_id.get((algorithm, kid))
        candidates = [key for key in self._keys if key.algorithm_name == algorithm]
        return candidates[0] if len(candidates) == 1 else None


def shared_key(secret: str) -> jwt.PyJWK:
    """Make the key that signs and verifies HS256.

    Raises:
        ValueError: The secret is shorter than 32 bytes, or is itself a public key,
            a certificate or a JWK and so is no secret.
    """
    size_bytes = len(secret.encode())
    if size_bytes < MIN_SECRET_BYTES:
        raise ValueError(
            f"The token secret is {size_bytes} bytes long; HS256 needs at least {MIN_SECRET_BYTES}. "
            "Make one with: openssl rand -base64 48"
        )
    key = jwt.PyJWK(HMACAlgorithm.to_jwk(secret.encode(), as_dict=True), "HS256")
    try:
        key.Algorithm.prepare_key(key.key)
    except jwt.InvalidKeyError:
        raise ValueError(
            "The token secret is a key, a certificate or a JWK. Give public keys as a JWK Set instead."
        ) from None
    return key


def parse_jwks(document: bytes) -> KeySet:
    """Read a JWK Set (RFC 7517 §5).

    Keys that this server cannot use are skipped: of other types, for encryption, too
    weak, malformed, or private and so no longer worth trusting.

    Raises:
        KeysUnavailable: The document is no JWK Set.
    """
    try:
        members = json.loads(document)["keys"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise KeysUnavailable("is not a JWK Set") from None
    if not isinstance(members, list):
        raise KeysUnavailable("is not a JWK Set: its `keys` is no array")
    keys = (_usable(member) for member in members if isinstance(member, dict))
    return KeySet(key for key in keys if key is not None)


def _usable(jwk: Mapping[str, object]) -> jwt.PyJWK | None:
    algorithm = _algorithm_of(jwk)
    if algorithm is None or not _is_for_verifying(jwk, algorithm):
        return None
    try:
        key = jwt.PyJWK(dict(jwk), algorithm)
    except (jwt.PyJWTError, UnsupportedAlgorithm):
        return None
    # RSA keys below 2,048 bits (RFC 7518 §3.3).
    return key if key.Algorithm.check_key_length(key.key) is None else None


def _algorithm_of(jwk: Mapping[str, object]) -> PublicAlgorithm | None:
    match jwk:
        case {"kty": "RSA"}:
            return "RS256"
        case {"kty": "EC", "crv": "P-256"}:
            return "ES256"
        case {"kty": "OKP", "crv": "Ed25519"}:
            return "EdDSA"
        case _:
            return None


def _is_for_verifying(jwk: Mapping[str, object], algorithm: PublicAlgorithm) -> bool:
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("alg", algorithm) == algorithm
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(jwk.get("kid", ""), str)
        and "d" not in jwk
    )
