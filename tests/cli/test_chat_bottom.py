"""What is written to the bottom of a screen, read by a small terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.cli.chat.bottom import Bottom, height, redrawn, tail

WIDTH = 10
TOKENS = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b([78])|(\r)|(\n)|(.)")


class FakeTerminal:
    """As much of a terminal as is written to, with a screen that never ends."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0
        self._kept = (0, 0)
        self.written = 0

    @property
    def screen(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.rows]

    def write(self, text: str) -> None:
        for number, order, cursor, is_return, is_feed, char in TOKENS.findall(text):
            if order == "A":
                self.row -= int(number)
                assert self.row >= 0, "above the screen"
            elif order == "J":
                del self.rows[self.row + 1 :]
                del self.rows[self.row][self.column :]
            elif order == "K":
                del self.rows[self.row][self.column :]
            elif cursor == "7":
                self._kept = self.row, self.column
            elif cursor == "8":
                self.row, self.column = self._kept
            elif is_return:
                self.column = 0
            elif is_feed:
                self._down()
            else:
                self._put(char)

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append([])

    def _put(self, char: str) -> None:
        self.written += 1
        if self.column == WIDTH:
            self._down()
        row = self.rows[self.row]
        row[self.column : self.column + 1] = [char]
        self.column += 1


def shown(text: str) -> list[str]:
    return [text[start : start + WIDTH].rstrip() for start in range(0, max(1, len(text)), WIDTH)]


ROWS = st.lists(st.text("ab ", min_size=1, max_size=WIDTH).map(str.strip), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), ROWS),
        st.tuples(st.just("grows"), st.text("xy", min_size=1, max_size=3)),
        st.tuples(st.just("above"), st.text("cd", min_size=1, max_size=WIDTH)),
        st.tuples(st.just("type"), st.text("ef", min_size=1, max_size=8)),
        st.tuples(st.just("enter"), st.just("")),
    ),
    max_size=30,
)


@given(STEPS)
def test_the_screen_holds_lines_once_then_what_changes_then_what_is_typed(
    steps: list[tuple[str, str]],
) -> None:
    terminal = FakeTerminal()
    for_good: list[str] = []
    live: list[str] = []
    typed = "> "
    terminal.write(typed)
    for kind, what in steps:
        before = Bottom(live, typed)
        above = ""
        if kind == "live":
            live = list(what)
        elif kind == "grows" and live:
            live = [*live[:-1], (live[-1] + what)[:WIDTH]]
        elif kind == "above":
            above = f"{what}\n"
            for_good.append(what)
        elif kind == "type" and len(typed + what) % WIDTH:  # at the edge terminals differ, and readline knows
            typed += what
            terminal.write(what)
            continue
        elif kind == "enter":
            terminal.write("\n")
            before = Bottom(live, typed, is_entered=True)
            typed = "> "
        terminal.write(redrawn(before, Bottom(live, typed), WIDTH, above))
        assert terminal.screen == [*for_good, *live, *shown(typed)]
        assert (terminal.row, terminal.column) == (len(terminal.rows) - 1, len(typed) % WIDTH)


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
