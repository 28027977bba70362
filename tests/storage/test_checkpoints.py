from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import apsw
import pytest
from tests.support.house import FakeLog

from gator.storage import checkpoints
from gator.storage.checkpoints import Checkpoints
from gator.storage.sqlite import FILE_NAME, connect
from gator.telemetry.metrics import Metrics

BEGIN, MOST = 20, 80
A_PAGE = "x" * 5_000


@pytest.fixture(autouse=True)
def short_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few pages be many."""
    monkeypatch.setattr(checkpoints, "BEGIN_PAGES", BEGIN)
    monkeypatch.setattr(checkpoints, "MOST_PAGES", MOST)


class Disk:
    """A database with its checkpoints, and what is seen of them."""

    def __init__(self, writer: apsw.Connection, file: Path) -> None:
        self.metrics = Metrics()
        self.log = FakeLog()
        self.file = file
        self.writer = writer
        writer.execute("CREATE TABLE IF NOT EXISTS said (text TEXT)")
        self.checkpoints = Checkpoints(file, writer, metrics=self.metrics, log=self.log)

    def write(self) -> float:
        """Commit some pages; returns how many are in the log."""
        self.writer.execute("INSERT INTO said VALUES (?)", (A_PAGE,))
        return self.sample("gator_wal_pages")

    def rest(self) -> None:
        """Wait until nothing is being copied."""
        assert self.checkpoints._idle.wait(10)

    def copied(self, where: str) -> float:
        """Count the times that pages were copied."""
        return self.sample("gator_checkpoint_seconds_count", where=where)

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Open a database to write to."""
    disk = Disk(connect(tmp_path / FILE_NAME), tmp_path / FILE_NAME)
    yield disk
    disk.writer.close()
    disk.checkpoints.close()


@contextmanager
def slow_copies(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let the thread be slower than whoever commits: it copies once it is allowed to, and not all."""
    may_go_on = Event()
    copy = disk.checkpoints._copy

    def slowly(connection: apsw.Connection, where: str) -> bool:
        if where == "beside":
            assert may_go_on.wait(10)
            return False
        return copy(connection, "within")

    monkeypatch.setattr(disk.checkpoints, "_copy", slowly)
    yield may_go_on
    may_go_on.set()


def until(happens: Callable[[], bool], disk: Disk) -> list[float]:
    """Write until something happens; returns how long the log was after each commit."""
    pages = []
    while not happens():
        assert len(pages) < 1_000
        pages.append(disk.write())
    return pages


def test_pages_are_copied_beside_the_commits_and_the_log_begins_anew(disk: Disk) -> None:
    for _ in range(5):
        pages = until(lambda: not disk.checkpoints._idle.is_set() or disk.copied("beside") > 0, disk)
        disk.rest()
        assert disk.write() < BEGIN <= max(pages) < MOST
        disk.metrics.checkpoint_seconds.clear()
    assert disk.copied("within") == 0


def test_no_commit_copies_as_long_as_there_is_room(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_copies(disk, monkeypatch):
        until(lambda: disk.sample("gator_wal_pages") >= MOST - 4, disk)
        assert disk.copied("within") == 0


def test_the_log_grows_to_its_bound_and_then_a_commit_copies_it(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with slow_copies(disk, monkeypatch) as may_go_on:
        may_go_on.set()
        for _ in range(3):
            pages = until(lambda: disk.copied("within") > 0, disk)
            assert MOST <= max(pages) < MOST + 5
            assert disk.write() < BEGIN
            disk.metrics.checkpoint_seconds.clear()


def test_at_the_bound_a_commit_waits_for_who_is_copying(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_copies(disk, monkeypatch) as may_go_on:
        until(lambda: disk.sample("gator_wal_pages") >= MOST - 4, disk)
        waited: list[bool] = []
        wait = disk.checkpoints._idle.wait

        def noting(timeout: float | None = None) -> bool:
            waited.append(not may_go_on.is_set())
            may_go_on.set()
            return wait(timeout)

        monkeypatch.setattr(disk.checkpoints._idle, "wait", noting)
        until(lambda: disk.copied("within") > 0, disk)
    assert waited == [True]


def test_a_reader_holds_the_log_back_and_nothing_is_lost(disk: Disk) -> None:
    reader = connect(disk.file, read_only=True)
    reader.execute("BEGIN")
    before = reader.execute("SELECT count(*) FROM said").get
    pages = until(lambda: disk.sample("gator_wal_pages") > 3 * MOST, disk)
    # It is tried as often as the log has grown by so much, and not in every commit.
    assert disk.copied("within") <= max(pages) / BEGIN
    assert reader.execute("SELECT count(*) FROM said").get == before
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM said").get == len(pages)
    until(lambda: disk.sample("gator_wal_pages") < BEGIN, disk)
    reader.close()


def test_what_cannot_be_copied_is_in_the_log_and_the_server_s_log_says_so(disk: Disk) -> None:
    disk.checkpoints._connection.close()
    until(lambda: disk.copied("within") > 0, disk)
    disk.rest()
    assert set(disk.log.events("warning")) == {"checkpoint_failed"}


def test_what_is_in_the_log_alone_is_there_after_a_kill(disk: Disk, tmp_path: Path) -> None:
    for _ in range(BEGIN // 4):
        disk.write()
    assert disk.copied("beside") == disk.copied("within") == 0
    # What a process that is killed leaves: the files as they are at this moment.
    left = tmp_path / "left"
    left.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        (left / name).write_bytes((tmp_path / name).read_bytes())
    after = connect(left / FILE_NAME)
    assert after.execute("SELECT count(*) FROM said").get == BEGIN // 4
    after.close()


def test_closing_waits_and_leaves_one_file(tmp_path: Path) -> None:
    disk = Disk(connect(tmp_path / FILE_NAME), tmp_path / FILE_NAME)
    until(lambda: disk.sample("gator_wal_pages") >= BEGIN, disk)
    disk.writer.close()
    disk.checkpoints.close()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
