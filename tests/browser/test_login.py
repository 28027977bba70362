"""Logging in with an OpenID provider, from the first click to a message, with real keys."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
import jwt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.browser import provider
from tests.browser.people import Person, empty_page
from tests.support.client import Client, Gone
from tests.support.server import Server, lasting_port

SCOPE: Final = "openid profile offline_access"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the server will be, which the provider has to know first."""
    return lasting_port()


@pytest.fixture(scope="module")
def issuer(port: int, with_node: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """A provider that runs."""
    cache = request.config.cache.mkdir("oidc")
    with provider.running(cache, f"http://127.0.0.1:{port}/") as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(port: int, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where one logs in at the provider, and that shares no secret with anybody."""
    settings = {"oidc_issuer": issuer, "oidc_client_id": provider.CLIENT_ID, "oidc_scope": SCOPE}
    home = tmp_path_factory.mktemp("login")
    with Server(home, port=port, auth="jwt", jwt_secret="", limits="off", **settings) as server:
        yield server


# By hand, as the page does it


def log_in(issuer: str, server: Server, user: str) -> dict[str, Any]:
    """Log in with code and PKCE (RFC 7636), and give the tokens."""
    verifier = "a verifier of the tests, which is at least 43 characters long".replace(" ", "-").replace(",", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    redirect_uri = f"{server.url}/"
    with httpx2.Client(trust_env=False, follow_redirects=False) as web:
        metadata = web.get(f"{issuer}/.well-known/openid-configuration").json()
        asked = {
            "client_id": provider.CLIENT_ID,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": "a-state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        form = urljoin(
            issuer, web.get(f"{metadata['authorization_endpoint']}?{urlencode(asked)}").headers["location"]
        )
        assert "<form" in web.get(form).text
        answer = web.post(form, data={"user": user})
        while not (location := answer.headers["location"]).startswith(redirect_uri):
            answer = web.get(urljoin(issuer, location))
        returned = parse_qs(urlsplit(location).query)
        assert returned["state"] == ["a-state"]
        answer = web.post(
            metadata["token_endpoint"],
            data={
                "client_id": provider.CLIENT_ID,
                "grant_type": "authorization_code",
                "code": returned["code"][0],
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
            },
        )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def test_whom_the_provider_names_may_come_in(server: Server, issuer: str) -> None:
    token = log_in(issuer, server, "ada")["id_token"]
    async with await Client.open(server.with_token(token)) as ada:
        assert "ada" in (await ada.until("online_users"))["users"]
    answer = httpx2.get(
        f"{server.url}/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    assert (answer.json()["id"], answer.json()["name"]) == ("ada", "Ada")


@pytest.mark.parametrize(("user", "status"), [("admin", 200), ("ada", 403)])
def test_who_is_an_administrator_is_the_providers_word(
    server: Server, issuer: str, user: str, status: int
) -> None:
    token = log_in(issuer, server, user)["id_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{server.url}/api/v1/admin/status", headers=headers, trust_env=False).status_code == status


async def test_a_token_that_somebody_else_signed_is_refused(server: Server, issuer: str) -> None:
    claims = jwt.decode(log_in(issuer, server, "ada")["id_token"], options={"verify_signature": False})
    forged = jwt.encode(claims, "a secret of somebody else, of 32 bytes", "HS256")
    with pytest.raises(Gone):
        async with await Client.open(server.with_token(forged)) as stranger:
            await stranger.until("online_users")


# On the page

Visit = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, server: Server, issuer: str, built_page: Path) -> AsyncIterator[Visit]:
    """Have somebody open the page before they have logged in. What goes wrong in it fails the test."""
    people: list[Person] = []

    async def come(name: str, path: str = "/") -> Person:
        somebody = Person(await empty_page(browser), name, server.url)
        somebody.hosts.add(issuer)
        people.append(somebody)
        await somebody.page.goto(server.url + path)
        return somebody

    yield come
    problems = {somebody.name: somebody.problems for somebody in people if somebody.problems}
    for somebody in people:
        await somebody.close()
    assert problems == {}


async def logs_in(somebody: Person) -> None:
    """Go from the page to the provider, and come back."""
    await somebody.page.get_by_role("button", name=re.compile("log in", re.IGNORECASE)).click()
    await somebody.page.get_by_label("User").fill(somebody.name)
    await somebody.page.get_by_role("button", name="Log in").click()
    await somebody.page.wait_for_url(f"{somebody.url}/**")


async def test_somebody_logs_in_and_is_in(visit: Visit) -> None:
    ada = await visit("ada")
    await logs_in(ada)
    await expect(ada.page.get_by_role("button", name=re.compile("log in", re.IGNORECASE))).to_have_count(0)
    await expect(ada.page.get_by_text("Ada", exact=True).first).to_be_visible()
    assert "code=" not in ada.page.url, "the address holds nothing of the login"
    await ada.page.reload()
    await expect(ada.page.get_by_text("Ada", exact=True).first).to_be_visible()


async def test_who_comes_by_the_address_of_a_conversation_is_in_it_afterwards(
    visit: Visit, server: Server, issuer: str
) -> None:
    headers = {"Authorization": f"Bearer {log_in(issuer, server, 'ada')['id_token']}"}
    created = httpx2.post(
        f"{server.url}/api/v1/conversations",
        headers=headers,
        json={"kind": "group", "title": "Tea club"},
        trust_env=False,
    )
    ada = await visit("ada", f"/c/{created.json()['id']}")
    await logs_in(ada)
    await ada.says("Is there any tea?")
    await ada.sees("Is there any tea?")


async def test_an_administrator_sees_the_status(visit: Visit) -> None:
    admin = await visit("admin", "/admin")
    await logs_in(admin)
    await expect(admin.page.get_by_role("heading", name="Server status")).to_be_visible()


async def test_others_do_not(visit: Visit) -> None:
    ada = await visit("ada", "/admin")
    ada.allow("status of 403")
    await logs_in(ada)
    await expect(ada.page.get_by_text("This page is for operators")).to_be_visible()
