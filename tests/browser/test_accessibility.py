"""Every screen of the page, in light and dark, wide and narrow: axe finds nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.browser.axe import findings
from tests.browser.people import Person, empty_page
from tests.support.client import Client
from tests.support.server import Server

RICH = """Some *text* with `code`, a [link](https://example.org) and

- a list
- of two

```python
print("hello")
```

| a | table |
| --- | --- |
| 1 | 2 |"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def furnished(module_server: Server) -> None:
    """Conversations to look at."""
    async with await Client.open(module_server.as_user("bob")) as bob:
        for where in ("tea-club", "garden"):
            await bob.ask("join_conversation", conversation_id=where)
            for text in ("The kettle is on.", RICH, "🫖"):
                await bob.ask("send_message", conversation_id=where, content=text)


async def nothing(_page: Page) -> None:
    """Stay where one is."""


async def new_conversation(page: Page) -> None:
    await page.keyboard.press("Alt+n")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def switcher(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def shortcuts(page: Page) -> None:
    await page.get_by_role("log").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()


async def people(page: Page) -> None:
    await page.get_by_role("button", name="People", exact=True).click()
    await expect(page.get_by_text("bob").last).to_be_visible()


async def options(page: Page) -> None:
    await page.get_by_role("button", name="Options of the conversation").click()
    await expect(page.get_by_role("menu")).to_be_visible()


async def emoji(page: Page) -> None:
    await page.get_by_role("button", name="Emoji").click()
    await expect(page.get_by_role("searchbox").or_(page.get_by_placeholder("Search emoji")).first).to_be_visible()


async def ask_a_reply(page: Page) -> None:
    await page.get_by_role("textbox", name="Message").fill("@Gator hello")
    await page.get_by_role("button", name="Send", exact=True).click()


SCREENS: dict[str, tuple[str, Callable[[Page], Awaitable[None]]]] = {
    "home": ("/", nothing),
    "conversation": ("/c/tea-club", nothing),
    "with persona": ("/c/tea-club", ask_a_reply),
    "new conversation": ("/c/tea-club", new_conversation),
    "switcher": ("/c/tea-club", switcher),
    "shortcuts": ("/c/tea-club", shortcuts),
    "people": ("/c/tea-club", people),
    "options": ("/c/tea-club", options),
    "emoji": ("/c/tea-club", emoji),
    "personas": ("/personas", nothing),
    "editor": ("/personas/new", nothing),
    "admin": ("/admin", nothing),
}

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser, server: Server, furnished: None) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Person] = []

    async def open_window(path: str, look: str, name: str | None = "ada") -> Page:
        # Motion is a matter of taste and not of contrast: half a fade is nobody's colour.
        options = {**LOOKS[look], "reduced_motion": "reduce"}
        person = Person(await empty_page(browser, **options), name or "", server.url)
        opened.append(person)
        await person.page.goto(f"{server.url}{path}" + (f"?as={name}" if name else ""))
        await expect(person.page.get_by_role("main")).to_be_visible()
        return person.page

    yield open_window
    for person in opened:
        await person.close()
        assert person.problems == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("screen", SCREENS)
async def test_axe_finds_nothing(window: Callable[..., Any], screen: str, look: str) -> None:
    path, lead = SCREENS[screen]
    page = await window(path, look)
    if path.startswith("/c/"):
        await expect(page.get_by_role("textbox", name="Message")).to_be_editable()
    await lead(page)
    assert await findings(page) == []


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_at_the_door(window: Callable[..., Any], look: str) -> None:
    page = await window("/", look, None)
    await expect(page.get_by_label("Your name")).to_be_visible()
    assert await findings(page) == []


async def test_axe_finds_what_is_wrong(window: Callable[..., Any]) -> None:
    """Else the tests above would prove nothing."""
    page = await window("/", "light")
    # Beside what the page draws: it may still be drawing anew what it has within.
    await page.evaluate("document.body.append(document.createElement('button'))")
    assert any(finding.startswith("button-name") for finding in await findings(page))
