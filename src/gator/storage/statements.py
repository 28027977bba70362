"""SQL read from `sql/*.sql`: one file a feature, one name a statement."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements() -> dict[str, str]:
    """Read every statement, by name. Names are unique over all files."""
    found: dict[str, str] = {}
    for file in sorted(files("gator.storage").joinpath("sql").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in found:
                raise ValueError(f"Two statements are named {name!r}; the second is in {file.name}.")
            found[name] = text.strip()
    return found
