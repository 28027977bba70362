"""Writes the documents that are made from the code, or tells which of them are stale."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gator.protocol.asyncapi import asyncapi
from gator.protocol.schema import json_schema
from gator.protocol.tables import table, tables_markdown
from gator.settings import describe
from gator.telemetry.metrics import Metrics

_FILLED: Final = ("docs/protocol.md", "docs/operations.md")
"""Prose with blocks to fill; the others are generated whole."""

_START: Final = "<!-- generated: "
_BLOCK: Final = re.compile(
    r"^<!-- generated: (?P<name>[^\n]+) -->\n(?:(?!<!-- generated: ).)*?^<!-- end generated -->$",
    re.DOTALL | re.MULTILINE,
)


def write_reference(root: Path, check: bool) -> list[str]:
    """Bring the generated documents up to date.

    Args:
        root: The checkout.
        check: Write nothing.

    Returns:
        Paths below `root` that were stale.

    Raises:
        ValueError: A marker has no end, or names a block that nobody makes.
    """
    stale = []
    for name, text in _documents(root):
        path = root / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return stale


def _documents(root: Path) -> Iterator[tuple[str, str]]:
    yield "docs/reference/protocol.schema.json", _json(json_schema())
    yield "docs/reference/asyncapi.json", _json(asyncapi())
    blocks = {**tables_markdown(), "settings": _settings(), "metrics": _metrics()}
    for name in _FILLED:
        if (root / name).is_file():
            yield name, fill((root / name).read_text(encoding="utf-8"), blocks)


def fill(text: str, blocks: Mapping[str, str]) -> str:
    """Put the blocks between their markers.

    A block called `errors` goes between the lines `<!-- generated: errors -->` and
    `<!-- end generated -->`.

    Raises:
        ValueError: A marker has no end, or names a block that nobody makes.
    """

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in blocks:
            raise ValueError(f"there is no block {name!r}; there are {', '.join(blocks)}")
        return f"{_START}{name} -->\n\n{blocks[name]}\n\n<!-- end generated -->"

    filled, count = _BLOCK.subn(block, text)
    if count != text.count(_START):
        raise ValueError(f"{text.count(_START)} blocks begin with {_START!r}, but {count} are whole")
    return filled


def _settings() -> str:
    rows = (
        (f"`{name}`", f"`{default}`" if default else "", unit, meaning)
        for name, default, unit, meaning in describe()
    )
    return table(("Setting", "Default", "Unit", "Meaning"), rows)


def _metrics() -> str:
    # A counter is scraped with an ending that the library adds by itself.
    endings = {"counter": "_total"}
    rows = (
        (f"`{metric.name}{endings.get(metric.type, '')}`", metric.type, metric.documentation)
        for metric in Metrics().registry.collect()
    )
    return table(("Metric", "Type", "Meaning"), rows)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
