"""SQL read from `sql/*.sql`: one file a feature, one name a statement.

`sql/ENGINE/` holds the few statements that an engine says in its own way.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, Literal

Engine = Literal["sqlite", "postgres"]

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(engine: Engine) -> dict[str, str]:
    """Read every statement of an engine, by name, with bindings as `:name`. Names are unique over all files."""
    shared = files("gator.storage").joinpath("sql")
    found: dict[str, str] = {}
    for file in (*_sql_files(shared), *_sql_files(shared.joinpath(engine))):
        _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"Two statements are named {name!r}; the second is in {file.name}.")
            found[name] = text.strip()
    return found


def _sql_files(folder: Traversable) -> Iterator[Traversable]:
    found = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return iter(sorted(found, key=lambda file: file.name))
