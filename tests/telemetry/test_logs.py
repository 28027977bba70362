import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from gator.telemetry.logs import LogFormat, configure, logger


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def fail() -> None:
    password = "a secret of the server"  # noqa: F841
    raise ZeroDivisionError("a bug")


def test_a_line_is_one_event_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json").info("started", auth="open", connections=7)
    out, err = capsys.readouterr()
    assert out == ""
    line = json.loads(err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "started", "level": "info", "auth": "open", "connections": 7}


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text").warning("hole_seen", head=4, seen=7)
    err = capsys.readouterr().err
    assert "hole_seen" in err
    assert "head=4" in err
    assert "\x1b" not in err, "no colours where nobody sees them"


@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", ["a", "b", "c", "d"]), ("info", ["b", "c", "d"]), ("warning", ["c", "d"]), ("error", ["d"])],
)
def test_lines_below_the_level_are_not_shown(
    capsys: pytest.CaptureFixture[str], level: str, shown: list[str]
) -> None:
    log = configure(level, "json")  # type: ignore[arg-type]
    log.debug("a")
    log.info("b")
    log.warning("c")
    log.error("d")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == shown


def test_lines_of_libraries_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    logging.getLogger("somebody.else").warning("something %s", "happened")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("something happened", "warning")


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_failure_is_shown_with_its_place_and_without_its_secrets(
    capsys: pytest.CaptureFixture[str], style: LogFormat
) -> None:
    log = configure("info", style)
    try:
        fail()
    except ZeroDivisionError as error:
        log.error("handler_failed", exc_info=error)
    err = capsys.readouterr().err
    assert "ZeroDivisionError: a bug" in err
    assert re.search(r"test_logs\.py\S*, line \d+, in fail", err)
    assert "a secret of the server" not in err.replace('password = "a secret of the server"', "")


@pytest.mark.parametrize("library", ["aiohttp.client", "httpx2", "httpcore2.http11"])
def test_no_library_logs_what_a_persona_was_asked(capsys: pytest.CaptureFixture[str], library: str) -> None:
    configure("debug", "json")
    logging.getLogger(library).debug("Request options: %s", {"messages": ["a private word"]})
    logging.getLogger(library).info("HTTP Request: POST")
    assert capsys.readouterr().err == ""


def test_configuring_again_does_not_double_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json")
    configure("info", "json").info("once")
    assert len(capsys.readouterr().err.splitlines()) == 1


# Before `configure`, as a library in somebody else's process


def test_nothing_is_printed_by_a_library(capsys: pytest.CaptureFixture[str]) -> None:
    logger().info("started")
    assert capsys.readouterr() == ("", "")


def test_a_library_logs_through_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gator"):
        logger().info("started", auth="open")
        logger().debug("request")
    assert caplog.messages == ["event='started' auth='open'"]


def test_a_library_shows_a_failure_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    try:
        fail()
    except ZeroDivisionError as error:
        logger().error("handler_failed", exc_info=error)
    assert "ZeroDivisionError: a bug" in caplog.text
    assert "a secret of the server" not in caplog.text.replace('password = "a secret of the server"', "")
