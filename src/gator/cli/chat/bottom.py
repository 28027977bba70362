"""The bottom of the screen: rows that still change, and below them the line that is typed.

All that moves the cursor is put together here. What stands above is never touched again,
so that it may scroll away. Signs of terminals: ECMA-48 (moving, erasing), and DEC's two
that keep the cursor and put it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gator.cli.chat.lines import columns

_ERASE_BELOW: Final = "\r\x1b[J"
_NEXT: Final = "\n"
_ERASE_REST: Final = "\x1b[K"
_KEEP_CURSOR: Final = "\x1b7"
_RESTORE_CURSOR: Final = "\x1b8"


@dataclass(frozen=True, slots=True)
class Bottom:
    """What stands at the bottom of the screen.

    Attributes:
        live: Rows that still change, none of them wider than the screen was.
        typed: The prompt and what is typed before the cursor.
        after: What is typed behind the cursor.
        is_entered: Enter was pressed: the cursor stands in the row below all that.
    """

    live: Sequence[str] = ()
    typed: str = ""
    after: str = ""
    is_entered: bool = False

    def rows_up(self, live: int, width: int) -> int:
        """Count the rows from the cursor up to a live row, or to what is typed."""
        up = sum(height(row, width) for row in self.live[live:])
        return up + (height(self.typed, width) if self.is_entered else columns(self.typed) // width)

    def typing(self, width: int) -> str:
        """Write what is typed, from the first column on, and put the cursor in its place."""
        whole = columns(self.typed + self.after)
        # A terminal keeps the cursor in a row that is full, readline has it in the next one.
        edge = " \r" if whole and not whole % width else ""
        if not self.after:
            return self.typed + edge
        row, column = divmod(columns(self.typed), width)
        right = f"\x1b[{column}C" if column else ""
        return f"{self.typed}{self.after}{edge}{_up(whole // width - row)}\r{right}"


def redrawn(before: Bottom, after: Bottom, width: int, above: str = "") -> str:
    """Tell what to write so that a bottom becomes another.

    Rows that stay as they are are not written again, and what is typed is left alone
    where it need not move.

    Args:
        width: Columns of the screen at present.
        above: Lines to be put above it, for good; each ends in a line feed.
    """
    same = 0 if above else _equal_rows(before.live, after.live)
    up = _up(before.rows_up(same, width))
    changed = after.live[same:]
    if not (above or before.is_entered) and len(before.live) == len(after.live):
        written = "".join(f"{row}{_ERASE_REST}{_NEXT}" for row in changed)
        return f"{_KEEP_CURSOR}{up}\r{written}{_RESTORE_CURSOR}" if changed else ""
    return f"{up}{_ERASE_BELOW}{above}{''.join(row + _NEXT for row in changed)}{after.typing(width)}"


def height(text: str, width: int) -> int:
    """Count the rows that a text without line feeds takes."""
    return max(1, -(-columns(text) // width))


def tail(rows: Sequence[str], most: int) -> list[str]:
    """Keep the last rows; a mark stands for those that did not fit."""
    return list(rows) if len(rows) <= most else ["...", *rows[len(rows) - most + 1 :]][:most]


def _equal_rows(before: Sequence[str], after: Sequence[str]) -> int:
    pairs = enumerate(zip(before, after, strict=False))
    return next((number for number, (old, new) in pairs if old != new), min(len(before), len(after)))


def _up(rows: int) -> str:
    return f"\x1b[{rows}A" if rows > 0 else ""
