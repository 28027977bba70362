"""The messages of a conversation, drawn by rows: ten thousand of them scroll as easily as ten."""

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.strip import Strip

from gator.cli.chat.lines import broken, columns
from gator.cli.chat.transcript import Entry
from gator.cli.harmless import harmless

INDENT: Final = 8
"""Columns before what follows the first row of a message."""

LEAST_WIDTH: Final = INDENT + 4
"""In fewer columns nothing is drawn."""

NEAR_TOP: Final = 3
"""So many rows before the top, older messages are asked for."""

Part = tuple[str, str]
"""Text, and the name of a component class by which it is styled."""


class MessageView(ScrollView, can_focus=False):
    """Entries, the newest at the bottom. It stays at the bottom unless the user has scrolled up."""

    class NearTop(TextualMessage):
        """Older messages will be wanted soon."""

    class AtEnd(TextualMessage):
        """The newest message came into sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line--time",
        "line--note",
        "line--day",
        "line--new",
        "line--gap",
        "line--own",
        "line--ai",
        "line--waiting",
        "line--failed",
        *(f"line--name{number}" for number in range(6)),
    }
    BINDINGS: ClassVar[list[BindingType]] = []

    DEFAULT_CSS = """
    MessageView { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; padding: 0 1; }
    MessageView > .line--time { color: $text-muted; }
    MessageView > .line--note { color: $text-muted; text-style: italic; }
    MessageView > .line--day { color: $text-muted; text-style: bold; }
    MessageView > .line--new { color: $text-error; text-style: bold; }
    MessageView > .line--gap { color: $text-warning; }
    MessageView > .line--own { color: $text-accent; text-style: bold; }
    MessageView > .line--ai { text-style: bold italic; }
    MessageView > .line--waiting { color: $text-muted; }
    MessageView > .line--failed { color: $text-error; }
    MessageView > .line--name0 { color: $text-primary; text-style: bold; }
    MessageView > .line--name1 { color: $text-secondary; text-style: bold; }
    MessageView > .line--name2 { color: $text-success; text-style: bold; }
    MessageView > .line--name3 { color: $text-warning; text-style: bold; }
    MessageView > .line--name4 { color: $text-accent; text-style: bold; }
    MessageView > .line--name5 { color: $text-primary; text-style: bold; }
    MessageView:light > .line--gap { color: #6b4300; }
    MessageView:light > .line--own { color: #7a4b00; }
    MessageView:light > .line--name2 { color: #1f5f2e; }
    MessageView:light > .line--name3 { color: #6b4300; }
    MessageView:light > .line--name4 { color: #7a4b00; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._entries: Sequence[Entry] = ()
        self._rows: list[tuple[Part, ...]] = []
        self._follows = True

    @property
    def is_at_end(self) -> bool:
        """True while the newest message is in sight."""
        return self._follows

    def show(self, entries: Sequence[Entry], *, jump: bool = False) -> None:
        """Show other entries, and keep what is being read in its place.

        Args:
            jump: Go to the end, as in another conversation.
        """
        if jump:
            self._follows = True
        same_end = bool(entries) and entries[-1:] == list(self._entries[-1:])
        self._entries = entries
        self._lay_out(grows_above=same_end and not jump)

    def to_end(self) -> None:
        """Go to the newest message, and stay there."""
        self._follows = True
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def page(self, pages: float) -> None:
        """Scroll by pages; a negative number goes up."""
        if pages < 0 and self.scroll_offset.y <= NEAR_TOP:
            self.post_message(self.NearTop())
        self.scroll_to(y=self.scroll_offset.y + round(pages * max(1, self.size.height - 2)), animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Notice where the user is."""
        super().watch_scroll_y(old_value, new_value)
        was_at_end, self._follows = self._follows, new_value >= self.max_scroll_y
        if new_value <= NEAR_TOP and new_value < old_value:
            self.post_message(self.NearTop())
        if self._follows and not was_at_end:
            self.post_message(self.AtEnd())

    def on_resize(self) -> None:
        """Break the rows anew."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row; see Textual's line API."""
        number = y + self.scroll_offset.y
        width = self.size.width
        base = self.rich_style
        if number >= len(self._rows):
            return Strip.blank(width, base)
        segments = [Segment(text, self.style_of(name)) for text, name in self._rows[number]]
        return Strip(segments).adjust_cell_length(width, base)

    def style_of(self, name: str) -> Style:
        """Give the style of a component class, or that of plain text."""
        return self.rich_style + self.get_component_rich_style(name) if name else self.rich_style

    def _lay_out(self, *, grows_above: bool = False) -> None:
        """Break everything in rows.

        Args:
            grows_above: What is new came in above, so what is being read moves down with it.
        """
        width = self.scrollable_content_region.width
        if width < LEAST_WIDTH:
            return
        below = len(self._rows) - self.scroll_offset.y
        self._rows = [row for entry in self._entries for row in rows_of(entry, width)]
        self.virtual_size = Size(width, len(self._rows))
        if self._follows:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        elif grows_above:
            self.scroll_to(y=max(0, len(self._rows) - below), animate=False)
        self.refresh()


@lru_cache(maxsize=20_000)
def rows_of(entry: Entry, width: int) -> tuple[tuple[Part, ...], ...]:
    """Break an entry in rows of parts. All that came from outside is made harmless here."""
    match entry.kind:
        case "day" | "new":
            return (_ruled(entry.text, width, f"line--{entry.kind}"),)
        case "gap":
            return tuple(((row, "line--gap"),) for row in broken(harmless(entry.text), width))
        case "note":
            head = f"{entry.at or '  *  '} "
            return _hung(head, "", harmless(entry.text), width, "line--note")
        case "waiting" | "failed":
            return _hung(f"{entry.at:<5} ", harmless(entry.name), entry.text, width, f"line--{entry.kind}")
    return _hung(f"{entry.at} ", harmless(entry.name), entry.text, width, _name_style(entry), text_style="")


def _name_style(entry: Entry) -> str:
    if entry.kind == "own":
        return "line--own"
    return "line--ai" if entry.kind in ("ai", "live") else f"line--name{entry.color}"


def _hung(
    head: str, name: str, text: str, width: int, style: str, text_style: str | None = None
) -> tuple[tuple[Part, ...], ...]:
    """Write a text behind a time and a name.

    What follows its first row is indented, so that nobody can forge another one's line.
    """
    text_style = style if text_style is None else text_style
    indent = min(INDENT, max(0, width - 4))
    lines = [harmless(line) for line in text.replace("\r\n", "\n").split("\n")]
    intro = f"{head}{name}: " if name else head
    first, *rest = broken(intro + lines[0], width, indent)
    rows: list[tuple[Part, ...]] = []
    if name and first.startswith(f"{head}{name}:"):
        rows.append(((head, "line--time"), (f"{name}:", style), (first[len(head) + len(name) + 1 :], text_style)))
    else:
        rows.append(((first[: len(head)], "line--time"), (first[len(head) :], style)))
    rows += [((row, text_style),) for row in rest]
    for line in lines[1:]:
        rows += [((row, text_style),) for row in broken(" " * indent + line, width, indent)]
    return tuple(rows)


def _ruled(text: str, width: int, style: str) -> tuple[Part, ...]:
    text = f" {text} "
    left = max(0, (width - columns(text)) // 2)
    right = max(0, width - columns(text) - left)
    return (("\u2500" * left, style), (text, style), ("\u2500" * right, style))
