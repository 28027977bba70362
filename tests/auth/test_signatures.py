"""A token is taken apart without believing it, then its signature is checked."""

import hashlib
import hmac
import json
from collections.abc import Callable

import jwt
import pytest
from tests.auth.issuer import CLAIMS, PUBLIC_ALGORITHMS, SECRET, hs256, key, raw, refused, segment

from gator.auth.keys import shared_key
from gator.auth.signatures import MAX_TOKEN_LENGTH, Header, read_header, verified_claims

KEY = shared_key(SECRET)


def signed(payload: bytes) -> str:
    """Sign any payload with the shared secret, JSON or not."""
    return jwt.PyJWS().encode(payload, SECRET, "HS256")


def test_a_header_names_the_algorithm_and_perhaps_the_key() -> None:
    assert read_header(hs256()) == Header("HS256", None)
    for algorithm in PUBLIC_ALGORITHMS:
        assert read_header(key(algorithm).sign()) == Header(algorithm, f"{algorithm}-1")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "not a token",
        "tökén.a.b",
        "\ud800.a.b",
        "a\x00.b.c",
        hs256().replace(".", ""),
        hs256().partition(".")[0],
        raw([], CLAIMS),
        raw("HS256", CLAIMS),
        raw(None, CLAIMS),
        raw(b"{", CLAIMS),
        raw(b"\xff", CLAIMS),
        raw(b"[" * 5000, CLAIMS),
        raw({"alg": "HS256", "kid": 7}, CLAIMS),
        raw({"alg": "HS256", "kid": None}, CLAIMS),
        raw({"alg": "HS256", "b64": False}, CLAIMS),
        # A JWE has five parts (RFC 7516 §3.1).
        ".".join((segment({"alg": "dir", "enc": "A128GCM"}), "", "AAAA", "AAAA", "AAAA")),
    ],
)
def test_what_is_no_signed_token_is_refused(token: str) -> None:
    with refused("not a signed JWT", token):
        read_header(token)


def test_the_length_of_a_token_is_bounded() -> None:
    fill = "a" * (MAX_TOKEN_LENGTH - len(raw({"alg": "HS256"}, {"fill": ""})) - 100)
    assert read_header(raw({"alg": "HS256"}, {"fill": fill[: len(fill) // 2]})).algorithm == "HS256"
    with refused("not a signed JWT"):
        read_header("a" * MAX_TOKEN_LENGTH)
    with refused("longer than 16384 characters"):
        read_header("a" * (MAX_TOKEN_LENGTH + 1))


@pytest.mark.parametrize(
    "algorithm",
    [
        *("none", "None", "NONE", "", "HS384", "HS512", "RS384", "RS512", "PS256", "ES384", "ES256K", "hs256"),
        *(None, 7, True, ["HS256"], {"HS256": 1}),
    ],
)
def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: object) -> None:
    with refused("`alg` is none of HS256, RS256, ES256, EdDSA"):
        read_header(raw({"alg": algorithm}, CLAIMS))


def test_a_token_without_an_algorithm_is_refused() -> None:
    with refused("`alg` is none of"):
        read_header(raw({"typ": "JWT"}, CLAIMS))


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": True}, {"crit": ["b64"], "b64": False}])
def test_an_extension_is_refused(header: dict[str, object]) -> None:
    payload = segment(CLAIMS) if header["b64"] else ""
    with refused("extension"):
        read_header(f"{segment({'alg': 'HS256', **header})}.{payload}.{segment(b'')}")


def test_a_signature_in_another_alphabet_is_refused() -> None:
    token = hs256() + "=="
    assert read_header(token).algorithm == "HS256"
    with refused("signature does not fit", token):
        verified_claims(token, KEY)


def test_a_signed_token_has_claims() -> None:
    assert verified_claims(hs256(), KEY) == CLAIMS


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "E"),
        lambda token: token.replace(token.split(".")[1], segment({**CLAIMS, "sub": "mallory"})),
        lambda token: token.replace(token.split(".")[0], segment({"alg": "HS256", "typ": "other"})),
        lambda token: jwt.encode(CLAIMS, SECRET + "!", "HS256"),
        lambda token: token.replace(".", ".AAAA", 1),
    ],
)
def test_a_token_that_was_not_signed_so_is_refused(forge: Callable[[str], str]) -> None:
    token = forge(hs256())
    with refused("signature does not fit", token):
        verified_claims(token, KEY)


@pytest.mark.parametrize("algorithm", ["HS512", "none", "RS256"])
def test_a_key_decides_the_algorithm_and_not_the_token(algorithm: str) -> None:
    signing_input = f"{segment({'alg': algorithm})}.{segment(CLAIMS)}"
    signature = hmac.digest(SECRET.encode(), signing_input.encode(), hashlib.sha256)
    with refused("signature does not fit"):
        verified_claims(f"{signing_input}.{segment(signature)}", KEY)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 5000, b'{"exp": ' + b"9" * 5000 + b"}"])
def test_claims_are_json(payload: bytes) -> None:
    with refused("claims are not JSON"):
        verified_claims(signed(payload), KEY)


@pytest.mark.parametrize("payload", [[], "alice", 7, None, True])
def test_claims_are_an_object(payload: object) -> None:
    with refused("not a JSON object"):
        verified_claims(signed(json.dumps(payload).encode()), KEY)
