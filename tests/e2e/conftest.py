"""What the tests over real sockets share.

Every test that starts a server runs against both gateways, unless it or its file is marked
`native_only` with a reason.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.support.client import Client
from tests.support.server import Server, token

GATEWAYS = ("native", "asgi")


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark."""
    config.addinivalue_line("markers", "native_only(reason): run only against the native gateway, and why.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let tests run once for each gateway."""
    if "gateway" in metafunc.fixturenames:
        native_only = metafunc.definition.get_closest_marker("native_only")
        gateways = GATEWAYS[:1] if native_only else GATEWAYS
        metafunc.parametrize("gateway", gateways, scope="module")


class Servers:
    """Starts servers; all are ended when the test is over."""

    def __init__(self, stack: ExitStack, home: Path, gateway: str) -> None:
        self._stack = stack
        self._home = home
        self._gateway = gateway
        self._count = 0

    def __call__(self, **settings: Any) -> Server:
        self._count += 1
        home = self._home / f"server-{self._count}"
        home.mkdir()
        return self._stack.enter_context(Server(home, **{"gateway": self._gateway} | settings))


@pytest.fixture
def start(tmp_path: Path, gateway: str) -> Iterator[Servers]:
    """Start servers with settings of a test's own."""
    with ExitStack() as stack:
        yield Servers(stack, tmp_path, gateway)


@pytest.fixture(scope="module")
def jwt_server(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Server]:
    """A server that wants tokens and sets no limits, for all tests of a file."""
    settings = {"gateway": gateway, "auth": "jwt", "limits": "off", "presence_grace_s": 0}
    with Server(tmp_path_factory.mktemp("jwt"), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory, gateway: str) -> Iterator[Server]:
    """A server in open mode without limits, for all tests of a file."""
    with Server(tmp_path_factory.mktemp("open"), gateway=gateway, limits="off") as server:
        yield server


class People:
    """Connections and HTTP clients of users, closed when the test is over."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack
        self._https: dict[str | None, httpx2.AsyncClient] = {}

    async def socket(self, user: str, **options: Any) -> Client:
        """Connect somebody, and hear the greeting."""
        jwt = self.server.settings.get("auth") == "jwt"
        url = self.server.with_token(token(user)) if jwt else self.server.as_user(user)
        client = await self._stack.enter_async_context(await Client.open(url, **options))
        if options.get("reading", True):
            await client.until("online_users")
        return client

    async def http(self, user: str | None) -> httpx2.AsyncClient:
        """Get an HTTP client of somebody; of nobody for None."""
        if user not in self._https:
            self._https[user] = await self._stack.enter_async_context(self._http(user))
        return self._https[user]

    def _http(self, user: str | None) -> httpx2.AsyncClient:
        headers = {} if user is None else {"X-Gator-User": user}
        if user is not None and self.server.settings.get("auth") == "jwt":
            headers = {"Authorization": f"Bearer {token(user)}"}
        # No TLS here, and reading the certificates would be most of a test's time.
        return httpx2.AsyncClient(
            base_url=f"{self.server.url}/api/v1", headers=headers, trust_env=False, verify=False, timeout=20
        )


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Closes what a test opens."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def people(jwt_server: Server, stack: AsyncExitStack) -> People:
    """Users of `jwt_server`."""
    return People(jwt_server, stack)


@pytest.fixture
def open_people(open_server: Server, stack: AsyncExitStack) -> People:
    """Users of `open_server`."""
    return People(open_server, stack)
