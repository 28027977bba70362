"""Who holds a good token is who it names; who does not is told why."""

import asyncio
import hashlib
import hmac
from pathlib import Path

import jwt
import pytest
from tests.auth.conftest import FakeClock
from tests.auth.issuer import (
    CLAIMS,
    NOW_S,
    PUBLIC_ALGORITHMS,
    SECRET,
    JwksServer,
    hs256,
    jwks,
    key,
    raw,
    refused,
    segment,
)

from gator.auth import tokens
from gator.auth.claims import TokenRules
from gator.auth.jwks import Jwks
from gator.auth.key_sources import FileSource, UrlSource
from gator.auth.keys import PublicAlgorithm
from gator.auth.signatures import verified_claims
from gator.auth.tokens import JwtIdentities
from gator.domain.identity import Identity
from gator.ports import Identities
from gator.protocol.types import UserId, UtcMillis

ALICE = Identity(UserId("alice"), expires_at=UtcMillis((NOW_S + 3600) * 1000))


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def by_secret(clock: FakeClock) -> JwtIdentities:
    return JwtIdentities(clock, TokenRules(), secret=SECRET)


@pytest.fixture
def by_keys(server: JwksServer, clock: FakeClock, failures: list[str]) -> JwtIdentities:
    server.body = jwks(*map(key, PUBLIC_ALGORITHMS))
    return JwtIdentities(clock, TokenRules(), jwks=Jwks(UrlSource(server.url), clock, on_failure=failures.append))


def test_it_is_the_port(by_secret: JwtIdentities) -> None:
    port: Identities = by_secret
    assert port is by_secret


# --- shared secret ---


async def test_a_token_signed_with_the_secret_names_its_user(by_secret: JwtIdentities) -> None:
    assert by_secret.identify_now(hs256()) == ALICE
    assert await by_secret.identify(hs256()) == ALICE


def test_the_id_of_a_key_means_nothing_to_a_shared_secret(by_secret: JwtIdentities) -> None:
    assert by_secret.identify_now(hs256(kid="any")) == ALICE


async def test_a_token_signed_with_another_secret_is_refused(by_secret: JwtIdentities) -> None:
    token = jwt.encode(CLAIMS, SECRET[::-1], "HS256")
    with refused("signature does not fit", token):
        by_secret.identify_now(token)
    with refused("signature does not fit", token):
        await by_secret.identify(token)


def test_time_is_what_the_clock_says(by_secret: JwtIdentities, clock: FakeClock) -> None:
    token = hs256()
    clock.advance(3600 + 29)
    assert by_secret.identify_now(token) == ALICE
    clock.advance(1)
    with refused("expired 30 s ago", token):
        by_secret.identify_now(token)


def test_a_known_token_costs_no_signature(by_secret: JwtIdentities, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "KEPT_TOKENS", 2)
    checked: list[str] = []
    monkeypatch.setattr(
        tokens, "verified_claims", lambda token, key: checked.append(token) or verified_claims(token, key)
    )
    one, two, three = (hs256({"sub": sub, "exp": NOW_S + 60}) for sub in ("ann", "bob", "cy"))
    for token in (one, one, two, one, three, three, one):
        by_secret.identify_now(token)
    assert checked == [one, two, three, one]


def test_a_secret_must_be_long() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        JwtIdentities(FakeClock(), TokenRules(), secret="s" * 31)


def test_there_must_be_something_to_check_tokens_with() -> None:
    with pytest.raises(ValueError, match="neither is given"):
        JwtIdentities(FakeClock(), TokenRules())


# --- public keys ---


@pytest.mark.parametrize("algorithm", PUBLIC_ALGORITHMS)
async def test_a_token_signed_with_a_published_key_names_its_user(
    by_keys: JwtIdentities, algorithm: PublicAlgorithm
) -> None:
    token = key(algorithm).sign()
    assert by_keys.identify_now(token) is None
    assert await by_keys.identify(token) == ALICE
    assert by_keys.identify_now(token) == ALICE


@pytest.mark.parametrize("algorithm", PUBLIC_ALGORITHMS)
async def test_a_token_signed_with_another_key_under_the_same_id_is_refused(
    by_keys: JwtIdentities, algorithm: PublicAlgorithm
) -> None:
    token = key(algorithm, 2).named(f"{algorithm}-1").sign()
    with refused("signature does not fit", token):
        await by_keys.identify(token)


async def test_a_token_that_names_no_key_is_checked_with_the_only_one(by_keys: JwtIdentities) -> None:
    assert await by_keys.identify(key("ES256").named(None).sign()) == ALICE


async def test_a_token_that_names_no_key_is_refused_if_there_are_two(
    by_keys: JwtIdentities, server: JwksServer
) -> None:
    server.body = jwks(key("ES256"), key("ES256", 2))
    with refused("names no key"):
        await by_keys.identify(key("ES256").named(None).sign())


async def test_a_token_signed_with_an_unpublished_key_is_refused(by_keys: JwtIdentities) -> None:
    token = key("ES256", 2).sign()
    with refused("no key 'ES256-2' for ES256", token):
        await by_keys.identify(token)
    with refused("no key 'ES256-2' for ES256", token):
        by_keys.identify_now(token)


async def test_a_long_key_id_is_cut_in_the_log(by_keys: JwtIdentities) -> None:
    with refused("There is no key") as caught:
        await by_keys.identify(key("ES256").named("k\n" * 1000).sign())
    assert len(caught.value.detail) < 250
    assert "\n" not in caught.value.detail


async def test_a_token_without_proof_never_causes_a_read(by_keys: JwtIdentities, server: JwksServer) -> None:
    for token in ("", "a.b.c", raw({"alg": "none"}, CLAIMS), raw({"alg": "PS256", "kid": "k"}, CLAIMS)):
        with refused("The token"):
            await by_keys.identify(token)
    assert server.requests == []


async def test_keys_may_come_from_a_file(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(jwks(key("ES256")))
    identities = JwtIdentities(clock, TokenRules(), jwks=Jwks(FileSource(path), clock, on_failure=pytest.fail))
    assert await identities.identify(key("ES256").sign()) == ALICE
    path.write_bytes(jwks(key("ES256", 2)))
    clock.advance(10)
    assert await identities.identify(key("ES256", 2).sign()) == ALICE
    with refused("no key 'ES256-1'"):
        await identities.identify(key("ES256").sign())


# --- one kind of key for another ---


def test_without_a_jwk_set_only_the_secret_counts(by_secret: JwtIdentities) -> None:
    for algorithm in PUBLIC_ALGORITHMS:
        with refused(f"signed with {algorithm}, and there is no JWK Set"):
            by_secret.identify_now(key(algorithm).sign())


async def test_without_a_secret_only_public_keys_count(by_keys: JwtIdentities, server: JwksServer) -> None:
    with refused("HS256, and there is no shared secret"):
        await by_keys.identify(hs256())
    assert server.requests == []


async def test_secret_and_keys_may_be_trusted_together(clock: FakeClock, server: JwksServer) -> None:
    server.body = jwks(key("ES256"))
    both = JwtIdentities(
        clock, TokenRules(), secret=SECRET, jwks=Jwks(UrlSource(server.url), clock, on_failure=pytest.fail)
    )
    assert both.identify_now(hs256()) == ALICE
    assert await both.identify(key("ES256").sign()) == ALICE


async def test_a_public_key_is_never_taken_for_a_secret(clock: FakeClock, server: JwksServer) -> None:
    server.body = jwks(key("RS256"))
    both = JwtIdentities(
        clock, TokenRules(), secret=SECRET, jwks=Jwks(UrlSource(server.url), clock, on_failure=pytest.fail)
    )
    assert await both.identify(key("RS256").sign()) == ALICE
    signing_input = f"{segment({'alg': 'HS256', 'kid': 'RS256-1'})}.{segment(CLAIMS)}"
    signature = hmac.digest(key("RS256").pem().encode(), signing_input.encode(), hashlib.sha256)
    with refused("signature does not fit"):
        both.identify_now(f"{signing_input}.{segment(signature)}")


@pytest.mark.parametrize("claimed", ["RS256", "EdDSA"])
async def test_a_key_is_not_used_for_an_algorithm_that_only_the_token_names(
    by_keys: JwtIdentities, server: JwksServer, claimed: PublicAlgorithm
) -> None:
    server.body = jwks(key("ES256"))
    _, payload, signature = key("ES256").sign().split(".")
    with refused(f"no key 'ES256-1' for {claimed}"):
        await by_keys.identify(f"{segment({'alg': claimed, 'kid': 'ES256-1'})}.{payload}.{signature}")


async def test_a_key_that_the_token_brings_along_is_never_used(by_keys: JwtIdentities, server: JwksServer) -> None:
    own = key("ES256", 2).named("mallory")
    async with JwksServer() as elsewhere:
        elsewhere.body = jwks(own)
        token = own.sign(jwk=own.jwk(), jku=elsewhere.url, x5u=elsewhere.url, x5c=["AAAA"])
        with refused("no key 'mallory'", token):
            await by_keys.identify(token)
        assert elsewhere.requests == []
    token = own.named("ES256-1").sign(jwk=own.jwk())
    with refused("signature does not fit", token):
        await by_keys.identify(token)


# --- rotation and outage ---


async def test_a_new_key_is_accepted_without_a_restart(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    await by_keys.identify(key("ES256").sign())
    server.body = jwks(key("ES256"), key("ES256", 2))
    clock.advance(10)
    assert by_keys.identify_now(key("ES256", 2).sign()) is None
    assert await by_keys.identify(key("ES256", 2).sign()) == ALICE
    assert by_keys.identify_now(key("ES256").sign()) == ALICE


async def test_a_removed_key_is_refused_after_the_next_read(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    await by_keys.identify(key("ES256").sign())
    server.body = jwks(key("ES256", 2))
    clock.advance(299)
    assert by_keys.identify_now(key("ES256").sign()) == ALICE
    clock.advance(1)
    assert by_keys.identify_now(key("ES256").sign()) is None
    with refused("no key 'ES256-1'"):
        await by_keys.identify(key("ES256").sign())


async def test_a_token_is_checked_anew_when_its_key_was_replaced(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    token = key("ES256").sign()
    assert await by_keys.identify(token) == ALICE
    server.body = jwks(key("ES256", 2).named("ES256-1"))
    clock.advance(300)
    with refused("signature does not fit", token):
        await by_keys.identify(token)


async def test_a_flood_of_unknown_keys_is_one_read_in_10_s(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    await by_keys.identify(key("ES256").sign())
    for _ in range(3):
        clock.advance(10)
        tokens = [key("ES256", 2).named(f"flood-{number}").sign() for number in range(10)]
        outcomes = await asyncio.gather(*map(by_keys.identify, tokens), return_exceptions=True)
        assert {type(outcome).__name__ for outcome in outcomes} == {"Refusal"}
    assert len(server.requests) == 1 + 3


async def test_all_who_come_at_first_wait_for_one_read(by_keys: JwtIdentities, server: JwksServer) -> None:
    tokens = [key(algorithm).sign() for algorithm in PUBLIC_ALGORITHMS * 5]
    assert await asyncio.gather(*map(by_keys.identify, tokens)) == [ALICE] * 15
    assert len(server.requests) == 1


async def test_who_needs_no_new_key_does_not_wait_for_those_who_do(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    await by_keys.identify(key("ES256").sign())
    clock.advance(10)
    server.asked.clear()
    server.open.clear()
    waiting = asyncio.create_task(by_keys.identify(key("ES256", 2).sign()))
    await server.asked.wait()
    assert by_keys.identify_now(key("ES256").sign()) == ALICE
    server.open.set()
    with refused("no key"):
        await waiting


async def test_known_keys_outlive_an_outage(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock, failures: list[str]
) -> None:
    await by_keys.identify(key("ES256").sign())
    server.status = "503 Away"
    clock.advance(300)
    assert await by_keys.identify(key("ES256").sign()) == ALICE
    assert len(failures) == 1
    assert by_keys.identify_now(key("ES256").sign()) == ALICE


async def test_during_an_outage_an_unknown_key_is_no_proof_of_a_bad_token(
    by_keys: JwtIdentities, server: JwksServer, clock: FakeClock
) -> None:
    server.status = "503 Away"
    with refused("cannot be read now", code="overloaded") as caught:
        await by_keys.identify(key("ES256").sign())
    assert caught.value.retry_after_ms == 10_000
    server.status = "200 OK"
    clock.advance(10)
    assert await by_keys.identify(key("ES256").sign()) == ALICE
