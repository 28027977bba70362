"""A phone: what a mouse finds by pointing at it, a finger finds by a tap."""

from typing import Any

from playwright.async_api import Locator, expect
from tests.browser.axe import findings
from tests.browser.conftest import Enter
from tests.browser.people import Person
from tests.support.client import Client
from tests.support.server import Server

PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 640},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
    "permissions": ["clipboard-read", "clipboard-write"],
}


def said(person: Person, text: str) -> Locator:
    return person.messages.get_by_role("article").filter(has_text=text)


def copy(person: Person, text: str) -> Locator:
    return said(person, text).get_by_role("button", name="Copy the text")


async def test_a_tap_on_a_message_shows_how_to_copy_it(person: Enter, server: Server) -> None:
    async with await Client.open(server.as_user("bob")) as bob:
        await bob.ask("join_conversation", conversation_id="tea-club")
        for text in ("The kettle is on.", "Who *brings* biscuits?"):
            await bob.ask("send_message", conversation_id="tea-club", content=text)
    ada = await person("ada", "tea-club", **PHONE)
    assert await ada.page.evaluate("matchMedia('(hover: none)').matches")
    await ada.sees("The kettle is on.")
    kettle, biscuits = copy(ada, "The kettle"), copy(ada, "biscuits")
    await is_out_of_sight(kettle)
    await is_out_of_sight(biscuits)

    await said(ada, "The kettle").get_by_text("The kettle").tap()
    await expect(tools(kettle)).to_have_css("opacity", "1")
    await said(ada, "biscuits").get_by_text("biscuits").tap()
    await expect(tools(biscuits)).to_have_css("opacity", "1")
    await is_out_of_sight(kettle)
    box = await biscuits.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 40, "for a thumb"
    assert await findings(ada.page) == []

    await biscuits.tap()
    await expect(ada.page.get_by_role("complementary", name="Notes")).to_contain_text("Copied.")
    assert await ada.page.evaluate("navigator.clipboard.readText()") == "Who *brings* biscuits?"
    await ada.box.tap()
    await is_out_of_sight(biscuits)

    for opacity in ("1", "0"):
        await said(ada, "The kettle").get_by_text("The kettle").tap()
        await expect(tools(kettle)).to_have_css("opacity", opacity)


def tools(button: Locator) -> Locator:
    return button.locator("..")


async def is_out_of_sight(button: Locator) -> None:
    """Wait until a button can neither be seen nor hit."""
    await expect(tools(button)).to_have_css("opacity", "0")
    await expect(tools(button)).to_have_css("pointer-events", "none")
