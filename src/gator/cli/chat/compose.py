"""Where one types: grows with what is typed, sends with Enter, remembers what was said."""

from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message as TextualMessage
from textual.widgets import TextArea

REMEMBERED: Final = 50
"""Lines that the arrow up brings back."""


class Compose(TextArea):
    """A box for the next message.

    Enter says it, Ctrl+J begins another line; the arrows bring back what was said here before.
    """

    class Entered(TextualMessage):
        """The user wants this said, or done."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Typed(TextualMessage):
        """A key was pressed that changed what is typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j", "newline", "New line", show=False),
    ]

    DEFAULT_CSS = """
    Compose { height: auto; max-height: 6; min-height: 1; border: none; padding: 0 1; background: $surface; }
    Compose:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True,
            show_line_numbers=False,
            compact=True,
            highlight_cursor_line=False,
            placeholder="Message, or /help",
        )
        self._said: list[str] = []
        self._recalled: int | None = None

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._enter()
        elif event.key == "up" and self._may_recall and self._said:
            event.stop()
            event.prevent_default()
            self._recall(-1)
        elif event.key == "down" and self._recalled is not None:
            event.stop()
            event.prevent_default()
            self._recall(1)
        else:
            await super()._on_key(event)

    @property
    def _may_recall(self) -> bool:
        return not self.text or self._recalled is not None

    def action_newline(self) -> None:
        """Begin another line of the same message."""
        self.insert("\n")

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell that the user types."""
        event.stop()
        self.post_message(self.Typed(self.text))

    def _enter(self) -> None:
        text, self._recalled = self.text, None
        if not text.strip():
            return
        self._said = [*(each for each in self._said if each != text), text][-REMEMBERED:]
        self.text = ""
        self.post_message(self.Entered(text))

    def _recall(self, step: int) -> None:
        at = len(self._said) if self._recalled is None else self._recalled
        at = max(0, at + step)
        if at >= len(self._said):
            self._recalled = None
            self.text = ""
            return
        self._recalled = at
        self.text = self._said[at]
        self.move_cursor(self.document.end)
