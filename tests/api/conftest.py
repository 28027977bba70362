"""The HTTP API of a running house, asked in-process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.house import SECRET, settings_for

from gator.app import create_app

FAR: Final = 4_102_444_800
"""A moment that no test reaches, in seconds: the clock of these tests is the real one."""

API: Final = "/api/v1"


class Caller:
    """Somebody who asks, as open mode or a token names them."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self.client = client
        self.headers = headers

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(API + path, headers=self.headers, params=params)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(API + path, headers=self.headers | headers, json=body)

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(API + path, headers=self.headers, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(API + path, headers=self.headers, json=body)

    def delete(self, path: str) -> Any:
        return self.client.delete(API + path, headers=self.headers)

    def creates(self, *members: str, kind: str = "group", title: str | None = None) -> str:
        """Create a conversation, and give its id."""
        body = {"kind": kind, "title": title, "member_ids": members}
        response = self.post("/conversations", body)
        assert response.status_code == 201, response.text
        created: str = response.json()["id"]
        return created

    def says(self, conversation_id: str, *contents: str) -> None:
        for content in contents:
            response = self.post(f"/conversations/{conversation_id}/messages", {"content": content})
            assert response.status_code == 201, response.text


class Office:
    """A running application, and those who ask it."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    @property
    def alice(self) -> Caller:
        return self.named("alice")

    @property
    def bob(self) -> Caller:
        return self.named("bob")

    @property
    def zoe(self) -> Caller:
        """Somebody who shares nothing with the others."""
        return self.named("zoe")

    def named(self, user: str) -> Caller:
        return Caller(self.client, {"X-Gator-User": user})

    def holding(self, user: str, **claims: Any) -> Caller:
        token = jwt.encode({"sub": user, "exp": FAR} | claims, SECRET, "HS256")
        return Caller(self.client, {"Authorization": f"Bearer {token}"})


Open = Callable[..., Office]


@pytest.fixture(scope="session")
def application() -> FastAPI:
    """The application, built once: what it serves is opened anew for every test."""
    return create_app()


@contextmanager
def opened(application: FastAPI, data: Path, **given: Any) -> Iterator[Office]:
    """Run the application over a directory."""
    application.state.settings = settings_for(data, **given)
    with TestClient(application, raise_server_exceptions=False) as client:
        yield Office(client)


@pytest.fixture
def open_office(application: FastAPI, tmp_path: Path) -> Iterator[Open]:
    """Run the application with settings of one's own."""
    with ExitStack() as offices:
        yield lambda **given: offices.enter_context(opened(application, tmp_path, **given))


@pytest.fixture
def office(open_office: Open) -> Office:
    """The application in open mode."""
    return open_office()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One application in open mode for all rows of the tables that do not touch one another."""
    with opened(create_app(), tmp_path_factory.mktemp("shared")) as office:
        yield office


@pytest.fixture
def strict(open_office: Open) -> Office:
    """The application where tokens prove who one is."""
    return open_office(auth="jwt", jwt_secret=SECRET)


def check_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that a response is a problem as RFC 9457 has it, and give it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:gator:error:{code}"
    assert problem["title"]
    assert problem["detail"]
    return problem
