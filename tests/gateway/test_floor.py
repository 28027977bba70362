from pathlib import Path

import pytest
from tests.support.house import StagedHouse, staged

from gator.protocol.errors import RESTARTING


async def test_who_is_open_is_known_until_they_end(house: StagedHouse) -> None:
    floor = house.house.floor
    guests = [house.connect(name) for name in ("alice", "bob")]
    assert len(floor) == 2
    await guests[0].hang_up()
    floor.ended(guests[0].connection, 1006)
    assert len(floor) == 1


@pytest.mark.parametrize(("people", "count"), [(0, 1), (1, 1), (5, 2), (5, 5), (5, 9), (7, 3), (3, 0)])
async def test_batches_hold_everybody_once(house: StagedHouse, people: int, count: int) -> None:
    connections = [house.connect(f"u{n}").connection for n in range(people)]
    batches = house.house.floor.batches(count)
    assert len(batches) <= max(1, count)
    assert sorted(id(connection) for batch in batches for connection in batch) == sorted(map(id, connections))
    assert all(batches)
    sizes = {len(batch) for batch in batches}
    assert not sizes or max(sizes) <= -(-people // max(1, count))


async def test_closing_all_tells_everybody_that_the_server_restarts(house: StagedHouse) -> None:
    guests = [house.connect(name) for name in ("alice", "bob")]
    house.house.floor.close_all()
    assert [guest.sink.closed for guest in guests] == [RESTARTING, RESTARTING]
    assert (RESTARTING.code, RESTARTING.reconnect) == (1012, True)


@pytest.mark.parametrize(
    ("peername", "forwarded_for", "address"),
    [
        (("10.0.0.1", 5000), None, "10.0.0.1"),
        (("10.0.0.1", 5000), "1.2.3.4", "1.2.3.4"),
        (("10.0.0.1", 5000), "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        (("10.0.0.1", 5000), "1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (("10.0.0.1", 5000), "10.0.0.2", "10.0.0.1"),
        (("7.7.7.7", 5000), "1.2.3.4", "7.7.7.7"),
        (("::1", 5000, 0, 0), None, "::1"),
        (None, "1.2.3.4", ""),
        ("/run/gator.sock", None, ""),
    ],
)
async def test_an_address_is_believed_as_far_as_the_proxies_are(
    tmp_path: Path, peername: object, forwarded_for: str | None, address: str
) -> None:
    async with staged(tmp_path, trusted_proxies=("10.0.0.1", "10.0.0.2")) as house:
        assert house.house.floor.client_address(peername, forwarded_for) == address
