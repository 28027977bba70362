"""`gator backup`."""

import os
from pathlib import Path

import apsw
import pytest
from tests.cli.gator import gator
from tests.contract.sqlite import sqlite_bench
from tests.contract.wishes import GARDEN, create, post

from gator.protocol.types import Seq
from gator.storage.sqlite import FILE_NAME, DataLock, connect, schema_version


async def fill(data: Path, *texts: str) -> None:
    async with sqlite_bench(data) as bench:
        await bench.journal.commit(create("garden", "ann"))
        for text in texts:
            await bench.journal.commit(post("garden", "ann", text))


async def test_a_running_server_is_backed_up_as_it_is_at_that_moment(tmp_path: Path) -> None:
    data, restored = tmp_path / "data", tmp_path / "restored"
    data.mkdir()
    restored.mkdir()
    lock = DataLock(data)
    async with sqlite_bench(data) as bench:
        await bench.journal.commit(create("garden", "ann"))
        await bench.journal.commit(post("garden", "ann", "before"))
        said = gator("backup", str(restored / FILE_NAME), "--data", str(data))
        await bench.journal.commit(post("garden", "ann", "after"))
        log = await bench.store.log(GARDEN, after=Seq(0), limit=10)
    lock.release()
    assert said.code == 0
    size = (restored / FILE_NAME).stat().st_size
    assert os.listdir(restored) == [FILE_NAME], "and nothing half"
    assert said.out == f"{restored / FILE_NAME}: 1 conversations, 1 messages, {size:,} bytes, whole\n"
    async with sqlite_bench(restored) as again:
        assert await again.store.log(GARDEN, after=Seq(0), limit=10) == log[:-1]


async def test_the_copy_needs_no_migration(tmp_path: Path) -> None:
    await fill(tmp_path)
    gator("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path))
    versions = []
    for name in (FILE_NAME, "copy.db"):
        connection = connect(tmp_path / name, read_only=True)
        versions.append(schema_version(connection))
        connection.close()
    assert versions[0] == versions[1] > 0


async def test_what_was_left_of_a_backup_that_broke_off_is_no_hindrance(tmp_path: Path) -> None:
    await fill(tmp_path, "a")
    (tmp_path / "copy.db.part").write_text("half")
    assert gator("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path)).code == 0
    assert not (tmp_path / "copy.db.part").exists()


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / "copy.db").write_text("of yesterday")
    said = gator("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path))
    assert (said.code, said.out) == (2, "")
    assert said.err == f"gator: '{tmp_path / 'copy.db'}' is there already; name another file.\n"
    assert (tmp_path / "copy.db").read_text() == "of yesterday"


async def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    await fill(tmp_path, *(f"message {number} " * 50 for number in range(200)))
    file = tmp_path / FILE_NAME
    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    size = file.stat().st_size
    with file.open("r+b") as pages:
        pages.seek(size // 2)
        pages.write(b"\xff" * 8_192)
    said = gator("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path))
    assert said.code == 2
    assert said.err.startswith("gator: Cannot back up to ")
    assert [name for name in os.listdir(tmp_path) if name.startswith("copy")] == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "There is no gator.db in "),
        ({"GATOR_DATABASE_URL": "postgresql://db/gator"}, "The data is in PostgreSQL: back it up with pg_dump"),
    ],
)
def test_without_a_file_there_is_nothing_to_copy(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    said = gator("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path), **settings)
    assert said.code == 2
    assert said.err.startswith(f"gator: {why}")


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    await fill(tmp_path)
    said = gator("backup", str(tmp_path / "no" / "copy.db"), "--data", str(tmp_path))
    assert said.code == 2
    assert str(tmp_path / "no" / "copy.db") in said.err
