"""The whole screen, driven by keys, before a real server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.color import Color
from tests.support.server import Server
from textual.pilot import Pilot
from textual.widget import Widget

from gator.cli.chat.app import ChatApp, outbox_path, theme_of
from gator.cli.chat.compose import Compose
from gator.cli.chat.message_view import MessageView
from gator.cli.chat.sidebar import Sidebar
from gator.cli.chat.strips import ConnectionStrip, HeaderStrip, TypingStrip
from gator_chat_client import Client, SqliteOutbox

PATIENCE_S = 60
QUESTION = "what do you think of a long walk along the river, in the rain, with a very small umbrella?"


class Seat:
    """Somebody before the screen."""

    def __init__(self, app: ChatApp, pilot: "Pilot[int]", client: Client) -> None:
        self.app = app
        self.pilot = pilot
        self.client = client

    @property
    def rows(self) -> list[str]:
        """The messages as they stand there."""
        view = self.app.query_one(MessageView)
        return [view.render_line(y).text.rstrip() for y in range(view.size.height)]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def list(self) -> list[str]:
        sidebar = self.app.query_one(Sidebar)
        return [str(sidebar.get_option_at_index(at).prompt) for at in range(sidebar.option_count)]

    def strip(self, kind: type[HeaderStrip | TypingStrip | ConnectionStrip]) -> str:
        return str(self.app.query_one(kind).content)

    async def types(self, text: str, *keys: str) -> None:
        """Type, key by key, and press the named keys after that."""
        for char in text:
            await self.pilot.press("space" if char == " " else char)
        await self.pilot.press(*keys)

    async def pastes(self, text: str) -> None:
        """Say something that nobody types key by key."""
        self.app.query_one(Compose).text = text
        await self.pilot.press("enter")

    async def until(self, condition: Callable[["Seat"], object]) -> None:
        """Wait until something holds of the screen."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                await self.pilot.pause(0.02)


@asynccontextmanager
async def seat(
    server: Server, user: str, first: str | None, *, size: tuple[int, int] = (80, 24), outbox: Path | None = None
) -> AsyncIterator[Seat]:
    kept = None if outbox is None else SqliteOutbox(outbox)
    async with Client(server.url, user=user, outbox=kept, dice=lambda: 0.1) as client:
        app = ChatApp(client, user, first)
        async with app.run_test(size=size) as pilot:
            yield Seat(app, pilot, client)


async def test_two_people_talk_see_each_other_type_and_read(server: Server) -> None:
    async with seat(server, "ada", "app talk") as ada, seat(server, "bob", "app talk") as bob:
        await ada.until(lambda ada: "2 members, 2 online" in ada.strip(HeaderStrip))
        await bob.until(lambda bob: "2 members, 2 online" in bob.strip(HeaderStrip))
        await bob.types("hello")
        await ada.until(lambda ada: ada.strip(TypingStrip) == "bob is typing ...")
        await bob.types(" ada", "enter")
        for person in (ada, bob):
            await person.until(lambda person: "bob: hello ada" in person.text)
        await ada.until(lambda ada: ada.strip(TypingStrip) == "")
        assert bob.app.query_one(Compose).text == ""
        await ada.until(lambda ada: ada.list and "bob: hello ada" in ada.list[0])
        await ada.until(lambda ada: ada.client.conversation("app talk").snapshot.unread == 0)


@pytest.mark.parametrize("gone", [Sidebar, HeaderStrip, MessageView, TypingStrip, Compose, ConnectionStrip])
async def test_news_while_the_screen_is_taken_down_breaks_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, gone: type[Widget]
) -> None:
    drawn: list[type[Widget]] = []

    async def draw(widget: Widget) -> None:
        assert isinstance(widget.app, ChatApp)
        widget.app._draw()
        await widget.app._open("another")
        drawn.append(gone)

    monkeypatch.setattr(gone, "on_unmount", draw, raising=False)
    async with seat(server, "ada", "app end") as ada:
        await ada.until(lambda ada: "1 member" in ada.strip(HeaderStrip))
    assert drawn == [gone]


async def test_a_message_may_have_several_lines_and_comes_back_with_the_arrow(server: Server) -> None:
    async with seat(server, "ada", "app lines") as ada:
        await ada.types("one", "ctrl+j")
        await ada.types("two", "enter")
        await ada.until(lambda ada: "ada: one\n        two" in ada.text)
        await ada.pilot.press("up")
        assert ada.app.query_one(Compose).text == "one\ntwo"
        await ada.pilot.press("down")
        assert ada.app.query_one(Compose).text == ""


async def test_a_persona_is_asked_grows_is_stopped_and_answers_anew(server: Server) -> None:
    async with seat(server, "ada", "app persona") as ada:
        await ada.pastes(f"/ask Gator {QUESTION}")
        await ada.until(lambda ada: "Gator (AI): (Scripted" in ada.text)
        await ada.until(lambda ada: ada.strip(TypingStrip) == "Gator replies · Esc stops it")
        await ada.pilot.press("escape")
        await ada.until(lambda ada: "Gator (AI, stopped):" in ada.text)
        await ada.until(lambda ada: "ada stopped Gator (AI)" in ada.text)
        await ada.pastes("/again")
        await ada.until(
            lambda ada: (
                "Gator (AI, attempt 2):" in ada.text and "umbrella?”" in ada.text.replace("\n        ", " ")
            )
        )
        # Once its message is there, which comes after its last words: an older attempt gives way to the newer one.
        await ada.until(lambda ada: "stopped):" not in ada.text)


async def test_orders_are_carried_out_and_explained(server: Server) -> None:
    async with seat(server, "ada", "app orders") as ada:
        for order in ("/personas", "/who", "/stop", "/again", "/nonsense here"):
            await ada.pastes(order)
        await ada.until(lambda ada: "Gator  gator" in ada.text)
        await ada.until(lambda ada: "Online (1): ada" in ada.text)
        await ada.until(lambda ada: "There is no reply to stop." in ada.text)
        await ada.until(lambda ada: "There is no /nonsense here." in ada.text)
        await ada.pilot.press("f1")
        await ada.until(lambda ada: "Esc back, or stop a reply" in ada.text)


async def test_conversations_are_listed_counted_and_changed_by_keys(server: Server) -> None:
    async with seat(server, "ada", "app first") as ada, seat(server, "bob", "app second") as bob:
        await bob.until(lambda bob: "1 online" in bob.strip(HeaderStrip))
        await ada.pastes("/join app second")
        await ada.until(lambda ada: ada.strip(HeaderStrip).startswith("app second"))
        await ada.pastes("/join app first")
        await ada.until(lambda ada: ada.strip(HeaderStrip).startswith("app first"))
        await bob.types("psst", "enter")
        await ada.until(lambda ada: ada.list and "app second" in ada.list[0] and "1\n" in ada.list[0])
        await ada.types("a draft")
        await ada.pilot.press("ctrl+up" if "app first" in ada.list[1] else "ctrl+down")
        await ada.until(lambda ada: ada.strip(HeaderStrip).startswith("app second"))
        await ada.until(lambda ada: "─ new ─" in ada.text and "bob: psst" in ada.text)
        assert ada.app.query_one(Compose).text == ""
        await ada.pastes("/join app first")
        await ada.until(lambda ada: ada.app.query_one(Compose).text == "a draft")


async def test_what_is_typed_while_the_server_is_dead_waits_survives_the_program_and_is_sent_once(
    server: Server, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox.sqlite3"
    async with seat(server, "ada", "app offline", outbox=outbox) as ada:
        await ada.until(lambda ada: ada.strip(ConnectionStrip).startswith("● ada"))
        await ada.types("half")
        server.kill()
        await ada.types(" of it", "enter")
        await ada.types("and more", "enter")
        await ada.until(lambda ada: "offline" in ada.strip(ConnectionStrip))
        await ada.until(lambda ada: "you: half of it" in ada.text and "you: and more" in ada.text)
        await ada.until(lambda ada: "2 messages waiting" in ada.strip(ConnectionStrip))
        await ada.pilot.press("ctrl+q")
    await asyncio.to_thread(server.start)
    async with seat(server, "ada", "app offline", outbox=outbox) as ada:
        await ada.until(lambda ada: "ada: half of it" in ada.text and "ada: and more" in ada.text)
        assert ada.text.count("half of it") == 1
        assert ada.client.waiting == 0


async def test_older_messages_load_as_one_scrolls_up(server: Server) -> None:
    async with Client(server.url, user="ada") as client:
        talk = client.conversation("app long")
        for number in range(130):
            await talk.send(f"line {number}")
        async with asyncio.timeout(PATIENCE_S * 2):
            await client.flushed()
    async with seat(server, "bob", "app long") as bob:
        await bob.until(lambda bob: "line 129" in bob.text)
        for _ in range(40):
            await bob.pilot.press("pageup")
            await bob.pilot.pause(0.02)
            if any(row.endswith("ada: line 0") for row in bob.rows):
                break
        await bob.until(lambda bob: any(row.endswith("ada: line 0") for row in bob.rows))
        await bob.pilot.press("ctrl+end")
        await bob.until(lambda bob: "line 129" in bob.text)


async def test_hostile_text_is_shown_and_does_nothing(server: Server) -> None:
    hostile = "[red]x[/red] [@click=app.action_leave]y[/] \x1b[2J \u202eevil \N{GRINNING FACE}"
    async with seat(server, "ada", "app [bold]hostile[/]") as ada:
        await ada.pastes(hostile)
        await ada.until(lambda ada: "[red]x[/red]" in ada.text)
        assert "\x1b" not in ada.text
        assert "\u202e" not in ada.text
        await ada.until(lambda ada: ada.list and "app [bold]hostile[/]" in "".join(ada.list))
        await ada.pastes("\N{GRINNING FACE}" * 5000)
        await ada.until(lambda ada: "\N{GRINNING FACE}" * 10 in ada.text)


async def test_a_narrow_screen_shows_one_thing_at_a_time(server: Server) -> None:
    async with seat(server, "ada", "app narrow", size=(40, 16)) as ada:
        await ada.until(lambda ada: ada.strip(ConnectionStrip).startswith("● ada"))
        assert not ada.app.query_one(Sidebar).display or ada.app.query_one(Sidebar).size.width == 0
        await ada.pilot.press("ctrl+l")
        await ada.until(lambda ada: ada.app.query_one(Sidebar).size.width > 30)
        await ada.pilot.press("escape")
        await ada.until(lambda ada: ada.app.query_one(MessageView).size.width > 30)
        await ada.types("still typing here", "enter")
        await ada.until(lambda ada: "ada: still typing here" in ada.text)


async def test_it_can_be_light_and_dark(server: Server) -> None:
    async with seat(server, "ada", "app theme") as ada:
        assert ada.app.current_theme.dark
        await ada.pilot.press("ctrl+t")
        assert not ada.app.current_theme.dark


def luminance(color: Color | None) -> float:
    """See WCAG 2.2, relative luminance."""
    assert color is not None
    red, green, blue = (
        channel / 255 / 12.92 if channel <= 10 else ((channel / 255 + 0.055) / 1.055) ** 2.4
        for channel in color.get_truecolor()
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_everything_can_be_read_in_either_theme(theme: str) -> None:
    async with Client("http://127.0.0.1:9", user="ada") as client:
        app = ChatApp(client, "ada", None, theme=theme)
        async with app.run_test() as pilot:
            await pilot.pause()
            view = app.query_one(MessageView)
            for name in view.COMPONENT_CLASSES:
                style = view.style_of(name)
                dark, light = sorted((luminance(style.color), luminance(style.bgcolor)))
                assert (light + 0.05) / (dark + 0.05) >= 4.5, name


async def test_a_conversation_that_is_closed_to_one_says_so_and_what_was_said_fails(server: Server) -> None:
    async with Client(server.url, user="bob") as bob:
        direct = await bob.create_conversation("direct", ["cleo"])
    async with seat(server, "ada", direct.id) as ada:
        await ada.until(lambda ada: "you cannot join" in ada.strip(HeaderStrip))
        await ada.types("hello", "enter")
        await ada.until(lambda ada: "not sent: hello" in ada.text)
        await ada.pastes("/discard")
        await ada.until(lambda ada: "not sent" not in ada.text)


@pytest.mark.parametrize(
    ("colours", "theme"), [("15;0", "textual-dark"), ("0;15", "textual-light"), ("", "textual-dark")]
)
def test_the_first_theme_is_that_of_the_terminal(colours: str, theme: str) -> None:
    assert theme_of({"COLORFGBG": colours}) == theme


def test_the_outbox_of_each_user_of_each_server_is_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    path = outbox_path("http://127.0.0.1:8000/base/", "../王")
    assert path == Path("/state/gator-chat/127.0.0.1%3A8000%2Fbase/..%2F%E7%8E%8B.sqlite3")


@pytest.mark.parametrize("module", ["gator.cli.commands", "gator.cli.serve", "gator.cli.chat.start"])
def test_nothing_but_the_screen_loads_what_draws_it(module: str) -> None:
    code = (
        f"import sys, {module}; print([name for name in ('textual', 'gator_chat_client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
