"""A minted token opens the server that minted it."""

import jwt
import pytest
from tests.auth.conftest import FakeClock
from tests.auth.issuer import NOW_S, SECRET

from gator.auth.claims import TokenRules
from gator.auth.minting import mint
from gator.auth.tokens import JwtIdentities
from gator.domain.identity import Identity
from gator.protocol.types import UserId, UtcMillis


def test_a_minted_token_names_its_user(clock: FakeClock) -> None:
    rules = TokenRules(issuer="gator", audience="chat")
    token = mint(
        SECRET,
        "alice",
        name="Alice",
        roles=["admin"],
        now=clock.now(),
        expires_s=60,
        issuer="gator",
        audience="chat",
    )
    assert JwtIdentities(clock, rules, secret=SECRET).identify_now(token) == Identity(
        UserId("alice"), "Alice", None, frozenset({"admin"}), UtcMillis((NOW_S + 60) * 1000)
    )


def test_a_minted_token_claims_no_more_than_was_asked_for(clock: FakeClock) -> None:
    token = mint(SECRET, "alice", now=clock.now(), expires_s=60)
    assert jwt.decode(token, options={"verify_signature": False, "verify_exp": False}) == {
        "sub": "alice",
        "iat": NOW_S,
        "exp": NOW_S + 60,
    }


@pytest.mark.parametrize("user_id", ["", "a" * 129, "a\n"])
def test_no_token_is_minted_for_what_is_no_user_id(user_id: str) -> None:
    with pytest.raises(ValueError, match="A user id is 1 to 128 characters"):
        mint(SECRET, user_id, now=UtcMillis(0), expires_s=60)


def test_no_token_is_minted_with_a_short_secret() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        mint("s" * 31, "alice", now=UtcMillis(0), expires_s=60)
