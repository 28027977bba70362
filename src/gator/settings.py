"""Every setting: one frozen, typed value, read from `GATOR_*` in the environment or `.env`."""

import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from gator.telemetry.logs import LogFormat, LogLevel

PREFIX: Final = "GATOR_"


class SettingsError(Exception):
    """The settings cannot be used; each line says which one, why, and what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


def _setting(default: Any, help_text: str, *, unit: str = "", **bounds: Any) -> Any:
    return Field(default, description=help_text, json_schema_extra={"unit": unit}, **bounds)


class Settings(BaseModel):
    """The settings of one server process."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # Where
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0 takes a free one.", ge=0, le=65535)
    data: Path = _setting(Path("data"), "Directory of the database, a SQLite file; created if missing.")
    database_url: SecretStr | None = _setting(
        None, "Address of a PostgreSQL database to use instead: `postgresql://user:password@host:5432/name`."
    )
    gateway: Literal["auto", "native", "asgi"] = _setting(
        "auto",
        "`native`: frames read in a plain callback, under `gator serve` only. `asgi`: through any ASGI server. "
        "`auto`: native where it can be, else asgi with a warning.",
    )
    deflate: bool = _setting(
        False, "Compress messages of 256 bytes and more for clients that offer it (permessage-deflate)."
    )

    # Who
    auth: Literal["open", "jwt"] = _setting(
        "open", "`open`: the user id in the address is believed (development). `jwt`: a token proves it."
    )
    open_on_network: bool = _setting(
        False, "Serve open mode on other addresses than loopback: anybody who reaches it can be anybody."
    )
    jwt_secret: SecretStr | None = _setting(None, "Secret of HS256 tokens, at least 32 bytes.")
    jwt_jwks: str | None = _setting(
        None, "File or http(s) URL of the keys (JWKS) of RS256, ES256 and EdDSA tokens."
    )
    jwt_jwks_refresh_s: float = _setting(300, "How long keys are used before they are read again.", unit="s", gt=0)
    jwt_issuer: str | None = _setting(None, "Issuer (`iss`) that tokens must name.")
    jwt_audience: str | None = _setting(None, "Audience (`aud`) that tokens must name.")
    jwt_leeway_s: float = _setting(30, "How far the clocks of issuer and server may differ.", unit="s", ge=0)
    oidc_issuer: str | None = _setting(
        None,
        "Address of an OpenID provider where people log in on the page. Its keys are found there, unless "
        "`GATOR_JWT_JWKS` names others.",
    )
    oidc_client_id: str | None = _setting(
        None, "The page's client id there: a public client that logs in by code with PKCE."
    )
    oidc_scope: str = _setting("openid profile", "What the page asks for there; `offline_access` if it may renew.")
    allowed_origins: tuple[str, ...] = _setting(
        (),
        "Web origins that may connect, separated by commas; empty: the server's own host, or in open mode on "
        "loopback any page of this machine; `*`: all.",
    )

    # The page
    page: Path | None = _setting(None, "Directory of a built page to serve instead of the one that came along.")

    # How much
    limits: Literal["on", "off"] = _setting("on", "`off` lifts the rate and connection limits, for measuring.")
    max_connections: int = _setting(15_000, "Open WebSocket connections of the process.", ge=1)
    max_connections_per_user: int = _setting(5, "Open connections of one user.", ge=1)
    max_joined: int = _setting(1_000, "Conversations that one connection may have joined.", ge=1)
    max_frame_bytes: int = _setting(
        65_536, "Largest incoming frame; a larger one closes with 1009.", unit="bytes", ge=1024
    )
    max_message_chars: int = _setting(5_000, "Longest message.", unit="characters", ge=1, le=100_000)
    messages_per_s: float = _setting(10, "Messages a user may send, on average.", unit="1/s", gt=0)
    messages_burst: int = _setting(30, "Messages a user may send at once.", ge=1)
    typing_per_s: float = _setting(5, "Typing commands of a user, on average.", unit="1/s", gt=0)
    typing_burst: int = _setting(20, "Typing commands of a user at once.", ge=1)
    joins_per_s: float = _setting(
        20, "Conversations a user may join, leave or create, on average.", unit="1/s", gt=0
    )
    joins_burst: int = _setting(200, "Conversations a user may join, leave or create at once.", ge=1)
    commands_per_s: float = _setting(50, "Frames of one connection, of any kind, on average.", unit="1/s", gt=0)
    commands_burst: int = _setting(300, "Frames of one connection at once.", ge=1)
    connects_per_s: float = _setting(100, "Connections that one address may open, on average.", unit="1/s", gt=0)
    connects_burst: int = _setting(1_000, "Connections that one address may open at once.", ge=1)
    http_per_s: float = _setting(50, "HTTP requests of one user or address, on average.", unit="1/s", gt=0)
    http_burst: int = _setting(200, "HTTP requests of one user or address at once.", ge=1)
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas."
    )

    # How long
    heartbeat_s: float = _setting(25, "Between two heartbeats of the server.", unit="s", ge=1)
    ping_s: float = _setting(20, "Between two protocol pings that find dead peers.", unit="s", ge=1)
    ping_timeout_s: float = _setting(20, "How long a peer may take to answer a ping.", unit="s", gt=0)
    presence_grace_s: float = _setting(3, "After a user's last connection until they are offline.", unit="s", ge=0)
    occupancy_s: float = _setting(2, "At least between two counts in a large conversation.", unit="s", gt=0)
    slow_reader_s: float = _setting(
        60, "How long a connection may go without reading before it is closed.", unit="s", gt=0
    )
    drain_s: float = _setting(10, "Deadline from SIGTERM to the end of the process.", unit="s", ge=0)
    drain_spread_s: float = _setting(5, "Time over which clients are told to come back.", unit="s", ge=0)

    # How deep
    replay_page: int = _setting(200, "Events read from the log at once when somebody catches up.", ge=1, le=5_000)
    replay_limit: int = _setting(10_000, "Events after which a client is told to load history instead.", ge=1)
    outbox_bytes: int = _setting(
        131_072, "Bytes that may wait for one slow reader before events are shed.", unit="bytes", ge=16_384
    )

    # Personas
    reply_provider: Literal["auto", "openai-compatible", "embedded", "scripted"] = _setting(
        "auto",
        "What answers for personas. `auto`: `openai-compatible` where its address or key is given, else "
        "`embedded` where a model is installed, else `scripted`, which only says that it is.",
    )
    openai_base_url: str | None = _setting(None, "Address of an OpenAI-compatible server, ending in /v1.")
    openai_api_key: SecretStr | None = _setting(None, "Its key.")
    openai_model: str | None = _setting(None, "The model to ask for, where a persona names none.")
    openai_slots: int = _setting(8, "Replies that it makes at once.", ge=1, le=1_000)
    embedded_model: Path | None = _setting(
        None, "A GGUF file for the embedded provider; else the model that `gator models install` brought."
    )
    embedded_slots: int = _setting(2, "Replies that the embedded model makes at once.", ge=1, le=64)
    reply_fallback: bool = _setting(
        False, "Have the next provider answer when the first one fails before it has said anything."
    )
    reply_restart: bool = _setting(
        False,
        "With GATOR_REPLY_FALLBACK: have the next provider begin anew when one breaks off in the middle; what "
        "it had said is taken back. Else that is kept, and marked as `failed`.",
    )
    reply_max_tokens: int = _setting(512, "Longest reply of a persona.", unit="tokens", ge=16, le=32_000)
    reply_context_tokens: int = _setting(
        8_192, "Longest prompt and reply, where a provider does not say.", unit="tokens", ge=512
    )
    first_token_s: float = _setting(20, "How long a provider may take to begin.", unit="s", gt=0)
    between_chunks_s: float = _setting(15, "How long it may be silent in the middle.", unit="s", gt=0)
    reply_s: float = _setting(120, "How long a whole reply may take.", unit="s", gt=0)
    budgets: str = _setting(
        "", "What replies may use: `user/day/tokens=200000 installation/month/currency=50.00`; see operations."
    )
    prices: str = _setting(
        "", "Price of a million tokens of prompt and reply by model: `gpt-x=2.50/10.00 other=0.10/0.40`."
    )
    moderation_words: Path | None = _setting(
        None, "A file of words, one a line, that no message to or of a persona may hold."
    )
    moderation_base_url: str | None = _setting(
        None, "Address of a server with /moderations in OpenAI's shape, ending in /v1."
    )
    moderation_api_key: SecretStr | None = _setting(None, "Its key.")
    moderation_fail_open: bool = _setting(False, "Let everything pass while that server does not answer.")
    first_persona: bool = _setting(
        True, "Begin an installation with a public persona of its own, `gator`, so that there is one to talk to."
    )
    max_personas: int = _setting(100, "Personas that one user may own.", ge=1)

    # Seen
    log_level: LogLevel = _setting("info", "Least severe line that is logged.")
    log_format: LogFormat = _setting("text", "`text` for people, `json` for collectors.")
    metrics: bool = _setting(True, "Serve /metrics.")

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in ("allowed_origins", "trusted_proxies"):
                if isinstance(values.get(name), str):
                    values[name] = tuple(part.strip() for part in values[name].split(",") if part.strip())
        return values

    @model_validator(mode="after")
    def _check(self) -> "Settings":
        if self.auth == "jwt" and not (self.jwt_secret or self.jwt_jwks or self.oidc_issuer):
            raise ValueError("GATOR_AUTH=jwt needs GATOR_JWT_SECRET, GATOR_JWT_JWKS or GATOR_OIDC_ISSUER.")
        if self.jwt_secret is not None and len(self.jwt_secret.get_secret_value().encode()) < 32:
            raise ValueError(
                "GATOR_JWT_SECRET is shorter than 32 bytes (RFC 7518 §3.2); "
                "make one with `openssl rand -base64 32`."
            )
        if self.auth == "open" and not self.open_on_network and not is_loopback(self.host):
            raise ValueError(
                "GATOR_AUTH=open believes whoever connects, so it listens on loopback only, "
                f"not on {self.host!r}. Set GATOR_AUTH=jwt, or say GATOR_OPEN_ON_NETWORK=true "
                "if everybody who reaches this server may be anybody."
            )
        return self

    @model_validator(mode="after")
    def _check_database(self) -> "Settings":
        url = self.database_url
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(
                "GATOR_DATABASE_URL is the address of a PostgreSQL database: it begins with postgresql://."
            )
        return self

    @model_validator(mode="after")
    def _check_login(self) -> "Settings":
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("GATOR_OIDC_ISSUER and GATOR_OIDC_CLIENT_ID are given together or not at all.")
        if self.oidc_issuer is None:
            return self
        if self.auth != "jwt":
            raise ValueError("GATOR_OIDC_ISSUER needs GATOR_AUTH=jwt: open mode believes whoever connects.")
        if not is_issuer(self.oidc_issuer):
            raise ValueError(
                f"GATOR_OIDC_ISSUER is an https address without query or fragment, or an http one of this "
                f"machine, not {self.oidc_issuer!r}."
            )
        if "openid" not in self.oidc_scope.split():
            raise ValueError("GATOR_OIDC_SCOPE has to name `openid` (OpenID Connect Core §3.1.2.1).")
        return self

    @property
    def token_issuer(self) -> str | None:
        """Who must have issued a token: by default the provider where people log in."""
        return self.jwt_issuer or self.oidc_issuer

    @property
    def token_audience(self) -> str | None:
        """Whom a token must be meant for: by default the page as the provider knows it."""
        return self.jwt_audience or self.oidc_client_id

    @property
    def limited(self) -> bool:
        """True unless limits are lifted for measuring."""
        return self.limits == "on"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_issuer(address: str) -> bool:
    """Tell whether an address can be an issuer's (OpenID Connect Discovery §3), reached safely."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or "?" in address or "#" in address:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def load(
    environ: Mapping[str, str] | None = None, *, dotenv: Path | None = Path(".env"), **given: Any
) -> Settings:
    """Read the settings: `given` beats the environment beats `.env` beats the defaults.

    Args:
        environ: The environment; that of the process by default.
        dotenv: A file with `NAME=value` lines, used if it exists.
        given: Settings by field name; those that are None are not given.

    Raises:
        SettingsError: A name is unknown or a value cannot be used; all problems at once.
    """
    found: dict[str, str] = {}
    if dotenv is not None and dotenv.is_file():
        found |= {name: value or "" for name, value in dotenv_values(dotenv).items()}
    found |= os.environ if environ is None else environ
    ours = {name: value for name, value in found.items() if name.upper().startswith(PREFIX)}
    # A name without a value, as compose files write it, is a setting that is not given.
    values: dict[str, Any] = {name[len(PREFIX) :].lower(): value for name, value in ours.items() if value}
    unknown = sorted(name for name in ours if name[len(PREFIX) :].lower() not in Settings.model_fields)
    if unknown:
        raise SettingsError(f"{name} is not a setting; `gator settings` lists them." for name in unknown)
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_worded(error)) from None


def describe() -> list[tuple[str, str, str, str]]:
    """List every setting: name, default, unit, help."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        unit = str(extra["unit"]) if isinstance(extra, dict) else ""
        rows.append((f"{PREFIX}{name.upper()}", _default(field.default), unit, field.description or ""))
    return rows


def _default(value: Any) -> str:
    if value is None or value == ():
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _worded(error: ValidationError) -> Iterable[str]:
    for problem in error.errors(include_url=False, include_input=False):
        where = problem["loc"]
        said = problem["msg"].removeprefix("Value error, ")
        yield f"{PREFIX}{str(where[0]).upper()}: {said}" if where else said
