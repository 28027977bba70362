"""`gator token`."""

import time

import jwt
import pytest
from tests.cli.gator import gator
from tests.support.house import SECRET

from gator.auth.claims import TokenRules
from gator.auth.tokens import JwtIdentities
from gator.cli.token import seconds
from gator.clock import SystemClock

SET = {"GATOR_JWT_SECRET": SECRET}


async def test_the_server_believes_the_token() -> None:
    issuer = {"GATOR_JWT_ISSUER": "https://issuer.example", "GATOR_JWT_AUDIENCE": "chat"}
    said = gator("token", "alice", "--name", "Alice", "--role", "admin", "--role", "support", **SET, **issuer)
    assert (said.code, said.err) == (0, "")
    rules = TokenRules(issuer="https://issuer.example", audience="chat")
    identity = await JwtIdentities(SystemClock(), rules, secret=SECRET).identify(said.out.strip())
    assert (identity.user_id, identity.name, identity.roles) == ("alice", "Alice", {"admin", "support"})


@pytest.mark.parametrize(("expires", "lasts_s"), [("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000)])
def test_it_lasts_as_long_as_asked_for(expires: str, lasts_s: int) -> None:
    token = gator("token", "alice", "--expires", expires, **SET).out.strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == lasts_s
    assert abs(claims["iat"] - time.time()) < 60


def test_without_a_secret_there_is_no_token() -> None:
    said = gator("token", "alice")
    assert (said.code, said.out) == (2, "")
    assert said.err == "gator: Set GATOR_JWT_SECRET to the server's secret first.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["alice", "--expires", "soon"], "'soon' is no duration; write one like 90s, 15m, 12h or 30d."),
        (["alice", "--expires", "0s"], "'0s' is no duration; write one like 90s, 15m, 12h or 30d."),
        ([""], "A user id is 1 to 128 characters"),
        (["x" * 129], "A user id is 1 to 128 characters"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments: list[str], sentence: str) -> None:
    said = gator("token", *arguments, **SET)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"gator: {sentence}")


@pytest.mark.parametrize("bad", ["", "s", "1", "1w", "-1s", "1.5h", " 1s", "1s ", "1234567890s"])
def test_a_duration_is_a_number_and_a_unit(bad: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(bad)
