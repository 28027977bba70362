from tests.api.conftest import Office, Open

from gator import __version__

ISSUER = "https://login.example/realms/gator"


def test_open_mode_needs_no_login(office: Office) -> None:
    response = office.client.get("/api/v1/config")
    assert response.status_code == 200
    assert response.json() == {"version": __version__, "auth": "open", "oidc": None}


def test_where_tokens_come_from_elsewhere_there_is_no_login(strict: Office) -> None:
    assert strict.client.get("/api/v1/config").json() == {"version": __version__, "auth": "jwt", "oidc": None}


def test_anybody_learns_where_to_log_in(open_office: Open) -> None:
    office = open_office(
        auth="jwt", oidc_issuer=ISSUER, oidc_client_id="gator", oidc_scope="openid offline_access"
    )
    assert office.client.get("/api/v1/config").json()["oidc"] == {
        "issuer": ISSUER,
        "client_id": "gator",
        "scope": "openid offline_access",
    }


def test_no_secret_is_told(open_office: Open) -> None:
    secret = "a secret of 32 bytes and more, of the server"
    office = open_office(auth="jwt", jwt_secret=secret, oidc_issuer=ISSUER, oidc_client_id="gator")
    assert secret not in office.client.get("/api/v1/config").text


def test_who_asks_too_often_has_to_wait(open_office: Open) -> None:
    office = open_office(limits="on", http_per_s=1, http_burst=2)
    statuses = [office.client.get("/api/v1/config").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
