"""The list of conversations: who or what, how many are unread, the last thing said."""

from collections.abc import Mapping

from rich.text import Text
from textual.message import Message as TextualMessage
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gator.cli.chat.lines import columns
from gator.cli.chat.roster import Roster
from gator.cli.harmless import harmless
from gator_chat_client import ConversationList, ConversationSummary, Presence


class Sidebar(OptionList):
    """Conversations, the one with the newest message first."""

    class Chosen(TextualMessage):
        """The user wants to see a conversation."""

        def __init__(self, conversation_id: str) -> None:
            super().__init__()
            self.conversation_id = conversation_id

    DEFAULT_CSS = """
    Sidebar { width: 26; height: 1fr; border: none; border-right: solid $panel; padding: 0; background: $surface; }
    Sidebar:focus { border: none; border-right: solid $accent; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown: list[tuple[str, Text]] = []

    def show(
        self,
        listed: ConversationList,
        presence: Mapping[str, Presence],
        roster: Roster,
        current: str | None,
        unread: int,
    ) -> None:
        """Show the list anew, if it has changed.

        Args:
            unread: Of the current conversation, which is known better than the list.
        """
        width = max(10, self.size.width - 3)
        rows = []
        for each in listed.items:
            is_current = each.id == current
            count = unread if is_current else each.unread
            rows.append((each.id, _worded(each, presence, roster, width, count, is_current=is_current)))
        if [(key, text.markup) for key, text in rows] == [(key, text.markup) for key, text in self._shown]:
            return
        marked = self.highlighted_id
        self._shown = rows
        self.set_options([Option(text, id=key) for key, text in rows])
        keys = [key for key, _ in rows]
        wanted = marked if self.has_focus and marked in keys else current
        self.highlighted = keys.index(wanted) if wanted in keys else None

    @property
    def highlighted_id(self) -> str | None:
        """The conversation under the cursor."""
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def neighbour(self, current: str | None, step: int) -> str | None:
        """Name the conversation above or below one."""
        keys = [key for key, _ in self._shown]
        if not keys:
            return None
        at = keys.index(current) + step if current in keys else 0
        return keys[at % len(keys)]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go where the user points."""
        event.stop()
        if event.option.id is not None:
            self.post_message(self.Chosen(event.option.id))


def title_of(summary: ConversationSummary, roster: Roster) -> str:
    """Name a conversation as its members call it."""
    if summary.title:
        return summary.title
    if summary.peer_id is not None:
        return roster.name_of(summary.peer_id)
    return summary.id


def _worded(
    summary: ConversationSummary,
    presence: Mapping[str, Presence],
    roster: Roster,
    width: int,
    unread: int,
    *,
    is_current: bool,
) -> Text:
    """Two rows: a name with what is unread, and the last message."""
    peer = None if summary.peer_id is None else presence.get(summary.peer_id)
    dot = "\u25cf " if peer is not None and peer.online else "\u25cb " if summary.peer_id is not None else "# "
    count = "" if not unread else "999+" if unread > 999 else str(unread)
    name = shortened(harmless(title_of(summary, roster)), width - 2 - (len(count) + 1 if count else 0))
    gap = max(1, width - 2 - columns(name) - len(count))
    text = Text(no_wrap=True, end="")
    text.append(dot, "green" if dot.startswith("\u25cf") else "dim")
    text.append(name, "bold" if unread or is_current else "")
    if count:
        text.append(" " * gap)
        text.append(count, "bold red")
    last = summary.last_message
    said = "" if last is None else f"{last.sender.name or last.sender_id}: {last.content}"
    text.append("\n  " + shortened(harmless(said.replace("\n", " ")), width - 2), "dim")
    return text


def shortened(text: str, width: int) -> str:
    """Cut a text so that it takes no more than so many columns."""
    if columns(text) <= width:
        return text
    kept = ""
    for char in text:
        if columns(kept + char) > width - 1:
            break
        kept += char
    return kept + "\u2026"
