"""The status over HTTP: who sees it, and that it is the server's."""

import os
from pathlib import Path

import pytest
from tests.api.conftest import Office, Open, check_problem
from tests.support.house import SECRET, StagedHouse, staged

from gator import __version__
from gator.api.status_models import StatusOut


def test_who_runs_the_server_sees_how_it_is(strict: Office) -> None:
    response = strict.holding("ada", roles=["admin"]).get("/admin/status")
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["version"] == __version__


@pytest.mark.parametrize("roles", [[], ["user"], ["administrator"], ["Admin"]])
def test_others_do_not(strict: Office, roles: list[str]) -> None:
    check_problem(strict.holding("bob", roles=roles).get("/admin/status"), 403, "forbidden")


def test_in_open_mode_everybody_of_this_machine_sees_it(office: Office) -> None:
    assert office.zoe.get("/admin/status").status_code == 200


def test_in_open_mode_on_a_network_nobody_sees_it_without_a_token(open_office: Open) -> None:
    office = open_office(host="0.0.0.0", open_on_network=True, jwt_secret=SECRET)
    check_problem(office.zoe.get("/admin/status"), 403, "forbidden")
    assert office.holding("ada", roles=["admin"]).get("/admin/status").status_code == 200


def test_what_happened_over_http_is_in_it(office: Office) -> None:
    garden = office.alice.creates("bob", title="Garden")
    office.alice.says(garden, "one", "two")
    check_problem(office.zoe.get(f"/conversations/{garden}"), 404, "conversation_not_found")
    status = office.alice.get("/admin/status").json()
    assert status["errors_per_minute"]["refused"] == {"conversation_not_found": 1}
    assert status["latency"]["http"]["count"] >= 4
    assert [busy["id"] for busy in status["top_conversations"]] == [garden]
    assert 0 < status["memory_bytes"] < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# What it says, by a clock of our own


def status_of(place: StagedHouse) -> StatusOut:
    return place.house.status.read()


async def test_connections_and_users_are_counted_as_they_are(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        ada, bob = await place.arrive("ada", "tea"), place.connect("bob")
        await place.advance(20)
        status = status_of(place)
        assert (status.connections.open, status.users_online, status.conversations.joined) == (2, 2, 1)
        assert status.uptime_s == 20
        await ada.hang_up()
        await bob.hang_up()
        await place.advance(20)
        status = status_of(place)
        assert (status.connections.open, status.users_online, status.conversations.joined) == (0, 0, 0)


async def test_rates_are_those_of_the_last_seconds(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        ada, _bob = await place.arrive("ada", "tea"), await place.arrive("bob", "tea")
        await place.advance(30)
        for second in range(10):
            await ada.post("tea", f"message {second}")
            await place.advance(1)
        status = status_of(place)
        assert status.window_s == 10
        assert status.traffic.messages_per_s == 1
        assert status.traffic.deliveries_per_s == 2
        await place.advance(30)
        assert status_of(place).traffic.messages_per_s == 0


async def test_latencies_are_told_where_something_was_measured(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        await place.advance(30)
        delivery = status_of(place).latency.delivery
        assert (delivery.count, delivery.p50_ms, delivery.p99_ms) == (0, None, None)
        ada = await place.arrive("ada", "tea")
        await ada.post("tea", "hello")
        latency = status_of(place).latency
        for measured in (latency.delivery, latency.commit):
            assert measured.count >= 1
            assert measured.p50_ms is not None
            assert measured.p99_ms is not None
            assert 0 < measured.p50_ms <= measured.p99_ms


async def test_the_busiest_conversations_are_described(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        people = [await place.arrive(name, "busy") for name in ("ada", "bob", "cleo")]
        quiet = await place.arrive("dan", "quiet")
        await place.advance(30)
        await quiet.post("quiet", "hm")
        for _ in range(10):
            await people[0].post("busy", "hello")
            await place.advance(1)
        busy, least = status_of(place).top_conversations
        assert (busy.id, busy.kind, busy.member_count, busy.joined) == ("busy", "group", 3, 3)
        assert (busy.messages_per_s, busy.deliveries_per_s) == (1, 3)
        assert (least.id, least.messages_per_s) == ("quiet", 0.1)
        await place.advance(60)
        assert status_of(place).top_conversations == []


async def test_errors_are_those_of_the_last_minute(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        ada = await place.arrive("ada", "tea")
        for _ in range(3):
            await ada.post("tea", "  ")
        await place.advance(30)
        assert status_of(place).errors_per_minute.refused == {"message_blank": 3}
        await place.advance(60)
        assert status_of(place).errors_per_minute.refused == {}


async def test_closings_are_told_by_code(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        await (await place.arrive("ada", "tea")).hang_up(1001)
        assert status_of(place).connections.closed_per_minute == {"1001": 1}


async def test_providers_are_told_with_their_health(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        [provider] = status_of(place).replies.providers
        assert (provider.name, provider.state) == ("scripted", "closed")
        breaker = place.house.personas.voices.breakers["scripted"]
        while breaker.state(place.clock.monotonic()) == "closed":
            ticket = breaker.admit(place.clock.monotonic())
            assert ticket is not None
            breaker.failed(ticket, place.clock.monotonic())
        assert status_of(place).replies.providers[0].state == "open"


async def test_a_house_that_is_closed_remembers_nothing_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as place:
        clock = place.clock
    waiting = clock.waiting
    clock.advance(600)
    assert clock.waiting <= waiting
