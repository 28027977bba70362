"""Whatever somebody sends: on the page it is text, and the page stays what it was."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.browser.people import Person, empty_page
from tests.support.client import Client
from tests.support.server import Server

CORPUS: list[str] = [
    *json.loads((Path(__file__).parents[2] / "web/tests/hostile.json").read_text(encoding="utf-8")),
    "😀" * 5000,
    "👨‍👩‍👧‍👦" * 700,
    "‮txt.exe‬ and ‏‏‏",
    "Z" + "̴̡͖ͪ̂" * 500,
    "x" * 4000,
    "[" * 900,
    "> " * 400 + "deep",
    "\n" * 500 + "far down",
]

FOREIGN = """() => {
  const forbidden = [
    'script', 'style', 'iframe', 'form', 'base', 'meta', 'link', 'object', 'embed', 'video', 'audio',
  ]
  const log = document.querySelector('[role=log]')
  const wrong = []
  for (const element of log.querySelectorAll('*')) {
    const name = element.localName
    if (forbidden.includes(name)) wrong.push(`<${name}>`)
    if (name === 'img') wrong.push(`<img src=${element.src}>`)
    for (const { name: attribute, value } of element.attributes) {
      if (attribute.startsWith('on')) wrong.push(`${name} ${attribute}`)
      if (attribute === 'href' && !/^(https?:|mailto:)/.test(value)) wrong.push(`${name} href=${value}`)
      if (attribute === 'style' && /position|inset|background/.test(value)) wrong.push(`${name} style=${value}`)
    }
    if (name === 'a' && !/noopener/.test(element.rel)) wrong.push(`a rel=${element.rel}`)
  }
  return { wrong, ran: window.__ran ?? null, rows: log.querySelectorAll('article').length }
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def ada(browser: Browser, server: Server) -> AsyncIterator[Person]:
    ada = Person(await empty_page(browser, viewport={"width": 900, "height": 900}), "ada", server.url)
    yield ada
    await ada.close()
    assert ada.problems == []


async def test_a_hostile_message_is_text_and_nothing_else(ada: Person, server: Server) -> None:
    async with await Client.open(server.as_user("mallory")) as mallory:
        await mallory.ask("join_conversation", conversation_id="dark-corner")
        for text in CORPUS:
            answer = await mallory.ask("send_message", conversation_id="dark-corner", content=text)
            # What is no text at all, such as half of an emoji, is refused.
            assert answer["type"] == "ack" or answer["code"] == "message_not_text", text[:50]
        await mallory.ask("send_message", conversation_id="dark-corner", content="the end")
    await ada.enter("dark-corner")
    await ada.reads_down_to("the end")
    seen, still = 0, 0
    while still < 3:
        found: dict[str, Any] = await ada.page.evaluate(FOREIGN)
        assert (found["wrong"], found["ran"]) == ([], None)
        seen = max(seen, found["rows"])
        top = await ada.messages.evaluate("log => { log.scrollBy(0, -700); return log.scrollTop }")
        still = still + 1 if top == 0 else 0
    assert seen > 1
    assert await ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
    await expect(ada.box).to_be_editable()
    await ada.says("Still here.")
    await ada.sees("Still here.")


async def test_a_link_that_is_not_what_it_says_shows_where_it_leads(ada: Person, server: Server) -> None:
    async with await Client.open(server.as_user("mallory")) as mallory:
        await mallory.ask("join_conversation", conversation_id="bank")
        content = "[https://bank.example/login](https://evil.example/login)"
        await mallory.ask("send_message", conversation_id="bank", content=content)
    await ada.enter("bank")
    link = ada.messages.get_by_role("link")
    await expect(link).to_have_attribute("href", "https://evil.example/login")
    shown = f"{await link.text_content()} {await link.get_attribute('title') or ''}"
    assert "evil.example" in shown


async def test_hostile_names_are_names(ada: Person, server: Server) -> None:
    name = "<img src=x onerror=window.__ran=1>‮"
    async with await Client.open(server.as_user(name)) as mallory:
        await mallory.ask("join_conversation", conversation_id="names")
        await mallory.ask("send_message", conversation_id="names", content="hello")
    await ada.enter("names")
    await ada.sees("hello")
    await expect(ada.messages.get_by_text(name).first).to_be_visible()
    assert await ada.page.evaluate("window.__ran ?? null") is None
