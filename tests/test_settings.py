from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gator.settings import Settings, SettingsError, describe, is_issuer, is_loopback, load

SECRET = "a secret of the tests, long enough for HS256"


def problems(environ: dict[str, str] | None = None, **given: Any) -> tuple[str, ...]:
    """Load what cannot be used, and give the problems."""
    with pytest.raises(SettingsError) as error:
        load(environ or {}, dotenv=None, **given)
    assert str(error.value) == "\n".join(error.value.problems)
    return error.value.problems


# Defaults and names


def test_without_anything_set_it_is_a_server_for_trying_out() -> None:
    settings = load({}, dotenv=None)
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8000, Path("data"))
    assert (settings.auth, settings.limits, settings.limited) == ("open", "on", True)
    assert settings.max_connections_per_user == 5
    assert (settings.messages_per_s, settings.messages_burst) == (10, 30)
    assert settings.max_frame_bytes == 64 * 1024
    assert settings.max_message_chars == 5000
    assert settings.presence_grace_s == 3


@pytest.mark.parametrize(
    "name",
    [
        "GATOR_AUTH",
        "GATOR_JWT_SECRET",
        "GATOR_DATA",
        "GATOR_HOST",
        "GATOR_PORT",
        "GATOR_LIMITS",
        "GATOR_MAX_CONNECTIONS_PER_USER",
        "GATOR_LOG_LEVEL",
    ],
)
def test_the_names_that_scripts_rely_on_exist(name: str) -> None:
    assert name in {row[0] for row in describe()}


@pytest.mark.parametrize("row", describe(), ids=lambda row: row[0])
def test_every_setting_has_help_and_its_unit(row: tuple[str, str, str, str]) -> None:
    name, _, unit, text = row
    assert name == name.upper()
    assert text.endswith((".", "characters.", "`json` for collectors."))
    assert text[0].isupper() or text[0] == "`"
    if name.endswith("_S") and not name.endswith("_PER_S"):
        assert unit == "s"
    if name.endswith("_PER_S"):
        assert unit == "1/s"
    if name.endswith("_BYTES"):
        assert unit == "bytes"


def test_defaults_are_shown_as_they_would_be_written() -> None:
    shown = {name: default for name, default, _, _ in describe()}
    assert shown["GATOR_METRICS"] == "true"
    assert shown["GATOR_JWT_SECRET"] == shown["GATOR_ALLOWED_ORIGINS"] == ""
    written = {name: default for name, default in shown.items() if default}
    assert load(written, dotenv=None) == load({}, dotenv=None)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load({}, dotenv=None).port = 1  # type: ignore[misc]


# Where they come from


def test_the_environment_is_read_by_prefix_in_any_case() -> None:
    environ = {"GATOR_PORT": "9000", "gator_log_level": "debug", "PORT": "1", "PATH": "/bin"}
    settings = load(environ, dotenv=None)
    assert (settings.port, settings.log_level) == (9000, "debug")


def test_the_process_s_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATOR_PORT", "9001")
    assert load(dotenv=None).port == 9001


def test_given_beats_the_environment_beats_the_file_beats_the_default(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("# ours\nGATOR_PORT=1\nGATOR_HOST=::1\nexport GATOR_LOG_FORMAT='json'\nOTHER=x\n")
    environ = {"GATOR_PORT": "2", "GATOR_LOG_LEVEL": "error"}
    settings = load(environ, dotenv=dotenv, log_level="warning", data=None)
    assert (settings.port, settings.host, settings.log_format) == (2, "::1", "json")
    assert settings.log_level == "warning"
    assert settings.data == Path("data"), "None is not given"


def test_a_file_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert load({}, dotenv=tmp_path / ".env") == load({}, dotenv=None)


def test_a_file_lies_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("GATOR_PORT=7\n")
    monkeypatch.chdir(tmp_path)
    assert load({}).port == 7


@pytest.mark.parametrize("blank", ["", None])
def test_a_name_without_a_value_is_not_given(tmp_path: Path, blank: str | None) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("GATOR_PORT=\nGATOR_JWT_SECRET\n")
    environ = {} if blank is None else {"GATOR_HOST": blank, "GATOR_AUTH": blank}
    assert load(environ, dotenv=dotenv) == load({}, dotenv=None)


def test_lists_are_separated_by_commas() -> None:
    settings = load({"GATOR_ALLOWED_ORIGINS": "https://a.example, https://b.example,,"}, dotenv=None)
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert load({"GATOR_TRUSTED_PROXIES": "10.0.0.1"}, dotenv=None).trusted_proxies == ("10.0.0.1",)


# What is refused


def test_unknown_names_are_refused_all_at_once() -> None:
    assert problems({"GATOR_PROT": "1", "GATOR_COLOUR": "green", "GATOR_PORT": "x"}) == (
        "GATOR_COLOUR is not a setting; `gator settings` lists them.",
        "GATOR_PROT is not a setting; `gator settings` lists them.",
    )


def test_an_unknown_name_in_the_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GATOR_PROT=1\n")
    with pytest.raises(SettingsError, match="GATOR_PROT is not a setting"):
        load({}, dotenv=tmp_path / ".env")


def test_an_unknown_name_without_a_value_is_refused_too() -> None:
    assert problems({"GATOR_PROT": ""}) == ("GATOR_PROT is not a setting; `gator settings` lists them.",)


def test_wrong_values_are_refused_all_at_once_by_name() -> None:
    found = problems({"GATOR_PORT": "x", "GATOR_AUTH": "magic", "GATOR_LIMITS": "maybe"})
    assert [problem.partition(":")[0] for problem in found] == ["GATOR_PORT", "GATOR_AUTH", "GATOR_LIMITS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATOR_PORT", "65536"),
        ("GATOR_PORT", "-1"),
        ("GATOR_MAX_CONNECTIONS_PER_USER", "0"),
        ("GATOR_MAX_FRAME_BYTES", "1023"),
        ("GATOR_MAX_MESSAGE_CHARS", "100001"),
        ("GATOR_MESSAGES_PER_S", "0"),
        ("GATOR_HEARTBEAT_S", "0.9"),
        ("GATOR_HEARTBEAT_S", "nan"),
        ("GATOR_PRESENCE_GRACE_S", "-1"),
        ("GATOR_REPLAY_PAGE", "0"),
        ("GATOR_OUTBOX_BYTES", "16383"),
        ("GATOR_LOG_LEVEL", "loud"),
        ("GATOR_METRICS", "perhaps"),
    ],
)
def test_values_have_bounds(name: str, value: str) -> None:
    [problem] = problems({name: value})
    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "chat.example", ""])
def test_open_mode_listens_on_this_machine_only(host: str) -> None:
    [problem] = problems(host=host)
    assert "GATOR_AUTH=open believes whoever connects" in problem
    assert "GATOR_OPEN_ON_NETWORK=true" in problem
    assert load({"GATOR_OPEN_ON_NETWORK": "true"}, dotenv=None, host=host).host == host
    environ = {"GATOR_AUTH": "jwt", "GATOR_JWT_SECRET": SECRET}
    assert load(environ, dotenv=None, host=host).host == host


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_tokens_need_something_to_check_them_with() -> None:
    [problem] = problems({"GATOR_AUTH": "jwt"})
    assert problem == "GATOR_AUTH=jwt needs GATOR_JWT_SECRET, GATOR_JWT_JWKS or GATOR_OIDC_ISSUER."
    assert load({"GATOR_AUTH": "jwt", "GATOR_JWT_JWKS": "keys.json"}, dotenv=None).auth == "jwt"


@pytest.mark.parametrize("auth", ["open", "jwt"])
def test_a_short_secret_is_refused_and_not_repeated(auth: str) -> None:
    [problem] = problems({"GATOR_AUTH": auth, "GATOR_JWT_SECRET": "x" * 15 + "ß" * 8})
    assert "shorter than 32 bytes" in problem
    assert "ß" not in problem
    assert load({"GATOR_JWT_SECRET": "ß" * 16}, dotenv=None).jwt_secret is not None


def test_a_secret_is_not_shown() -> None:
    settings = load({"GATOR_JWT_SECRET": SECRET}, dotenv=None)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())
    assert SECRET not in str(problems({"GATOR_JWT_SECRET": SECRET, "GATOR_PORT": "x"}))


@pytest.mark.parametrize("scheme", ["mysql", "sqlite", "postgresql+psycopg", "Postgresql"])
def test_an_address_of_another_database_is_refused_and_not_repeated(scheme: str) -> None:
    for url in (f"{scheme}://ann:{SECRET}@host/chat", f"{scheme}:{SECRET}", SECRET):
        [problem] = problems({"GATOR_DATABASE_URL": url})
        assert (
            problem == "GATOR_DATABASE_URL is the address of a PostgreSQL database: it begins with postgresql://."
        )


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_the_address_of_the_database_is_not_shown(scheme: str) -> None:
    url = f"{scheme}://ann:{SECRET}@host/chat"
    settings = load({"GATOR_DATABASE_URL": url}, dotenv=None)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == url
    for shown in (
        repr(settings),
        str(settings.model_dump()),
        settings.model_dump_json(),
        str(problems({"GATOR_DATABASE_URL": url, "GATOR_PORT": "x"})),
        str(problems({"GATOR_DATABASE_URL": url, "GATOR_AUTH": "jwt"})),
    ):
        assert SECRET not in shown
        assert "host/chat" not in shown


def test_without_the_address_of_a_database_there_is_a_file() -> None:
    assert load({}, dotenv=None).database_url is None
    assert load({"GATOR_DATABASE_URL": ""}, dotenv=None).database_url is None


def test_limits_can_be_switched_off() -> None:
    assert not load({"GATOR_LIMITS": "off"}, dotenv=None).limited
    assert Settings(limits="off").limited is False


# Logging in

ISSUER = "https://login.example/realms/gator"
LOGIN = {"GATOR_AUTH": "jwt", "GATOR_OIDC_ISSUER": ISSUER, "GATOR_OIDC_CLIENT_ID": "gator"}


def test_a_provider_is_enough_to_check_tokens_with() -> None:
    settings = load(LOGIN, dotenv=None)
    assert (settings.token_issuer, settings.token_audience) == (ISSUER, "gator")
    assert settings.oidc_scope == "openid profile"


def test_other_names_in_tokens_can_be_asked_for() -> None:
    settings = load(LOGIN | {"GATOR_JWT_ISSUER": "other", "GATOR_JWT_AUDIENCE": "chat"}, dotenv=None)
    assert (settings.token_issuer, settings.token_audience) == ("other", "chat")


def test_without_a_provider_tokens_need_name_nobody() -> None:
    settings = load({"GATOR_AUTH": "jwt", "GATOR_JWT_SECRET": SECRET}, dotenv=None)
    assert (settings.token_issuer, settings.token_audience) == (None, None)


@pytest.mark.parametrize("missing", ["GATOR_OIDC_ISSUER", "GATOR_OIDC_CLIENT_ID"])
def test_a_provider_and_our_name_there_belong_together(missing: str) -> None:
    half = {name: value for name, value in LOGIN.items() if name != missing} | {"GATOR_JWT_SECRET": SECRET}
    [problem] = problems(half)
    assert "GATOR_OIDC_ISSUER and GATOR_OIDC_CLIENT_ID" in problem


def test_open_mode_has_no_login() -> None:
    [problem] = problems(LOGIN | {"GATOR_AUTH": "open"})
    assert "GATOR_AUTH=jwt" in problem


def test_a_login_asks_for_an_identity() -> None:
    [problem] = problems(LOGIN | {"GATOR_OIDC_SCOPE": "profile email"})
    assert "`openid`" in problem


@pytest.mark.parametrize(
    "issuer",
    ["https://login.example", "https://login.example:8443/a/b/", "http://127.0.0.1:9000", "http://[::1]:1/"],
)
def test_an_issuer_is_reached_safely(issuer: str) -> None:
    assert is_issuer(issuer)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example",
        "login.example",
        "https://",
        "https://login.example?a=b",
        "https://login.example#a",
        "https://user:password@login.example",
        "https://login.example:port",
        "https://[::1",
        "file:///etc",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_can_be_no_issuers_is_refused(issuer: str) -> None:
    assert not is_issuer(issuer)
    [problem] = problems(LOGIN | {"GATOR_OIDC_ISSUER": issuer})
    assert "GATOR_OIDC_ISSUER is an https address" in problem
