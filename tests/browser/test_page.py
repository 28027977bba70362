"""The page as it is served: what every test of it relies on."""

import re

import pytest
from playwright.async_api import Browser, expect
from tests.browser.conftest import Enter
from tests.browser.people import Window, empty_page
from tests.support.server import Server


async def test_two_people_chat(person: Enter) -> None:
    ada, bob = await person("ada", "tea-club"), await person("bob", "tea-club")
    await ada.says("Is there any tea?")
    await bob.sees("Is there any tea?")
    await bob.says("There is.")
    for somebody in (ada, bob):
        await somebody.sees("Is there any tea?", "There is.")


async def test_a_server_that_is_killed_loses_nothing_and_doubles_nothing(person: Enter, server: Server) -> None:
    ada, bob = await person("ada", "garden"), await person("bob", "garden")
    await ada.says("before")
    await bob.sees("before")
    server.kill()
    await ada.says("meanwhile")
    server.start()
    await bob.says("after")
    for somebody in (ada, bob):
        await somebody.sees("before", "meanwhile", "after")


@pytest.mark.parametrize("path", ["/", "/personas", "/admin", "/c/a%20b%2Fc"])
async def test_every_view_opens_by_its_address(person: Enter, path: str) -> None:
    ada = await person("ada")
    await ada.page.goto(f"{ada.url}{path}")
    await expect(ada.page.get_by_role("main")).to_be_visible()


async def test_spaces_and_digits_are_no_emoji(person: Enter) -> None:
    ada = await person("ada", "fonts")
    await ada.says("at 12:30 then")
    await ada.sees("at 12:30 then")
    assert [font for font in await ada.fonts("[role=log] time") if "emoji" in font.lower()] == []
    assert [font for font in await ada.fonts("[role=log]") if "emoji" in font.lower()] == []


async def test_what_the_policy_forbids_is_noticed_by_these_tests(browser: Browser, server: Server) -> None:
    window = Window(await empty_page(browser), server.url)
    await window.page.goto(server.url)
    async with window.page.expect_event("console", lambda message: "policy violated: img-src" in message.text):
        await window.page.evaluate(
            "document.body.append(Object.assign(new Image(), { src: 'http://elsewhere.example/x.png' }))"
        )
    assert any("img-src" in problem for problem in window.problems)
    await window.close()


async def test_no_text_can_be_made_into_elements(browser: Browser, server: Server) -> None:
    window = Window(await empty_page(browser), server.url)
    window.allow("TrustedHTML|trusted-types|require-trusted-types-for")
    await window.page.goto(server.url)
    failure = await window.page.evaluate(
        "() => { try { document.body.innerHTML = '<img>' } catch (error) { return error.name } return 'none' }"
    )
    assert failure == "TypeError"
    await window.close()


async def test_the_documentation_needs_no_other_host_and_no_script(browser: Browser, server: Server) -> None:
    window = Window(await empty_page(browser, java_script_enabled=False), server.url)
    await window.page.goto(f"{server.url}/docs")
    await expect(window.page.get_by_role("heading", name=re.compile("HTTP routes"))).to_be_visible()
    assert window.problems == []
    await window.close()
