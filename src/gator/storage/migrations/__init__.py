"""Numbered files, one folder a database engine, applied in order and once."""

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_FILE: Final = re.compile(r"^(\d{4})_(\w+)\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def migrations(engine: str) -> list[Migration]:
    """Read an engine's migrations in order; their numbers are 1, 2, 3 ..."""
    found = []
    for file in files("gator.storage.migrations").joinpath(engine).iterdir():
        match = _FILE.match(file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return found
