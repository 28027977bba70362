"""Names that are written after an `@`: offered, and taken by keyboard, mouse and finger."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect
from tests.browser.axe import findings
from tests.browser.conftest import Enter
from tests.browser.people import Person
from tests.support.client import Client
from tests.support.server import Server

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def tea_club(module_server: Server) -> AsyncIterator[str]:
    """A group of Ada, Bob, and Nia Blue, a persona. Newt is another one, that is not in it."""
    for name in ("ada", "bob"):
        async with await Client.open(module_server.as_user(name)):
            pass  # who was never there has no name
    async with httpx2.AsyncClient(base_url=f"{module_server.url}/api/v1", headers={"X-Gator-User": "bob"}) as http:
        ids = []
        for name in ("Nia Blue", "Newt"):
            card = {"name": name, "description": "A calm gardener.", "visibility": "public"}
            ids.append((await http.post("/personas", json=card)).raise_for_status().json()["id"])
        club = {"kind": "group", "title": "Tea club", "member_ids": ["ada", ids[0]]}
        yield (await http.post("/conversations", json=club)).raise_for_status().json()["id"]


async def enter(person: Enter, tea_club: str, **options: Any) -> Person:
    """Have Ada come in."""
    ada = await person("ada", tea_club, **options)
    ada.allow("404")  # Nia Blue may have said nothing yet, and her name is asked for as a user's first
    return ada


def offers(person: Person) -> Locator:
    """Find what is offered."""
    return person.page.get_by_role("listbox").get_by_role("option")


async def is_offered(person: Person, *names: str) -> None:
    """Wait until these names are offered, and no other."""
    await expect(offers(person)).to_have_count(len(names))
    for at, name in enumerate(names):
        await expect(offers(person).nth(at)).to_have_accessible_name(name)


async def test_a_name_is_taken_by_keyboard_and_its_persona_answers(person: Enter, tea_club: str) -> None:
    ada = await enter(person, tea_club)
    keys = ada.page.keyboard
    await ada.box.press_sequentially("Hello @n")
    await is_offered(ada, "Nia Blue AI", "Newt AI")
    await points_at(ada, "Nia Blue")
    await keys.press("ArrowDown")
    await points_at(ada, "Newt")
    await keys.press("ArrowDown")
    await points_at(ada, "Nia Blue")
    await keys.press("Enter")
    await expect(ada.box).to_have_value("Hello @Nia Blue ")
    await expect(offers(ada)).to_have_count(0)
    await expect(ada.messages.get_by_role("article")).to_have_count(0)

    await keys.type("!")
    await keys.press("Enter")
    await ada.sees("Hello @Nia Blue !")
    await expect(ada.messages.get_by_role("article", name="Nia Blue")).to_be_visible()


async def points_at(ada: Person, name: str) -> None:
    """Wait until the box, which has the focus, points at one of the names."""
    option = ada.page.get_by_role("option", name=name, selected=True)
    await expect(option).to_have_count(1)
    await expect(ada.box).to_be_focused()
    await expect(ada.box).to_have_attribute("aria-activedescendant", await option.get_attribute("id") or "")
    listbox = ada.page.get_by_role("listbox")
    await expect(ada.box).to_have_attribute("aria-controls", await listbox.get_attribute("id") or "")


async def test_a_persona_that_is_no_member_is_asked_by_its_name(person: Enter, tea_club: str) -> None:
    ada = await enter(person, tea_club)
    await ada.box.press_sequentially("@new")
    await is_offered(ada, "Newt AI")
    await ada.page.keyboard.press("Tab")
    await expect(ada.box).to_have_value("@Newt ")
    await expect(ada.box).to_be_focused()
    will_answer = ada.page.get_by_text("Newt will answer")
    await expect(will_answer).to_be_visible()
    await ada.box.press("Backspace")
    await ada.box.press("Backspace")
    await expect(will_answer, "without its name it is not asked").to_have_count(0)
    await ada.box.press_sequentially("t, hello")
    await expect(will_answer).to_be_visible()
    await ada.page.keyboard.press("Enter")
    await expect(ada.messages.get_by_role("article", name="Newt")).to_be_visible()
    await expect(will_answer, "once, and not for what follows").to_have_count(0)


async def test_the_first_persona_is_called_by_its_name(person: Enter, tea_club: str) -> None:
    ada = await enter(person, tea_club)
    await ada.box.press_sequentially("@gat")
    await is_offered(ada, "Gator AI")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_text("Gator will answer", exact=True)).to_be_visible()


async def test_what_is_not_wanted_is_closed_and_sent_as_it_is(person: Enter, tea_club: str) -> None:
    ada = await enter(person, tea_club)
    keys = ada.page.keyboard
    await ada.box.press_sequentially("mail ada@n")
    await expect(offers(ada)).to_have_count(0)
    await ada.box.fill("")
    await ada.box.press_sequentially("look @n")
    await expect(offers(ada)).to_have_count(2)
    await keys.press("Escape")
    await expect(offers(ada)).to_have_count(0)
    await expect(ada.box).not_to_have_attribute("aria-activedescendant", re.compile(""))
    await keys.type("e")
    await expect(offers(ada)).to_have_count(0)
    await keys.press("Enter")
    await ada.sees("look @ne")
    await keys.type("@b")
    await is_offered(ada, "bob", "Nia Blue AI")


async def test_a_name_is_taken_with_the_mouse(person: Enter, tea_club: str) -> None:
    ada = await enter(person, tea_club)
    await ada.box.press_sequentially("@")
    await offers(ada).filter(has_text="bob").click()
    await expect(ada.box).to_have_value("@bob ")
    await expect(ada.box).to_be_focused()


@pytest.mark.parametrize("look", ["light", "dark"])
async def test_names_fit_a_phone_and_are_taken_with_a_finger(person: Enter, tea_club: str, look: str) -> None:
    ada = await enter(person, tea_club, color_scheme=look, reduced_motion="reduce", **PHONE)
    await ada.box.tap()
    await ada.box.press_sequentially("@")
    await expect(offers(ada).first).to_be_visible()
    box = await ada.page.get_by_role("listbox").bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= 360
    assert 0 <= box["y"] < box["y"] + box["height"] <= 640
    assert box["height"] <= 640 * 0.45
    assert await findings(ada.page) == []
    await offers(ada).filter(has_text="Nia Blue").tap()
    await expect(ada.box).to_have_value("@Nia Blue ")
    await expect(ada.box).to_be_focused()
