"""Structured logs: one line an event, ids and never contents."""

import logging
import sys
from typing import Final, Literal, Protocol

import structlog

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]


class Log(Protocol):
    """What the house asks of a logger. The event is a name, the fields are values."""

    def debug(self, event: str, **fields: object) -> object: ...
    def info(self, event: str, **fields: object) -> object: ...
    def warning(self, event: str, **fields: object) -> object: ...
    def error(self, event: str, **fields: object) -> object: ...


TALKATIVE: Final = ("aiohttp", "httpx2", "httpcore2")
"""Libraries that at a lower level log each request, and at the lowest what is in it: prompts."""


def configure(level: LogLevel, style: LogFormat) -> Log:
    """Send every log line, ours and the libraries', to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Lines below the level cost a call to a function that does nothing.
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return logger()


def logger() -> Log:
    """Get the house's logger; before `configure` it is a library's: quiet, through `logging`.

    structlog's own default would print every line, and the local variables of every
    function that an exception passed: contents and tokens.
    """
    log: Log = structlog.get_logger("gator")
    if not structlog.is_configured():
        log = structlog.wrap_logger(
            logging.getLogger("gator"),
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
        )
    return log
