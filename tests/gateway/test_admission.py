"""Who may connect: one row for each way to be turned away."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import jwt
import pytest
from tests.support.clock import NOON, FakeClock
from tests.support.house import SECRET, FakeLog

from gator.auth.claims import TokenRules
from gator.auth.tokens import JwtIdentities
from gator.domain.identity import Identity
from gator.domain.limits import Rate
from gator.gateway.admission import Admission, Admitted, Handshake, Refused
from gator.gateway.limits import RateLimits, Rates
from gator.ports import Identities
from gator.protocol.errors import (
    CONNECTING_TOO_FAST,
    INVALID_TOKEN,
    INVALID_USER,
    ORIGIN_NOT_ALLOWED,
    OVERLOADED,
    RESTARTING,
    TOO_MANY_CONNECTIONS,
    Close,
    Refusal,
)
from gator.protocol.types import UserId, UtcMillis
from gator.telemetry.metrics import Metrics

ENDS_S = NOON // 1000 + 3600
TOKEN = jwt.encode({"sub": "alice", "exp": ENDS_S}, SECRET, "HS256")
ALICE = Identity(UserId("alice"), expires_at=UtcMillis(ENDS_S * 1000))

PLAIN = Handshake(
    user_id="alice",
    query_token=None,
    authorization=None,
    subprotocols=(),
    origin=None,
    host="localhost:8000",
    address="127.0.0.1",
)
AUTH = replace(PLAIN, user_id=None)


@dataclass
class Door:
    """An admission, and what it sees of the house."""

    admission: Admission
    metrics: Metrics
    log: FakeLog
    connections: list[str]


def door(
    mode: Literal["open", "jwt"],
    *,
    identities: Identities | None = None,
    connects: Rate | None = None,
    allowed_origins: Collection[str] = (),
    max_connections: int = 3,
    max_per_user: int | None = 2,
) -> Door:
    clock = FakeClock()
    often = Rate(per_second=1, burst=1000)
    rates = Rates(often, often, often, often, connects or often, often)
    metrics, log, connections = Metrics(), FakeLog(), list[str]()
    admission = Admission(
        mode=mode,
        identities=identities or (JwtIdentities(clock, TokenRules(), secret=SECRET) if mode == "jwt" else None),
        limits=RateLimits(rates, clock),
        allowed_origins=allowed_origins,
        loopback_only=mode == "open",
        count=lambda: len(connections),
        count_of_user=lambda user: connections.count(user),
        max_connections=max_connections,
        max_per_user=max_per_user,
        metrics=metrics,
        log=log,
    )
    return Door(admission, metrics, log, connections)


class SlowIdentities:
    """See `Identities`. Has to read keys before it can tell."""

    def __init__(self, then: Identity | Refusal) -> None:
        self._then = then

    def identify_now(self, token: str) -> Identity | None:
        return None

    async def identify(self, token: str) -> Identity:
        if isinstance(self._then, Refusal):
            raise self._then
        return self._then


Change = Callable[[Door], None]


def test_in_open_mode_one_is_who_the_address_names() -> None:
    assert door("open").admission.admit_now(PLAIN) == Admitted(Identity(UserId("alice")), None)


@pytest.mark.parametrize(
    "handshake",
    [
        replace(AUTH, query_token=TOKEN),
        replace(AUTH, authorization=f"Bearer {TOKEN}"),
        replace(AUTH, subprotocols=("gator.v1", f"bearer.{TOKEN}")),
        replace(PLAIN, query_token=TOKEN),
    ],
)
async def test_with_tokens_one_is_who_the_token_names(handshake: Handshake) -> None:
    verdict = door("jwt").admission.admit_now(handshake)
    assert isinstance(verdict, Admitted)
    assert verdict.identity == ALICE
    assert verdict.subprotocol == ("gator.v1" if handshake.subprotocols else None)
    assert await door("jwt").admission.admit(handshake) == verdict


@pytest.mark.parametrize(
    ("mode", "handshake", "close"),
    [
        ("open", replace(PLAIN, user_id=""), INVALID_USER),
        ("open", replace(PLAIN, user_id="x" * 129), INVALID_USER),
        ("open", replace(PLAIN, user_id="a\nb"), INVALID_USER),
        ("open", AUTH, INVALID_TOKEN),
        ("open", replace(AUTH, query_token=TOKEN), INVALID_TOKEN),
        ("open", replace(PLAIN, origin="http://evil.example"), ORIGIN_NOT_ALLOWED),
        ("open", replace(PLAIN, origin="http://evil.example", host="evil.example"), ORIGIN_NOT_ALLOWED),
        ("jwt", PLAIN, INVALID_TOKEN),
        ("jwt", AUTH, INVALID_TOKEN),
        ("jwt", replace(AUTH, query_token="x"), INVALID_TOKEN),
        ("jwt", replace(AUTH, query_token=TOKEN[:-2]), INVALID_TOKEN),
        ("jwt", replace(PLAIN, user_id="bob", query_token=TOKEN), INVALID_TOKEN),
        ("jwt", replace(PLAIN, user_id="", query_token=TOKEN), INVALID_TOKEN),
        ("jwt", replace(AUTH, query_token=TOKEN, origin="http://evil.example"), ORIGIN_NOT_ALLOWED),
    ],
)
async def test_who_may_not_connect_is_told_why(
    mode: Literal["open", "jwt"], handshake: Handshake, close: Close
) -> None:
    turned_away = door(mode)
    assert turned_away.admission.admit_now(handshake) == Refused(close, None)
    assert await turned_away.admission.admit(handshake) == Refused(close, None)
    counted = turned_away.metrics.registry.get_sample_value(
        "gator_connections_closed_total", {"code": str(close.code)}
    )
    assert counted == 2
    assert "not_admitted" in turned_away.log.events("info")


async def test_a_browser_that_is_refused_gets_its_subprotocol() -> None:
    handshake = replace(AUTH, subprotocols=("gator.v1", "bearer.bad"))
    assert await door("jwt").admission.admit(handshake) == Refused(INVALID_TOKEN, "gator.v1")


def test_no_token_ends_in_the_log() -> None:
    strict = door("jwt")
    bad = "a-very-long.secret.token"
    strict.admission.admit_now(replace(AUTH, query_token=bad))
    assert bad not in str(strict.log.lines)


def test_a_page_on_the_list_connects() -> None:
    listed = door("open", allowed_origins=["https://app.example"])
    assert isinstance(listed.admission.admit_now(replace(PLAIN, origin="https://app.example")), Admitted)
    assert listed.admission.admit_now(replace(PLAIN, origin="http://localhost:8000")) == Refused(
        ORIGIN_NOT_ALLOWED, None
    )


def test_who_opens_connections_too_fast_waits() -> None:
    hasty = door("open", connects=Rate(per_second=1, burst=1))
    assert isinstance(hasty.admission.admit_now(PLAIN), Admitted)
    assert hasty.admission.admit_now(PLAIN) == Refused(CONNECTING_TOO_FAST, None)
    assert isinstance(hasty.admission.admit_now(replace(PLAIN, address="10.0.0.1")), Admitted)


async def test_a_server_that_drains_takes_nobody() -> None:
    draining = door("open")
    draining.admission.draining = True
    assert await draining.admission.admit(PLAIN) == Refused(RESTARTING, None)


# The last moment before a connection opens


def test_a_user_has_so_many_connections() -> None:
    full = door("open", max_per_user=2)
    full.connections.extend(["alice", "alice"])
    assert full.admission.check_count(ALICE, "127.0.0.1") == TOO_MANY_CONNECTIONS
    assert full.admission.check_count(Identity(UserId("bob")), "127.0.0.1") is None


def test_a_server_has_so_many_connections() -> None:
    full = door("open", max_connections=3)
    full.connections.extend(["bob", "carol", "dan"])
    assert full.admission.check_count(ALICE, "127.0.0.1") == OVERLOADED
    full.connections.pop()
    assert full.admission.check_count(ALICE, "127.0.0.1") is None


def test_the_limit_for_each_user_can_be_lifted() -> None:
    lifted = door("open", max_per_user=None, max_connections=1000)
    lifted.connections.extend(["alice"] * 100)
    assert lifted.admission.check_count(ALICE, "127.0.0.1") is None


# Keys that have to be read first


async def test_a_token_whose_key_has_to_be_read_is_judged_later() -> None:
    slow = door("jwt", identities=SlowIdentities(ALICE))
    handshake = replace(AUTH, query_token=TOKEN, subprotocols=("gator.v1",))
    assert slow.admission.admit_now(handshake) is None
    assert await slow.admission.admit(handshake) == Admitted(ALICE, "gator.v1")


@pytest.mark.parametrize(
    ("then", "close"),
    [
        (Refusal("invalid_token"), INVALID_TOKEN),
        (Refusal("overloaded"), OVERLOADED),
        (Identity(UserId("bob")), INVALID_TOKEN),
    ],
)
async def test_what_comes_of_reading_keys_is_told(then: Any, close: Close) -> None:
    slow = door("jwt", identities=SlowIdentities(then))
    assert await slow.admission.admit(replace(PLAIN, query_token=TOKEN)) == Refused(close, None)
