"""The page in a real browser, against a real server process.

All tests here share one event loop, since a browser that is started on one cannot be used
from another.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect
from tests.browser import chromium
from tests.browser.people import Person, empty_page
from tests.support import npm
from tests.support.server import Server, lasting_port

from gator.page.files import find_page

HERE = Path(__file__).parent
TIMEOUT_MS = 45_000

NO_PAGE = f"The page is not built: run `make web`. {npm.OTHERWISE}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests of this folder share the loop of the browser."""
    for item in items:
        if item.path.is_relative_to(HERE) and iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def program() -> Path:
    """The browser's program."""
    if not chromium.is_wanted():
        pytest.skip("BROWSER=0")
    found = chromium.find()
    if found is None:
        pytest.fail(chromium.HELP)
    return found


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def playwright(program: Path) -> AsyncIterator[Playwright]:
    """What drives the browser."""
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        yield playwright


Launch = Callable[..., Awaitable[Browser]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def launch(program: Path, playwright: Playwright) -> AsyncIterator[Launch]:
    """Start browsers with flags of a test's own; all are ended with the session."""
    async with AsyncExitStack() as browsers:

        async def start(*flags: str) -> Browser:
            browser = await playwright.chromium.launch(
                executable_path=program, args=[*chromium.flags(), *flags], timeout=60_000
            )
            browsers.push_async_callback(browser.close)
            return browser

        yield start


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(launch: Launch) -> Browser:
    """A browser for all tests; each person has a context of their own in it."""
    return await launch()


@pytest.fixture(scope="session")
def with_node() -> None:
    """Node.js, for what is built or run by it."""
    npm.need_node()


@pytest.fixture(scope="session")
def built_page(with_node: None) -> Path:
    """The page as `make web` builds it."""
    found = find_page()
    if found is None:
        pytest.fail(NO_PAGE)
    return found


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory, built_page: Path) -> Iterator[Server]:
    """A server in open mode for all tests of a file; ask for `server`, which runs."""
    with Server(tmp_path_factory.mktemp("server"), port=lasting_port(), limits="off", page=built_page) as server:
        yield server


@pytest.fixture
def server(module_server: Server) -> Server:
    """A server that runs; a test may kill it (`kill`) and start it on the same data and port (`start`)."""
    if not module_server.runs:
        module_server.start()
    return module_server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers with settings of a test's own; all are ended with the test."""
    with ExitStack() as servers:

        def start(**settings: Any) -> Server:
            home = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            home.mkdir()
            return servers.enter_context(Server(home, **settings))

        yield start


Enter = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture(loop_scope="session")
async def person(browser: Browser, server: Server) -> AsyncIterator[Enter]:
    """Have somebody open the page: `await person("ada", "tea-club")`.

    Options are those of a context, such as `color_scheme="dark"`. Whatever went wrong in a
    window fails the test.
    """
    people: list[Person] = []

    async def enter(name: str, conversation_id: str | None = None, **options: Any) -> Person:
        somebody = Person(await empty_page(browser, **options), name, server.url)
        people.append(somebody)
        await somebody.enter(conversation_id)
        return somebody

    yield enter
    problems = {somebody.name: somebody.problems for somebody in people if somebody.problems}
    for somebody in people:
        await somebody.close()
    assert problems == {}
