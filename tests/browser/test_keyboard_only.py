"""Everything that a mouse can do, without one."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from tests.browser.people import Person, empty_page
from tests.support.client import Client
from tests.support.server import Server

MOST_STOPS = 60


@pytest_asyncio.fixture(loop_scope="session")
async def ada(browser: Browser, server: Server) -> AsyncIterator[Person]:
    ada = Person(await empty_page(browser, viewport={"width": 1280, "height": 800}), "ada", server.url)
    yield ada
    await ada.close()
    assert ada.problems == []


async def tab_to(page: Page, name: str, *, key: str = "Tab") -> None:
    """Go from stop to stop until one of this name has the focus, which has to be seen."""
    focused = page.locator(":focus")
    for _ in range(MOST_STOPS):
        await page.keyboard.press(key)
        label = await focused.evaluate_all(
            """found => found.map(element => (element.ariaLabel
              ?? element.labels?.[0]?.textContent
              ?? element.textContent ?? '').trim())[0] ?? ''"""
        )
        if label.startswith(name):
            seen = await focused.evaluate(
                """element => {
                  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
                  const around = element.closest(':focus-within')
                  return (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none'
                    || getComputedStyle(around.parentElement).boxShadow !== 'none'
                    || getComputedStyle(around.parentElement).outlineStyle !== 'none'
                }"""
            )
            assert seen, f"nobody sees that {name!r} has the focus"
            return
    raise AssertionError(f"no way to {name!r}")


async def test_a_whole_visit_without_a_mouse(ada: Person, server: Server) -> None:
    page, keys = ada.page, ada.page.keyboard
    ada.allow("404")  # Bob has never been here, and his name is asked for
    await page.goto(server.url)
    await expect(page.get_by_label("Your name")).to_be_focused()
    await keys.type("ada")
    await keys.press("Enter")

    # A new conversation.
    await expect(page.get_by_role("main")).to_be_visible()
    await keys.press("Alt+n")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await tab_to(page, "Who")
    await keys.type("bob")
    await tab_to(page, "Create")
    await keys.press("Enter")
    await expect(dialog).to_have_count(0)

    # Saying something, in two lines.
    await expect(ada.box).to_be_focused()
    await keys.type("Hello")
    await keys.press("Shift+Enter")
    await keys.type("there")
    await keys.press("Enter")
    await expect(ada.messages.get_by_role("article")).to_have_count(1)
    await expect(ada.box).to_be_focused()
    await expect(ada.box).to_have_value("")

    # Help, and away with it.
    await page.get_by_role("log").focus()
    await keys.press("?")
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("log")).to_be_focused()

    # Options of the conversation by their menu.
    await tab_to(page, "Options of the conversation", key="Shift+Tab")
    await keys.press("Enter")
    await expect(page.get_by_role("menu")).to_be_visible()
    await keys.press("ArrowDown")
    await keys.press("Escape")
    await expect(page.get_by_role("menu")).to_have_count(0)
    await expect(page.get_by_role("button", name="Options of the conversation")).to_be_focused()


async def test_switching_by_keyboard(ada: Person, server: Server) -> None:
    async with await Client.open(server.as_user("ada")) as client:
        for where in ("tea-club", "garden"):
            await client.ask("join_conversation", conversation_id=where)
            await client.ask("send_message", conversation_id=where, content=f"this is the {where}")
    await ada.enter("tea-club")
    await ada.sees("this is the tea-club")
    await ada.page.keyboard.press("Control+k")
    await ada.page.keyboard.type("gard")
    await ada.page.keyboard.press("Enter")
    await ada.sees("this is the garden")
    await expect(ada.box).to_be_focused()


async def test_the_list_of_messages_scrolls_by_keyboard(ada: Person, server: Server) -> None:
    async with await Client.open(server.as_user("bob")) as bob:
        await bob.ask("join_conversation", conversation_id="tower")
        for number in range(60):
            await bob.ask("send_message", conversation_id="tower", content=f"floor {number}")
    await ada.enter("tower")
    await ada.reads_down_to("floor 59")
    await ada.messages.focus()
    for _ in range(60):
        await ada.page.keyboard.press("PageUp")
        await ada.draws()
        if await ada.messages.get_by_text("floor 0", exact=True).count():
            break
    await ada.sees("floor 0")
    await ada.reads_down_to("floor 59")


async def test_a_reply_is_stopped_by_keyboard(ada: Person) -> None:
    await ada.enter("quiet-room")
    await ada.page.keyboard.type("Hello?")
    await ada.page.keyboard.press("Enter")
    await ada.sees("Hello?")
    await tab_to(ada.page, "Ask a persona", key="Shift+Tab")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_text("Gator").last).to_be_visible()
    await ada.page.keyboard.press("Escape")
