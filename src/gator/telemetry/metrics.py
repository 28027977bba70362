"""Every metric, named once. A registry of its own, so that two apps never share counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from gator.telemetry.busiest import Busiest
from gator.telemetry.tallies import Distribution, LabelledTally, Tally

LATENCY_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
DURATION_BUCKETS: Final = (1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
REPLY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
PACE_BUCKETS: Final = (1, 5, 10, 20, 50, 100, 200, 500)
BATCH_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 512)


class Metrics:
    """What an operator sees of one process."""

    def __init__(self) -> None:
        # A second series for each, of no use to an operator. The library has no types here.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.busiest = Busiest()
        """Not for Prometheus, which wants few labels: /api/v1/admin/status tells it."""
        r = self.registry

        self.connections = Gauge("gator_connections", "Open WebSocket connections.", registry=r)
        self.connections_opened = Counter("gator_connections_opened", "Connections accepted.", registry=r)
        self.connections_closed = Counter(
            "gator_connections_closed", "Connections ended, by close code.", ["code"], registry=r
        )
        self.connection_seconds = Histogram(
            "gator_connection_seconds", "How long connections lived.", buckets=DURATION_BUCKETS, registry=r
        )
        self.users_online = Gauge("gator_users_online", "Users with a connection, or in their grace.", registry=r)
        self.joined = Gauge("gator_joined", "Conversations joined, summed over connections.", registry=r)
        self.rooms = Gauge("gator_rooms", "Conversations held in memory.", registry=r)

        self.commands = LabelledTally("gator_commands", "Commands received, by type.", "type", registry=r)
        self.refused = Counter("gator_refused", "Commands and requests refused, by code.", ["code"], registry=r)
        self.messages_committed = Tally("gator_messages_committed", "Messages acknowledged.", registry=r)
        self.messages_repeated = Counter(
            "gator_messages_repeated", "Sends recognised as repeats of a stored message.", registry=r
        )
        self.events_published = Tally("gator_events_published", "Durable events published.", registry=r)
        self.deliveries = Tally("gator_deliveries", "Events handed to connections.", registry=r)
        self.delivery_seconds = Distribution(
            "gator_delivery_seconds",
            "From a message's acceptance to its hand-over to the sockets of this process.",
            bounds=LATENCY_BUCKETS,
            registry=r,
        )

        self.journal_waiting = Gauge("gator_journal_waiting", "Changes waiting for the disk.", registry=r)
        self.journal_failures = Counter("gator_journal_failures", "Commits that failed.", registry=r)
        self.notes_dropped = Counter("gator_notes_dropped", "Last-seen and like notes dropped.", registry=r)
        self.commit_entries = Histogram(
            "gator_commit_entries", "Changes in one commit.", buckets=BATCH_BUCKETS, registry=r
        )
        self.commit_seconds = Histogram(
            "gator_commit_seconds", "Duration of a commit.", buckets=LATENCY_BUCKETS, registry=r
        )
        self.journal_wait_seconds = Histogram(
            "gator_journal_wait_seconds",
            "From the submission of a batch's first change to its report.",
            buckets=LATENCY_BUCKETS,
            registry=r,
        )
        self.wal_pages = Gauge("gator_wal_pages", "Pages in SQLite's write-ahead log.", registry=r)
        self.checkpoint_seconds = Histogram(
            "gator_checkpoint_seconds",
            "Copying the write-ahead log into the database, beside the commits or within one.",
            ["where"],
            buckets=LATENCY_BUCKETS,
            registry=r,
        )

        self.outbox_bytes = Gauge(
            "gator_outbox_bytes", "Bytes waiting for slow readers, all together.", registry=r
        )
        self.shed = Counter("gator_shed", "Events not sent to a slow reader, by kind.", ["kind"], registry=r)
        self.catch_ups = Counter("gator_catch_ups", "Times a reader was caught up from the log.", registry=r)
        self.catching_up = Gauge("gator_catching_up", "Readers being caught up now.", registry=r)
        self.replayed = Counter("gator_replayed_events", "Events sent from the log.", registry=r)
        self.holes = Counter("gator_holes", "Holes seen in the events of a conversation.", registry=r)
        self.errors = Counter("gator_errors", "Failures of the server, by place.", ["where"], registry=r)

        self.replies = Counter("gator_replies", "Runs of personas that ended, by state.", ["state"], registry=r)
        self.replies_rejected = Counter(
            "gator_replies_rejected", "Replies that were not begun, by reason.", ["code"], registry=r
        )
        self.replies_waiting = Gauge("gator_replies_waiting", "Replies that wait for their turn.", registry=r)
        self.replies_live = Gauge("gator_replies_live", "Replies being made now.", registry=r)
        self.reply_wait_seconds = Histogram(
            "gator_reply_wait_seconds",
            "From the question to the reply's turn.",
            buckets=REPLY_BUCKETS,
            registry=r,
        )
        self.reply_first_delta_seconds = Histogram(
            "gator_reply_first_delta_seconds",
            "From a reply's turn to its first piece.",
            buckets=REPLY_BUCKETS,
            registry=r,
        )
        self.reply_tokens_per_second = Histogram(
            "gator_reply_tokens_per_second", "Pace of replies.", buckets=PACE_BUCKETS, registry=r
        )
        self.provider_errors = Counter(
            "gator_provider_errors",
            "Failures of providers, by provider and code.",
            ["provider", "code"],
            registry=r,
        )
        self.provider_open = Gauge(
            "gator_provider_open", "Whether a provider is left alone after failures.", ["provider"], registry=r
        )
        self.reply_tokens = Counter(
            "gator_reply_tokens", "Tokens settled, by provider and kind.", ["provider", "kind"], registry=r
        )

        self.http_requests = Counter(
            "gator_http_requests",
            "HTTP requests, by method, route and status.",
            ["method", "route", "status"],
            registry=r,
        )
        self.http_seconds = Histogram(
            "gator_http_seconds", "Duration of HTTP requests.", ["route"], buckets=LATENCY_BUCKETS, registry=r
        )
        self.http_seconds_of_all = Distribution(
            "gator_http_seconds_of_all", "Duration of HTTP requests.", bounds=LATENCY_BUCKETS, registry=None
        )
        """Their sum over all routes, which is dear to make from hundreds of buckets every other second."""

    def exposition(self) -> bytes:
        """Write all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
