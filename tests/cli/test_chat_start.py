import pytest

from gator.cli.chat.start import own_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "ws://127.0.0.1:8000"),
        ("0.0.0.0", "ws://127.0.0.1:8000"),
        ("::", "ws://[::1]:8000"),
        ("::1", "ws://[::1]:8000"),
        ("localhost", "ws://localhost:8000"),
    ],
)
def test_the_own_server_is_found_where_it_listens(host: str, url: str) -> None:
    assert own_url(host, 8000) == url
