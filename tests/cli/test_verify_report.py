"""Verdicts, figures, and the report on them."""

import json
import re
from pathlib import Path

import pytest

from gator.cli.verify.figures import Figures, Latencies
from gator.cli.verify.idle import longest_silence_s
from gator.cli.verify.ledger import Ledger
from gator.cli.verify.options import Options
from gator.cli.verify.promises import KEPT_EXAMPLES, PROMISES, Verdicts
from gator.cli.verify.report import as_json, as_text
from gator.cli.verify.run import Outcome

DOCS = Path(__file__).resolve().parents[2] / "docs"


def outcome_of(verdicts: Verdicts) -> Outcome:
    options = Options(url="wss://chat.example.org", name="verify-1", seed=7, tokens=("very.secret.token",))
    figures = Figures(composed=3, acknowledged=3, lost=1)
    return Outcome(options, verdicts, figures, Ledger(verdicts, figures), users=2, clients=2, seconds=5.04)


@pytest.mark.parametrize("name", list(PROMISES))
def test_every_promise_stands_in_the_documents(name: str) -> None:
    headings = re.findall(r"^#+ (.+)$", (DOCS / "protocol.md").read_text(), re.MULTILINE)
    found = next(promise for one, promise in PROMISES.items() if one == name)
    assert found.section in headings
    assert f"`{name}`" in (DOCS / "verify.md").read_text()


def test_a_promise_that_nothing_tested_is_not_called_kept() -> None:
    verdicts = Verdicts()
    assert {verdict.result for _, verdict in verdicts} == {"not checked"}
    assert not verdicts.any_broken


def test_one_breach_among_many_tests_fails_a_promise() -> None:
    verdicts = Verdicts()
    verdicts.kept("live", 99)
    assert verdicts.check("live", True, "not said") is True
    assert verdicts["live"].result == "PASS"
    assert verdicts.check("live", False, "c1 missed 7") is False
    verdict = verdicts["live"]
    assert (verdict.result, verdict.checked, verdict.broken) == ("FAIL", 101, 1)
    assert verdict.examples == ["c1 missed 7"]
    assert verdicts.any_broken


def test_breaches_are_all_counted_and_some_described() -> None:
    verdicts = Verdicts()
    for number in range(100):
        verdicts.broken("live", f"c1 missed {number}")
    assert verdicts["live"].broken == 100
    assert len(verdicts["live"].examples) == KEPT_EXAMPLES


def test_the_exit_status_says_pass_fail_or_could_not_run() -> None:
    verdicts = Verdicts()
    outcome = outcome_of(verdicts)
    assert outcome.status == 0
    outcome.trouble = "no server"
    assert outcome.status == 2
    verdicts.broken("live", "c1 missed 7")
    assert outcome.status == 1


def test_the_report_names_every_promise_and_describes_breaches() -> None:
    verdicts = Verdicts()
    verdicts.kept("acknowledged", 1234)
    verdicts.broken("live", "c1 missed\x1b[2J 7")
    verdicts.not_checked("idle", "it needs --idle-seconds")
    outcome = outcome_of(verdicts)
    outcome.left = ["room-9"]
    text = as_text(outcome)
    assert all(name in text for name in PROMISES)
    assert re.search(r"^PASS +1,234 +acknowledged ", text, re.MULTILINE)
    assert re.search(r"^FAIL +1 +live ", text, re.MULTILINE)
    assert re.search(r"^not checked +- +idle ", text, re.MULTILINE)
    assert "(it needs --idle-seconds)" in text
    assert "lost 1 " in text
    assert "c1 missed" in text
    assert "\x1b" not in text
    assert "room-9" in text
    assert text.endswith("\n\nConversations that could not be deleted: room-9\nFAIL")
    assert "very.secret.token" not in text


def test_the_report_for_machines_holds_the_same() -> None:
    verdicts = Verdicts()
    verdicts.broken("live", "c1 missed 7")
    outcome = outcome_of(verdicts)
    outcome.ledger.to_ack.add(0.004)
    outcome.trouble = "the server went away"
    found = json.loads(as_json(outcome))
    assert (found["verdict"], found["trouble"], found["seed"]) == ("FAIL", "the server went away", 7)
    assert found["figures"]["lost"] == 1
    assert found["send_to_ack_ms"] == pytest.approx({"p50": 4, "p99": 4, "max": 4}, rel=0.02)
    assert found["send_to_receipt_ms"] is None
    assert [one["name"] for one in found["promises"]] == list(PROMISES)
    live = next(one for one in found["promises"] if one["name"] == "live")
    assert (live["result"], live["examples"], live["why_not_checked"]) == ("FAIL", ["c1 missed 7"], None)
    assert "very.secret.token" not in as_json(outcome)


def test_percentiles_are_right_within_two_percent() -> None:
    latencies = Latencies()
    assert latencies.percentile_s(50) is None
    for milliseconds in range(1, 1001):
        latencies.add(milliseconds / 1000)
    assert latencies.percentile_s(50) == pytest.approx(0.5, rel=0.02)
    assert latencies.percentile_s(99) == pytest.approx(0.99, rel=0.02)
    assert latencies.percentile_s(100) == latencies.max_s == 1.0
    assert len(latencies) == 1000


def test_a_duration_of_nothing_is_a_duration() -> None:
    latencies = Latencies()
    latencies.add(0.0)
    assert latencies.percentile_s(50) == 0.0


def test_silence_is_measured_from_the_beginning_to_the_end() -> None:
    assert longest_silence_s(0.0, [3.0, 4.0], 5.0) == 3.0
    assert longest_silence_s(0.0, [1.0, 2.0], 9.0) == 7.0
    assert longest_silence_s(0.0, [], 9.0) == 9.0
