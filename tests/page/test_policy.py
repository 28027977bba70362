import pytest

from gator.page.policy import origin_of, security_headers


def policy(host: str | None = "chat.example", connects_to: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Read the Content-Security-Policy as a browser does."""
    text = security_headers(host, connects_to)["Content-Security-Policy"]
    directives = [directive.split() for directive in text.split(";")]
    return {name: sources for name, *sources in directives}


def test_what_is_not_allowed_is_forbidden() -> None:
    assert policy()["default-src"] == ["'none'"]


@pytest.mark.parametrize("directive", ["script-src", "style-src", "font-src", "manifest-src", "form-action"])
def test_code_style_and_forms_are_the_servers_own(directive: str) -> None:
    assert policy()[directive] == ["'self'"]


def test_nothing_inline_and_nothing_evaluated_is_run() -> None:
    assert "unsafe" not in security_headers("chat.example")["Content-Security-Policy"]


def test_no_text_becomes_html_or_script() -> None:
    assert policy()["require-trusted-types-for"] == ["'script'"]
    assert policy()["trusted-types"] == ["'none'"]


@pytest.mark.parametrize("directive", ["frame-ancestors", "base-uri"])
def test_nobody_frames_the_page_or_moves_its_addresses(directive: str) -> None:
    assert policy()[directive] == ["'none'"]


def test_pictures_are_the_servers_own_or_made_by_the_page() -> None:
    assert policy()["img-src"] == ["'self'", "data:", "blob:"]


@pytest.mark.parametrize("host", ["chat.example", "127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_the_page_talks_to_its_own_host_by_http_and_by_socket(host: str) -> None:
    assert policy(host)["connect-src"] == ["'self'", f"ws://{host}", f"wss://{host}"]


def test_the_page_talks_to_the_provider_where_people_log_in() -> None:
    assert policy(None, ("https://login.example",))["connect-src"] == ["'self'", "https://login.example"]


@pytest.mark.parametrize("host", ["a; script-src *", "a b", "a,b", "a'b", "", "*", "a:b", "user@host", "a:123456"])
def test_a_host_that_is_none_adds_nothing(host: str) -> None:
    assert policy(host)["connect-src"] == ["'self'"]
    assert policy(host)["script-src"] == ["'self'"]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ],
)
def test_the_page_keeps_to_itself(header: str, value: str) -> None:
    assert security_headers("chat.example")[header] == value


def test_an_origin_is_what_comes_before_the_path() -> None:
    assert origin_of("https://login.example:8443/realms/gator") == "https://login.example:8443"
