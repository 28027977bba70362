"""Whatever comes as a token, it names its user or is refused: nothing else can happen."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.auth.conftest import FakeClock
from tests.auth.issuer import PUBLIC_ALGORITHMS, SECRET, hs256, jwks, key, law, raw, segment

from gator.auth.claims import TokenRules
from gator.auth.jwks import Jwks
from gator.auth.tokens import JwtIdentities
from gator.domain.identity import Identity
from gator.protocol.errors import Refusal


class StoredKeys:
    """A source that has the keys at hand."""

    name = "keys at hand"

    async def read(self) -> bytes:
        return jwks(*map(key, PUBLIC_ALGORITHMS))


@pytest.fixture(scope="module")
def identities() -> JwtIdentities:
    clock = FakeClock()
    keys = Jwks(StoredKeys(), clock, on_failure=pytest.fail)
    asyncio.run(keys.refresh())
    return JwtIdentities(clock, TokenRules(), secret=SECRET, jwks=keys)


algorithms = st.sampled_from(["HS256", *PUBLIC_ALGORITHMS])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
headers = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u"]), values)
claims = st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "iat", "aud", "name", "picture", "roles"]), values)
good = st.sampled_from([hs256(), *(key(algorithm).sign() for algorithm in PUBLIC_ALGORITHMS)])
any_text = st.text(st.characters(exclude_categories=()), max_size=40)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Cut something out of a good token and put something else in."""
    token = draw(good)
    start = draw(st.integers(0, len(token)))
    end = draw(st.integers(start, min(len(token), start + 20)))
    return token[:start] + draw(any_text) + token[end:]


@st.composite
def put_together(draw: st.DrawFn) -> str:
    """Make a token whose header may fit, under any claims and signature."""
    named = {"alg": draw(algorithms), "kid": f"{draw(algorithms)}-1"}
    return raw({**named, **draw(headers)}, draw(claims), draw(st.binary(max_size=80)))


def outcome(identities: JwtIdentities, token: str) -> Identity | Refusal | None:
    try:
        return identities.identify_now(token)
    except Refusal as refusal:
        return refusal


def is_quiet_about(token: str, refusal: Refusal) -> bool:
    return refusal.code == "invalid_token" and (len(token) < 20 or token not in refusal.detail)


@law
@given(token=any_text | damaged() | put_together())
@example(token="\ud800")
@example(token=f"{segment({'alg': 'ES256', 'kid': 'ES256-1'})}.{segment({})}.{segment(bytes(64))}")
@example(token=f"{segment({'alg': 'RS256', 'kid': 'RS256-1'})}.{segment({})}.{segment(bytes(256))}")
def test_any_text_is_refused_or_was_a_good_token(identities: JwtIdentities, token: str) -> None:
    result = outcome(identities, token)
    if isinstance(result, Refusal):
        assert is_quiet_about(token, result)
    else:
        assert result is not None
        assert result.user_id == "alice"


@law
@given(claims=claims, algorithm=algorithms)
def test_any_claims_are_read_or_refused(
    identities: JwtIdentities, claims: dict[str, object], algorithm: str
) -> None:
    token = hs256(claims) if algorithm == "HS256" else key(algorithm).sign(claims)
    result = outcome(identities, token)
    if isinstance(result, Refusal):
        assert is_quiet_about(token, result)
    else:
        assert result is not None
        assert result.user_id == claims["sub"]
