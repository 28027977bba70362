"""The page beside everything else that the application serves."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.api.conftest import check_problem
from tests.support.house import settings_for

from gator.app import create_app
from gator.settings import SettingsError

INDEX: Final = "<!doctype html><title>Gator Chat</title>"
SCRIPT: Final = "console.log('a script that is worth compressing');" * 20
BROTLI: Final = b"what the build calls brotli"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page as the build leaves it."""
    page = tmp_path_factory.mktemp("dist")
    (page / "assets").mkdir()
    (page / "index.html").write_text(INDEX)
    (page / "favicon.svg").write_text("<svg/>")
    (page / "assets" / "index-4f5a.js").write_text(SCRIPT)
    (page / "assets" / "index-4f5a.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (page / "assets" / "index-4f5a.js.br").write_bytes(BROTLI)
    return page


@pytest.fixture(scope="module")
def application() -> FastAPI:
    """The application, built once."""
    return create_app()


@pytest.fixture(scope="module")
def client(built: Path, application: FastAPI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A browser's requests to a server with a page."""
    application.state.settings = settings_for(tmp_path_factory.mktemp("data"), page=built)
    with TestClient(application) as client:
        client.headers.pop("accept-encoding")
        yield client


def check_page(response: Any) -> None:
    """Check that a response is the page's document."""
    assert (response.status_code, response.text) == (200, INDEX)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/", "/index.html", "/admin", "/personas", "/personas/gator", "/c/tea-club", "/c/a%2Fb/c?as=ada", "/c/a%0Ab"],
)
def test_every_view_is_the_same_document(client: TestClient, path: str) -> None:
    check_page(client.get(path))


def test_a_file_of_the_page_is_sent_from_its_place(client: TestClient) -> None:
    response = client.get("/assets/index-4f5a.js")
    assert (response.status_code, response.text) == (200, SCRIPT)
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("BR;q=0.1, gzip;q=1", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000,gzip;q=0.0", None),
        ("identity", None),
        ("", None),
    ],
)
def test_what_the_build_has_compressed_is_sent_to_who_takes_it(
    client: TestClient, accepted: str, coding: str | None
) -> None:
    with client.stream("GET", "/assets/index-4f5a.js", headers={"accept-encoding": accepted}) as response:
        body = b"".join(response.iter_raw())
    assert response.headers.get("content-encoding") == coding
    assert response.headers["vary"] == "Accept-Encoding"
    if coding == "br":
        assert body == BROTLI
    else:
        assert (gzip.decompress(body) if coding else body) == SCRIPT.encode()


@pytest.mark.parametrize("path", ["/", "/assets/index-4f5a.js"])
def test_who_has_it_already_is_told_so(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    for condition in (tag, f'"other", W/{tag}', "*"):
        again = client.get(path, headers={"if-none-match": condition})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_each_coding_has_a_tag_of_its_own(client: TestClient) -> None:
    tags = {
        client.get("/assets/index-4f5a.js", headers={"accept-encoding": coding}).headers["etag"]
        for coding in ("", "gzip")
    }
    assert len(tags) == 2


@pytest.mark.parametrize("path", ["/", "/assets/index-4f5a.js"])
def test_a_head_is_the_answer_without_its_body(client: TestClient, path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_done_to_a_page_but_read_it(client: TestClient, method: str) -> None:
    response = client.request(method, "/c/tea-club")
    check_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/%2e%2e/%2e%2e/pyproject.toml",
        "/..%2f..%2fetc/passwd",
        "//etc/passwd",
        "/assets/..%5cindex.html",
        "/assets/",
        "/assets",
        "/assets/index-4f5a.js/",
        "/assets/index-4f5a.js%00",
        "/assets/index-4f5a.js.br",
    ],
)
def test_no_address_leads_to_another_file(client: TestClient, path: str) -> None:
    check_problem(client.request("GET", path), 404, "not_found")


@pytest.mark.parametrize("path", ["/nothing", "/c", "/api/v1/nothing", "/ws/ada", "/admin/more"])
def test_where_there_is_no_view_there_is_still_a_problem(client: TestClient, path: str) -> None:
    check_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/api/v1/config"])
def test_everything_else_stays_where_it_was(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.text != INDEX


def test_the_socket_stays_where_it_was(client: TestClient) -> None:
    with client.websocket_connect("/ws/ada") as socket:
        assert socket.receive_json()["type"] == "online_users"


def test_all_requests_for_the_page_are_counted_under_one_name(client: TestClient) -> None:
    client.get("/c/a-secret-name")
    assert 'gator_http_requests_total{method="GET",route="page",status="200"}' in client.get("/metrics").text
    assert "a-secret-name" not in client.get("/metrics").text


def test_a_page_of_tokens_may_talk_to_the_provider(built: Path, tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        page=built,
        auth="jwt",
        oidc_issuer="https://login.example/realms/gator",
        oidc_client_id="gator",
    )
    with TestClient(create_app(settings)) as client:
        policy = client.get("/").headers["content-security-policy"]
    assert " https://login.example;" in policy


# Without a page


@pytest.mark.parametrize("path", ["/", "/c/tea-club", "/admin"])
def test_without_a_page_its_views_say_how_to_make_it(path: str, tmp_path: Path) -> None:
    application = create_app(settings_for(tmp_path))
    with TestClient(application) as client:
        application.state.page.open(None)
        response = client.get(path)
        check_problem(client.get("/assets/index.js"), 404, "not_found")
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "make web" in response.text
    assert "script" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_place_without_a_page_is_no_setting(tmp_path: Path) -> None:
    application = create_app(settings_for(tmp_path, page=tmp_path))
    with pytest.raises(SettingsError, match=r"GATOR_PAGE: there is no index\.html in"), TestClient(application):
        pass
