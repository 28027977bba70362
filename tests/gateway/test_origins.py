import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.gateway.origins import origin_allowed


@pytest.mark.parametrize(
    ("origin", "host", "ok"),
    [
        # A program that is no browser.
        (None, "chat.example", True),
        (None, None, True),
        # The host's own page.
        ("http://chat.example", "chat.example", True),
        ("https://chat.example", "chat.example", True),
        ("http://chat.example:80", "chat.example", True),
        ("http://chat.example:8000", "chat.example:8000", True),
        ("https://chat.example", "chat.example:443", True),
        ("http://CHAT.example", "chat.EXAMPLE", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        # Another page.
        ("http://evil.example", "chat.example", False),
        ("http://chat.example.evil.example", "chat.example", False),
        ("http://chat.example:81", "chat.example", False),
        ("https://chat.example", "chat.example:80", False),
        ("http://chat.example", "chat.example:443", False),
        ("http://user@evil.example", "user", False),
        # Nobody's page.
        ("null", "chat.example", False),
        ("", "chat.example", False),
        ("file://", "chat.example", False),
        ("http://", "chat.example", False),
        ("http://chat.example:99999", "chat.example", False),
        ("http://[::1", "[::1", False),
        ("http://chat.example", None, False),
        ("http://chat.example", "", False),
        ("ftp://chat.example", "chat.example", False),
    ],
)
def test_without_a_list_only_the_host_s_own_page_connects(origin: str | None, host: str | None, ok: bool) -> None:
    assert origin_allowed(origin, host, (), loopback_only=False) is ok


@pytest.mark.parametrize(
    ("origin", "host", "ok"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        # Another port or name of this machine, such as a development server's.
        ("http://localhost:5173", "localhost:8000", True),
        ("http://localhost:5173", "127.0.0.1:8000", True),
        ("https://LOCALHOST", "localhost:8000", True),
        ("http://app.localhost:5173", "localhost:8000", True),
        ("http://localhost:8000", "app.localhost:8000", True),
        ("http://127.8.9.10:1", "localhost:8000", True),
        ("http://[::1]:5173", "127.0.0.1:8000", True),
        # A page from elsewhere, and one that has its own name lead to us.
        ("https://evil.example", "localhost:8000", False),
        ("http://192.168.0.7:5173", "localhost:8000", False),
        ("http://0.0.0.0:5173", "localhost:8000", False),
        ("http://127.0.0.1.evil.example:5173", "localhost:8000", False),
        ("http://evil-localhost:5173", "localhost:8000", False),
        ("http://localhost@evil.example", "localhost:8000", False),
        ("null", "localhost:8000", False),
        ("file://", "localhost:8000", False),
        ("http://localhost:99999", "localhost:8000", False),
        ("http://rebound.example:8000", "rebound.example:8000", False),
        ("http://localhost.evil.example", "localhost.evil.example", False),
        # We under another name, such as a tunnel's: the page is on a machine of its own.
        ("http://localhost:5173", "chat.example", False),
        ("http://localhost:5173", "localhost.evil.example", False),
        ("http://localhost:5173", "", False),
        ("http://localhost:5173", None, False),
        (None, "rebound.example", True),
    ],
)
def test_in_open_mode_on_loopback_only_pages_of_this_machine_connect(
    origin: str | None, host: str | None, ok: bool
) -> None:
    assert origin_allowed(origin, host, (), loopback_only=True) is ok


@pytest.mark.parametrize(
    ("origin", "ok"),
    [
        ("https://app.example", True),
        ("https://APP.example/", True),
        ("https://app.example:8443", True),
        ("https://app.example:443", False),
        ("http://app.example", False),
        ("https://chat.example", False),
        ("null", False),
        (None, True),
    ],
)
@pytest.mark.parametrize("loopback_only", [True, False])
def test_a_list_says_it_all(origin: str | None, ok: bool, loopback_only: bool) -> None:
    allowed = ("https://app.example", "https://App.example:8443/")
    assert origin_allowed(origin, "chat.example", allowed, loopback_only=loopback_only) is ok


@pytest.mark.parametrize("origin", ["https://app.example", "null", "", None])
def test_a_star_allows_every_page(origin: str | None) -> None:
    assert origin_allowed(origin, None, ("*",), loopback_only=True)


@given(st.text(), st.text())
def test_no_header_makes_it_fail(origin: str, host: str) -> None:
    assert origin_allowed(origin, host, (), loopback_only=True) in (True, False)
