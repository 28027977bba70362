"""Two people, and everything that happens to a browser: nothing is missed, and nothing is seen twice."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.browser.cable import Cable
from tests.browser.people import Person, empty_page
from tests.support.server import Server, lasting_port

TALL = {"width": 900, "height": 4000}
"""A window in which every message of these tests is drawn at once."""

EIGHT_HOURS_MS = 8 * 60 * 60 * 1000


@pytest.fixture
def server(start_server: Callable[..., Server], built_page: object) -> Server:
    """A server whose signs of life come often, so that silence is noticed soon."""
    return start_server(port=lasting_port(), limits="off", heartbeat_s=1, page=built_page)


@pytest_asyncio.fixture(loop_scope="session")
async def cable(server: Server) -> AsyncIterator[Cable]:
    """Ada's way to the server."""
    async with Cable(server) as cable:
        yield cable


class Two:
    """Ada, behind a cable, and Bob, who has a good connection."""

    def __init__(self, ada: Person, bob: Person) -> None:
        self.ada = ada
        self.bob = bob
        self._said: list[str] = []

    async def say(self, person: Person, *texts: str) -> None:
        """Have somebody say things."""
        for text in texts:
            self._said.append(text)
            await person.says(text)

    async def both_have_seen_all(self) -> None:
        """Wait until both see all that was said, once, and in the same order."""
        for person in (self.ada, self.bob):
            await expect(person.messages.get_by_role("article")).to_have_count(len(self._said))
            await person.sees(*self._said)
            await expect(person.messages.get_by_text("Waiting to be sent")).to_have_count(0)
        await expect_the_same_order(self.ada, self.bob)


async def expect_the_same_order(one: Person, other: Person) -> None:
    assert await transcript(one) == await transcript(other)


async def transcript(person: Person) -> list[str]:
    """Read the messages from top to bottom."""
    texts: list[str] = await person.messages.get_by_role("article").evaluate_all(
        """articles => articles
          .map(article => [article.getBoundingClientRect().top, article.querySelector('.bubble p').textContent])
          .sort((a, b) => a[0] - b[0])
          .map(([, text]) => text)"""
    )
    return texts


@pytest_asyncio.fixture(loop_scope="session")
async def two(browser: Browser, server: Server, cable: Cable) -> AsyncIterator[Two]:
    ada = Person(await empty_page(browser, viewport=TALL), "ada", cable.url)
    bob = Person(await empty_page(browser, viewport=TALL), "bob", server.url)
    for person in (ada, bob):
        await person.enter("tea-club")
    yield Two(ada, bob)
    for person in (ada, bob):
        await person.close()
        assert person.problems == []


async def test_the_server_is_killed_again_and_again_while_both_write(two: Two, server: Server) -> None:
    await two.say(two.ada, "first")
    await two.bob.sees("first")
    for night in range(3):
        await two.say(two.ada, f"a{night} before")
        server.kill()
        await asyncio.gather(
            two.say(two.ada, f"a{night} meanwhile", f"a{night} still"), two.say(two.bob, f"b{night} meanwhile")
        )
        server.start()
        await two.say(two.bob, f"b{night} after")
    await two.both_have_seen_all()


async def test_the_network_is_cut_and_what_is_written_meanwhile_arrives(two: Two, cable: Cable) -> None:
    await two.say(two.ada, "before")
    await two.bob.sees("before")
    cable.cut()
    await two.say(two.ada, "into the void", "and again")
    await two.say(two.bob, "are you there?")
    await expect(two.ada.page.get_by_text("2 messages wait and will be sent.")).to_be_visible()
    await expect(two.ada.messages.get_by_text("are you there?")).to_have_count(0)
    cable.mend()
    await two.both_have_seen_all()
    await expect(two.ada.page.get_by_text("You are offline.")).to_have_count(0)


async def test_a_connection_that_is_dead_and_looks_alive_is_noticed(two: Two, cable: Cable) -> None:
    await two.say(two.bob, "before")
    await two.ada.sees("before")
    cable.go_silent()
    await two.say(two.bob, "after")
    await two.say(two.ada, "from the other side")
    await two.both_have_seen_all()


async def test_a_tab_that_was_frozen_catches_up(two: Two, server: Server) -> None:
    await two.say(two.bob, "before")
    await two.ada.sees("before")
    await two.ada.freeze()
    await two.say(two.bob, "one", "two")
    server.kill()
    server.start()
    await two.say(two.bob, "three")
    await two.bob.sees("three")
    await two.ada.thaw()
    await two.both_have_seen_all()


async def test_a_laptop_that_slept_for_a_night_wakes_up_to_all_of_it(
    browser: Browser, server: Server, cable: Cable
) -> None:
    page = await empty_page(browser, viewport=TALL)
    await page.clock.install()
    ada = Person(page, "ada", cable.url)
    bob = Person(await empty_page(browser, viewport=TALL), "bob", server.url)
    for person in (ada, bob):
        await person.enter("tea-club")
    two = Two(ada, bob)
    await two.say(bob, "good night")
    await ada.sees("good night")
    cable.go_silent()
    await two.say(bob, "a dream", "another dream")
    await page.clock.fast_forward(EIGHT_HOURS_MS)
    await two.say(bob, "good morning")
    await two.both_have_seen_all()
    for person in (ada, bob):
        await person.close()
        assert person.problems == []


async def test_who_closes_the_page_with_messages_waiting_finds_them_sent_on_return(two: Two, cable: Cable) -> None:
    await two.say(two.ada, "before")
    await two.bob.sees("before")
    cable.cut()
    await two.say(two.ada, "one", "two", "three")
    await expect(two.ada.page.get_by_text("3 messages wait and will be sent.")).to_be_visible()
    await two.ada.page.goto("about:blank")
    cable.mend()
    await two.ada.enter("tea-club")
    await two.both_have_seen_all()


async def test_two_tabs_of_one_person_send_what_waits_once(two: Two, cable: Cable) -> None:
    tab = Person(await two.ada.context.new_page(), "ada", cable.url)
    await tab.enter("tea-club")
    cable.cut()
    await two.say(two.ada, "from one tab")
    await two.say(tab, "from the other")
    cable.mend()
    await two.both_have_seen_all()
    await tab.sees("from one tab", "from the other")
    assert tab.problems == []


async def test_who_types_is_seen_and_then_no_more(two: Two) -> None:
    sign = two.ada.page.get_by_text("bob is typing …")
    async with asyncio.timeout(15):
        while not await sign.count():  # whoever is told of it has to have joined
            await two.bob.box.press_sequentially("m", delay=50)
    await two.say(two.bob, "Hm, yes.")
    await expect(sign).to_have_count(0)


async def test_what_was_read_in_one_window_is_read_in_the_other(two: Two, server: Server) -> None:
    phone = Person(await two.ada.context.new_page(), "ada", server.url)
    await phone.enter("elsewhere")
    await two.say(two.bob, "news")
    await two.ada.sees("news")
    row = phone.page.get_by_role("navigation", name="Conversations").get_by_role("link", name="tea-club")
    await expect(row).not_to_contain_text("unread")
    await two.ada.page.goto("about:blank")
    await two.bob.says("more news")
    await expect(row).to_contain_text("1 unread message")
    assert phone.problems == []
