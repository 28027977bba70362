"""What is written to the bottom of a screen, read by a small terminal."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.cli.chat.bottom import Bottom, height, redrawn, tail

WIDTH = 10
TOKENS = re.compile(r"\x1b\[\??(\d*)([A-Za-z])|\x1b([78])|([\r\n\x07\x08])|(.)")


class FakeTerminal:
    """As much of a terminal as is written to, with a screen that never ends."""

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self._kept = (0, 0)
        self.written = 0

    @property
    def screen(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.rows]

    def write(self, text: str) -> None:
        for number, order, cursor, sign, char in TOKENS.findall(text):
            if order:
                self._obey(order, int(number or 1))
            elif cursor == "7":
                self._kept = self.row, self.column
            elif cursor == "8":
                self.row, self.column = self._kept
            elif sign:
                self._obey(sign, 1)
            else:
                self._put(char)

    def _obey(self, order: str, number: int) -> None:
        match order:
            case "A":
                self.row -= number
                assert self.row >= 0, "above the screen"
            case "C":
                self.column += number
            case "J":
                del self.rows[self.row + 1 :]
                del self.rows[self.row][self.column :]
            case "K":
                del self.rows[self.row][self.column :]
            case "\r":
                self.column = 0
            case "\n":
                self._down()
            case "\b":
                self.column -= 1

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append([])

    def _put(self, char: str) -> None:
        self.written += 1
        if self.column == self.width:
            self._down()
        row = self.rows[self.row]
        row += " " * (self.column - len(row))
        row[self.column : self.column + 1] = [char]
        self.column += 1


def shown(text: str) -> list[str]:
    return [text[start : start + WIDTH].rstrip() for start in range(0, len(text) + 1, WIDTH)]


ROWS = st.lists(st.text("ab ", min_size=1, max_size=WIDTH).map(str.strip), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), ROWS),
        st.tuples(st.just("grows"), st.text("xy", min_size=1, max_size=3)),
        st.tuples(st.just("above"), st.text("cd", min_size=1, max_size=WIDTH)),
        st.tuples(st.just("type"), st.text("ef", max_size=15).map("> ".__add__)),
        st.tuples(st.just("move"), st.integers(2, 17)),
        st.tuples(st.just("enter"), st.just("")),
    ),
    max_size=30,
)


def keyed(terminal: FakeTerminal, before: Bottom, typed: str, after: str) -> Bottom:
    """Do what readline does after a key."""
    up = before.rows_up(len(before.live), WIDTH)
    now = Bottom(before.live, typed, after)
    terminal.write((f"\x1b[{up}A" if up else "") + "\r\x1b[J" + now.typing(WIDTH))
    return now


@given(STEPS)
def test_the_screen_holds_lines_once_then_what_changes_then_what_is_typed(steps: list[tuple[str, Any]]) -> None:
    terminal = FakeTerminal()
    for_good: list[str] = []
    now = keyed(terminal, Bottom(), "> ", "")
    for kind, what in steps:
        before, above = now, ""
        if kind == "type":
            now = keyed(terminal, now, what, "")
        elif kind == "move":
            whole = now.typed + now.after
            now = keyed(terminal, now, whole[:what], whole[what:])
        elif kind == "enter":
            whole = keyed(terminal, now, now.typed + now.after, "").typed
            terminal.write("" if whole and not len(whole) % WIDTH else "\n")
            before, now = Bottom(now.live, whole, is_entered=True), Bottom(now.live, "> ")
        elif kind == "live":
            now = replace(now, live=what)
        elif kind == "grows" and now.live:
            now = replace(now, live=[*now.live[:-1], (now.live[-1] + what)[:WIDTH]])
        elif kind == "above":
            above = f"{what}\n"
            for_good.append(what)
        if kind not in ("type", "move"):
            terminal.write(redrawn(before, now, WIDTH, above))
        whole = now.typed + now.after
        assert terminal.screen == [*for_good, *now.live, *shown(whole)]
        row, column = divmod(len(now.typed), WIDTH)
        assert (terminal.row, terminal.column) == (len(for_good) + len(now.live) + row, column)


def test_of_a_growing_text_only_the_last_row_is_written_and_the_cursor_stays() -> None:
    terminal = FakeTerminal()
    terminal.write("\n\n> half")
    terminal.rows[0][:], terminal.rows[1][:] = "first row", "seco"
    terminal.column = 3  # somebody edits what is typed
    terminal.written = 0
    terminal.write(
        redrawn(Bottom(["first row", "seco"], "> half"), Bottom(["first row", "second"], "> half"), WIDTH)
    )
    assert terminal.screen == ["first row", "second", "> half"]
    assert terminal.written == len("second")
    assert (terminal.row, terminal.column) == (2, 3)


def test_where_nothing_changes_nothing_is_written() -> None:
    assert redrawn(Bottom(["row"], "> x"), Bottom(["row"], "> x"), WIDTH) == ""


def test_a_row_that_is_wider_than_the_screen_has_become_is_counted_as_it_stands() -> None:
    assert redrawn(Bottom(["x" * 25], ""), Bottom(), WIDTH).startswith("\x1b[3A")


@pytest.mark.parametrize(("text", "rows"), [("", 1), ("x" * 10, 1), ("x" * 11, 2), ("\x1b[1mxx\x1b[0m", 1)])
def test_the_rows_of_a_text_are_counted(text: str, rows: int) -> None:
    assert height(text, WIDTH) == rows


@pytest.mark.parametrize(
    ("most", "kept"), [(1, ["..."]), (2, ["...", "c"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])]
)
def test_of_too_many_rows_the_last_are_kept(most: int, kept: list[str]) -> None:
    assert tail(["a", "b", "c"], most) == kept
