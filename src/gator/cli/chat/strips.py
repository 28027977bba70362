"""The single rows around the messages: where one is, who types, how the connection is."""

from rich.text import Text
from textual.widgets import Static

from gator.cli.chat.lines import columns, listed
from gator.cli.chat.orders import counted
from gator.cli.chat.roster import Roster
from gator.cli.chat.sidebar import shortened
from gator.cli.harmless import harmless
from gator_chat_client import ConnectionState, Snapshot

MOST_NAMED = 3
"""So many who type are named; more are counted."""


class Strip(Static):
    """One row of text; never read as markup."""

    DEFAULT_CSS = """
    Strip { height: 1; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._text = ""

    def show(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.update(Text(text, no_wrap=True, overflow="ellipsis"))


class HeaderStrip(Strip):
    """Where one is."""

    DEFAULT_CSS = """
    HeaderStrip { background: $panel; text-style: bold; }
    """


class TypingStrip(Strip):
    """Who types, and who replies."""

    DEFAULT_CSS = """
    TypingStrip { color: $text-muted; }
    """


class ConnectionStrip(Strip):
    """How the connection is."""

    DEFAULT_CSS = """
    ConnectionStrip { background: $panel; color: $text-muted; }
    """


def header_line(snapshot: Snapshot, title: str, width: int) -> str:
    """Word where one is."""
    if not snapshot.id:
        return "No conversation is open: /join and a name begins one"
    match snapshot.status:
        case "left":
            about = "deleted" if snapshot.reason == "deleted" else "you are no longer a member"
        case "failed":
            about = f"you cannot join: {snapshot.reason}"
        case _ if snapshot.member_count:
            about = f"{counted(snapshot.member_count, 'member')}, {snapshot.online_count} online"
        case _:
            about = "..."
    title = shortened(harmless(title), max(8, width - columns(about) - 6))
    return f"{title} \u00b7 {about}"


def typing_line(snapshot: Snapshot, roster: Roster) -> str:
    """Word who does something just now."""
    parts = []
    typing = [harmless(roster.name_of(user)) for user in snapshot.typing]
    if not typing and snapshot.typing_count:
        parts.append(f"{snapshot.typing_count} are typing ...")
    elif len(typing) > MOST_NAMED:
        parts.append(f"{len(typing)} are typing ...")
    elif typing:
        parts.append(f"{listed(typing)} {'is' if len(typing) == 1 else 'are'} typing ...")
    making = [harmless(roster.name_of(reply.persona_id)) for reply in snapshot.replies if reply.text]
    if making:
        parts.append(f"{listed(making)} {'replies' if len(making) == 1 else 'reply'} \u00b7 Esc stops it")
    return "  ".join(parts)


def connection_line(connection: ConnectionState, user: str, waiting: int, wait_s: float | None, width: int) -> str:
    """Word how the connection is, and what waits for it."""
    match connection.state:
        case "open":
            state = f"\u25cf {harmless(user)}"
        case "catching_up":
            state = f"\u25d0 {harmless(user)}, catching up"
        case "connecting":
            state = "\u25cb connecting ..."
        case "waiting":
            soon = "" if wait_s is None else f" in {wait_s:.0f} s"
            state = f"\u25cb offline ({_why(connection)}), next attempt{soon}"
        case "closed":
            state = f"\u2715 {_why(connection)}"
    if waiting:
        state += f" \u00b7 {counted(waiting, 'message')} waiting"
    keys = "F1 help"
    space = width - 2 - columns(state) - len(keys)
    return state if space < 2 else state + " " * space + keys


def _why(connection: ConnectionState) -> str:
    if connection.reason == "server_restarts":
        return "the server restarts"
    return harmless(connection.why) or connection.reason
