"""Signed tokens as such: JSON Web Tokens (RFC 7519) in compact form (RFC 7515 §3.1)."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

import jwt

from gator.auth.claims import Claims
from gator.auth.keys import PublicAlgorithm
from gator.protocol.errors import Refusal

Algorithm = Literal["HS256"] | PublicAlgorithm

MAX_TOKEN_LENGTH: Final = 16 * 1024
"""Longest token that is looked at, in characters."""

# `none` is not among them (RFC 8725 §3.2).
_ALGORITHMS: Final = ("HS256", *get_args(PublicAlgorithm))
_SIGNATURES: Final = jwt.PyJWS(algorithms=_ALGORITHMS)


@dataclass(frozen=True, slots=True)
class Header:
    """What of a token's header counts: nothing that could bring a key along.

    `jku`, `jwk`, `x5u` and `x5c` are never read (RFC 8725 §3.10).
    """

    algorithm: Algorithm
    kid: str | None


def read_header(token: str) -> Header:
    """Read which key a token names. Nothing of it is proven yet.

    Raises:
        Refusal: `invalid_token`: too long, no JWT, or of an algorithm that is refused.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise Refusal("invalid_token", f"The token is longer than {MAX_TOKEN_LENGTH} characters.")
    if not token.isascii() or token.count(".") != 2:
        raise Refusal("invalid_token", "The token is not a signed JWT.")
    return _header(token.partition(".")[0])


@lru_cache(maxsize=64)
def _header(segment: str) -> Header:
    # An issuer's tokens share their header, so it is read once, with an empty token behind it.
    try:
        header: dict[str, object] = _SIGNATURES.get_unverified_header(f"{segment}..")
    except jwt.PyJWTError:
        raise Refusal("invalid_token", "The token is not a signed JWT.") from None
    if "crit" in header:
        # RFC 7515 §4.1.11: who does not understand all extensions must refuse.
        raise Refusal("invalid_token", "The token needs an extension (`crit`); this server has none.")
    if header.get("b64", True) is not True:
        # RFC 7797 §6: it has to be in `crit` as well.
        raise Refusal("invalid_token", "The token is not a signed JWT.")
    kid = header.get("kid")
    return Header(_algorithm(header.get("alg")), kid if isinstance(kid, str) else None)


def _algorithm(name: object) -> Algorithm:
    match name:
        case "HS256" | "RS256" | "ES256" | "EdDSA":
            return name
        case _:
            raise Refusal("invalid_token", f"The token's `alg` is none of {', '.join(_ALGORITHMS)}.")


def verified_claims(token: str, key: jwt.PyJWK) -> Claims:
    """Check the signature and read the claims. Times and names are not checked here.

    Raises:
        Refusal: `invalid_token`: the signature is not this key's, or the claims are
            no JSON object (RFC 7519 §7.2).
    """
    try:
        claims = json.loads(_SIGNATURES.decode(token, key, algorithms=[key.algorithm_name]))
    except jwt.PyJWTError:
        raise Refusal("invalid_token", "The token's signature does not fit the key.") from None
    except (ValueError, RecursionError):
        raise Refusal("invalid_token", "The token's claims are not JSON.") from None
    if not isinstance(claims, dict):
        raise Refusal("invalid_token", "The token's claims are not a JSON object.")
    return claims
