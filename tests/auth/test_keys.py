"""A key verifies one algorithm; a JWK Set's useless keys are skipped."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm
from tests.auth.issuer import PUBLIC_ALGORITHMS, SECRET, jwks, key, law

from gator.auth.keys import KeySet, KeysUnavailable, PublicAlgorithm, parse_jwks, shared_key


def test_a_secret_of_32_bytes_makes_a_key() -> None:
    assert shared_key("s" * 32).algorithm_name == "HS256"
    assert shared_key("ü" * 16).key == ("ü" * 16).encode()


@pytest.mark.parametrize(("secret", "size"), [("", 0), ("s" * 31, 31), ("ü" * 15, 30)])
def test_a_shorter_secret_is_refused(secret: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"is {size} bytes long; HS256 needs at least 32"):
        shared_key(secret)


def test_a_public_key_is_no_secret() -> None:
    for secret in (key("RS256").pem(), json.dumps(key("ES256").jwk())):
        with pytest.raises(ValueError, match="Give public keys as a JWK Set") as caught:
            shared_key(secret)
        assert secret not in str(caught.value)


@pytest.mark.parametrize("algorithm", PUBLIC_ALGORITHMS)
def test_a_published_key_is_found_by_algorithm_and_id(algorithm: PublicAlgorithm) -> None:
    keys = parse_jwks(jwks(*map(key, PUBLIC_ALGORITHMS)))
    assert len(keys) == 3
    found = keys.find(algorithm, f"{algorithm}-1")
    assert found is not None
    assert found.algorithm_name == algorithm
    assert keys.find(algorithm, "no such id") is None


def test_a_key_is_not_found_for_another_algorithm() -> None:
    keys = parse_jwks(jwks(key("RS256").named("k")))
    assert keys.find("RS256", "k") is not None
    assert keys.find("ES256", "k") is None
    assert keys.find("ES256", None) is None


def test_keys_of_different_types_may_share_an_id() -> None:
    keys = parse_jwks(jwks(key("ES256").named("k"), key("EdDSA").named("k")))
    for algorithm in PUBLIC_ALGORITHMS[1:]:
        found = keys.find(algorithm, "k")
        assert found is not None
        assert found.algorithm_name == algorithm


def test_a_token_that_names_no_key_means_the_only_one() -> None:
    with_id, without = parse_jwks(jwks(key("ES256"))), parse_jwks(jwks(key("ES256").named(None)))
    assert with_id.find("ES256", None) is not None
    assert without.find("ES256", None) is not None
    assert without.find("ES256", "k") is None


def test_a_token_that_names_no_key_means_none_of_several() -> None:
    assert parse_jwks(jwks(key("ES256"), key("ES256", 2))).find("ES256", None) is None
    assert KeySet().find("ES256", None) is None


@pytest.mark.parametrize("algorithm", PUBLIC_ALGORITHMS)
def test_what_a_key_says_of_its_use_may_be_said(algorithm: PublicAlgorithm) -> None:
    jwk = key(algorithm).jwk(alg=algorithm, use="sig", key_ops=["verify"], x5c=["ignored"])
    assert len(parse_jwks(jwks(jwk))) == 1


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"key_ops": None},
        {"kid": 7},
        {"kid": ["k"]},
        {"kty": "RSA"},
        {"kty": ["EC"]},
        {"crv": "P-384"},
        {"crv": None},
        {"x": None},
        {"x": 7},
        {"x": "AAAA"},
        {"x": "!"},
        {"y": "A" * 43},
        {"d": "AAAA"},
    ],
)
def test_a_key_that_cannot_be_used_is_skipped(members: dict[str, object]) -> None:
    keys = parse_jwks(jwks(key("ES256").jwk(**members), key("EdDSA")))
    assert len(keys) == 1
    assert keys.find("EdDSA", "EdDSA-1") is not None


def test_a_shared_secret_is_never_taken_from_a_jwk_set() -> None:
    jwk = {**HMACAlgorithm.to_jwk(SECRET, as_dict=True), "kid": "k"}
    assert len(parse_jwks(jwks(jwk, {**jwk, "alg": "RS256"}))) == 0


def test_keys_of_other_types_and_weak_keys_are_skipped() -> None:
    others = [
        ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True),
        ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key(), as_dict=True),
        OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True),
        RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        {},
        "a key",
        None,
    ]
    document = json.dumps({"keys": [*others, key("RS256").jwk()]}).encode()
    assert len(parse_jwks(document)) == 1


def test_a_private_key_that_was_published_is_not_trusted() -> None:
    jwk = OKPAlgorithm.to_jwk(key("EdDSA").private, as_dict=True)
    assert len(parse_jwks(jwks(jwk))) == 0


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": "k"}',
        b"[" * 100_000,
        b"9" * 5000,
    ],
)
def test_what_is_no_jwk_set_is_refused(document: bytes) -> None:
    with pytest.raises(KeysUnavailable, match="is not a JWK Set"):
        parse_jwks(document)


def test_an_empty_jwk_set_has_no_keys() -> None:
    assert len(parse_jwks(b'{"keys": []}')) == 0


members = st.sampled_from([*key("ES256").jwk(), *key("EdDSA").jwk(), "n", "e", "alg", "use", "key_ops"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=50)
    | st.sampled_from(["EC", "RSA", "OKP", "AQAB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@law
@given(st.dictionaries(members, values), st.sampled_from(PUBLIC_ALGORITHMS))
def test_any_key_is_used_or_skipped(damage: dict[str, object], algorithm: PublicAlgorithm) -> None:
    keys = parse_jwks(jwks(key(algorithm).jwk(**damage), damage))
    assert len(keys) in (0, 1, 2)


def test_a_key_verifies_only_its_own_algorithm() -> None:
    found = parse_jwks(jwks(key("ES256"))).find("ES256", "ES256-1")
    assert found is not None
    jwt.decode(key("ES256").sign({"sub": "alice"}), found, algorithms=["ES256"])
    with pytest.raises(jwt.InvalidAlgorithmError):
        jwt.decode(jwt.encode({}, SECRET, "HS256"), found, algorithms=["HS256", "ES256"])
