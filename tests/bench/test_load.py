"""The load generator against the floor: both compiled, both real processes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.harness.generator import NotMeasured, put_under_load
from bench.harness.processes import NotStarted, Process, free_port, session_members
from bench.harness.server import FRAME_BYTES, Crowd
from bench.peers.floor import Floor

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

CROWD = Crowd(60, 20)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Process]:
    with Floor().start(CROWD, tmp_path, free_port()) as process:
        yield process


def load(process: Process, home: Path, *options: str) -> dict[str, Any]:
    return put_under_load(
        Floor().dialect(CROWD, home),
        ["--connections", "60", "--group", "20", "--seconds", "0.3", "--warm-up", "0.1", *options],
        port=process.port,
        pid=process.pid,
        home=home,
        joins=True,
        seconds=1,
    )


def test_everybody_in_a_group_gets_every_message_once(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--publishers", "3", "--window", "4")
    assert found["connections"] == 60
    assert found["published_per_s"] > 0
    assert (found["missing"], found["doubled"], found["gone"], found["stalled"]) == (0, 0, 0, 0)
    assert found["delivered_per_s"] == pytest.approx(found["published_per_s"] * 20, rel=0.2)
    assert found["bytes_per_delivery"] == FRAME_BYTES


def test_the_servers_use_is_measured(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--publishers", "3")
    assert 0 < found["server_cores"] < 2
    assert 0 < found["own_cores"] < 1.1
    assert found["us_cpu_per_delivery"] > 0
    assert found["pss_kib"]["open"] > 0


def test_an_open_loop_keeps_its_rate(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--rate", "200", "--seconds", "1")
    assert found["published_per_s"] == pytest.approx(200, rel=0.2)
    assert found["latency_ms"]["count"] == pytest.approx(4_000, rel=0.2)


def test_a_frozen_reader_is_not_waited_for(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--frozen", "1")
    assert found["published_per_s"] > 0
    assert found["missing"] == 0


def test_at_rest_nothing_is_published(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--idle")
    assert found["opened_per_s"] > 0
    assert "published_per_s" not in found


def test_who_comes_back_is_counted(floor: Process, tmp_path: Path) -> None:
    found = load(floor, tmp_path, "--return", str(tmp_path / "return"), "--steady", "1", "--publishers", "3")
    assert found["storm"]["returned"] == 57
    assert found["storm"]["caught_up"] == 57


def test_the_floor_keeps_nothing_and_that_shows(floor: Process, tmp_path: Path) -> None:
    options = ("--steady", "1", "--publishers", "3", "--missed", "2", "--rate", "100")
    found = load(floor, tmp_path, "--return", str(tmp_path / "return"), *options)
    assert found["missing"] >= 57 * 2


def test_a_server_that_is_not_there_gives_no_figures(tmp_path: Path) -> None:
    with Floor().start(CROWD, tmp_path, free_port()) as process:
        pass
    with pytest.raises(NotMeasured):
        load(process, tmp_path)


def test_a_process_that_ends_did_not_start(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="no such thing"):
        Process(["sh", "-c", "echo no such thing; exit 1"], port=free_port(), home=tmp_path).__enter__()


@pytest.mark.parametrize("end", ["exit 1", "wait"], ids=["that ended", "that does not end"])
def test_children_are_ended_with_a_server(end: str, tmp_path: Path) -> None:
    process = Process(["sh", "-c", f"trap '' TERM; sleep 60 & {end}"], port=free_port(), home=tmp_path)
    while len(session_members(process.pid)) != (1 if end == "exit 1" else 2):
        pass
    process.stop(within_s=0.1)
    assert session_members(process.pid) == []
