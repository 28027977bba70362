"""The report: for people, and as JSON for machines."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

import msgspec

from gator.cli.harmless import harmless
from gator.cli.verify.figures import Latencies
from gator.cli.verify.promises import PROMISES
from gator.cli.verify.run import Outcome

VERDICTS: Final = {0: "PASS", 1: "FAIL", 2: "COULD NOT RUN"}
"""By exit status."""

_PERCENTILES: Final = (("p50", 50.0), ("p99", 99.0))


def as_text(outcome: Outcome) -> str:
    """Word an outcome for people."""
    parts = [_head(outcome), _what_was_done(outcome), _promises(outcome), _breaches(outcome), _end(outcome)]
    return "\n\n".join("\n".join(map(harmless, part)) for part in map(list, parts) if part)


def _head(outcome: Outcome) -> Iterator[str]:
    options = outcome.options
    mode = "with tokens" if options.tokens else "in open mode"
    yield f"gator verify {options.url}"
    yield (
        f"{outcome.clients} clients of {outcome.users} users {mode}, {options.conversations} conversations,"
        f" {outcome.seconds:.1f} s, seed {options.seed}"
    )


def _what_was_done(outcome: Outcome) -> Iterator[str]:
    done = outcome.figures
    yield (
        f"said          {done.composed:,} of {outcome.options.messages:,} messages in {done.sends:,} sends"
        f" ({done.on_two_connections:,} times on two connections, {done.over_http:,} over HTTP,"
        f" {done.conflicts:,} with other content)"
    )
    yield f"acknowledged  {done.acknowledged:,}"
    yield f"heard         {done.told:,} events, {done.told_again:,} of them twice as is allowed"
    yield (
        f"trouble       {done.dropped:,} sockets dropped, {done.frozen:,} frozen, {done.closed_by_server:,} closed"
        f" by the server; {done.reconnects:,} reconnects, {done.rejoins:,} rejoins, {done.restarts:,} restarts"
    )
    yield f"send to ack      {_latencies(outcome.ledger.to_ack)}"
    yield f"send to receipt  {_latencies(outcome.ledger.to_receipt)}"
    yield f"lost {done.lost}   doubled {done.doubled}   out of order {done.out_of_order}   holes {done.holes}"


def _latencies(latencies: Latencies) -> str:
    if not len(latencies):
        return "not measured"
    shown = [f"{name} {_ms(latencies.percentile_s(percent))}" for name, percent in _PERCENTILES]
    return f"{'  '.join(shown)}  max {_ms(latencies.max_s)}  ({len(latencies):,} measured)"


def _ms(seconds: float | None) -> str:
    return f"{(seconds or 0) * 1000:.1f} ms"


def _promises(outcome: Outcome) -> Iterator[str]:
    for name, verdict in outcome.verdicts:
        count = f"{verdict.checked:,}" if verdict.checked else "-"
        yield f"{verdict.result:11}  {count:>9}  {name:18}  {PROMISES[name].sentence}"
        if not verdict.checked:
            yield f"{'':24}{'':18}  ({verdict.why_not})"


def _breaches(outcome: Outcome) -> Iterator[str]:
    for name, verdict in outcome.verdicts:
        if verdict.broken:
            yield f"{name} is broken {verdict.broken:,} times (docs/protocol.md, {PROMISES[name].section!r}):"
            yield from (f"  {example}" for example in verdict.examples)
            if verdict.broken > len(verdict.examples):
                yield "  ..."


def _end(outcome: Outcome) -> Iterator[str]:
    if outcome.left:
        yield f"Conversations that could not be deleted: {', '.join(outcome.left)}"
    if outcome.trouble is not None:
        yield f"The run did not come to its end: {outcome.trouble}"
    yield VERDICTS[outcome.status]


def as_json(outcome: Outcome) -> str:
    """Write an outcome for machines. Fields are only ever added."""
    options = outcome.options
    fields = {
        "verdict": VERDICTS[outcome.status],
        "trouble": outcome.trouble,
        "url": options.url,
        "seed": options.seed,
        "seconds": round(outcome.seconds, 3),
        "clients": outcome.clients,
        "users": outcome.users,
        "figures": asdict(outcome.figures),
        "send_to_ack_ms": _measured(outcome.ledger.to_ack),
        "send_to_receipt_ms": _measured(outcome.ledger.to_receipt),
        "promises": [
            {
                "name": name,
                "sentence": PROMISES[name].sentence,
                "result": verdict.result,
                "checked": verdict.checked,
                "broken": verdict.broken,
                "examples": verdict.examples,
                "why_not_checked": None if verdict.checked else verdict.why_not,
            }
            for name, verdict in outcome.verdicts
        ],
        "not_deleted": outcome.left,
    }
    return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode()


def _measured(latencies: Latencies) -> dict[str, float] | None:
    if not len(latencies):
        return None
    shown = {name: latencies.percentile_s(percent) or 0.0 for name, percent in _PERCENTILES} | {
        "max": latencies.max_s
    }
    return {name: round(seconds * 1000, 3) for name, seconds in shown.items()}
