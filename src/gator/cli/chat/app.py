"""The whole screen: conversations at the left, messages, and where one types. On Textual."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from gator.cli.chat.compose import Compose
from gator.cli.chat.message_view import MessageView
from gator.cli.chat.orders import Orders, counted
from gator.cli.chat.roster import Roster
from gator.cli.chat.sidebar import Sidebar, title_of
from gator.cli.chat.strips import (
    ConnectionStrip,
    HeaderStrip,
    TypingStrip,
    connection_line,
    header_line,
    typing_line,
)
from gator.cli.chat.transcript import LocalNote, entries_of
from gator.cli.chat.typed import Ask, Text, Unknown, understand
from gator_chat_client import (
    AddressError,
    ChatError,
    Client,
    Conversation,
    OutboxFull,
    Snapshot,
    SqliteOutbox,
)

FRAME_S: Final = 0.04
"""Changes within this time are drawn at once: a reply brings many in a second."""

PRESENCE_S: Final = 30.0
"""How often it is asked who of the people in the list is online."""

NARROW: Final = 64
"""With fewer columns the list is shown only when it is asked for."""

KEYS: Final = (
    "Enter says it, Ctrl+J begins another line",
    "Up brings back what was said before",
    "PageUp, PageDown scroll; Ctrl+End: newest",
    "Ctrl+Up, Ctrl+Down: other conversations",
    "Ctrl+L the list; Esc back, or stop a reply",
    "Ctrl+T dark or light; Ctrl+Q leave",
    "/ask NAME ...  say it to a persona",
    "/personas      whom one may ask",
    "/stop, /again  end a reply, make it anew",
    "/who           who is here",
    "/join ID       open a conversation",
    "/direct USER   talk with one person",
    "/retry, /discard  what was refused",
    "//...          begins with a slash",
)
"""Short enough for the messages' half of a screen of 80 columns."""


class ChatApp(App[int]):
    """Chats for one user.

    Args:
        client: Not running yet; it is closed with the app.
        first: The conversation to begin with; the newest one if None.
        theme: Name of a Textual theme.
    """

    TITLE = "Gator Chat"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: horizontal; }
    #main { width: 1fr; }
    .narrow Sidebar { display: none; }
    .narrow.listing Sidebar { display: block; width: 1fr; }
    .narrow.listing #main { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "leave", "Leave", priority=True, show=False),
        Binding("escape", "stop", "Stop", show=False, priority=True),
        Binding("pageup", "page(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Down", show=False, priority=True),
        Binding("ctrl+end", "end", "Newest", show=False, priority=True),
        Binding("ctrl+up,alt+up,ctrl+p", "neighbour(-1)", "Previous", show=False, priority=True),
        Binding("ctrl+down,alt+down,ctrl+n", "neighbour(1)", "Next", show=False, priority=True),
        Binding("ctrl+l", "list", "List", show=False, priority=True),
        Binding("f1", "help", "Help", show=False, priority=True),
        Binding("ctrl+t", "theme", "Theme", show=False, priority=True),
    ]

    def __init__(self, client: Client, user: str, first: str | None, *, theme: str = "textual-dark") -> None:
        super().__init__()
        self._client = client
        self._user = user
        self._first = first
        self._start_theme = theme
        self._roster = Roster()
        self._orders = Orders(client, self._roster, self._note)
        self._current: Conversation | None = None
        self._new_after: int | None = None
        self._notes: dict[str, list[LocalNote]] = {}
        self._drafts: dict[str, str] = {}
        self._stack = AsyncExitStack()
        self._stop_looking: Callable[[], None] = lambda: None
        self._is_stale = asyncio.Event()
        self._draw_soon = self._is_stale.set
        self._jumps = True
        self._opening = asyncio.Lock()
        self._ends: dict[str, set[str]] = {}
        """Ends of runs that were told, by conversation."""

    # Its life

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Sidebar()
        with Vertical(id="main"):
            yield HeaderStrip()
            yield MessageView()
            yield TypingStrip()
            yield Compose()
            yield ConnectionStrip()

    async def on_mount(self) -> None:
        """Begin to connect."""
        self.theme = self._start_theme
        self.query_one(Compose).focus()
        self._client.subscribe(self._draw_soon)
        self._client.conversations.subscribe(self._draw_soon)
        self.set_interval(1.0, self._draw_soon)
        self.set_interval(PRESENCE_S, lambda: self._begin(self._ask_presence()))
        if self._first is not None:
            await self._open(self._first)
        self._begin(self._get_going())
        self.run_worker(self._keep_drawn())
        self._draw_soon()

    async def _get_going(self) -> None:
        """Load what there is, as soon as there is a connection."""
        await self._client.until(lambda client: client.is_connected)
        await self._client.conversations.load()
        await self._orders.learn()
        if self._current is None and self._client.conversations.snapshot.items:
            await self._open(self._client.conversations.snapshot.items[0].id)
        await self._ask_presence()

    async def _ask_presence(self) -> None:
        peers = [item.peer_id for item in self._client.conversations.snapshot.items if item.peer_id is not None]
        if peers:
            await self._client.ask_presence(peers[:200])

    async def on_unmount(self) -> None:
        """Let go of everything."""
        self._stop_looking()
        await self._stack.aclose()

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        self.run_worker(self._attempt(work), exit_on_error=True)

    async def _attempt(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except ChatError as error:
            if error.code not in ("no_connection", "closed"):
                self._note(f"The server says: {error.message}")
        except OutboxFull as full:
            self._note(str(full))

    # Conversations

    async def _open(self, conversation_id: str) -> None:
        """Show another conversation, and follow it."""
        async with self._opening:
            if self.is_running:  # who leaves while another is being opened has no screen to show it on
                await self._show(conversation_id)

    async def _show(self, conversation_id: str) -> None:
        compose = self.query_one(Compose)
        if self._current is not None:
            if self._current.id == conversation_id:
                return
            self._current.stop_typing()
            self._drafts[self._current.id] = compose.text
        self._stop_looking()
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        conversation = self._client.conversation(conversation_id)
        self._current = conversation
        self._new_after = self._unread_from(conversation)
        await self._stack.enter_async_context(conversation)
        self._stop_looking = conversation.subscribe(self._draw_soon)
        with self.prevent(Compose.Changed):
            compose.text = self._drafts.pop(conversation_id, "")
        self._jumps = True
        self._draw_soon()

    @property
    def _current_id(self) -> str | None:
        return None if self._current is None else self._current.id

    def _unread_from(self, conversation: Conversation) -> int | None:
        """Tell where the line of what is new belongs."""
        summary = self._client.conversations.snapshot.find(conversation.id)
        if summary is not None and summary.unread:
            return max(summary.read_seq, conversation.snapshot.read_seq)
        return None

    # What the user does

    def on_compose_typed(self, event: Compose.Typed) -> None:
        """Tell the others."""
        if self._current is None:
            return
        if event.text and not event.text.startswith("/"):
            self._current.typing()
        elif not event.text:
            self._current.stop_typing()

    def on_compose_entered(self, event: Compose.Entered) -> None:
        """Say or do what was typed."""
        wish = understand(event.text)
        self.query_one(MessageView).to_end()
        match wish:
            case Text(text):
                self._say(lambda current: current.send(text))
            case Ask(text):
                self._ask(text)
            case "quit":
                self.action_leave()
            case "help":
                self.action_help()
            case "personas":
                self._begin(self._orders.personas())
            case "stop":
                self._say(self._orders.stop)
            case "again":
                self._say(self._orders.again)
            case "who":
                self._say(self._orders.who)
            case Unknown(name):
                self._obey(name)

    def _ask(self, text: str) -> None:
        if not (self._client.is_connected or self._roster.is_listed):
            # Nobody knows the personas yet, so it cannot go to the outbox.
            self._note(f"Asked as soon as there is a connection: {text}")
        self._say(lambda current: self._orders.ask(current, text))

    def _say(self, work: Callable[[Conversation], Coroutine[Any, Any, Any]]) -> None:
        if self._current is None:
            self._note("Open a conversation first: /join and a name.")
        else:
            self._begin(work(self._current))

    def _obey(self, order: str) -> None:
        """Carry out what only this screen can do."""
        name, _, rest = order.partition(" ")
        rest = rest.strip()
        match name:
            case "join" if rest:
                self._begin(self._open(rest))
            case "direct" if rest:
                self._begin(self._direct(rest))
            case "retry" | "discard":
                self._say(self._retry if name == "retry" else self._discard)
            case "theme":
                self.action_theme()
            case _:
                self._note(f"There is no /{order}. /help lists what there is.")

    async def _direct(self, user_id: str) -> None:
        made = await self._client.create_conversation("direct", [user_id])
        await self._client.conversations.load()
        await self._open(made.id)

    async def _retry(self, conversation: Conversation) -> None:
        for each in conversation.snapshot.outgoing:
            await conversation.retry(each.client_message_id)

    async def _discard(self, conversation: Conversation) -> None:
        for each in conversation.snapshot.outgoing:
            await conversation.discard(each.client_message_id)

    def on_sidebar_chosen(self, event: Sidebar.Chosen) -> None:
        """Go to a conversation."""
        self.remove_class("listing")
        self._begin(self._open(event.conversation_id))
        self.query_one(Compose).focus()

    def on_message_view_near_top(self) -> None:
        """Load what is older."""
        if self._current is not None and self._current.snapshot.has_older:
            self._begin(self._current.load_older())

    def on_message_view_at_end(self) -> None:
        """What is in sight is read."""
        self._draw_soon()

    def on_resize(self) -> None:
        """A narrow screen has room for one thing at a time."""
        self.set_class(self.size.width < NARROW, "narrow")
        self._draw_soon()

    def action_leave(self) -> None:
        """Leave; what waits is kept."""
        self.exit(1 if self._client.connection.reason == "refused" else 0)

    def action_stop(self) -> None:
        """Stop the reply that is being made; without one, go back to typing."""
        if self.has_class("listing"):
            self.action_list()
        elif self._current is not None and self._current.snapshot.replies:
            self._say(self._orders.stop)
        self.query_one(Compose).focus()

    def action_page(self, pages: int) -> None:
        """Scroll the messages."""
        self.query_one(MessageView).page(pages)

    def action_end(self) -> None:
        """Go to the newest message."""
        self.query_one(MessageView).to_end()

    def action_neighbour(self, step: int) -> None:
        """Go to the next conversation of the list."""
        wanted = self.query_one(Sidebar).neighbour(self._current_id, step)
        if wanted is not None:
            self._begin(self._open(wanted))

    def action_list(self) -> None:
        """Go to the list, or back."""
        self.toggle_class("listing")
        (self.query_one(Sidebar) if self.has_class("listing") else self.query_one(Compose)).focus()

    def action_help(self) -> None:
        """Tell what there is."""
        for line in KEYS:
            self._note(line)

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    # What is to be seen

    def _note(self, text: str) -> None:
        key = "" if self._current is None else self._current.id
        after = 0 if self._current is None else self._current.snapshot.seq
        notes = self._notes.setdefault(key, [])
        notes.append(LocalNote(after, text))
        del notes[:-200]
        self._draw_soon()

    async def _keep_drawn(self) -> None:
        """Draw after changes. A task of the app's own: who tells of changes knows nothing of Textual."""
        while True:
            await self._is_stale.wait()
            self._is_stale.clear()
            self._draw()
            await asyncio.sleep(FRAME_S)

    def _draw(self) -> None:
        if not self.is_running:
            return  # the screen is being taken down, a widget at a time
        client, current = self._client, self._current
        snapshot = Snapshot(id="") if current is None else current.snapshot
        self._learn_names(snapshot)
        self._tell_ends(snapshot)
        width = self.query_one(ConnectionStrip).size.width
        view = self.query_one(MessageView)
        notes = self._notes.get(snapshot.id, [])
        view.show(entries_of(snapshot, self._roster, notes, new_after=self._new_after), jump=self._jumps)
        self._jumps = False
        listed = client.conversations.snapshot
        self.query_one(Sidebar).show(listed, client.presence, self._roster, self._current_id, snapshot.unread)
        summary = None if current is None else listed.find(current.id)
        title = snapshot.id if summary is None else title_of(summary, self._roster)
        self.query_one(HeaderStrip).show(header_line(snapshot, title, width))
        self.query_one(TypingStrip).show(typing_line(snapshot, self._roster))
        wait_s = None
        if client.connection.retry_at_ms is not None:
            wait_s = max(0.0, (client.connection.retry_at_ms - client.clock.now()) / 1000)
        self.query_one(ConnectionStrip).show(
            connection_line(client.connection, self._user, client.waiting, wait_s, width)
        )
        if current is not None and view.is_at_end and self.app_focus and snapshot.status == "live":
            current.mark_read()

    def _learn_names(self, snapshot: Snapshot) -> None:
        for message in snapshot.messages[-50:]:
            if message.sender.name is not None:
                self._roster.learn(message.sender_id, message.sender.name)

    def _tell_ends(self, snapshot: Snapshot) -> None:
        """Say how replies ended that have no message to tell it, once."""
        told = self._ends.setdefault(snapshot.id, set())
        for end in snapshot.reply_ends:
            if end.run_id not in told:
                told.add(end.run_id)
                self._note(self._orders.ending(end))


def run_app(user: str, conversation: str | None, *, url: str, token: str | None) -> int:
    """Chat until the user leaves. Returns the exit status."""
    return asyncio.run(_run(user, conversation, url, token))


async def _run(user: str, conversation: str | None, url: str, token: str | None) -> int:
    import sys

    outbox = SqliteOutbox(outbox_path(url, user))
    try:
        client = Client(url, user=user, token=token, outbox=outbox)
    except AddressError as error:
        print(f"gator: {error}", file=sys.stderr)
        return 1
    async with client:
        app = ChatApp(client, user, conversation, theme=theme_of(os.environ))
        status = await app.run_async()
    if client.waiting:
        print(f"{counted(client.waiting, 'message')} will be sent the next time.", file=sys.stderr)
    if client.connection.reason == "refused":
        print(f"gator: The server refuses: {client.connection.why}", file=sys.stderr)
        return 1
    return status or 0


def outbox_path(url: str, user: str) -> Path:
    """Name the file in which messages wait that could not be sent: one for each user of each server."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    parts = urlsplit(url)
    server = quote(f"{parts.netloc}{parts.path.rstrip('/')}", safe="")
    # The longest name that a file may have, in nearly all file systems, is 255 bytes.
    return Path(home) / "gator-chat" / server[:200] / f"{quote(user, safe='')[:200]}.sqlite3"


def theme_of(environ: "os._Environ[str] | dict[str, str]") -> str:
    """Guess from what the terminal says of its colours whether it is light (`COLORFGBG`)."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "textual-light" if background in ("7", "15") else "textual-dark"
