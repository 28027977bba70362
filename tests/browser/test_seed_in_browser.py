"""The document's browser script and its React component, word for word, in a real browser."""

import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect
from tests.browser.bundle import bundle
from tests.browser.conftest import Launch
from tests.browser.people import Window, empty_page
from tests.seed.document import block
from tests.support.client import Client
from tests.support.server import Server

ADDRESS: Final = "localhost:8000"
"""Where the document says that the server is."""

CONVERSATION: Final = "conversation-uuid"
ELSEWHERE: Final = "http://localhost:5173"
"""Where tools for building pages serve them while one writes them."""

SNIPPET: Final = block("javascript", "new WebSocket")
COMPONENT: Final = block("jsx", "function ChatComponent")

# What the document leaves to the page that takes its script: functions that show things, here as lines.
SHOWS: Final = """
const show = (kind) => (...what) => {
  const line = document.createElement('p');
  line.className = kind;
  line.textContent = JSON.stringify(what);
  document.body.append(line);
};
const displayMessage = (message) => show('message')(message.sender_id, message.content);
const showTypingIndicator = show('typing');
const updateUserPresence = show('presence');
const updateOnlineUsersList = show('online');
"""

MOUNT: Final = """
import React, { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import ChatComponent from './ChatComponent.jsx';

const asked = new URLSearchParams(location.search);
const chat = <ChatComponent userId={asked.get('user')} conversationId="conversation-uuid" />;
createRoot(document.getElementById('root')).render(asked.has('strict') ? <StrictMode>{chat}</StrictMode> : chat);
"""

MODES: Final = ("production", "development")
"""How React is built: for users, and for those who write pages."""


@pytest.fixture(scope="module")
def site(with_node: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages around the document's examples."""
    place = tmp_path_factory.mktemp("site")
    sources = tmp_path_factory.mktemp("sources")
    (sources / "ChatComponent.jsx").write_text(COMPONENT)
    (sources / "mount.jsx").write_text(MOUNT)
    scripts = {"shows": SHOWS, "snippet": SNIPPET}
    scripts |= {mode: bundle(sources / "mount.jsx", mode=mode) for mode in MODES}
    for name, script in scripts.items():
        (place / f"{name}.js").write_text(script)
    for name, needed in {"index": ["shows", "snippet"], **{mode: [mode] for mode in MODES}}.items():
        tags = "".join(f'<script src="/{script}.js"></script>' for script in needed)
        icon = '<link rel="icon" href="data:,">'
        (place / f"{name}.html").write_text(
            f'<!doctype html><meta charset="utf-8">{icon}<div id="root"></div>{tags}'
        )
    return place


@pytest.fixture(scope="module")
def seed_server(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves our pages, and lets those from elsewhere connect."""
    origins = f"http://{ADDRESS},{ELSEWHERE}"
    with Server(tmp_path_factory.mktemp("seed"), page=site, allowed_origins=origins, presence_grace_s=0) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere(site: Path) -> Iterator[str]:
    """The same pages from another server, and where that is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, format: str, *args: object) -> None:
        """See `BaseHTTPRequestHandler`."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def seed_browser(launch: Launch, seed_server: Server, elsewhere: str) -> AsyncIterator[Browser]:
    """A browser to which the servers are where the document and the tools say."""
    rules = {ADDRESS: seed_server.url.removeprefix("http://"), ELSEWHERE.removeprefix("http://"): elsewhere}
    mapped = ", ".join(f"MAP {said} {real}" for said, real in rules.items())
    browser = await launch(f"--host-resolver-rules={mapped}")
    yield browser
    await browser.close()


class Pages:
    """Opens our pages, and looks at what went wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.windows: list[Window] = []

    async def open(self, name: str, origin: str = f"http://{ADDRESS}") -> Page:
        """Open a page. Its timers pass when they are told to."""
        page = await empty_page(self._browser)
        self.windows.append(Window(page, origin))
        await page.clock.install()
        await page.goto(f"{origin}/{name}")
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def pages(seed_browser: Browser) -> AsyncIterator[Pages]:
    """Pages that are closed in the end. Whatever went wrong in one fails the test."""
    pages = Pages(seed_browser)
    yield pages
    for window in pages.windows:
        await window.close()
    assert [problem for window in pages.windows for problem in window.problems] == []


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """How React is built."""
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def peer(seed_server: Server) -> AsyncIterator[Client]:
    """Somebody else in the document's conversation."""
    async with await Client.open(seed_server.as_user("peer")) as peer:
        await peer.ask("join_conversation", conversation_id=CONVERSATION)
        yield peer


def lines(page: Page, kind: str, *what: object) -> Locator:
    """Find what the document's script has had shown."""
    return page.locator(f".{kind}").get_by_text(
        json.dumps(what, ensure_ascii=False, separators=(",", ":")), exact=True
    )


def test_the_examples_are_the_documents_own() -> None:
    assert f"ws://{ADDRESS}/ws/" in SNIPPET
    assert f"ws://{ADDRESS}/ws/" in COMPONENT
    assert COMPONENT.startswith("import React")


@pytest.mark.parametrize("origin", [f"http://{ADDRESS}", ELSEWHERE])
async def test_the_script_sends_and_shows(pages: Pages, peer: Client, origin: str) -> None:
    page = await pages.open("index.html", origin)
    await expect(page.locator(".online")).to_contain_text('"user-uuid-here"')

    await page.evaluate("sendMessage('conversation-uuid', 'Hello from the page 🐊')")
    told = await peer.until("new_message")
    assert told["message"]["sender_id"] == "user-uuid-here"
    assert told["message"]["content"] == "Hello from the page 🐊"
    await peer.ask("send_message", conversation_id=CONVERSATION, content="Hello yourself")
    await expect(page.locator(".message")).to_have_text(
        ['["user-uuid-here","Hello from the page 🐊"]', '["peer","Hello yourself"]']
    )


async def test_the_script_types_and_stops_after_three_seconds(pages: Pages, peer: Client) -> None:
    page = await pages.open("index.html")
    await expect(page.locator(".online")).to_be_visible()
    await page.evaluate("handleTyping('conversation-uuid')")
    await peer.until("typing_indicator", user_id="user-uuid-here", is_typing=True)
    await page.clock.fast_forward(2_900)
    await page.evaluate("handleTyping('conversation-uuid')")
    await page.clock.fast_forward(2_900)
    assert not [frame for frame in await peer.settle() if frame.get("is_typing") is False]
    await page.clock.fast_forward(200)
    await peer.until("typing_indicator", user_id="user-uuid-here", is_typing=False)

    await peer.say("typing_start", conversation_id=CONVERSATION)
    await expect(lines(page, "typing", "peer", True)).to_be_visible()
    await peer.say("typing_stop", conversation_id=CONVERSATION)
    await expect(lines(page, "typing", "peer", False)).to_be_visible()


async def test_the_script_shows_who_comes_and_goes(pages: Pages, seed_server: Server) -> None:
    page = await pages.open("index.html")
    await expect(page.locator(".online")).to_be_visible()
    async with await Client.open(seed_server.as_user("visitor")) as visitor:
        await visitor.ask("join_conversation", conversation_id=CONVERSATION)
        await expect(lines(page, "presence", "visitor", True)).to_be_visible()
    await expect(lines(page, "presence", "visitor", False)).to_be_visible()


async def mounted(pages: Pages, mode: str, user: str, *, strict: bool = False) -> Page:
    """Open a page with the component, and wait until it is in."""
    page = await pages.open(f"{mode}.html?user={user}{'&strict' if strict else ''}")
    await expect(page.get_by_text("Online: ", exact=False)).not_to_have_text("Online: 0")
    return page


async def say(page: Page, text: str) -> None:
    """Type into the component, key by key, and press Enter."""
    await page.get_by_placeholder("Type a message...").press_sequentially(text)
    await page.keyboard.press("Enter")


async def test_two_components_talk(pages: Pages, mode: str) -> None:
    ada, bob = await mounted(pages, mode, "ada"), await mounted(pages, mode, "bob")
    await say(ada, "Hi Bob")
    await say(bob, "Hi Ada")
    for page in (ada, bob):
        await expect(page.locator(".user-message .content")).to_have_text(["Hi Bob", "Hi Ada"])
    await expect(ada.get_by_placeholder("Type a message...")).to_have_value("")


async def test_the_components_button_sends_too(pages: Pages, mode: str, peer: Client) -> None:
    ada = await mounted(pages, mode, "ada")
    await ada.get_by_placeholder("Type a message...").fill("By the button")
    await ada.get_by_role("button", name="Send").click()
    assert (await peer.until("new_message"))["message"]["content"] == "By the button"
    await ada.get_by_placeholder("Type a message...").fill("   ")
    await ada.get_by_role("button", name="Send").click()
    assert not [frame for frame in await peer.settle() if frame["type"] == "new_message"], "blanks are not sent"


async def test_the_component_shows_that_somebody_types(pages: Pages, mode: str, peer: Client) -> None:
    ada = await mounted(pages, mode, "ada")
    await peer.say("typing_start", conversation_id=CONVERSATION)
    await expect(ada.get_by_text("Someone is typing...")).to_be_visible()
    await peer.say("typing_stop", conversation_id=CONVERSATION)
    await expect(ada.get_by_text("Someone is typing...")).to_be_hidden()
    await ada.get_by_placeholder("Type a message...").press_sequentially("abc")
    await peer.until("typing_indicator", user_id="ada", is_typing=True)
    await ada.clock.fast_forward(3_000)
    await peer.until("typing_indicator", user_id="ada", is_typing=False)


async def test_the_component_closes_its_connection_when_it_goes(pages: Pages, mode: str, peer: Client) -> None:
    user = f"visitor-of-{mode}"
    page = await mounted(pages, mode, user)
    await peer.until("presence_update", user_id=user, online=True)
    await page.goto("about:blank")
    await peer.until("presence_update", user_id=user, online=False)


async def test_in_strict_mode_it_is_mounted_twice_and_shows_everything_once(
    pages: Pages, mode: str, peer: Client
) -> None:
    ada = await mounted(pages, mode, "ada", strict=True)
    await say(ada, "Once")
    assert (await peer.until("new_message"))["message"]["content"] == "Once"
    await peer.ask("send_message", conversation_id=CONVERSATION, content="And once")
    await expect(ada.locator(".user-message .content")).to_have_text(["Once", "And once"])
