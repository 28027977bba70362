"""Personas on the page: a reply grows before everybody's eyes, is stopped, made anew, and outlives a reload."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass

import httpx2
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tests.browser.people import Person, empty_page
from tests.support.paced_model import PacedModel
from tests.support.server import Server, lasting_port

from gator.storage.sqlite import FILE_NAME, connect


@dataclass
class Garden:
    """A server whose personas say what a test tells them, and Nia, whom everybody may ask."""

    server: Server
    model: PacedModel
    browser: Browser
    people: list[Person]

    async def person(self, name: str, path: str) -> Person:
        """Have somebody open a view."""
        somebody = Person(await empty_page(self.browser), name, self.server.url)
        self.people.append(somebody)
        await somebody.page.goto(f"{self.server.url}{path}?as={name}")
        return somebody


@pytest_asyncio.fixture(loop_scope="session")
async def garden(
    browser: Browser, start_server: Callable[..., Server], built_page: object
) -> AsyncIterator[Garden]:
    async with PacedModel() as model:
        server = start_server(port=lasting_port(), limits="off", page=built_page, **model.settings)
        nia = {"name": "Nia", "description": "A calm gardener.", "visibility": "public", "greeting": ""}
        async with httpx2.AsyncClient() as http:
            made = await http.post(f"{server.url}/api/v1/personas", json=nia, headers={"X-Gator-User": "ada"})
        assert made.status_code == 201
        garden = Garden(server, model, browser, [])
        yield garden
        for somebody in garden.people:
            await somebody.close()
            assert somebody.problems == []


async def with_nia(garden: Garden, name: str = "ada") -> Person:
    """Begin to talk with Nia from the gallery, with one click."""
    somebody = await garden.person(name, "/personas")
    await somebody.page.get_by_role("button", name="Chat with Nia").click()
    await expect(somebody.box).to_be_editable()
    return somebody


def reply(person: Person) -> Locator:
    """Find what Nia says."""
    return person.messages.get_by_role("article", name="Nia")


async def test_a_reply_grows_and_is_a_message_in_the_end(garden: Garden) -> None:
    ada = await with_nia(garden)
    await ada.says("What grows in the shade?")
    speech = await garden.model.asked("shade")
    await expect(reply(ada)).to_contain_text("Thinking")
    await speech.say("Ferns, ")
    await expect(reply(ada)).to_contain_text("Ferns,")
    await speech.say("and **patience**.")
    await speech.end()
    await expect(reply(ada).get_by_text("patience", exact=True)).to_have_css("font-weight", "700")
    await expect(reply(ada).get_by_role("button", name="Stop")).to_have_count(0)
    await expect(reply(ada)).to_have_count(1)


async def test_stop_stops_and_keeps_what_was_said(garden: Garden) -> None:
    ada = await with_nia(garden)
    await ada.says("Tell me of compost.")
    speech = await garden.model.asked("compost")
    await speech.say("First you need ")
    await reply(ada).get_by_role("button", name="Stop").click()
    await speech.is_left()
    await expect(reply(ada)).to_contain_text("First you need")
    await expect(reply(ada)).to_contain_text("Stopped.")


async def test_an_answer_is_made_anew_and_both_can_be_paged_through(garden: Garden) -> None:
    ada = await with_nia(garden)
    await ada.says("Name a flower.")
    speech = await garden.model.asked("flower")
    await speech.say("Rose.")
    await speech.end()
    await reply(ada).hover()
    await reply(ada).get_by_role("button", name="Answer again").click()
    speech = await garden.model.asked("flower")
    await speech.say("Tulip.")
    await speech.end()
    await expect(reply(ada)).to_contain_text("2 / 2")
    await expect(reply(ada)).to_contain_text("Tulip.")
    await reply(ada).get_by_role("button", name="Previous attempt").click()
    await expect(reply(ada)).to_contain_text("Rose.")
    await expect(reply(ada)).not_to_contain_text("Tulip.")
    await ada.page.reload()
    await expect(reply(ada)).to_contain_text("2 / 2")
    await expect(reply(ada)).to_have_count(1)


async def test_a_page_that_is_loaded_anew_in_mid_reply_goes_on_with_it(garden: Garden) -> None:
    ada = await with_nia(garden)
    await ada.says("A long story, please.")
    speech = await garden.model.asked("story")
    await speech.say("Once upon a time ")
    await expect(reply(ada)).to_contain_text("Once upon a time")
    await ada.page.reload()
    await expect(reply(ada)).to_contain_text("Once upon a time")
    await speech.say("there was a snail.")
    await speech.end()
    await expect(reply(ada)).to_contain_text("Once upon a time there was a snail.")
    await expect(reply(ada)).to_have_count(1)


async def test_a_reply_that_a_crash_broke_off_is_kept_and_can_be_made_again(garden: Garden) -> None:
    ada = await with_nia(garden)
    await ada.says("And the end of it?")
    speech = await garden.model.asked("end of it")
    await speech.say("The snail ")
    await expect(reply(ada)).to_contain_text("The snail")
    async with asyncio.timeout(10):
        while kept_texts(garden.server) != ["The snail "]:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)
    garden.server.kill()
    garden.server.start()
    await expect(reply(ada)).to_contain_text("Interrupted")
    again = reply(ada).get_by_role("button", name="Answer again")
    await again.click()
    speech = await garden.model.asked("end of it")
    await speech.say("It arrived.")
    await speech.end()
    await expect(reply(ada)).to_contain_text("It arrived.")


def kept_texts(server: Server) -> list[str]:
    """Read what of replies under way is on disk."""
    with closing(connect(server.data / FILE_NAME, read_only=True)) as database:
        return [text for (text,) in database.execute("SELECT text FROM runs WHERE state = 'running'")]


async def test_in_a_group_everybody_sees_it_and_anybody_stops_it(garden: Garden) -> None:
    ada = await garden.person("ada", "/c/greenhouse")
    bob = await garden.person("bob", "/c/greenhouse")
    for somebody in (ada, bob):
        somebody.allow("404 .*/users/")  # whoever is no user may be a persona
    await ada.page.get_by_role("button", name="Ask a persona").click()
    await (
        ada.page.get_by_role("menuitemradio", name="Nia")
        .or_(ada.page.get_by_role("menuitem", name="Nia"))
        .or_(ada.page.get_by_role("option", name="Nia"))
        .first.click()
    )
    await ada.says("Is it time to sow?")
    speech = await garden.model.asked("sow")
    await speech.say("In April, ")
    for somebody in (ada, bob):
        await expect(reply(somebody)).to_contain_text("In April,")
    await reply(bob).get_by_role("button", name="Stop").click()
    await speech.is_left()
    for somebody in (ada, bob):
        await expect(reply(somebody)).to_contain_text("Stopped.")
