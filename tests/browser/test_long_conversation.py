"""Ten thousand messages: few are in the document, and whoever reads back keeps their place."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, expect
from tests.browser.people import PATIENCE_S, Person, empty_page
from tests.support.client import Client
from tests.support.server import Server

MESSAGES = 10_000
AT_ONCE = 500

STEP_PX = 300
FRAMES = 12

FOLLOW_ONE_UP = """async (log, [step, frames]) => {
  // Where a frame has painted something. Between two frames rows may be laid out that are not placed yet.
  const painted = element => new Promise(done => {
    new IntersectionObserver(([seen], observer) => {
      observer.disconnect()
      done(seen.boundingClientRect.top)
    }).observe(element)
  })
  const top = log.getBoundingClientRect().top
  const article = [...log.querySelectorAll('article')]
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    .find(each => each.getBoundingClientRect().top >= top)
  const tops = [await painted(article)]
  log.scrollBy(0, -step)
  for (let frame = 0; frame < frames; frame++) tops.push(await painted(article))
  return tops
}"""
"""Scrolls up, and tells where the uppermost whole message stood before and stands in the frames after."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def long_one(module_server: Server) -> str:
    """A conversation of ten thousand messages; every seventh has several lines."""
    conversation = "long-one"
    async with await Client.open(module_server.as_user("bob")) as bob:
        await bob.ask("join_conversation", conversation_id=conversation)
        await bob.ask("leave_conversation", conversation_id=conversation)
        for first in range(1, MESSAGES + 1, AT_ONCE):
            await asyncio.gather(
                *(
                    bob.say("send_message", conversation_id=conversation, content=text_of(number))
                    for number in range(first, first + AT_ONCE)
                )
            )
            await bob.settle()
    return conversation


def text_of(number: int) -> str:
    return f"message {number}" + "\n\nand more of it" * (3 if number % 7 == 0 else 0)


@pytest_asyncio.fixture(loop_scope="session")
async def ada(browser: Browser, server: Server, long_one: str) -> AsyncIterator[Person]:
    ada = Person(await empty_page(browser, viewport={"width": 900, "height": 800}), "ada", server.url)
    await ada.enter(long_one)
    await expect(said(ada, MESSAGES)).to_be_visible()
    yield ada
    await ada.close()
    assert ada.problems == []


def said(ada: Person, number: int) -> Locator:
    return ada.messages.get_by_text(f"message {number}", exact=True)


async def drawn(ada: Person) -> int:
    return await ada.messages.get_by_role("article").count()


async def test_only_what_is_near_the_window_is_drawn(ada: Person) -> None:
    assert await drawn(ada) < 100
    for _ in range(20):
        await ada.messages.evaluate("log => log.scrollBy(0, -2000)")
        await ada.draws()
        assert await drawn(ada) < 100
    numbers = await shown_numbers(ada)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "none is left out, none is there twice"


async def shown_numbers(ada: Person) -> list[int]:
    """Read which messages are drawn, from top to bottom."""
    numbers: list[int] = await ada.messages.get_by_role("article").evaluate_all(
        """articles => articles
          .map(article => [article.getBoundingClientRect().top, article.querySelector('.bubble p').textContent])
          .sort((a, b) => a[0] - b[0])
          .map(([, text]) => Number(text.replace('message ', '')))"""
    )
    return numbers


async def has_above(ada: Person, size_px: int) -> None:
    """Wait until one can scroll so far up: at the top, older messages have to come in first."""
    async with asyncio.timeout(PATIENCE_S):
        while await ada.messages.evaluate("log => log.scrollTop") < size_px:
            await ada.draws()


async def test_what_one_reads_stays_where_it_is_when_older_messages_come_in(ada: Person) -> None:
    before = await shown_numbers(ada)
    # Up to where the page has to ask the server for more, by which what is read must not move.
    for _ in range(60):
        await has_above(ada, STEP_PX)
        start, *tops = await ada.messages.evaluate(FOLLOW_ONE_UP, [STEP_PX, FRAMES])
        moved = [top - start for top in tops]
        assert moved == pytest.approx([STEP_PX] * FRAMES, abs=2), "nothing jumps under one's eyes"
    after = await shown_numbers(ada)
    assert before[0] - after[0] > 100, "it has loaded"


async def test_whoever_reads_back_is_told_of_what_is_new_and_not_thrown_down(ada: Person, server: Server) -> None:
    await ada.messages.evaluate("log => log.scrollBy(0, -5000)")
    jump = ada.page.get_by_role("button", name="To the newest")
    await expect(jump).to_be_visible()
    place = await shown_numbers(ada)
    async with await Client.open(server.as_user("bob")) as bob:
        await bob.ask("send_message", conversation_id="long-one", content="are you there?")
    new = ada.page.get_by_role("button", name="1 new message")
    await expect(new).to_be_visible()
    assert (await shown_numbers(ada))[:3] == place[:3]
    await new.click()
    await ada.sees("are you there?")
