"""Which gateway the application has, by the setting and by what the server offers."""

from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient
from tests.support.house import settings_for

from gator.app import create_app
from gator.settings import SettingsError
from gator.storage.sqlite import FILE_NAME


@pytest.fixture(autouse=True)
def library_s_log() -> None:
    """Log as where nobody has configured it, which `gator serve` does."""
    structlog.reset_defaults()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List what was logged for people to see."""
    return [record.getMessage() for record in caplog.records if record.name == "gator"]


def test_auto_is_the_portable_gateway_with_one_warning_where_there_is_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with TestClient(create_app(settings_for(tmp_path, gateway="auto"))) as client:
        for user in ("ann", "bob"):
            with client.websocket_connect(f"/ws/{user}") as socket:
                assert socket.receive_json()["user_id"] == user
    [warning] = warnings(caplog)
    assert "portable_gateway" in warning
    assert "run `gator serve`, or say GATOR_GATEWAY=asgi" in warning


@pytest.mark.parametrize(
    ("gateway", "offers_native"), [("asgi", False), ("asgi", True), ("native", True), ("auto", True)]
)
def test_who_gets_what_was_asked_for_is_not_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, gateway: str, offers_native: bool
) -> None:
    with TestClient(create_app(settings_for(tmp_path, gateway=gateway), offers_native=offers_native)):
        pass
    assert warnings(caplog) == []


def test_native_where_it_is_not_offered_is_an_error_at_the_start(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path, gateway="native"))
    with pytest.raises(SettingsError, match="GATOR_GATEWAY=native needs `gator serve`"), TestClient(app):
        pass
    assert not (tmp_path / FILE_NAME).exists()


def test_a_test_client_that_runs_no_lifespan_is_not_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(create_app(settings_for(tmp_path, gateway="auto")))
    with client.websocket_connect("/ws/ann") as socket:
        assert socket.receive_json()["user_id"] == "ann"
    assert warnings(caplog) == []
