"""The only place where things are put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from fastapi import FastAPI, WebSocket
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.middleware import Middleware

from gator import __version__
from gator.api import documentation, include_routers
from gator.api.bodies import LimitBodies
from gator.api.context import ApiContext
from gator.api.ids_in_paths import KeepEncodedSlashes
from gator.api.models import LoginOut
from gator.api.problems import install_problems
from gator.api.status import Status
from gator.api.status_models import ProviderOut
from gator.api.watching import WatchRequests
from gator.app_personas import FIRST, PersonaHouse, greeting_of, open_personas
from gator.app_storage import open_storage
from gator.auth.claims import TokenRules
from gator.auth.jwks import Jwks
from gator.auth.key_sources import IssuerSource, key_source
from gator.auth.tokens import JwtIdentities
from gator.broker.memory import MemoryBroker
from gator.clock import SystemClock, SystemDice
from gator.domain.budget import span_of
from gator.domain.limits import Rate
from gator.domain.unique_ids import uuid7
from gator.gateway.admission import Admission
from gator.gateway.asgi import serve
from gator.gateway.drain import drain
from gator.gateway.floor import Floor
from gator.gateway.limits import RateLimits, Rates
from gator.gateway.own_loop import OwnLoop
from gator.gateway.pings import Pings
from gator.handlers.services import Services
from gator.hub.hub import Hub
from gator.page.docs import add_docs
from gator.page.files import find_page, is_page, read_page
from gator.page.policy import origin_of
from gator.page.serving import ServePage
from gator.personas import cards
from gator.ports import Broker, Clock, ReplyProvider
from gator.protocol.events import Limits
from gator.settings import Settings, SettingsError, is_loopback, load
from gator.storage.journal import MAX_WAITING, GroupCommit
from gator.storage.store import SqlStore
from gator.telemetry.logs import Log, logger
from gator.telemetry.metrics import Metrics

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Largest HTTP request: a character card with its picture."""

PORTABLE: Final = (
    "under this server a frame costs several times as much, and a stop drains nobody: "
    "run `gator serve`, or say GATOR_GATEWAY=asgi if that is meant"
)
"""What `portable_gateway` means in the log."""

NOT_NATIVE: Final = (
    "GATOR_GATEWAY=native needs `gator serve`: this server cannot build the native gateway. "
    "Run `gator serve`, or set GATOR_GATEWAY=auto for the portable one."
)


NO_PAGE: Final = "the page is not built, and everything else works: run `make web` with Node.js 20 or newer"
"""What `no_page` means in the log."""


class _Anything(PathConvertor):
    """Any path. Starlette's `path` matches no line break, which would be 403 and not `Invalid user id`."""

    regex = "(?s:.*)"


register_url_convertor("anything", _Anything())


@dataclass(frozen=True, slots=True)
class House:
    """A running server, without its sockets."""

    settings: Settings
    store: SqlStore
    journal: GroupCommit
    hub: Hub
    personas: PersonaHouse
    services: Services
    floor: Floor
    limits: RateLimits
    status: Status
    metrics: Metrics
    log: Log

    async def drain(self) -> None:
        """Empty the floor before stopping; see `gateway/drain.py`."""
        settings = self.settings
        await drain(self.floor, spread_s=settings.drain_spread_s, deadline_s=settings.drain_s)

    async def close(self) -> None:
        """Write down what waits and let go of everything."""
        self.floor.close_all()
        self.floor.pings.stop()
        self.status.stop()
        await self.personas.close()
        await self.hub.close()
        # Here and on no other thread: at the interpreter's end there is none to be had any more.
        self.store.close()
        # The writer is the last to let go: then SQLite moves its journal into the database.
        await self.journal.close()
        self.log.info("stopped")


async def open_house(
    settings: Settings,
    *,
    log: Log | None = None,
    clock: Clock | None = None,
    broker: Broker | None = None,
    providers: list[ReplyProvider] | None = None,
) -> House:
    """Open the database, migrate it, and start everything that lives on this event loop.

    Clock, broker and providers are handed in by tests that do not wait, lose events, or
    say what a persona says.

    Raises:
        DatabaseInUse: Another process serves the same data.
        SchemaTooNew: The data belongs to a newer version.
        StorageError: The database cannot be used.
    """
    log = log or logger()
    clock = clock or SystemClock()
    dice = SystemDice()
    metrics = Metrics()
    broker = broker or MemoryBroker()
    storage = open_storage(settings, metrics=metrics, log=log)
    store = storage.store
    journal = GroupCommit(
        storage.writer,
        clock=clock,
        publish=broker.publish,
        metrics=metrics,
        log=log,
    )
    hub = Hub(
        store=store,
        journal=journal,
        broker=broker,
        clock=clock,
        metrics=metrics,
        log=log,
        max_joined=settings.max_joined,
        replay_page=settings.replay_page,
        replay_limit=settings.replay_limit,
        presence_grace_s=settings.presence_grace_s,
        occupancy_s=settings.occupancy_s,
        heartbeat_s=settings.heartbeat_s,
        slow_reader_s=settings.slow_reader_s,
    )

    def new_id() -> str:
        return uuid7(clock.now(), dice.bits())

    personas = open_personas(
        settings,
        store=store,
        journal=journal,
        rooms=hub.rooms,
        broker=broker,
        clock=clock,
        new_id=new_id,
        metrics=metrics,
        log=log,
        providers=providers,
    )
    await personas.begin(span_of("month", clock.now()).starts_at, FIRST if settings.first_persona else None)
    hub.rooms.on_caught_up.append(lambda peer, room: personas.replies.catch_up(peer, room.id))
    services = Services(
        journal=journal,
        store=store,
        rooms=hub.rooms,
        typing=hub.typing,
        heartbeats=hub.heartbeats,
        presence=hub.presence,
        personas=personas.replies,
        catalog=personas.directory,
        identities=_identities(settings, clock, log),
        clock=clock,
        new_id=new_id,
        entering_makes_member=settings.auth == "open",
        max_message_chars=settings.max_message_chars,
    )
    limits = RateLimits(_rates(settings) if settings.limited else None, clock)
    pings = Pings(clock=clock, every_s=settings.ping_s, timeout_s=settings.ping_timeout_s)
    pings.start()
    floor = Floor(
        hub=hub,
        services=services,
        admission=_admission(settings, services, hub, limits, metrics, log),
        limits=limits,
        announced=_announced(settings),
        heartbeat_ms=round(settings.heartbeat_s * 1000),
        max_frame_bytes=settings.max_frame_bytes,
        deflate=settings.deflate,
        outbox_bytes=settings.outbox_bytes,
        trusted_proxies=settings.trusted_proxies,
        pings=pings,
        expiry_leeway_s=settings.jwt_leeway_s,
        metrics=metrics,
        log=log,
    )
    status = _status(settings, hub, personas, clock, metrics)
    status.start()
    log.info("started", version=__version__, auth=settings.auth, data=storage.where, epoch=store.epoch)
    return House(settings, store, journal, hub, personas, services, floor, limits, status, metrics, log)


def create_app(settings: Settings | None = None, *, offers_native: bool = False) -> FastAPI:
    """Make the ASGI application. Nothing is opened or read before it is started.

    Args:
        settings: Read from the environment at the start if not given.
        offers_native: Whether the server that runs it builds the native gateway where that
            is wanted. `gator serve` does; any other server has only the portable one.
    """
    app = FastAPI(
        title="Gator Chat",
        version=__version__,
        lifespan=_lifespan,
        middleware=[
            Middleware(KeepEncodedSlashes),
            Middleware(WatchRequests),
            Middleware(LimitBodies, max_bytes=MAX_BODY_BYTES),
        ],
        **documentation(),
    )
    app.state.house = None
    app.state.settings = settings
    app.state.offers_native = offers_native
    app.state.page = app.router.default = ServePage(app.router.default)
    app.add_middleware(OwnLoop, start=partial(_start, app), stop=partial(_stop, app))
    install_problems(app)
    include_routers(app)
    add_docs(app)

    @app.websocket("/ws/auth")
    async def with_token(websocket: WebSocket) -> None:
        await serve(websocket, app.state.house.floor, None)

    @app.websocket("/ws/{user_id:anything}")
    async def as_user(websocket: WebSocket, user_id: str) -> None:
        await serve(websocket, app.state.house.floor, user_id)

    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    house = await _start(app)
    # Without lifespan it is a test client that calls, which has no other choice.
    if house.settings.gateway == "auto" and not app.state.offers_native:
        house.log.warning("portable_gateway", meaning=PORTABLE)
    try:
        # uvicorn hands this to the native gateway, which no route leads to.
        yield {"floor": house.floor}
    finally:
        await _stop(app)


async def _start(app: FastAPI) -> House:
    settings = app.state.settings or load()
    if settings.gateway == "native" and not app.state.offers_native:
        raise SettingsError([NOT_NATIVE])
    _open_page(app.state.page, settings)
    house = await open_house(settings)
    app.state.house = house
    app.state.api = ApiContext(
        services=house.services,
        limits=house.limits,
        mode=house.settings.auth,
        login=_login(settings),
        metrics=house.metrics,
        serve_metrics=house.settings.metrics,
        log=house.log,
        is_ready=lambda: not house.floor.admission.draining,
        status=house.status,
        everybody_is_admin=settings.auth == "open" and is_loopback(settings.host),
        cards=cards,
        max_personas=house.settings.max_personas,
        budget_left=lambda user: house.personas.ledger.left(user, house.services.clock.now()),
        greeting_of=greeting_of,
    )
    return house


def _open_page(page: ServePage, settings: Settings) -> None:
    directory = settings.page or find_page()
    if directory is None:
        logger().info("no_page", meaning=NO_PAGE)
    elif not is_page(directory):
        raise SettingsError([f"GATOR_PAGE: there is no index.html in {str(directory)!r}."])
    page.open(
        None if directory is None else read_page(directory),
        [] if settings.oidc_issuer is None else [origin_of(settings.oidc_issuer)],
    )


async def _stop(app: FastAPI) -> None:
    house: House | None = app.state.house
    app.state.house = None
    if house is not None:
        await house.close()


def _identities(settings: Settings, clock: Clock, log: Log) -> JwtIdentities | None:
    source = None
    if settings.jwt_jwks is not None:
        source = key_source(settings.jwt_jwks)
    elif settings.oidc_issuer is not None:
        source = IssuerSource(settings.oidc_issuer)
    if settings.jwt_secret is None and source is None:
        return None
    rules = TokenRules(
        issuer=settings.token_issuer, audience=settings.token_audience, leeway_s=settings.jwt_leeway_s
    )
    jwks = None
    if source is not None:
        jwks = Jwks(
            source,
            clock,
            refresh_s=settings.jwt_jwks_refresh_s,
            on_failure=lambda what: log.warning("keys_not_read", reason=what),
        )
    secret = None if settings.jwt_secret is None else settings.jwt_secret.get_secret_value()
    return JwtIdentities(clock, rules, secret=secret, jwks=jwks)


def _status(settings: Settings, hub: Hub, personas: PersonaHouse, clock: Clock, metrics: Metrics) -> Status:
    voices = personas.voices

    def providers() -> list[ProviderOut]:
        now = clock.monotonic()
        return [
            ProviderOut(name=name, state=breaker.state(now), slots=voices.slots_of(name))
            for name, breaker in voices.breakers.items()
        ]

    return Status(
        metrics=metrics,
        rooms=hub.rooms,
        clock=clock,
        max_connections=settings.max_connections,
        max_waiting=MAX_WAITING,
        providers=providers,
    )


def _login(settings: Settings) -> LoginOut | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    return LoginOut(issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, scope=settings.oidc_scope)


def _admission(
    settings: Settings, services: Services, hub: Hub, limits: RateLimits, metrics: Metrics, log: Log
) -> Admission:
    return Admission(
        mode=settings.auth,
        identities=services.identities,
        limits=limits,
        allowed_origins=settings.allowed_origins,
        loopback_only=settings.auth == "open" and is_loopback(settings.host),
        count=lambda: len(hub.peers),
        count_of_user=hub.presence.connections_of,
        max_connections=settings.max_connections,
        max_per_user=settings.max_connections_per_user if settings.limited else None,
        metrics=metrics,
        log=log,
    )


def _rates(settings: Settings) -> Rates:
    return Rates(
        messages=Rate(settings.messages_per_s, settings.messages_burst),
        typing=Rate(settings.typing_per_s, settings.typing_burst),
        joins=Rate(settings.joins_per_s, settings.joins_burst),
        commands=Rate(settings.commands_per_s, settings.commands_burst),
        connects=Rate(settings.connects_per_s, settings.connects_burst),
        http=Rate(settings.http_per_s, settings.http_burst),
    )


def _announced(settings: Settings) -> Limits:
    return Limits(
        max_frame_bytes=settings.max_frame_bytes,
        max_message_chars=settings.max_message_chars,
        max_joined_conversations=settings.max_joined,
        max_connections_per_user=settings.max_connections_per_user if settings.limited else 0,
        messages_per_second=settings.messages_per_s if settings.limited else 0,
    )
