"""Public keys are read when they are old or missing, once for all, and not too often."""

import asyncio

import pytest
from tests.auth.conftest import FakeClock
from tests.auth.issuer import JwksServer, jwks, key

from gator.auth.jwks import Jwks
from gator.auth.key_sources import UrlSource


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def keys(server: JwksServer, clock: FakeClock, failures: list[str]) -> Jwks:
    server.body = jwks(key("ES256"))
    return Jwks(UrlSource(server.url), clock, refresh_s=300, on_failure=failures.append)


def has(keys: Jwks, kid: str) -> bool:
    return keys.find("ES256", kid) is not None


async def test_nothing_is_read_before_it_is_asked_for(keys: Jwks, server: JwksServer) -> None:
    assert keys.is_due("ES256", "ES256-1")
    assert not keys.is_current
    assert server.requests == []


async def test_keys_are_in_memory_once_they_were_read(keys: Jwks, failures: list[str]) -> None:
    await keys.refresh()
    assert has(keys, "ES256-1")
    assert keys.is_current
    assert not keys.is_due("ES256", "ES256-1")
    assert failures == []


async def test_keys_are_due_when_they_are_old(keys: Jwks, clock: FakeClock) -> None:
    await keys.refresh()
    clock.advance(299.9)
    assert not keys.is_due("ES256", "ES256-1")
    clock.advance(0.1)
    assert keys.is_due("ES256", "ES256-1")


async def test_an_unknown_key_makes_them_due_but_not_twice_within_10_s(keys: Jwks, clock: FakeClock) -> None:
    await keys.refresh()
    clock.advance(9.9)
    assert not keys.is_due("ES256", "ES256-2")
    clock.advance(0.1)
    assert keys.is_due("ES256", "ES256-2")
    await keys.refresh()
    assert not keys.is_due("ES256", "ES256-3")
    assert not keys.is_due("ES256", "ES256-1")


async def test_a_document_replaces_all_keys(keys: Jwks, server: JwksServer) -> None:
    await keys.refresh()
    server.body = jwks(key("ES256", 2))
    await keys.refresh()
    assert has(keys, "ES256-2")
    assert not has(keys, "ES256-1")


async def test_a_failed_read_keeps_the_keys_and_is_reported(
    keys: Jwks, server: JwksServer, clock: FakeClock, failures: list[str]
) -> None:
    await keys.refresh()
    server.status = "503 Away"
    clock.advance(300)
    await keys.refresh()
    assert has(keys, "ES256-1")
    assert not keys.is_current
    assert failures == [f"Keys for tokens: {server.url!r} answered with HTTP status 503."]


async def test_a_failed_read_is_repeated_after_10_s(keys: Jwks, server: JwksServer, clock: FakeClock) -> None:
    server.status = "503 Away"
    await keys.refresh()
    clock.advance(9.9)
    assert not keys.is_due("ES256", "ES256-1")
    clock.advance(0.1)
    assert keys.is_due("ES256", "ES256-1")
    server.status = "200 OK"
    await keys.refresh()
    assert keys.is_current
    assert has(keys, "ES256-1")


async def test_a_broken_document_is_a_failed_read(keys: Jwks, server: JwksServer, failures: list[str]) -> None:
    await keys.refresh()
    server.body = b"{"
    await keys.refresh()
    assert has(keys, "ES256-1")
    assert failures == [f"Keys for tokens: {server.url!r} is not a JWK Set."]


async def test_a_document_without_usable_keys_revokes_all_and_is_reported(
    keys: Jwks, server: JwksServer, failures: list[str]
) -> None:
    await keys.refresh()
    server.body = jwks()
    await keys.refresh()
    assert not has(keys, "ES256-1")
    assert keys.is_current
    assert failures == [f"Keys for tokens: {server.url!r} holds no key that this server can use."]


async def test_many_who_wait_share_one_read(keys: Jwks, server: JwksServer) -> None:
    await asyncio.gather(*(keys.refresh() for _ in range(20)))
    assert len(server.requests) == 1


async def test_who_stops_waiting_does_not_stop_the_read(keys: Jwks, server: JwksServer) -> None:
    server.open.clear()
    impatient, patient = (asyncio.create_task(keys.refresh()) for _ in range(2))
    await server.asked.wait()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    server.open.set()
    await patient
    assert has(keys, "ES256-1")
    assert len(server.requests) == 1


async def test_a_read_that_is_over_is_not_waited_for_again(keys: Jwks, server: JwksServer) -> None:
    await keys.refresh()
    await keys.refresh()
    assert len(server.requests) == 2
