"""The scenarios, as data: who connects, what they do, which figure is looked at."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from bench.harness.server import Crowd

OURS: Final = ("native", "asgi")
RELAYS: Final = ("floor", *OURS, "uws", "picows", "nats", "nchan", "ws", "socketio", "seed")
"""Ours, and those that pass on what they are told and keep nothing."""


@dataclass(frozen=True)
class Point:
    """One way to run a scenario; most have only one.

    Attributes:
        x: Where it is on the axis of a line plot.
        options: For `load.c`, besides those that the crowd and the run give.
        half_of: Publish at half the rate that the same server reached in that scenario.
    """

    label: str
    crowd: Crowd
    options: tuple[str, ...] = ()
    x: int | None = None
    half_of: str | None = None


@dataclass(frozen=True)
class Column:
    """A figure in a table: its title, and the way to it in what the generator reports."""

    title: str
    figure: str
    digits: int = 2
    scale: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """What is measured, and against whom.

    Attributes:
        shows: One sentence for the reader of the results.
        columns: The first is the one that is compared and drawn.
        rounds: Overrides how often it is repeated.
        seconds: Overrides how long a run is measured.
        warm_up: Seconds before that.
        joins: False if it ends with the first frame.
        plot: Bars for a scenario with one point, lines over `Point.x`.
    """

    name: str
    title: str
    shows: str
    servers: tuple[str, ...]
    points: tuple[Point, ...]
    columns: tuple[Column, ...]
    rounds: int | None = None
    seconds: float | None = None
    warm_up: float = 1.0
    joins: bool = True
    plot: Literal["bars", "lines"] | None = None
    axis: str = ""
    quick_servers: tuple[str, ...] | None = None


PER_DELIVERY: Final = Column("CPU per delivery, us", "us_cpu_per_delivery", 3)
PER_MESSAGE: Final = Column("CPU per message, us", "us_cpu_per_message", 1)
DELIVERED: Final = Column("deliveries/s", "delivered_per_s", 0)
PUBLISHED: Final = Column("messages/s", "published_per_s", 0)
P50: Final = Column("p50, ms", "latency_ms.p50")
P99: Final = Column("p99, ms", "latency_ms.p99")
BYTES: Final = Column("bytes each", "bytes_per_delivery", 0)


def _room(members: int, window: int, x: int | None = None) -> Point:
    opening = 200 if members > 2_000 else 64
    options = ("--window", str(window), "--opening", str(opening))
    return Point(f"{members:,} members", Crowd(members, members), options, x)


def _conversations(count: int, rate: int = 4_000) -> Point:
    options = ("--publishers", str(count), "--rate", str(rate), "--opening", "200")
    return Point(f"{count:,} conversations", Crowd(count, 1), options, count)


def _frozen(count: int) -> Point:
    # Long messages, so that what is kept for a frozen reader fills up before the measurement begins.
    options = ("--frozen", str(count), "--rate", "100", "--pad", "1200")
    return Point(f"{count} frozen", Crowd(1_000, 1_000), options)


def _storm(label: str, crowd: Crowd, missed: int, rate: int) -> Point:
    # Below 4,096 at once: beyond that the kernel's queue drops connections, whoever listens.
    options = (
        "--return", "return", "--steady", "1", "--publishers", str(crowd.groups), "--missed", str(missed),
        "--rate", str(rate), "--opening", "4000", "--window", "4",
    )  # fmt: skip
    return Point(label, crowd, options)


PAIRS: Final = Crowd(1_000, 2)

SCENARIOS: Final = (
    Scenario(
        name="room-busy",
        title="A busy room: 1,000 members, 16 messages in flight",
        shows="What is left of the work when the frames of one turn of the event loop are joined.",
        servers=(*RELAYS, "ejabberd"),
        points=(_room(1_000, 16),),
        columns=(PER_DELIVERY, DELIVERED, P50, P99, BYTES),
        plot="bars",
        quick_servers=RELAYS,
    ),
    Scenario(
        name="room-lone",
        title="A quiet room: 1,000 members, one message at a time",
        shows="One write for each member and message: the system call, and what is done around it.",
        servers=RELAYS,
        points=(_room(1_000, 1),),
        columns=(PER_DELIVERY, DELIVERED, P50, P99, BYTES),
        plot="bars",
        quick_servers=("floor", "native", "uws", "ws"),
    ),
    Scenario(
        name="members",
        title="From 10 to 10,000 members, one message at a time",
        shows="The cost of a delivery must not grow with the room.",
        servers=("floor", *OURS, "uws"),
        points=tuple(_room(members, 1, members) for members in (10, 100, 1_000, 10_000)),
        columns=(PER_DELIVERY, PER_MESSAGE, DELIVERED, P99),
        plot="lines",
        axis="members",
        quick_servers=("floor", "native"),
    ),
    Scenario(
        name="pairs",
        title="Pairs: 500 conversations of two, each sender waits for the last message",
        shows="Many small conversations. Ours, SQLAlchemy and ejabberd store each message; the others do not.",
        servers=(*OURS, "postgres", "seed-sql", "ejabberd", "seed", "ws", "nats", "uws", "floor"),
        points=(Point("500 x 2", PAIRS, ("--publishers", "500")),),
        columns=(PUBLISHED, PER_MESSAGE, P50, P99),
        plot="bars",
        quick_servers=(*OURS, "seed-sql", "seed"),
        warm_up=1.5,
    ),
    Scenario(
        name="pairs-open",
        title="Pairs at half of that rate, whatever the answer",
        shows="Latency from send to receipt below saturation, each message on disk.",
        servers=OURS,
        points=(Point("500 x 2", PAIRS, ("--publishers", "500"), half_of="pairs"),),
        columns=(P99, P50, Column("p99.9, ms", "latency_ms.p999"), PUBLISHED, PER_MESSAGE),
        warm_up=1.5,
    ),
    Scenario(
        name="idle",
        title="10,000 connections at rest, each in a conversation of ten",
        shows="What a connection keeps in memory (private and shared pages of the server), and what rest costs.",
        servers=(*OURS, "uws", "ws", "seed"),
        points=(Point("10,000", Crowd(10_000, 10), ("--idle", "--opening", "200")),),
        columns=(
            Column("KiB a connection", "kib_per_connection", 1),
            Column("CPU at rest, % of a core", "server_cores", 2, 100),
            Column("opened/s", "opened_per_s", 0),
        ),
        rounds=1,
        seconds=30,
        warm_up=4,
        plot="bars",
        quick_servers=OURS,
    ),
    Scenario(
        name="connects",
        title="Connections opened: 5,000, 64 at a time",
        shows="Upgrade, token, first frame. Ours checks a JWT for each; the others let everybody in.",
        servers=(*OURS, "uws", "ws", "seed"),
        points=(Point("5,000", Crowd(5_000, 5_000), ("--idle",)),),
        columns=(
            Column("opened/s", "opened_per_s", 0),
            Column("CPU each, us", "us_cpu_per_opened", 0),
            Column("server, cores", "opening_server_cores"),
            Column("generator, cores", "opening_own_cores"),
        ),
        seconds=0.2,
        warm_up=0,
        joins=False,
        quick_servers=("native", "ws"),
    ),
    Scenario(
        name="frozen",
        title="Readers that do not read, among 1,000 (100 messages of 1.5 KB a second)",
        shows="What the others notice of it, and what is kept in memory for them.",
        servers=OURS,
        points=(_frozen(0), _frozen(1), _frozen(200)),
        columns=(
            Column("p99 of the others, ms", "latency_ms.p99"),
            Column("p50, ms", "latency_ms.p50"),
            PER_DELIVERY,
            Column("memory at the end, MiB", "pss_kib.end", 1, 1 / 1024),
        ),
        seconds=4,
        warm_up=6,
        quick_servers=("native",),
    ),
    Scenario(
        name="storm",
        title="5,000 clients come back at once, with `after_seq`",
        shows="How long until everybody has what was missed, and what those who stayed notice of it.",
        servers=("native",),
        points=(
            _storm("100 rooms of 50, 20 missed", Crowd(5_000, 50), 20, 200),
            _storm("1 room of 5,000, 20 missed", Crowd(5_000, 5_000), 20, 10),
        ),
        columns=(
            Column("until all caught up, s", "storm.seconds"),
            Column("p50 of each, ms", "storm.caught_up_ms.p50", 0),
            Column("replayed events", "storm.replayed", 0),
            Column("CPU per replayed event, us", "storm.us_cpu_per_replayed", 1),
            Column("p99 of who stayed, ms", "storm.steady_ms.p99", 1),
        ),
        seconds=2,
        warm_up=0.5,
        quick_servers=("native",),
    ),
    Scenario(
        name="resume",
        title="One client comes back and missed 1,000 messages",
        shows="From connect to the last missed message: upgrade, token, join, 1,000 events from the log.",
        servers=OURS,
        points=(
            Point(
                "20 clients in turn",
                Crowd(21, 21),
                ("--return", "return", "--steady", "1", "--missed", "1000", "--opening", "1", "--window", "64"),
            ),
        ),
        columns=(
            Column("p50, ms", "storm.caught_up_ms.p50", 1),
            Column("p99, ms", "storm.caught_up_ms.p99", 1),
            Column("CPU per replayed event, us", "storm.us_cpu_per_replayed", 2),
        ),
        seconds=0,
        warm_up=0.2,
        quick_servers=("native",),
    ),
    Scenario(
        name="first-frame",
        title="From connect to the first frame, one at a time",
        shows="How long a person waits until the server speaks, on a server with nothing else to do.",
        servers=(*OURS, "uws", "ws", "seed"),
        points=(Point("300", Crowd(300, 300), ("--idle", "--opening", "1")),),
        columns=(Column("p50, ms", "first_frame_ms.p50", 3), Column("p99, ms", "first_frame_ms.p99", 3)),
        seconds=0.2,
        warm_up=0,
        joins=False,
        quick_servers=("native",),
    ),
    Scenario(
        name="conversations",
        title="From 10 to 10,000 conversations, 4,000 messages a second in all",
        shows="The cost of a message must not grow with the number of conversations.",
        servers=("floor", "native", "uws"),
        points=tuple(_conversations(count) for count in (10, 100, 1_000, 10_000)),
        columns=(PER_MESSAGE, PUBLISHED, P50, P99),
        rounds=2,
        plot="lines",
        axis="conversations",
        quick_servers=("native",),
    ),
)


def quick(scenario: Scenario) -> Scenario:
    """Make a scenario that shows whether everything works, and nothing more."""
    points = tuple(
        _smaller(point)
        for point in scenario.points
        if (point.x or 0) <= (100 if scenario.name == "conversations" else 1_000)
    )
    return replace(
        scenario,
        servers=scenario.quick_servers or scenario.servers,
        points=points,
        rounds=1,
        seconds=min(scenario.seconds or 0.6, 2.0),
        warm_up=min(scenario.warm_up, 2.0 if scenario.name == "frozen" else 0.4),
    )


def _smaller(point: Point) -> Point:
    crowd = point.crowd
    if crowd.connections <= 1_000:
        return point
    connections = crowd.connections // 10
    smaller = Crowd(connections, min(crowd.group, connections))
    options = tuple(
        str(smaller.groups) if name == "--publishers" else value
        for name, value in zip(("", *point.options), point.options, strict=False)
    )
    return replace(point, crowd=smaller, options=options, label=f"{point.label} (a tenth)")
