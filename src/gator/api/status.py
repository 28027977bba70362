"""The server at this moment, drawn from the metrics."""

import os
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import Gauge

from gator import __version__
from gator.api.status_models import (
    BusyConversationOut,
    ConnectionsOut,
    ConversationsOut,
    ErrorsOut,
    JournalOut,
    LatencyOut,
    PercentilesOut,
    ProviderOut,
    ReadersOut,
    RepliesOut,
    StatusOut,
    TrafficOut,
)
from gator.ports import Clock, Rooms, Timer
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId
from gator.telemetry.busiest import Load
from gator.telemetry.metrics import Metrics
from gator.telemetry.recent import Interval, Recent, quantile

ROUND_S: Final = 2.0
WINDOW_S: Final = 10.0
MINUTE_S: Final = 60.0
TOP: Final = 10


class Status:
    """Remembers how the counters stood in the last minute, and tells what has become of them.

    Args:
        max_connections: Bounds of what has one.
        max_waiting: Of the journal.
        providers: What makes replies, as it stands.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        rooms: Rooms,
        clock: Clock,
        max_connections: int,
        max_waiting: int,
        providers: Callable[[], Sequence[ProviderOut]],
    ) -> None:
        self._metrics = metrics
        self._rooms = rooms
        self._clock = clock
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._providers = providers
        self._started_at = clock.monotonic()
        self._recent = Recent(
            (
                metrics.connections_opened,
                metrics.connections_closed,
                metrics.commands,
                metrics.refused,
                metrics.messages_committed,
                metrics.deliveries,
                metrics.delivery_seconds,
                metrics.commit_seconds,
                metrics.errors,
                metrics.provider_errors,
                metrics.http_requests,
                metrics.http_seconds_of_all,
            )
        )
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to remember."""
        self._round()

    def stop(self) -> None:
        """End it."""
        if self._timer is not None:
            self._timer.cancel()

    def read(self) -> StatusOut:
        """Tell how the server is. Costs about a millisecond."""
        now = self._clock.monotonic()
        window = self._recent.since(WINDOW_S, now)
        minute = self._recent.since(MINUTE_S, now)
        metrics = self._metrics
        return StatusOut(
            version=__version__,
            timestamp=rfc3339(self._clock.now()),
            uptime_s=round(now - self._started_at, 1),
            memory_bytes=memory_bytes(),
            window_s=round(window.seconds, 1),
            connections=ConnectionsOut(
                open=_value(metrics.connections),
                limit=self._max_connections,
                opened_per_s=_rate(window, "gator_connections_opened_total"),
                closed_per_minute=minute.by_label("gator_connections_closed_total"),
            ),
            users_online=_value(metrics.users_online),
            conversations=ConversationsOut(held=_value(metrics.rooms), joined=_value(metrics.joined)),
            traffic=TrafficOut(
                commands_per_s=_rate(window, "gator_commands_total"),
                messages_per_s=_rate(window, "gator_messages_committed_total"),
                deliveries_per_s=_rate(window, "gator_deliveries_total"),
                http_requests_per_s=_rate(window, "gator_http_requests_total"),
            ),
            latency=LatencyOut(
                commit=_percentiles(window, "gator_commit_seconds"),
                delivery=_percentiles(window, "gator_delivery_seconds"),
                http=_percentiles(window, "gator_http_seconds_of_all"),
            ),
            journal=JournalOut(waiting=_value(metrics.journal_waiting), limit=self._max_waiting),
            readers=ReadersOut(catching_up=_value(metrics.catching_up), outbox_bytes=_value(metrics.outbox_bytes)),
            errors_per_minute=ErrorsOut(
                refused=minute.by_label("gator_refused_total"),
                failed=minute.by_label("gator_errors_total"),
                providers=minute.by_label("gator_provider_errors_total"),
            ),
            replies=RepliesOut(
                running=_value(metrics.replies_live),
                waiting=_value(metrics.replies_waiting),
                providers=list(self._providers()),
            ),
            top_conversations=[self._described(load) for load in metrics.busiest.top(TOP, now)],
        )

    def _described(self, load: Load) -> BusyConversationOut:
        conversation_id = ConversationId(load.key)
        held = self._rooms.held(conversation_id)
        return BusyConversationOut(
            id=load.key,
            kind=None if held is None else held.kind,
            title=None if held is None else held.title,
            member_count=None if held is None else len(held.members),
            joined=self._rooms.joined_count(conversation_id),
            messages_per_s=round(load.messages_per_s, 2),
            deliveries_per_s=round(load.deliveries_per_s, 2),
        )

    def _round(self) -> None:
        self._timer = self._clock.call_later(ROUND_S, self._round)
        now = self._clock.monotonic()
        self._recent.take(now)
        self._metrics.busiest.turn(now)


def memory_bytes() -> int:
    """Read the resident memory of this process; where there is no /proc, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _value(gauge: Gauge) -> int:
    [metric] = gauge.collect()
    return round(metric.samples[0].value)


def _rate(interval: Interval, counter: str) -> float:
    return round(interval.per_second(counter), 2)


def _percentiles(interval: Interval, histogram: str) -> PercentilesOut:
    buckets = interval.buckets(histogram)

    def at(share: float) -> float | None:
        seconds = quantile(buckets, share)
        return None if seconds is None else round(seconds * 1000, 2)

    count = round(sum(count for _, count in buckets))
    return PercentilesOut(count=count, p50_ms=at(0.5), p95_ms=at(0.95), p99_ms=at(0.99))
