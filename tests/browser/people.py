"""People in front of a browser: each in a window of their own, with an eye on whatever goes wrong in it."""

import asyncio
import re
from typing import Any, Final
from urllib.parse import quote, urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from gator.page.policy import origin_of

PATIENCE_S: Final = 15

OUTAGE: Final = re.compile(r"^WebSocket connection to|^Failed to load resource: net::ERR_")
"""What the browser itself says when the network or the server is away, which is no fault of the page."""

REPORT_VIOLATIONS: Final = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`policy violated: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))
"""


class Window:
    """A page in a context of its own: its own storage, its own network.

    Attributes:
        problems: What went wrong in it: errors on the console, exceptions, violations of the
            policy, requests to other hosts. Empty at the end, or the test fails.
        hosts: Origins that it may load from.
    """

    def __init__(self, page: Page, *hosts: str) -> None:
        self.page = page
        self.context: BrowserContext = page.context
        self.hosts = set(hosts)
        self.problems: list[str] = []
        self._allowed: list[re.Pattern[str]] = [OUTAGE]
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._went_wrong(f"exception: {error}"))
        page.on("request", self._asked)

    def allow(self, pattern: str) -> None:
        """Expect problems that match: a test may be about them."""
        self._allowed.append(re.compile(pattern))
        self.problems = [problem for problem in self.problems if not self._is_allowed(problem)]

    async def offline(self) -> None:
        """Cut the network of this window; open sockets stay, as they do for a while in life."""
        await self.context.set_offline(True)

    async def online(self) -> None:
        """Give it back."""
        await self.context.set_offline(False)

    async def freeze(self) -> None:
        """Stop the page as a browser stops a tab in the background: no timer, no message."""
        session = await self.context.new_cdp_session(self.page)
        await session.send("Page.setWebLifecycleState", {"state": "frozen"})

    async def thaw(self) -> None:
        """Let it go on."""
        session = await self.context.new_cdp_session(self.page)
        await session.send("Page.setWebLifecycleState", {"state": "active"})

    async def fonts(self, selector: str) -> set[str]:
        """Name the fonts that an element's text is drawn with, whatever the styles ask for."""
        session = await self.context.new_cdp_session(self.page)
        for domain in ("DOM", "CSS"):
            await session.send(f"{domain}.enable")
        root = (await session.send("DOM.getDocument"))["root"]["nodeId"]
        node = await session.send("DOM.querySelector", {"nodeId": root, "selector": selector})
        drawn = await session.send("CSS.getPlatformFontsForNode", node)
        return {font["familyName"] for font in drawn["fonts"]}

    async def close(self) -> None:
        """Close the window and forget what it kept."""
        await self.context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._went_wrong(f"{message.text} {message.location.get('url', '')}".strip())

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and origin_of(request.url) not in self.hosts:
            self._went_wrong(f"asks another host: {request.url}")

    def _went_wrong(self, problem: str) -> None:
        if not self._is_allowed(problem):
            self.problems.append(problem)

    def _is_allowed(self, problem: str) -> bool:
        return any(pattern.search(problem) for pattern in self._allowed)


async def empty_page(browser: Browser, **options: Any) -> Page:
    """Open an empty page in a context of its own, with these options."""
    context = await browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC"} | options)
    await context.add_init_script(REPORT_VIOLATIONS)
    return await context.new_page()


class Person(Window):
    """Somebody who chats on the page, by what a page for chatting is known to have."""

    def __init__(self, page: Page, name: str, url: str) -> None:
        super().__init__(page, url)
        self.name = name
        self.url = url

    @property
    def messages(self) -> Locator:
        """The list of messages."""
        return self.page.get_by_role("log")

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_role("textbox", name="Message")

    async def enter(self, conversation_id: str | None = None) -> None:
        """Open the page, in a conversation if one is named, and wait until one can write."""
        where = "/" if conversation_id is None else f"/c/{quote(conversation_id, safe='')}"
        await self.page.goto(f"{self.url}{where}?as={quote(self.name, safe='')}")
        if conversation_id is not None:
            await expect(self.box).to_be_editable()

    async def says(self, text: str) -> None:
        """Write a message and send it."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send", exact=True).click()

    async def reads_down_to(self, text: str) -> None:
        """Go to the end of the messages, where this one is; a conversation opens at the first new one."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.messages.get_by_text(text, exact=True).count():
                await self.messages.press("End")
                await self.draws()

    async def draws(self) -> None:
        """Wait until the page has drawn what it has to show."""
        await self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def sees(self, *texts: str) -> None:
        """Wait until each of these messages is in the list, once."""
        for text in texts:
            await expect(self.messages.get_by_text(text, exact=True)).to_have_count(1)
